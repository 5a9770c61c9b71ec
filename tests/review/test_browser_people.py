"""Edits are never lost, and people see each other: a real server process, real browsers."""

import re
import time

import pytest

from app_pages import SESSION, eventually, select
from perception_label.review.access.people import People
from review_process import Process

PASSWORD = "a long password"
COMMIT_MS = 500  # after a key, until its move has become an edit
READY = f"document.getElementById('viewer')?.session?.tracks.size > 0 && {SESSION}.people.me"


@pytest.fixture
def process(served):
    held = Process(served.workspace)
    yield held
    held.kill()


@pytest.fixture
def guarded(served):
    people = People(served.workspace.path / "access")
    for name in ("ann", "bob"):
        people.put_user(name, PASSWORD, "reviewer")
    held = Process(served.workspace, "--login", "local")
    yield held
    held.kill()


@pytest.fixture
def browse(chromium):
    """Open a page of a browser of its own; errors of lost connections are the point here."""
    contexts = []

    def opened(url, name=None):
        context = chromium.new_context(bypass_csp=True, viewport={"width": 1400, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        if name:
            enter(page, name)
            page.get_by_role("button").click()
        page.wait_for_function(READY)
        return page

    yield opened
    for context in contexts:
        context.close()


def enter(page, name):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)


def longest(served):
    return max(served.tracks().values(), key=lambda t: len(t["sweeps"]))


def stored(served):
    """Return the sweeps that people set keyframes on."""
    rows = served.workspace.edits(served.log).history()
    return [
        served.log.timestamps_ns.tolist().index(row.edit.timestamp_ns)
        for row in rows
        if row.edit.kind == "set_keyframe" and row.edit.source == "human"
    ]


def nudge(page, track, sweep, key="Shift+W"):
    select(page, track, sweep)
    page.keyboard.press(key)
    page.wait_for_timeout(COMMIT_MS)


def saved(page):
    page.wait_for_function(f"{SESSION}.outbox.size === 0", timeout=20_000)


def test_a_server_that_is_killed_during_edits_loses_none(served, process, browse):
    track = longest(served)
    page = browse(process.url)
    for sweep in track["sweeps"][:3]:
        nudge(page, track, sweep)
    process.kill()
    for sweep in track["sweeps"][3:6]:
        nudge(page, track, sweep)
    page.locator("#status .pl-unsaved").wait_for()
    process.start()
    saved(page)
    assert sorted(stored(served)) == track["sweeps"][:6]


def test_a_dropped_network_and_a_reload_lose_nothing(served, process, browse):
    track = longest(served)
    page = browse(process.url)
    page.context.set_offline(True)
    for sweep in track["sweeps"][:3]:
        nudge(page, track, sweep)
    assert page.evaluate(f"{SESSION}.outbox.size") == 3
    assert stored(served) == []
    page.context.set_offline(False)
    page.reload()
    page.wait_for_function(READY)
    saved(page)
    assert sorted(stored(served)) == track["sweeps"][:3]


def test_an_answer_that_was_lost_is_not_stored_twice(served, process, browse):
    track = longest(served)
    page = browse(process.url)
    page.route("**/edits", lambda route: (route.fetch(), route.abort()))
    nudge(page, track, track["sweeps"][1])
    eventually(lambda: (page.wait_for_timeout(50), stored(served))[1])  # routes run meanwhile
    page.unroute("**/edits")
    page.reload()
    page.wait_for_function(READY)
    saved(page)
    assert stored(served) == [track["sweeps"][1]]
    assert page.evaluate(f"{SESSION}.conflicts.size") == 0


def test_an_edit_that_is_too_large_is_told_and_holds_up_no_other(served, process, browse):
    track = longest(served)
    page = browse(process.url)
    page.route("**/edits", lambda route: route.fulfill(status=413, json={"error": "too large"}))
    nudge(page, track, track["sweeps"][0])
    page.get_by_text("too large").first.wait_for()
    page.unroute("**/edits")
    nudge(page, track, track["sweeps"][1])
    saved(page)
    assert stored(served) == [track["sweeps"][1]]


def test_logged_out_during_edits_and_in_again_in_place(served, guarded, browse):
    track = longest(served)
    page = browse(guarded.url, "ann")
    nudge(page, track, track["sweeps"][0])
    saved(page)
    select(page, track, track["sweeps"][1])
    # The edit is what notices: after a dialog has come up its key would be typed there.
    others = re.compile(r"/api/v1/(?!.*/edits)")
    page.route(others, lambda route: route.abort())
    page.context.clear_cookies()
    page.keyboard.press("Shift+W")
    page.get_by_role("dialog", name="Log in").wait_for()
    page.unroute(others)
    page.wait_for_function(f"{SESSION}.outbox.size === 1")
    enter(page, "ann")
    page.keyboard.press("Enter")
    saved(page)
    page.get_by_role("dialog", name="Log in").wait_for(state="hidden")
    assert stored(served) == track["sweeps"][:2]
    authors = {r.edit.author for r in served.workspace.edits(served.log).history()}
    assert "ann" in authors


def test_two_people_in_conflict_see_it_and_resolve_it(served, guarded, browse):
    track, sweep = longest(served), longest(served)["sweeps"][2]
    ann, bob = browse(guarded.url, "ann"), browse(guarded.url, "bob")
    select(ann, track, sweep)
    bob.get_by_label("Others here").get_by_text("ann at").wait_for()
    bob.context.set_offline(True)
    nudge(bob, track, sweep)
    nudge(ann, track, sweep, "Shift+S")
    saved(ann)
    bob.context.set_offline(False)
    bob.get_by_text("changed by somebody else").wait_for()
    assert bob.evaluate(f"[...{SESSION}.ghosts.keys()]") == [track["track_id"]]
    mine = bob.evaluate(f"{SESSION}.ghosts.get({SESSION}.selected).center")
    assert stored(served) == [sweep]
    bob.get_by_role("button", name="apply mine again").click()
    saved(bob)
    assert bob.evaluate(f"{SESSION}.ghosts.size") == 0
    last = served.workspace.edits(served.log).history()[-1].edit
    assert (last.author, last.after["center_m"]) == ("bob", pytest.approx(mine))
    # The other one sees it without doing anything.
    start = time.monotonic()
    ann.wait_for_function(
        "([id, rev]) => document.getElementById('viewer').session.tracks.get(id).revision >= rev",
        arg=[track["track_id"], served.workspace.edits(served.log).revision],
    )
    assert time.monotonic() - start < 3


def test_without_webgl_the_page_says_so(site, chromium):
    page = chromium.new_page(bypass_csp=True)
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(site)
    page.get_by_role("alert").get_by_text("needs WebGL 2").wait_for()
    page.close()


def test_the_page_works_under_its_own_rules(site, chromium):
    page, faults = chromium.new_page(), []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(site)
    eventually(lambda: page.evaluate(f"Boolean({READY})"))
    page.get_by_role("button", name="dashboards").click()
    page.wait_for_timeout(1500)
    page.close()
    assert faults == []
