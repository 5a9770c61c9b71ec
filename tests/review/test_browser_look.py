"""Ways to look: what the keys turn on is on the screen."""

from types import SimpleNamespace

import pytest

from app_pages import SESSION, VIEW, drag, in_pane, select
from wide_logs import wide_workspace

SHOWN = f"""() => {{ const {{view}} = {SESSION}; return view; }}"""


@pytest.fixture
def wide(tmp_path):
    workspace = wide_workspace(tmp_path / "ws", sweeps=14, tracks=3)
    return SimpleNamespace(workspace=workspace, log=workspace.log())


@pytest.fixture
def page(wide, serving, visiting):
    with serving(wide) as address, visiting(address) as page:
        yield page


def drawn(page):
    """Return how many points the main view draws, over all sweeps that it shows."""
    return page.evaluate(
        f"""() => {{ const v = {VIEW}; v.draw();
        return v.renderer.info.render.points; }}"""
    )


def test_the_sweeps_around_are_added_and_taken_away(page):
    page.evaluate(f"{SESSION}.show(7)")
    page.wait_for_function(f"{VIEW}.timings.at(-1)?.sweep === 7")
    assert drawn(page) == 2000
    for sweeps in (5, 11, 14, 1):  # 2, 5 and 10 each way, at a log's ends fewer; then none
        page.keyboard.press("Alt+a")
        page.wait_for_function(
            f"{VIEW}.draw(), {VIEW}.renderer.info.render.points === {2000 * sweeps}"
        )


def test_colourings_point_sizes_and_the_way_of_a_track(page):
    select(page, {"track_id": "t0001"}, 3)
    seen = [page.evaluate(SHOWN)["colour"]]
    for _ in range(6):
        page.keyboard.press("u")
        seen.append(page.evaluate(SHOWN)["colour"])
    assert seen == ["height", "intensity", "class", "track", "source", "time", "height"]
    page.keyboard.press("=")
    page.keyboard.press("=")
    page.keyboard.press("-")
    assert page.evaluate(f"{VIEW}.points.material.uniforms.size.value") == 3
    assert not page.evaluate(f"{VIEW}.path.visible")
    page.keyboard.press("p")
    assert page.evaluate(f"{VIEW}.path.visible")
    assert page.evaluate(f"{VIEW}.path.geometry.attributes.position.count") == 14


def test_birds_eye_zoom_focus_and_others_by_key(page):
    select(page, {"track_id": "t0001"}, 3)
    assert page.evaluate(f"{VIEW}.camera.type") == "PerspectiveCamera"
    page.keyboard.press("v")
    assert page.evaluate(f"{VIEW}.camera.type") == "OrthographicCamera"
    page.keyboard.press("z")
    box = page.evaluate(f"{SESSION}.boxAt('t0001', 3).center")
    on = page.locator("#viewer canvas").bounding_box()
    at = page.evaluate(f"(c) => {VIEW}.project(c)", box)
    assert at["x"] == pytest.approx(on["x"] + on["width"] / 2, abs=2)
    assert at["y"] == pytest.approx(on["y"] + on["height"] / 2, abs=2)
    assert page.evaluate(f"{VIEW}.boxes.shown.length") == 3
    page.keyboard.press("h")
    assert page.evaluate(f"{VIEW}.boxes.shown.map((b) => b.trackId)") == ["t0001"]
    page.keyboard.press("h")
    page.keyboard.press("Shift+H")
    assert page.evaluate(f"{VIEW}.points.material.uniforms.isFocused.value")


def test_a_pane_is_panned_zoomed_and_centred_again(page):
    select(page, {"track_id": "t0001"}, 3)
    here = in_pane(page, 0, 0, 0)
    drag(page, (here[0] + 60, here[1] + 60), (25, -15))
    moved = in_pane(page, 0, 0, 0)
    assert (moved[0] - here[0], moved[1] - here[1]) == pytest.approx((25, -15), abs=1)
    page.mouse.move(*moved)
    page.mouse.wheel(0, -200)
    page.wait_for_function("document.getElementById('panes').panes[0].zoom > 1.2")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.getElementById('panes').panes[0].zoom === 1")
    assert in_pane(page, 0, 0, 0) == pytest.approx(here, abs=1)


def test_sweeps_are_played_and_stepped(page):
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(f"{SESSION}.sweep === 10")
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_function(f"{SESSION}.sweep === 0")
    page.keyboard.press("Space")
    page.wait_for_function(f"{SESSION}.sweep >= 3")
    page.keyboard.press("Space")
    page.wait_for_timeout(150)
    stopped = page.evaluate(f"{SESSION}.sweep")
    page.wait_for_timeout(350)
    assert page.evaluate(f"{SESSION}.sweep") == stopped < 13
