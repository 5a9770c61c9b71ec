"""Dense flow: laws, borders, and real images where they are at hand."""

import numpy as np
import pytest

import perception_label as pl
from perception_label.video.flow import QUALITIES
from perception_label.video.pyramid import pyramid
from waves import waves


def inner(flow, px=12):
    return flow[px:-px, px:-px]


@pytest.mark.parametrize("quality", QUALITIES)
def test_an_image_has_no_flow_to_itself(quality):
    image = waves((70, 90))
    assert (pl.dense_flow(image, image, quality=quality) == 0).all()


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("shift", [(3.0, -2.0), (0.4, 0.3), (-9.5, 6.25)])
def test_a_shift_is_recovered(quality, shift):
    size = (120, 150)
    flow = pl.dense_flow(waves(size), waves(size, shift=shift), quality=quality)
    assert (flow.dtype, flow.shape) == (np.float32, (*size, 2))
    assert np.abs(inner(flow, 16) - shift).mean() < 0.15


def test_a_zoom_is_recovered():
    size = (120, 160)
    y, x = np.mgrid[: size[0], : size[1]]
    flow = pl.dense_flow(waves(size), waves(size, zoom=1.04))
    expected = np.stack([0.04 * x, 0.04 * y], axis=2)
    assert np.abs(inner(flow - expected)).mean() < 0.1


@pytest.mark.parametrize(("gain", "offset"), [(1, 25), (0.7, 0), (0.75, 40), (1.3, -30)])
def test_gain_and_offset_change_little(gain, offset):
    size = (120, 150)
    a, b = waves(size, contrast=0.5), waves(size, contrast=0.5, shift=(3, 2))
    lit = np.clip(b * gain + offset, 0, 255).round().astype(np.uint8)
    flow = pl.dense_flow(a, lit)
    assert np.abs(inner(flow, 16) - [3, 2]).mean() < 0.15


def test_mirrored_images_mirror_the_flow():
    a, b = waves((90, 110)), waves((90, 110), shift=(2.5, 1.5))
    flow = pl.dense_flow(a, b)
    mirrored = pl.dense_flow(a[:, ::-1], b[:, ::-1])[:, ::-1] * np.float32([-1, 1])
    assert np.abs(inner(flow - mirrored)).mean() < 0.05


def test_rgb_and_pyramids_give_the_same_bytes():
    a, b = waves((64, 80)), waves((64, 80), shift=(1, 1))
    flow = pl.dense_flow(a, b)
    assert (pl.dense_flow(pyramid(a), pyramid(b)) == flow).all()
    assert (pl.dense_flow(np.repeat(a[..., None], 3, axis=2), b) == flow).all()
    assert (pl.dense_flow(a, b) == flow).all()


def test_an_initial_flow_reaches_farther():
    size = (120, 160)
    a, b = waves(size, seed=3), waves(size, seed=3, shift=(40, 10))
    begin = np.broadcast_to(np.float32([39, 11]), (*size, 2))
    flow = pl.dense_flow(a, b, initial=begin)
    assert np.abs(flow[20:-30, 10:-60] - [40, 10]).mean() < 0.5
    assert np.isfinite(pl.dense_flow(a, b, initial=np.full((*size, 2), np.nan))).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (7, 9), (8, 8), (33, 17), (3, 200)])
@pytest.mark.parametrize("quality", QUALITIES)
def test_small_images_have_finite_flow(size, quality):
    a, b = waves(size), waves(size, shift=(1, 0))
    flow = pl.dense_flow(a, b, quality=quality)
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()


def test_flat_images_do_not_move():
    a = np.full((60, 70), 90, np.uint8)
    assert np.abs(pl.dense_flow(a, a + 20)).max() < 0.05


@pytest.mark.parametrize(
    "call",
    [
        lambda a: pl.dense_flow(a, a[:-1]),
        lambda a: pl.dense_flow(a, a.astype(float)),
        lambda a: pl.dense_flow(a[:0], a[:0]),
        lambda a: pl.dense_flow(a, a, quality="magic"),
        lambda a: pl.dense_flow(a, a, initial=np.zeros((2, 2))),
        lambda a: pl.dense_flow(a[0], a[0]),
        lambda a: pyramid(a, levels=0),
    ],
)
def test_mistakes_are_named_in_one_line(call):
    with pytest.raises(pl.LabelError, match=r"expected .* got"):
        call(waves((20, 30)))
