"""Single points: laws and borders."""

import numpy as np
import pytest

import perception_label as pl
from perception_label.video.pyramid import pyramid
from waves import waves

SIZE = (120, 160)
ACROSS, DOWN = np.meshgrid(np.arange(30, 130, 9.5), np.arange(30, 90, 9.5))
GRID = np.stack([ACROSS, DOWN], axis=-1).reshape(-1, 2)


def test_points_of_the_same_image_stay():
    image = waves(SIZE)
    points, ok, error_px = pl.follow_points(image, image, GRID)
    assert (points.dtype, ok.dtype, error_px.dtype) == (np.float32, np.bool_, np.float32)
    assert ok.all()
    np.testing.assert_allclose(points, GRID, atol=1e-2)
    assert error_px.max() < 1e-2


@pytest.mark.parametrize("shift", [(0.5, -0.25), (4.0, 3.0), (-12.3, 7.7)])
def test_a_shift_is_recovered_and_goes_back(shift):
    a, b = waves(SIZE), waves(SIZE, shift=shift)
    points, ok, error_px = pl.follow_points(a, b, GRID)
    assert ok.mean() > 0.9
    assert np.abs(points[ok] - GRID[ok] - shift).max() < 0.1
    assert error_px[ok].max() < 0.1


@pytest.mark.parametrize(("gain", "offset"), [(1, 25), (0.6, 0), (0.7, 40), (1.3, -30)])
def test_gain_and_offset_change_nothing(gain, offset):
    a, b = waves(SIZE, contrast=0.5), waves(SIZE, contrast=0.5, shift=(3, 2))
    lit = np.clip(b * gain + offset, 0, 255).round().astype(np.uint8)
    points, ok, _ = pl.follow_points(a, lit, GRID)
    assert ok.mean() > 0.95
    assert np.abs(points[ok] - GRID[ok] - [3, 2]).max() < 0.15


def test_mirrored_images_mirror_the_points():
    a, b = waves(SIZE), waves(SIZE, shift=(2.5, 1.5))
    points, ok, _ = pl.follow_points(a, b, GRID)
    flip = np.array([SIZE[1] - 1, 0]) - np.array([1, -1]) * GRID
    mirrored, ok_too, _ = pl.follow_points(a[:, ::-1], b[:, ::-1], flip)
    back = np.array([SIZE[1] - 1, 0]) - np.array([1, -1]) * mirrored
    both = ok & ok_too
    assert both.mean() > 0.95
    np.testing.assert_allclose(back[both], points[both], atol=0.02)


def test_order_and_company_of_points_change_nothing():
    a, b = waves(SIZE), waves(SIZE, shift=(2.5, 1.5))
    points, ok, error_px = pl.follow_points(a, b, GRID)
    order = np.random.default_rng(0).permutation(len(GRID))[:20]
    some, some_ok, some_error_px = pl.follow_points(pyramid(a), pyramid(b), GRID[order])
    assert (some == points[order]).all()
    assert (some_ok == ok[order]).all()
    assert (some_error_px == error_px[order]).all()


def test_a_prediction_reaches_farther():
    a, b = waves(SIZE, seed=4), waves(SIZE, seed=4, shift=(45, 5))
    points, ok, _ = pl.follow_points(a, b, GRID, predicted_px=GRID + np.array([44, 6]), levels=1)
    here = GRID[:, 0] < 100
    assert ok[here].mean() > 0.9
    assert np.abs(points - GRID - [45, 5])[here & ok].max() < 0.2


def test_what_cannot_be_followed_is_not_ok():
    a = waves(SIZE)
    a[:60, :60] = 77
    given = [[30, 30], [np.nan, 3], [80, np.inf], [-5, 50], [160, 50], [1e9, 5], [100, 80]]
    points, ok, error_px = pl.follow_points(a, a, given)
    assert ok.tolist() == [False] * 6 + [True]
    assert np.isinf(error_px[:6]).all()
    assert np.isnan(points[1, 0])
    np.testing.assert_allclose(points[[0, 3, 4]], np.array(given)[[0, 3, 4]], atol=1e-4)


def test_what_leaves_the_image_is_not_ok():
    a, b = waves(SIZE), waves(SIZE, shift=(-20, 0))
    _, ok, _ = pl.follow_points(a, b, [[8, 60], [80, 60]])
    assert ok.tolist() == [False, True]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (5, 3)])
def test_tiny_images_follow_nothing_far(size):
    image = waves(size)
    points, _, error_px = pl.follow_points(image, image, [[0, 0]])
    assert points.shape == (1, 2)
    assert not np.isnan(error_px).any()


def test_no_points_are_fine():
    image = waves(SIZE)
    for none in ([], np.empty((0, 2))):
        points, ok, error_px = pl.follow_points(image, image, none)
        assert (points.shape, ok.shape, error_px.shape) == ((0, 2), (0,), (0,))


@pytest.mark.parametrize(
    "call",
    [
        lambda a: pl.follow_points(a, a[:-1], [[1, 2]]),
        lambda a: pl.follow_points(a, a, [[1, 2, 3]]),
        lambda a: pl.follow_points(a, a, [[1, 2], [3]]),
        lambda a: pl.follow_points(a, a, [["a", "b"]]),
        lambda a: pl.follow_points(a, a, [[1, 2]], predicted_px=[[1, 2], [3, 4]]),
        lambda a: pl.follow_points(a, a, [[1, 2]], window_px=20),
        lambda a: pl.follow_points(a, a, [[1, 2]], window_px=31),
        lambda a: pl.follow_points(a, a, [[1, 2]], levels=0),
        lambda a: pl.follow_points(a, a, [[1, 2]], max_error_px=np.nan),
    ],
)
def test_mistakes_are_named_in_one_line(call):
    with pytest.raises(pl.LabelError, match=r"expected .* got"):
        call(waves((20, 30)))
