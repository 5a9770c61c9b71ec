"""Large logs and broken ones, in a real browser; asserted on what the server stored."""

import time
from types import SimpleNamespace

import pyarrow as pa

from app_pages import READY, SESSION, VIEW, drag, eventually, in_pane
from perception_label import open_workspace
from perception_label.review import server as server_module
from perception_label.storage.edits import make
from review_process import Process
from wide_logs import times, wide_workspace

# What the browser says of every answer that is an error, and Dash of none.
AWAY = ("Failed to load resource", "Callback failed")


def held(workspace):
    """A workspace of one log, as the fixtures of served ones have it."""
    return SimpleNamespace(workspace=workspace, log=workspace.log())


def state_of(workspace, name):
    return workspace.edits(workspace.log()).state().tracks.get(name)


def n_human(workspace, name):
    found = state_of(workspace, name)
    return 0 if found is None else found.n_human


def go(page, name, sweep):
    page.evaluate(
        f"([id, sweep]) => {{ {SESSION}.show(sweep); {SESSION}.select(id); }}", [name, sweep]
    )
    page.wait_for_function(f"{SESSION}.boxAt('{name}', {sweep}) !== null")
    page.wait_for_timeout(150)


def test_without_webgl_boxes_are_corrected_in_the_panes(served, serving, visiting):
    script = """const real = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
        return String(kind).startsWith('webgl') ? null : real.call(this, kind, ...more);
      };"""
    is_there = f"{SESSION.replace(')', ')?', 1)}?.tracks.size > 0"
    name = max(served.tracks().values(), key=lambda t: len(t["sweeps"]))["track_id"]
    with (
        serving(served) as address,
        visiting(address, is_there, script=script, expected=("WebGL",)) as page,
    ):
        page.get_by_role("alert").get_by_text("needs WebGL 2").wait_for()
        go(page, name, served.tracks()[name]["sweeps"][2])
        start, further = in_pane(page, 0, 0, 0), in_pane(page, 0, 0, 0.4)
        drag(page, start, (0, further[1] - start[1]))
        eventually(lambda: n_human(served.workspace, name) == 1)


def test_a_sweep_that_cannot_be_read_is_told_and_the_others_go_on(tmp_path, serving, visiting):
    workspace = wide_workspace(tmp_path / "ws", sweeps=4)
    path = workspace.path / "logs" / "wide" / "sweeps" / "lidar.arrow"
    overwrite_batch(path, 2)
    with (
        serving(held(open_workspace(workspace.path))) as address,
        visiting(address, expected=AWAY) as page,
    ):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{VIEW}.timings.at(-1).sweep === 1")
        page.keyboard.press("ArrowRight")
        told = page.get_by_role("log", name="Messages")
        told.get_by_text("sweep 2: ").wait_for()
        assert "lidar.arrow" in told.inner_text()
        assert page.evaluate(f"{VIEW}.points.count") == 0
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{VIEW}.timings.at(-1).sweep === 3")
        assert page.evaluate(f"{VIEW}.points.count") == 2000


def overwrite_batch(path, k):
    """Overwrite the description of the k-th record batch of an Arrow file."""
    with pa.OSFile(str(path)) as file:
        file.seek(8)
        for _ in range(k + 1):  # the schema comes first
            pa.ipc.read_message(file)
        start = file.tell()
    with path.open("r+b") as file:
        file.seek(start + 8)
        file.write(b"\x5a" * 96)


def test_a_log_that_is_ingested_while_the_page_is_open(tmp_path, serving, visiting):
    workspace = open_workspace(tmp_path / "ws", create=True)
    nothing = "document.body.innerText.includes('no log yet')"
    empty = SimpleNamespace(workspace=workspace, log=SimpleNamespace(id=None))
    with serving(empty) as address, visiting(address, nothing) as page:
        wide_workspace(tmp_path / "ws", log_id="one")
        page.reload()
        page.wait_for_function(READY)
        assert page.evaluate(f"{SESSION}.logId") == "one"
        # Another one comes: this one goes on, and edits of it are stored.
        wide_workspace(tmp_path / "ws", log_id="two", sweeps=5)
        go(page, "t0001", 1)
        page.keyboard.press("y")
        edits = workspace.edits("one")
        eventually(lambda: (t := edits.state().tracks.get("t0001")) and t.is_finalised)
        page.reload()
        page.wait_for_function(READY)
        page.get_by_role("textbox", name="Log").click()
        page.get_by_role("option", name="two").click()
        page.wait_for_function("document.getElementById('viewer')?.session?.logId === 'two'")
        page.wait_for_function(f"{READY} && {SESSION}.scene.n_sweeps === 5")
        assert workspace.edits("two").state().tracks == {}


def test_a_track_of_3000_keyframes_is_corrected(tmp_path, serving, visiting):
    n = 3000
    workspace = wide_workspace(tmp_path / "ws", sweeps=n, points=40, tracks=1)
    at = times(n)
    size = [4.4, 1.8, 1.6]
    keys = [
        make.set_keyframe("long", int(t), [8 + 0.5 * k, 2, 0.8], 0.0, size)
        for k, t in enumerate(at)
    ]
    workspace.edits(workspace.log()).append([make.create_track("long", "car"), *keys])
    with serving(held(workspace)) as address, visiting(address) as page:
        go(page, "long", 1500)
        begun = time.monotonic()
        page.keyboard.press("Shift+W")
        edits = workspace.edits(workspace.log())
        eventually(lambda: edits.state().tracks["long"].keyframes.center_m[1500, 0] > 758.4)
        page.wait_for_function(f"{SESSION}.outbox.size === 0 && {SESSION}.live === null")
        assert time.monotonic() - begun < 10
        # Keyframe to keyframe, by key.
        for key, sweep in (("l", 1501), ("j", 1500), ("j", 1499)):
            page.keyboard.press(key)
            page.wait_for_function(f"{SESSION}.sweep === {sweep}")
        assert state_of(workspace, "long").n_human == n


def test_1000_tracks_in_one_sweep(tmp_path, serving, visiting):
    workspace = wide_workspace(tmp_path / "ws", tracks=1000, points=20_000, sweeps=5)
    with serving(held(workspace)) as address, visiting(address) as page:
        assert page.evaluate(f"{SESSION}.tracks.size") == 1000
        page.evaluate(f"{SESSION}.set({{colour: 'class'}})")
        go(page, "t0500", 2)
        start, further = in_pane(page, 0, 0, 0), in_pane(page, 0, 0, 0.5)
        drag(page, start, (0, further[1] - start[1]))
        eventually(lambda: n_human(workspace, "t0500") == 1)
        spent = page.evaluate(
            f"""() => {{ const begun = performance.now();
            for (let k = 0; k < 10; k++) {{ {SESSION}.tell('live'); {VIEW}.draw(); }}
            return (performance.now() - begun) / 10; }}"""
        )
        assert spent < 500  # of all views, for one step of a drag, without a GPU
        page.keyboard.press("Delete")
        eventually(lambda: not state_of(workspace, "t0500").is_live)
        page.wait_for_function(f"{SESSION}.tracks.size === 999")


def test_a_million_points_are_drawn_while_they_arrive(tmp_path, serving, visiting):
    workspace = wide_workspace(tmp_path / "ws", points=1_000_000, sweeps=2)
    # A busy machine would hand over everything at once: what is read leaves the page some time.
    script = """window.seen = [];
      const read = ReadableStreamDefaultReader.prototype.read;
      ReadableStreamDefaultReader.prototype.read = async function () {
        const got = await read.call(this);
        await new Promise((done) => setTimeout(done, 10));
        return got;
      };
      (function look() {
        const early = window.perception_label?.earlyView?.();
        const n = (early ?? document.getElementById('viewer')?.view)?.points.count ?? 0;
        if (n && n !== window.seen.at(-1)) window.seen.push(n);
        if (n < 1e6) setTimeout(look, 0);
      })();"""
    with serving(held(workspace)) as address, visiting(address, script=script) as page:
        page.wait_for_function(f"{VIEW}.points.count === 1000000")
        seen = page.evaluate("window.seen")
        assert len(seen) > 2
        assert seen[0] < 1_000_000
        # While the camera moves, a fair sample is drawn.
        box = page.locator("#viewer canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 40, y + 10, steps=3)
        drawn = page.evaluate(f"{VIEW}.points.object.geometry.drawRange.count")
        page.mouse.up()
        assert drawn == page.evaluate(f"{VIEW}.budget")
        page.wait_for_function(f"{VIEW}.points.object.geometry.drawRange.count === 1000000")


def test_edits_that_are_too_many_for_one_request_go_in_several(
    served, serving, visiting, monkeypatch
):
    names = [t["track_id"] for t in served.tracks().values()][:6]
    with serving(served) as address, visiting(address, expected=AWAY) as page:
        monkeypatch.setattr(server_module, "BODY_LIMIT", 900)
        page.context.set_offline(True)
        for name in names:
            page.evaluate(f"(id) => {SESSION}.select(id)", name)
            page.keyboard.press("y")
        long = "x" * 1500
        page.evaluate(
            f"([id, text]) => {SESSION}.edit('comment', id, {{text}}, 0)", [names[0], long]
        )
        page.locator("#status").get_by_text(f"unsaved ({len(names) + 1})").wait_for()
        page.context.set_offline(False)
        eventually(lambda: all(n_done(served, name) for name in names), 20)
        # What no request can hold is told; it stops nothing else.
        page.get_by_role("log", name="Messages").get_by_text("413").wait_for()
        page.locator("#status").get_by_text("saved", exact=True).wait_for()
        page.keyboard.press("/")
        page.keyboard.type("short")
        page.keyboard.press("Enter")
        eventually(lambda: state_of(served.workspace, names[-1]).comments == ("short",))


def n_done(served, name):
    found = state_of(served.workspace, name)
    return found is not None and found.is_finalised


def test_sweeps_are_shown_again_when_the_server_is_back(tmp_path, visiting):
    workspace = wide_workspace(tmp_path / "ws", sweeps=40)
    process = Process(workspace)
    try:
        with visiting(process.url, expected=AWAY) as page:
            page.wait_for_timeout(500)
            process.kill()
            page.get_by_label("Number of the sweep").fill("30")
            page.get_by_role("log", name="Messages").get_by_text("does not answer").first.wait_for()
            process.start()
            page.wait_for_function(f"{VIEW}.timings.at(-1).sweep === 30", timeout=20_000)
            assert page.evaluate(f"{VIEW}.points.count") == 2000
    finally:
        process.kill()


def test_all_edits_of_a_conflict_are_kept_and_made_again(served, serving, visiting):
    track = max(served.tracks().values(), key=lambda t: len(t["sweeps"]))
    name, sweeps = track["track_id"], track["sweeps"]
    with serving(served) as address, visiting(address, expected=AWAY) as page:
        page.context.set_offline(True)
        for sweep in sweeps[2:5]:
            go(page, name, sweep)
            page.keyboard.press("Shift+W")
            page.wait_for_timeout(500)
        served.post(served.key_op(track, 8))  # somebody else
        page.context.set_offline(False)
        page.get_by_text("changed by somebody else").wait_for()
        assert n_human(served.workspace, name) == 1
        page.get_by_role("button", name="apply mine again").click()
        eventually(lambda: n_human(served.workspace, name) == 4)
        state, times = state_of(served.workspace, name), served.log.timestamps_ns
        keyed = {
            at
            for at, s in zip(state.key_timestamps_ns, state.key_sources, strict=True)
            if s == "human"
        }
        assert keyed == {int(times[sweep]) for sweep in (*sweeps[2:5], sweeps[8])}
