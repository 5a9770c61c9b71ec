import math

import pytest

from app_pages import SESSION, VIEW, eventually, select


def test_a_rectangle_on_the_ground_becomes_a_track(page, served):
    sweep = 3
    truth, pose = served.log.truth(), served.log.world_from_sensor[sweep]
    here = truth[truth.timestamps_ns == served.log.timestamps_ns[sweep]].cuboids
    car = min(range(len(here)), key=lambda k: math.dist(here.center_m[k, :2], pose[:2, 3]))
    (x, y, z), (length, width, height) = here.center_m[car], here.size_m[car]
    before = set(served.tracks())
    page.evaluate(f"{SESSION}.show({sweep})")
    page.keyboard.press("v")
    page.evaluate(
        f"""(box) => {VIEW}.lookAt(box)""",
        {"center": [x, y, z], "size": [length, width, height], "yaw": 0.0},
    )
    page.wait_for_function(f"{VIEW}.timings.at(-1)?.sweep === {sweep}")
    page.wait_for_timeout(300)
    reach = math.hypot(length, width) / 2 + 0.2
    corners = page.evaluate(
        f"(places) => places.map((place) => {VIEW}.project(place))",
        [[x - reach, y - reach, z - height / 2], [x + reach, y + reach, z - height / 2]],
    )
    a, b = [(at["x"], at["y"]) for at in corners]
    page.keyboard.down("Control")
    page.mouse.move(*a)
    page.mouse.down()
    page.mouse.move((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    page.mouse.move(*b)
    page.mouse.up()
    page.keyboard.up("Control")
    (name,) = eventually(lambda: set(served.tracks()) - before, 20)
    made = served.tracks()[name]
    k = made["sweeps"].index(sweep)
    assert math.dist(made["poses"][4 * k : 4 * k + 2], (x, y)) < 0.8
    eventually(lambda: page.evaluate(f"{SESSION}.selected") == name)


@pytest.fixture
def car(served):
    tracks = [t for t in served.tracks().values() if len(t["sweeps"]) >= 10]
    ego = served.log.world_from_sensor[:, :2, 3]
    return min(tracks, key=lambda t: math.dist(t["poses"][:2], ego[t["sweeps"][0]]))


def shot(page):
    page.wait_for_timeout(200)
    return page.evaluate(
        f"""() => {{ const v = {VIEW}; v.invalidate(); v.draw();
        const c = document.createElement('canvas'); c.width = v.canvas.width;
        c.height = v.canvas.height;
        const ctx = c.getContext('2d'); ctx.drawImage(v.canvas, 0, 0);
        const d = ctx.getImageData(0, 0, c.width, c.height).data, seen = {{}};
        for (let k = 0; k < d.length; k += 4) {{
          const name = (d[k] << 16) | (d[k + 1] << 8) | d[k + 2];
          seen[name] = (seen[name] || 0) + 1;
        }}
        return seen; }}"""
    )  # fmt: skip


def test_points_take_the_colour_of_their_boxes_class(page, car):
    select(page, car, car["sweeps"][2])
    page.keyboard.press("z")
    page.evaluate(f"{SESSION}.set({{colour: 'height'}})")
    blue = str(0x56B4E9 if car["class_name"] == "car" else 0x0072B2)
    before = shot(page).get(blue, 0)
    page.evaluate(f"{SESSION}.set({{colour: 'class'}})")
    assert shot(page).get(blue, 0) > before + 20


def test_focus_leaves_only_what_is_near(page, car):
    select(page, car, car["sweeps"][2])
    page.keyboard.press("z")
    whole = shot(page)
    page.evaluate(f"{SESSION}.set({{isFocused: true}})")
    near = shot(page)
    back = max(whole, key=whole.get)
    assert near[back] > whole[back]
    assert len(near) > 5  # the car's points are still there


def test_movers_are_left_out_of_the_sweeps_around(page, car):
    """What another sweep saw of a mover is hidden; what the shown sweep saw is not."""
    shown, other = car["sweeps"][8], car["sweeps"][4]
    hidden, inside, own = page.evaluate(
        f"""async ([id, shown, other]) => {{ const session = {SESSION};
        const {{owners, paint}} = perception_label, track = session.tracks.get(id);
        track.is_static = false;
        track.poses[0] += 5; // now it goes somewhere
        session.show(shown);
        const cloud = await session.clouds.load(other), now = await session.clouds.load(shown);
        const box = session.boxAt(id, other), pose = session.scene.world_from_sensor[other];
        const inside = owners.owners(cloud, pose, [box]).filter((n) => n === 0).length;
        const values = paint.paintOf(session, cloud, other);
        const hidden = values.filter((v, k) => k % 4 === 3 && v === 128);
        return [hidden.length, inside, paint.paintOf(session, now, shown)]; }}""",
        [car["track_id"], shown, other],
    )  # fmt: skip
    assert inside > 10
    assert hidden >= inside
    assert own is None


def test_a_turn_with_fit_turns_and_fits(page, served, car):
    sweep = car["sweeps"][2]
    select(page, car, sweep)
    k = car["sweeps"].index(sweep)
    page.keyboard.press("r")

    def keyed():
        state = served.workspace.edits(served.log).state().tracks.get(car["track_id"])
        if state is None:
            return None
        rows = [i for i, source in enumerate(state.key_sources) if source == "human"]
        return state.keyframes[rows] if rows else None

    found = eventually(keyed)
    turn = found.yaw_rad[0] - car["poses"][4 * k + 3]
    assert math.remainder(turn, 2 * math.pi) == pytest.approx(math.radians(2), abs=1e-4)
    assert found.size_m[0].tolist() != pytest.approx(car["size_m"], abs=1e-3)
    assert found.size_m[0, 2] == pytest.approx(car["size_m"][2], abs=1e-3)
