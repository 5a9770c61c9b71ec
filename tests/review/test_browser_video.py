"""A log whose camera is a video: looked at, stepped, played and labelled."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("av", reason="no decoder of videos is installed")

from app_pages import SESSION, eventually, select
from perception_label.geometry.cameras import Camera, Images
from videos import number_in, write
from wide_logs import times, wide_workspace

N = 24  # images, 20 a second; sweeps are 10 a second
SIZE = (176, 96)
VIEW = "document.getElementById('images').view"
# Looks ahead; x right, y down.
AHEAD = np.array([[0.0, 0, 1, 1.2], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1]])


@pytest.fixture
def drive(tmp_path):
    path = write(tmp_path / "front.mp4", 50 * np.arange(N))
    at = times(1)[0] + 50_000_000 * np.arange(N)
    lens = ((120.0, 0.0, 87.5), (0.0, 120.0, 47.5), (0.0, 0.0, 1.0))
    camera = Camera(*SIZE, lens, AHEAD)
    workspace = wide_workspace(
        tmp_path / "ws", sweeps=12, tracks=4, cameras={"front": camera},
        images={"front": Images(at, (path,) * N)},
    )  # fmt: skip
    return SimpleNamespace(workspace=workspace, log=workspace.log())


@pytest.fixture
def page(drive, serving, visiting):
    with serving(drive) as address, visiting(address) as page:
        yield page


def number_on(page, element):
    """Return the number that a picture or a canvas shows."""
    data = page.evaluate(
        """(css) => { const from = document.querySelector(css);
        const to = document.createElement('canvas');
        [to.width, to.height] = [176, 96];
        to.getContext('2d').drawImage(from, 0, 0, 176, 96);
        return to.toDataURL('image/png').split(',')[1]; }""",
        element,
    )
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        return number_in(np.asarray(picture.convert("RGB")))


def shown(page):
    """Return the number in the picture that the 2-D view draws."""
    page.wait_for_function(f"{VIEW}.shown === {VIEW}.image")
    page.evaluate(f"window.drawn = {VIEW}.pictures.get({VIEW}.shown)")
    page.evaluate("window.drawn.id = 'drawn'; document.body.append(window.drawn)")
    found = number_on(page, "#drawn")
    page.evaluate("window.drawn.remove()")
    return found


def test_the_strip_shows_the_videos_image_of_the_sweep(page):
    large = "#cameras > div:first-child > img"
    for sweep in (0, 7, 3):
        page.evaluate(f"{SESSION}.show({sweep})")
        page.wait_for_function(
            f"""document.querySelector('{large}').src.includes('/images/{2 * sweep}')
            && document.querySelector('{large}').complete"""
        )
        assert number_on(page, large) == 2 * sweep


def test_the_video_is_stepped_played_and_labelled(page, drive):
    page.keyboard.press("i")
    page.wait_for_function(f"{VIEW}.isOpen && {VIEW}.shown === 0")
    assert shown(page) == 0
    for key, image in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10)):
        page.keyboard.press(key)
        page.wait_for_function(f"{VIEW}.shown === {image}")
        assert shown(page) == image
    # Drawn between two sweeps: a keyframe at the image's own time.
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{VIEW}.shown === 11")
    page.keyboard.press("b")
    a, b = (page.evaluate(f"([x, y]) => {VIEW}.at(x, y)", place) for place in ([40, 30], [90, 70]))
    page.mouse.move(a["x"], a["y"])
    page.mouse.down()
    page.mouse.move(b["x"], b["y"])
    page.mouse.up()
    edits = drive.workspace.edits(drive.log)

    def keys():
        return [
            (at, said["box_px"])
            for track in edits.state().live().values()
            for (camera, kind), found in track.shapes.items()
            if (camera, kind) == ("front", "box")
            for at, said in zip(found.timestamps_ns.tolist(), found.said, strict=True)
        ]

    ((at, box),) = eventually(keys)
    assert at == drive.log.image_timestamps_ns["front"][11]
    assert box == pytest.approx([40, 30, 90, 70], abs=0.5)
    page.keyboard.press("Escape")  # the tool
    page.keyboard.press("Space")
    page.wait_for_function(f"{VIEW}.isPlaying && {VIEW}.shown >= 14")
    page.keyboard.press("Space")
    page.wait_for_function(f"!{VIEW}.isPlaying")
    stopped = page.evaluate(f"{VIEW}.image")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{VIEW}.image") == stopped
    page.get_by_role("button", name="play").click()
    page.wait_for_function(f"{VIEW}.shown === {N - 1} && !{VIEW}.isPlaying")
    assert shown(page) == N - 1
    # It is the panel's own clock: the page's sweep follows when it is closed.
    page.keyboard.press("Escape")
    page.wait_for_function(f"!{VIEW}.isOpen && {SESSION}.sweep === 11")


def test_the_strip_draws_the_box_while_it_is_dragged(page, drive):
    track = {"track_id": "t0001"}
    select(page, track, 2)
    overlay = """() => { const c = document.querySelector('#cameras > div:first-child > canvas');
      return c.toDataURL(); }"""
    assert page.evaluate("document.getElementById('cameras').strip.shown") == "front"
    before = page.evaluate(overlay)
    ends = page.evaluate(
        "() => [0, 0.5].map((u) => document.getElementById('panes').panes[2].at(0, u))"
    )
    page.mouse.move(ends[0]["x"], ends[0]["y"])
    page.mouse.down()
    page.mouse.move(ends[1]["x"], ends[1]["y"], steps=2)
    page.wait_for_timeout(150)
    during = page.evaluate(overlay)
    assert during != before
    assert drive.workspace.edits(drive.log).revision == 0  # nothing is stored while it is dragged
    page.mouse.up()
    edits = drive.workspace.edits(drive.log)
    eventually(lambda: (found := edits.state().tracks.get("t0001")) and found.n_human == 1)
