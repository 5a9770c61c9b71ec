"""The keyboard alone: all is reached, nothing holds it, and keys can be others."""

import json
from types import SimpleNamespace

import pytest

from app_pages import SESSION, eventually, select
from perception_label.errors import SettingError
from perception_label.review.app import build_app
from wide_logs import wide_workspace

FOCUS = """() => { const e = document.activeElement;
  if (!e || e === document.body) return null;
  const name = e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent ?? '';
  return `${e.tagName.toLowerCase()} ${name.trim().slice(0, 40)} ${e.id}`; }"""
WANTED = (
    "canvas points and boxes", "canvas timeline", "canvas top view", "canvas side view",
    "canvas rear view", "input Sweep", "select Kind of item", "button accept", "button skip",
    "select Class", "button dashboards", "button tracks", "button queue", "button jobs",
    "input Comment", "button propagate anew",
)  # fmt: skip


@pytest.fixture
def wide(tmp_path):
    workspace = wide_workspace(tmp_path / "ws", sweeps=6, tracks=3)
    return SimpleNamespace(workspace=workspace, log=workspace.log())


def walk(page, key, most=150):
    """Press Tab until the focus has gone round; return what had it, in order."""
    seen = []
    for _ in range(most):
        page.keyboard.press(key)
        found = page.evaluate(FOCUS)
        if found is None or (len(seen) > 3 and found == seen[0]):
            return seen
        seen.append(found)
    raise AssertionError(f"the focus never came round: {seen[-12:]}")


def test_tab_reaches_everything_and_is_held_by_nothing(wide, serving, visiting):
    with serving(wide) as address, visiting(address) as page:
        select(page, {"track_id": "t0001"}, 1)
        page.evaluate("document.activeElement.blur()")
        there = walk(page, "Tab")
        # Tabs that are not open are reached by arrow keys, from the one that is.
        tabs = {"button tracks", "button jobs"}
        missing = [w for w in WANTED if w not in tabs and not any(s.startswith(w) for s in there)]
        assert missing == []
        assert max(there.count(name) for name in there) <= 4  # moves on, never to and fro
        back = walk(page, "Shift+Tab")
        assert len(back) > 0.6 * len(there)
        page.get_by_role("tab", name="queue").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate(FOCUS).startswith("button tracks")


@pytest.mark.parametrize(
    ("key", "dialog"),
    [("?", "Keys"), ("b", "One track over many sweeps"), ("Shift+B", "Many look-alike tracks")],
)
def test_windows_are_left_by_escape_and_give_the_focus_back(wide, serving, visiting, key, dialog):
    with serving(wide) as address, visiting(address) as page:
        select(page, {"track_id": "t0001"}, 1)
        page.locator("#viewer canvas").focus()
        page.keyboard.press(key)
        page.get_by_role("dialog", name=dialog).wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        page.get_by_role("dialog", name=dialog).wait_for(state="hidden")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{SESSION}.sweep === 2")
        page.keyboard.press("y")
        edits = wide.workspace.edits(wide.log)
        eventually(lambda: (t := edits.state().tracks.get("t0001")) and t.is_finalised)


def test_a_field_takes_its_keys_and_lets_go_of_them(wide, serving, visiting):
    with serving(wide) as address, visiting(address) as page:
        select(page, {"track_id": "t0001"}, 1)
        page.get_by_label("Comment").focus()
        page.keyboard.type("xyk")
        assert page.get_by_label("Comment").input_value() == "xyk"
        page.keyboard.press("Escape")
        assert wide.workspace.edits(wide.log).revision == 0
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{SESSION}.sweep === 2")


def test_keys_of_ones_own_are_in_one_file(wide, serving, visiting):
    own = {"finalise": ["F4"], "outside": ["y"], "image:play": ["q"], "dance": ["w"]}
    (wide.workspace.path / "keymap.json").write_text(json.dumps(own))
    with serving(wide) as address, visiting(address) as page:
        told = page.get_by_role("log", name="Messages")
        told.get_by_text("got dance").wait_for()
        select(page, {"track_id": "t0001"}, 1)
        edits = wide.workspace.edits(wide.log)
        page.keyboard.press("y")
        eventually(lambda: (t := edits.state().tracks.get("t0001")) and len(t.outside_ns))
        assert not edits.state().tracks["t0001"].is_finalised
        page.keyboard.press("F4")
        eventually(lambda: edits.state().tracks["t0001"].is_finalised)
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        assert (
            keys.get_by_text("this track is done").locator("..").locator("kbd").inner_text() == "f4"
        )


@pytest.mark.parametrize("text", ["{", "[]", '{"accept": "a"}', '{"accept": [1]}'])
def test_a_keymap_that_is_something_else_is_told_at_the_start(wide, text):
    (wide.workspace.path / "keymap.json").write_text(text)
    with pytest.raises(SettingError, match=r"keymap\.json: expected .*action.*got something else"):
        build_app(wide.workspace)
