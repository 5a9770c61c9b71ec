"""What a person does to a box or a track, with real keys and drags; as the server stored it."""

import math

import numpy as np
import pytest

from app_pages import SESSION, VIEW, box_at, drag, eventually, in_pane, select, show_place
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.review import jobs


@pytest.fixture
def car(served):
    """A proposal of many sweeps, the nearest to the sensor first."""
    tracks = [t for t in served.tracks().values() if len(t["sweeps"]) >= 10]
    ego = served.log.world_from_sensor[:, :2, 3]
    return min(tracks, key=lambda t: math.dist(t["poses"][:2], ego[t["sweeps"][0]]))


def state_of(served, name):
    return served.workspace.edits(served.log).state().tracks.get(name)


def keyed(served, name):
    """Return the boxes that people set, and their sweeps."""
    found = state_of(served, name)
    rows = [] if found is None else [k for k, s in enumerate(found.key_sources) if s == "human"]
    times = served.log.timestamps_ns.tolist()
    if not rows:
        return None
    return found.keyframes[rows], [times.index(found.key_timestamps_ns[k]) for k in rows]


def one(served, name):
    boxes, _ = eventually(lambda: keyed(served, name))
    return boxes.center_m[0], boxes.size_m[0], float(boxes.yaw_rad[0])


def inside(served, sweep, box):
    """Return the points of a sweep in a box, in its axes."""
    pose = np.asarray(served.log.world_from_sensor[sweep])
    points = served.log.sweep(sweep).points_m @ pose[:3, :3].T + pose[:3, 3]
    center, size, yaw = box
    cuboid = Cuboids(np.array([center]), np.array([size]) + 0.02, np.array([yaw]))
    off = points[points_inside(points, cuboid, mask=True)[0]] - center
    c, s = math.cos(yaw), math.sin(yaw)
    return np.column_stack(
        [c * off[:, 0] + s * off[:, 1], c * off[:, 1] - s * off[:, 0], off[:, 2]]
    )


def to(page, pane, start, end):
    """Return where a drag in a pane begins and how far it goes, from places along its axes."""
    a, b = in_pane(page, pane, *start), in_pane(page, pane, *end)
    return a, (b[0] - a[0], b[1] - a[1])


def test_a_corner_moves_two_faces(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    _, (length, width, height) = box_at(car, sweep)
    # In the rear view: left and up.
    drag(page, *to(page, 2, (width / 2, height / 2), (width / 2 + 0.3, height / 2 + 0.2)))
    _, size, _ = one(served, car["track_id"])
    assert size == pytest.approx([length, width + 0.3, height + 0.2], abs=0.03)


def test_the_heading_is_turned_in_the_top_pane(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    (x, y, _, yaw), (_length, *_) = box_at(car, sweep)
    handle = page.evaluate(
        """() => { const pane = document.getElementById('panes').panes[0];
        const on = pane.canvas.getBoundingClientRect();
        const at = pane.handles().find((h) => h.grab.kind === 'heading');
        return [on.left + at.x, on.top + at.y, on.top]; }"""
    )
    assert handle[1] > handle[2] + 3  # it is on the pane
    centre = in_pane(page, 0, 0, 0)
    arm = centre[1] - handle[1]
    turn = math.radians(10)
    drag(page, handle[:2], (-arm * math.sin(turn), arm * (1 - math.cos(turn))))
    center, _, found = one(served, car["track_id"])
    assert math.remainder(found - yaw, 2 * math.pi) == pytest.approx(turn, abs=0.02)
    assert center[:2] == pytest.approx((x, y), abs=1e-3)


def test_ctrl_shrinks_to_the_points_inside(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    _, (_length, _width, height) = box_at(car, sweep)
    drag(page, *to(page, 2, (0, height / 2), (0, height / 2 + 0.6)), key="Control")
    center, size, yaw = one(served, car["track_id"])
    assert size[2] < height + 0.5
    top = inside(served, sweep, (center, size, yaw))[:, 2].max()
    assert top == pytest.approx(size[2] / 2, abs=0.02)


def test_twice_on_a_handle_shrinks_that_side(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    _, before = box_at(car, sweep)
    page.mouse.dblclick(*in_pane(page, 2, 0, before[2] / 2))
    center, size, yaw = one(served, car["track_id"])
    assert size[:2] == pytest.approx(before[:2], abs=1e-3)
    assert size[2] < before[2]
    top = inside(served, sweep, (center, size, yaw))[:, 2].max()
    assert top == pytest.approx(size[2] / 2, abs=0.02)


def test_tight_ground_and_flip_by_key(page, served, car):
    name, sweep = car["track_id"], car["sweeps"][2]
    select(page, car, sweep)
    (_x, _y, z, yaw), before = box_at(car, sweep)
    page.keyboard.press("t")
    center, size, turned = one(served, name)
    points = inside(served, sweep, (center, size, turned))
    points = points[points[:, 2] > -size[2] / 2 + 0.15]
    assert points.max(axis=0) == pytest.approx(size / 2, abs=0.02)
    assert center[2] - size[2] / 2 == pytest.approx(z - before[2] / 2, abs=1e-3)
    page.wait_for_function(f"{SESSION}.outbox.size === 0 && {SESSION}.live === null")
    page.keyboard.press("PageUp")
    page.keyboard.press("Shift+T")
    ground = served.get("/ground", x_m=center[0], y_m=center[1]).json["z_m"]
    eventually(lambda: abs(one(served, name)[0][2] - size[2] / 2 - ground) < 0.01)
    page.wait_for_function(f"{SESSION}.outbox.size === 0 && {SESSION}.live === null")
    page.keyboard.press("g")
    eventually(
        lambda: abs(abs(math.remainder(one(served, name)[2] - yaw, 2 * math.pi)) - math.pi) < 1e-3
    )


def test_a_box_is_pasted_into_its_track_or_as_a_new_one(page, served, car):
    name, (first, other) = car["track_id"], (car["sweeps"][2], car["sweeps"][6])
    known = set(served.tracks())
    select(page, car, first)
    (x, y, *_), size = box_at(car, first)
    page.keyboard.press("Control+c")
    select(page, car, other)
    page.keyboard.press("Control+v")
    boxes, sweeps = eventually(lambda: keyed(served, name))
    assert sweeps == [other]
    assert boxes.center_m[0, :2] == pytest.approx((x, y), abs=1e-3)
    # At the sweep it was copied from, it is another object.
    select(page, car, first)
    page.keyboard.press("Control+v")
    (made,) = eventually(lambda: set(served.tracks()) - known)
    boxes, sweeps = eventually(lambda: keyed(served, made))
    assert (sweeps, state_of(served, made).class_name) == ([first], car["class_name"])
    assert boxes.size_m[0] == pytest.approx(size, abs=1e-3)
    assert keyed(served, name)[1] == [other]


def test_an_answer_to_the_edit_before_does_not_take_a_move_away(page, served, car):
    name, sweep = car["track_id"], car["sweeps"][3]
    select(page, car, sweep)
    page.evaluate(
        """async ([session, name, sweep]) => {
          const box = session.boxAt(name, sweep);
          session.drag({...box, center: [box.center[0] + 0.5, ...box.center.slice(1)]});
          await session.fetch([name]);
          session.commitDrag();
        }""",
        [page.evaluate_handle(SESSION), name, sweep],
    )
    boxes, sweeps = eventually(lambda: keyed(served, name))
    assert sweeps == [sweep]
    assert boxes.center_m[0, 0] == pytest.approx(box_at(car, sweep)[0][0] + 0.5, abs=1e-3)


def test_outside_lifespan_and_split_by_key(page, served, car):
    name, sweeps, times = car["track_id"], car["sweeps"], served.log.timestamps_ns
    select(page, car, sweeps[4])
    page.keyboard.press("o")
    eventually(lambda: len(state_of(served, name).outside_ns) if state_of(served, name) else 0)
    assert state_of(served, name).outside_ns.tolist() == [[times[sweeps[4]]] * 2]
    page.wait_for_function(f"{SESSION}.tracks.get('{name}').outside_ns.length === 1")
    page.keyboard.press("o")
    eventually(lambda: len(state_of(served, name).outside_ns) == 0)
    select(page, car, sweeps[1])
    page.keyboard.press("[")
    eventually(lambda: state_of(served, name).span_ns[0] == times[sweeps[1]])
    page.wait_for_function(f"{SESSION}.tracks.get('{name}').sweeps[0] === {sweeps[1]}")
    select(page, car, sweeps[-2])
    page.keyboard.press("]")
    eventually(lambda: state_of(served, name).span_ns == (times[sweeps[1]], times[sweeps[-2]]))
    page.wait_for_function(f"{SESSION}.outbox.size === 0")
    page.keyboard.press("Delete")
    eventually(lambda: not state_of(served, name).is_live)


def test_a_track_is_cut_and_joined_again_by_key_and_click(page, served, car):
    name, middle = car["track_id"], car["sweeps"][5]
    known = set(served.tracks())
    select(page, car, middle)
    page.keyboard.press("x")
    (made,) = eventually(lambda: set(served.tracks()) - known)
    page.wait_for_function(f"{SESSION}.tracks.has('{made}')")
    page.wait_for_function(f"{SESSION}.tracks.get('{name}').sweeps.at(-1) < {middle}")
    assert served.tracks()[made]["sweeps"][0] == middle
    # The first part is selected; the other one's box is clicked, at a sweep where it is.
    page.evaluate(f"{SESSION}.select('{name}')")
    page.keyboard.press("v")
    at = show_place(page, served.tracks()[made]["poses"][:3], middle)
    page.keyboard.press("m")
    page.mouse.click(*at)
    dialog = page.get_by_role("dialog", name="Join two tracks")
    dialog.wait_for()
    assert f"{len(car['sweeps'])} boxes" in dialog.inner_text()
    assert state_of(served, made).merged_into is None  # nothing is stored before the answer
    page.keyboard.press("Enter")  # "join" has the focus
    eventually(lambda: state_of(served, made).merged_into == name)
    eventually(lambda: served.tracks()[name]["sweeps"] == car["sweeps"])
    assert made not in served.tracks()


def test_the_next_uncertain_sweep_is_the_solvers(page, served, car):
    name = car["track_id"]
    select(page, car, car["sweeps"][0])
    page.keyboard.press("Shift+W")
    eventually(lambda: keyed(served, name))
    wanted = served.tracks()[name]["next_keyframe"]
    page.wait_for_function(f"{SESSION}.tracks.get('{name}').next_keyframe === {wanted}")
    assert wanted not in (None, car["sweeps"][0])
    page.keyboard.press("Shift+L")
    page.wait_for_function(f"{SESSION}.sweep === {wanted}")


def test_undo_and_redo_go_across_sweeps_and_tracks(page, served):
    tracks = sorted(served.tracks().values(), key=lambda t: -len(t["sweeps"]))[:2]
    for track, sweep in zip(tracks, (2, 5), strict=True):
        select(page, track, track["sweeps"][sweep])
        page.keyboard.press("k")
        eventually(lambda name=track["track_id"]: keyed(served, name))
    one_id, two_id = (t["track_id"] for t in tracks)
    page.keyboard.press("Control+z")
    eventually(lambda: not keyed(served, two_id))
    page.keyboard.press("Control+z")
    eventually(lambda: not keyed(served, one_id))
    page.keyboard.press("Control+Shift+z")
    eventually(lambda: keyed(served, one_id))
    assert keyed(served, two_id) is None
    page.keyboard.press("Control+Shift+z")
    eventually(lambda: keyed(served, two_id))


def test_seconds_of_work_are_stored_and_pauses_left_out(page, served, car):
    select(page, car, car["sweeps"][1])
    page.evaluate(
        """() => { const real = performance.now.bind(performance); window.later = 0;
        performance.now = () => real() + window.later; }"""
    )
    page.mouse.move(300, 300)
    page.evaluate("window.later = 20_000")  # at work
    page.mouse.move(310, 300)
    page.evaluate("window.later = 620_000")  # ten minutes of something else
    page.mouse.move(320, 300)
    page.keyboard.press("y")
    eventually(lambda: state_of(served, car["track_id"]))
    (row,) = [r for r in served.workspace.edits(served.log).history() if r.edit.kind == "finalise"]
    assert 20 <= row.edit.active_s < 60


def test_a_running_job_is_cancelled_by_its_button(page, served, monkeypatch):
    import time

    def endless(_desk, _track_id, progress):
        for done in range(600):
            progress(done, 600)
            time.sleep(0.05)
        return "not stopped"

    monkeypatch.setitem(jobs.KINDS, "solve", endless)
    page.get_by_role("tab", name="jobs").click()
    page.get_by_role("button", name="solve all tracks").click()
    page.get_by_role("progressbar", name="solve: progress").wait_for()
    page.get_by_role("button", name="cancel").click()
    page.locator(".pl-jobs li", has_text="cancelled").wait_for()
    eventually(lambda: served.log.machine("solved") is None)
    found = page.evaluate(f"{SESSION}.api.jobs()")["jobs"]
    assert [job["status"] for job in found] == ["cancelled"]


def test_a_track_is_propagated_anew_by_its_button(page, served, car):
    select(page, car, car["sweeps"][0])
    page.keyboard.press("k")
    eventually(lambda: keyed(served, car["track_id"]))
    page.get_by_role("button", name="propagate anew").click()

    def done():
        found = page.evaluate(f"{SESSION}.api.jobs()")["jobs"]
        return [j for j in found if j["kind"] == "propagate" and j["status"] == "done"]

    (job,) = eventually(done, 20)
    assert job["track_id"] == car["track_id"]
    assert job["message"] == f"{len(served.tracks()[car['track_id']]['sweeps'])} boxes"


def test_the_review_grid_rejects_the_bad_ones(page, served):
    page.keyboard.press("Shift+B")
    tiles = page.locator("button[data-cell]")
    tiles.first.wait_for()
    name = tiles.first.get_attribute("data-cell")
    tiles.first.click()
    page.get_by_role("button", name="Reject 1", exact=True).click()
    eventually(lambda: (found := state_of(served, name)) and found.verdict == "reject")
    assert name not in served.tracks()


def test_a_new_track_by_keyboard_alone(page, served):
    known = set(served.tracks())
    # Where a proposal is: there are points.
    track = max(served.tracks().values(), key=lambda t: len(t["sweeps"]))
    sweep = track["sweeps"][3]
    select(page, track, sweep)
    page.keyboard.press("Delete")
    eventually(lambda: track["track_id"] not in served.tracks())
    page.keyboard.press("v")
    show_place(page, box_at(track, sweep)[0][:3], sweep)
    page.keyboard.press("n")
    assert page.locator(".pl-cross").is_visible()
    page.keyboard.press("Control+Enter")
    (made,) = eventually(lambda: set(served.tracks()) - known, 20)
    k = served.tracks()[made]["sweeps"].index(sweep)
    place = served.tracks()[made]["poses"][4 * k : 4 * k + 2]
    assert math.dist(place, box_at(track, sweep)[0][:2]) < 1.0
    assert not page.locator(".pl-cross").is_visible()
    before = page.evaluate(f"{VIEW}.camera.position.toArray()")
    page.keyboard.press("Control+ArrowRight")
    assert page.evaluate(f"{VIEW}.camera.position.toArray()") != before


def test_the_queue_is_renewed_while_others_never_pause(page):
    asked = []
    page.wait_for_selector(".pl-queue li")
    page.wait_for_selector(".pl-queue [role=status]:not(:has-text('renewed'))")
    page.on("request", lambda request: asked.append(request.url) if "/queue" in request.url else 0)
    page.evaluate(
        """async (session) => {
          for (let k = 0; k < 15; k++) {
            session.revision += 1;
            session.tell('tracks');
            await new Promise((done) => setTimeout(done, 500));
          }
        }""",
        page.evaluate_handle(SESSION),
    )
    assert asked
