import math

import pytest

from app_pages import box_at, drag, eventually, in_pane, select


@pytest.fixture
def car(served):
    """A proposal of many sweeps, the nearest to the sensor first."""
    tracks = [t for t in served.tracks().values() if len(t["sweeps"]) >= 10]
    ego = served.log.world_from_sensor[:, :2, 3]
    return min(tracks, key=lambda t: math.dist(t["poses"][:2], ego[t["sweeps"][0]]))


def human(served, name):
    """Return the keyframes that people set on a track."""
    state = served.workspace.edits(served.log).state().tracks.get(name)
    if state is None:
        return []
    return [
        (at, center, size)
        for at, center, size, source in zip(
            state.key_timestamps_ns.tolist(), state.keyframes.center_m.tolist(),
            state.keyframes.size_m.tolist(), state.key_sources, strict=True,
        )
        if source == "human"
    ]  # fmt: skip


def test_an_edge_dragged_in_the_top_pane_moves_that_face(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    (x, y, _, yaw), (length, width, height) = box_at(car, sweep)
    start, further = in_pane(page, 0, 0, length / 2), in_pane(page, 0, 0, length / 2 + 0.5)
    drag(page, start, (0, further[1] - start[1]))
    ((at, center, size),) = eventually(lambda: human(served, car["track_id"]))
    assert at == served.log.timestamps_ns[sweep]
    assert size == pytest.approx([length + 0.5, width, height], abs=0.03)
    # The rear stays where it was.
    rear = [
        c - s * size[0] / 2 for c, s in zip(center, (math.cos(yaw), math.sin(yaw)), strict=False)
    ]
    was = [x - math.cos(yaw) * length / 2, y - math.sin(yaw) * length / 2]
    assert rear == pytest.approx(was, abs=0.03)


def test_shift_keeps_the_size(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    (x, y, *_), size = box_at(car, sweep)
    start, further = in_pane(page, 0, 0, size[0] / 2), in_pane(page, 0, 0, size[0] / 2 + 0.4)
    drag(page, start, (0, further[1] - start[1]), key="Shift")
    ((_, center, found),) = eventually(lambda: human(served, car["track_id"]))
    assert found == pytest.approx(size, abs=1e-3)
    assert math.dist(center[:2], (x, y)) == pytest.approx(0.4, abs=0.03)


def test_the_centre_moves_the_box(page, served, car):
    sweep = car["sweeps"][1]
    select(page, car, sweep)
    (x, y, z, _), _ = box_at(car, sweep)
    start, higher = in_pane(page, 2, 0, 0), in_pane(page, 2, 0, 0.3)
    drag(page, start, (0, higher[1] - start[1]))
    ((_, center, _),) = eventually(lambda: human(served, car["track_id"]))
    assert center == pytest.approx([x, y, z + 0.3], abs=0.03)


def test_keys_move_and_undo_takes_back(page, served, car):
    select(page, car, car["sweeps"][0])
    (x, y, *_), _ = box_at(car, car["sweeps"][0])
    page.keyboard.press("Shift+W")
    ((_, center, _),) = eventually(lambda: human(served, car["track_id"]))
    assert math.dist(center[:2], (x, y)) == pytest.approx(0.5, abs=0.01)
    page.keyboard.press("Control+z")
    eventually(lambda: not human(served, car["track_id"]))
    page.keyboard.press("Control+Shift+z")
    eventually(lambda: human(served, car["track_id"]))


def test_a_face_handle_in_the_main_view(page, served, car):
    sweep = car["sweeps"][0]
    select(page, car, sweep)
    page.keyboard.press("z")
    page.wait_for_timeout(300)
    _, (length, width, height) = box_at(car, sweep)
    point = """([up]) => { const {view, session} = document.getElementById('viewer');
      const box = session.boxAt(session.selected, session.sweep);
      return view.project([box.center[0], box.center[1], box.center[2] + up]); }"""
    top = page.evaluate(point, [height / 2])
    higher = page.evaluate(point, [height / 2 + 0.5])
    drag(page, (top["x"], top["y"]), (higher["x"] - top["x"], higher["y"] - top["y"]))
    ((_, _, size),) = eventually(lambda: human(served, car["track_id"]))
    assert size == pytest.approx([length, width, height + 0.5], abs=0.06)


def test_the_keys_are_shown_and_left_by_keyboard(page):
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keys").wait_for(state="hidden")
