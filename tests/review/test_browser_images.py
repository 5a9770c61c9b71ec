"""2-D labels, drawn on a camera's images in a real browser; asserted on what the server stored."""

import time

import numpy as np
import pytest

from app_pages import eventually
from perception_label.geometry.masks import from_coco, masks_of_polygons
from perception_label.review import jobs

CAMERA = "front"
VIEW = "document.getElementById('images').view"


@pytest.fixture
def images(film_page):
    """The page with the camera's images open, the third on the screen."""
    film_page.keyboard.press("i")
    film_page.wait_for_function(f"{VIEW}.isOpen")
    _go(film_page, 2)
    return film_page


def test_a_box_is_drawn_dragged_and_undone(images, film):
    images.keyboard.press("b")
    _drag(images, (40, 30), (80, 60))
    ((_, at, shape, source),) = eventually(lambda: _stored(film, "box"))
    assert at == film.log.image_timestamps_ns[CAMERA][2]
    assert (source, shape["box_px"]) == ("human", pytest.approx([40, 30, 80, 60], abs=0.3))
    # The right edge, then a corner.
    _drag(images, (80, 45), (95, 45))
    eventually(lambda: _box(film)[2] > 90)
    assert _box(film) == pytest.approx([40, 30, 95, 60], abs=0.3)
    _drag(images, (40, 30), (30, 20))
    eventually(lambda: _box(film)[0] < 35)
    assert _box(film) == pytest.approx([30, 20, 95, 60], abs=0.3)
    images.keyboard.press("Control+z")
    eventually(lambda: _box(film)[0] > 35)
    images.keyboard.press("Delete")
    eventually(lambda: not _stored(film, "box"))


def test_a_polygon_is_clicked_and_its_vertices_changed(images, film):
    images.keyboard.press("p")
    for place in ((20, 20), (60, 20), (60, 50), (20, 50)):
        _click(images, place)
    images.keyboard.press("Enter")
    ((_, _, shape, _),) = eventually(lambda: _stored(film, "polygon"))
    corners = np.array([[20, 20], [60, 20], [60, 50], [20, 50]]) - 0.5  # points are pixel centres
    assert np.allclose(shape["parts_px"], [corners], atol=0.3)
    # Between two vertices a drag makes one more; Alt+click takes one away.
    _drag(images, (40, 20), (40, 8))
    eventually(lambda: len(_part(film)) == 5)
    assert np.allclose(_part(film)[1], [39.5, 7.5], atol=0.3)
    images.keyboard.down("Alt")
    _click(images, (60, 50))
    images.keyboard.up("Alt")
    eventually(lambda: len(_part(film)) == 4)
    assert [59.5, 49.5] not in np.round(_part(film), 1).tolist()


def test_a_painted_mask_is_stored_to_the_pixel(images, film):
    images.keyboard.press("m")
    images.evaluate(f"{VIEW}.tools.radius = 6.3")
    _drag(images, (50.5, 40.5), (80.5, 45.5))
    painted = _brushed((50, 40), (80, 45), 6.3)
    eventually(lambda: _stored(film, "mask"))
    assert np.array_equal(_mask(film), painted)
    # The right button takes away.
    _drag(images, (65.5, 30.5), (65.5, 60.5), button="right")
    painted &= ~_brushed((65, 30), (65, 60), 6.3)
    eventually(lambda: np.array_equal(_mask(film), painted))
    # An outline is filled into it.
    images.keyboard.press("f")
    corners = [(100.2, 20.3), (130.4, 22.1), (118.7, 60.6)]
    for place in corners:
        _click(images, place)
    images.keyboard.press("Enter")
    points = np.round(np.array(corners) - 0.5, 2)
    painted |= masks_of_polygons([points], 100, 160)[0]
    eventually(lambda: np.count_nonzero(_mask(film) != painted) <= 2)  # clicks are whole pixels


def test_keypoints_are_set_hidden_and_taken_away(images, film):
    images.get_by_label("class", exact=True).select_option("pedestrian")
    images.keyboard.press("k")
    for place in ((30, 30), (34, 40), (50, 70)):
        _click(images, place)
    eventually(lambda: len(_points(film)) == 3)
    assert np.allclose(_points(film), [[29.5, 29.5], [33.5, 39.5], [49.5, 69.5]], atol=0.3)
    images.keyboard.down("Shift")
    _click(images, (34, 40))
    images.keyboard.up("Shift")
    eventually(lambda: _stored(film, "keypoints")[0][2]["visibility"] == [2, 1, 2])
    images.keyboard.down("Alt")
    _click(images, (30, 30))
    images.keyboard.up("Alt")
    eventually(lambda: len(_points(film)) == 2)
    name = _stored(film, "keypoints")[0][0]
    assert film.workspace.edits(film.log).state().tracks[name].class_name == "pedestrian"


def test_a_class_without_lines_offers_none(images):
    assert images.locator('[data-tool="polyline"]').is_disabled()
    images.get_by_label("class", exact=True).select_option("other")
    assert images.locator('[data-tool="polyline"]').is_enabled()


def test_propagation_fills_the_other_images_and_guesses_are_accepted(images, film):
    images.keyboard.press("b")
    _drag(images, (40, 30), (80, 60))
    eventually(lambda: _stored(film, "box"))
    images.locator('[data-act="propagate"]').click()
    eventually(lambda: film.log.machine("solved_images") is not None, 60)
    table = film.workspace.boxes(film.log, CAMERA).to_pylist()
    times = film.log.image_timestamps_ns[CAMERA].tolist()
    assert [row["image"] for row in table if row["is_key"]] == [2]
    assert len(table) > len(times) // 2
    # The page shows it, with how sure it is; Enter makes it a keyframe.
    images.keyboard.press("ArrowRight")
    guess = f"{VIEW}.shown === 3 && {VIEW}.mine('box')?.is_key === false"
    images.wait_for_function(guess)
    assert 0 < images.evaluate(f"{VIEW}.mine('box').expected_iou") <= 1
    images.keyboard.press("Enter")
    eventually(lambda: [at for _, at, *_ in _stored(film, "box")] == times[2:4])


def test_a_running_propagation_is_stopped(images, monkeypatch):
    def endless(_desk, _track_id, progress):
        for done in range(600):
            progress(done, 600)
            time.sleep(0.05)
        return "not stopped"

    monkeypatch.setitem(jobs.KINDS, "propagate_images", endless)
    images.keyboard.press("Shift+P")
    images.get_by_role("progressbar", name="propagation").wait_for()
    images.get_by_role("button", name="stop").click()
    images.get_by_text("propagation cancelled").first.wait_for()
    assert [job["status"] for job in _jobs(images)] == ["cancelled"]


def test_the_slider_walks_over_all_images(images, film):
    n = len(film.log.image_timestamps_ns[CAMERA])
    images.get_by_label("image", exact=True).fill(str(n - 1))
    images.wait_for_function(f"{VIEW}.shown === {n - 1}")
    images.keyboard.press("Escape")
    images.wait_for_function(f"!{VIEW}.isOpen")
    # The page is then at the sweep nearest to that image.
    last = images.evaluate("document.getElementById('images').session.sweep")
    assert last == len(film.log.sweeps) - 1


def test_a_click_on_a_box_of_the_world_selects_its_track(images):
    session = "document.getElementById('images').session"
    found = images.evaluate(
        f"""() => {{
          const {{project}} = perception_label.project, camera = {VIEW}.model;
          const pose = camera.world_from_camera[2], s = {session};
          const near = [...s.tracks.values()].map((t) => [t, s.boxAt(t.track_id, 2)])
            .filter(([, box]) => box)
            .map(([t, box]) => [t.track_id, project(camera, pose, box.center)])
            .filter(([, p]) => p && p.x > 20 && p.x < 140 && p.y > 20 && p.y < 90)
            .sort((a, b) => a[1].depth - b[1].depth);
          return near.length ? [near[0][0], near[0][1].x + 0.5, near[0][1].y + 0.5] : null;
        }}"""
    )
    name, x, y = found
    images.keyboard.press("v")
    _click(images, (x, y))
    assert images.evaluate(f"{session}.selected") == name


def _jobs(page):
    return page.evaluate("document.getElementById('images').session.api.jobs()")["jobs"]


def _go(page, image):
    page.evaluate(f"(image) => {VIEW}.go(image)", image)
    page.wait_for_function(f"(image) => {VIEW}.shown === image", arg=image)


def _at(page, place):
    found = page.evaluate(f"([x, y]) => {VIEW}.at(x, y)", list(place))
    return found["x"], found["y"]


def _click(page, place):
    page.mouse.click(*_at(page, place))
    page.wait_for_timeout(30)


def _drag(page, start, end, button="left"):
    page.mouse.move(*_at(page, start))
    page.mouse.down(button=button)
    page.mouse.move(*_at(page, end))
    page.mouse.up(button=button)
    page.wait_for_timeout(30)


def _stored(film, kind):
    """Return (track, time, shape, source) of every keyframe of a kind on the camera."""
    state = film.workspace.edits(film.log).state()
    return [
        (track.track_id, at, said, source)
        for track in state.live().values()
        for (camera, geometry), keys in track.shapes.items()
        if (camera, geometry) == (CAMERA, kind)
        for at, said, source in zip(
            keys.timestamps_ns.tolist(), keys.said, keys.sources, strict=True
        )
    ]


def _box(film):
    return _stored(film, "box")[0][2]["box_px"]


def _part(film):
    return _stored(film, "polygon")[0][2]["parts_px"][0]


def _points(film):
    found = _stored(film, "keypoints")
    return found[0][2]["points_px"] if found else []


def _mask(film):
    said = _stored(film, "mask")[0][2]
    return from_coco([{"size": said["size_px"], "counts": said["counts"]}])[0]


def _brushed(a, b, radius):
    """Return the pixels whose centres are within a radius of the line from a to b."""
    y, x = np.mgrid[:100, :160].astype(float)
    ux, uy = b[0] - a[0], b[1] - a[1]
    t = np.clip(((x - a[0]) * ux + (y - a[1]) * uy) / (ux**2 + uy**2), 0, 1)
    return np.hypot(x - a[0] - t * ux, y - a[1] - t * uy) <= radius
