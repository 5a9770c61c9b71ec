from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.cuboids import Cuboids
from perception_label.simulate.picture import View, draw, draw_truth, save

SMALL = {"width_px": 160, "height_px": 90}
BOX = Cuboids([[10.0, 0, -1.0]], [[4, 2, 1.6]], [0.3])


@pytest.mark.parametrize("kind", ["perspective", "above"])
def test_a_picture_shows_points_and_boxes_on_a_dark_ground(kind, tmp_path):
    points = np.random.default_rng(0).uniform([5, -5, -2], [20, 5, 0], (400, 3))
    view = View(kind=kind, **SMALL)
    empty = np.asarray(draw(np.empty((0, 3)), view=view)).astype(int)
    dots = np.asarray(draw(points, view=view)).astype(int)
    boxed = np.asarray(draw(points, BOX, ["car"], view=view)).astype(int)
    assert empty.shape == (90, 160, 3)
    assert empty.max() < 40
    assert dots.sum() > empty.sum()
    assert (boxed - dots).max() > 60
    path = save(draw(points, BOX, ["car"], view=view), tmp_path / "picture.png")
    with Image.open(path) as picture:
        assert picture.size == (160, 90)


def test_points_of_a_class_take_its_colour():
    points = np.array([[10.0, 0, -1.0]] * 5)
    view = View(kind="above", **SMALL)
    plain = np.asarray(draw(points, view=view)).astype(int)
    green = np.asarray(draw(points, view=view, point_classes=["pedestrian"] * 5)).astype(int)
    assert green[..., 1].max() > plain[..., 1].max()


def test_an_unknown_view_is_refused():
    with pytest.raises(SettingError, match="above"):
        draw(np.empty((0, 3)), view=View(kind="sideways"))


def test_a_sweep_is_drawn_with_its_truth(recording):
    view = View(kind="above", **SMALL)
    shown = np.asarray(draw_truth(recording, 3, view=view)).astype(int)
    bare = np.asarray(draw_truth(replace(recording, truth=None), 3, view=view)).astype(int)
    assert (shown - bare).max() > 60


def test_without_poses_there_is_no_picture_of_the_truth(recording):
    with pytest.raises(MissingPosesError, match="ego poses"):
        draw_truth(replace(recording, ego_poses=None), 0)
