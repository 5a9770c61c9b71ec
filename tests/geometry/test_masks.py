import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pycocotools import mask as coco

from perception_label.errors import SettingError, ShapeError, SourceError
from perception_label.geometry.masks import (
    Runs,
    as_masks,
    compress,
    decompress,
    encode,
    from_coco,
    mask_iou,
    masks_of_polygons,
    polygon_of_mask,
)

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def blobs(seed, n, h, w):
    """Random masks from empty over smooth blobs to noise and full."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    out = np.zeros((n, h, w), dtype=bool)
    for mask in out:
        kind = rng.integers(5)
        if kind == 0:
            mask[:] = rng.random() < 0.5
        elif kind == 1:
            mask[:] = rng.random((h, w)) < 0.5
        else:
            for _ in range(rng.integers(1, 4)):
                cy, cx, r = rng.uniform(0, h), rng.uniform(0, w), rng.uniform(1, 1 + max(h, w) / 2)
                np.logical_xor(mask, (y - cy) ** 2 + (x - cx) ** 2 < r * r, out=mask)
    return out


def theirs(masks):
    return coco.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), SIZES)
def test_encoding_equals_pycocotools_and_reads_back(seed, n, size):
    masks = blobs(seed, n, *size)
    runs = encode(masks)
    assert runs.to_coco() == theirs(masks)
    assert_array_equal(runs.dense(), masks)
    assert len(runs) == n
    for stored in (theirs(masks), runs.to_coco(compressed=False)):
        back = from_coco(stored)
        assert len(back) == n
        if n:
            assert_array_equal(back.dense(), masks)
            assert back.to_coco() == theirs(masks)


@given(st.lists(st.integers(0, 2**31 - 1), max_size=30))
def test_compressed_runs_read_back_as_they_were(runs):
    text = compress(runs)
    assert_array_equal(decompress(text), runs)
    assert_array_equal(decompress(text.decode()), runs)


def test_uncompressed_runs_equal_pycocotools():
    mask = blobs(3, 1, 30, 20)
    ours = encode(mask).to_coco(compressed=False)[0]
    assert coco.frPyObjects(ours, 30, 20) == theirs(mask)[0]


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, 4), SIZES)
def test_areas_boxes_and_overlaps_equal_the_pixels(seed, m, k, size):
    a, b = blobs(seed, m, *size), blobs(seed + 1, k, *size)
    runs = encode(a)
    assert_array_equal(runs.areas_px(), a.sum(axis=(1, 2)))
    for mask, box in zip(a, runs.boxes_px(), strict=True):
        ys, xs = np.nonzero(mask)
        if len(ys) == 0:
            assert np.isnan(box).all()
        else:
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    shared = (a[:, None] & b[None]).sum(axis=(2, 3))
    joined = (a[:, None] | b[None]).sum(axis=(2, 3))
    expected = np.where(joined > 0, shared / np.maximum(joined, 1), 1)
    assert_array_equal(mask_iou(a, b), expected)
    assert_array_equal(mask_iou(runs, encode(b)).T, mask_iou(b, a))


@given(st.integers(0, 2**32 - 1), SIZES)
def test_the_exact_outline_fills_to_the_same_mask(seed, size):
    mask = blobs(seed, 1, *size)[0]
    outline = polygon_of_mask(mask)
    assert outline.area == mask.sum()
    assert_array_equal(masks_of_polygons([outline], *size)[0], mask)


def test_a_coarser_outline_has_fewer_corners_and_nearly_the_same_pixels():
    y, x = np.mgrid[:100, :120]
    disc = (x - 60) ** 2 + (y - 50) ** 2 < 40**2
    exact, coarse = polygon_of_mask(disc), polygon_of_mask(disc, tolerance_px=1.0)
    assert shapely.get_num_coordinates(coarse) < shapely.get_num_coordinates(exact) / 3
    assert mask_iou(disc, masks_of_polygons([coarse], 100, 120))[0, 0] > 0.96


def test_polygons_are_cut_at_the_image_and_own_their_outline():
    square = [[-5.0, -5.0], [2.0, -5.0], [2.0, 1.0], [-5.0, 1.0]]
    mask = masks_of_polygons([square, [[50, 50], [60, 50], [60, 60]]], 4, 5)
    assert_array_equal(np.argwhere(mask[0]), [[r, c] for r in range(2) for c in range(3)])
    assert not mask[1].any()


def test_a_polygon_that_crosses_itself_fills_both_lobes():
    bow = [[0, 0], [8, 8], [8, 0], [0, 8]]
    mask = masks_of_polygons([bow], 9, 9)[0]
    assert mask[4, 0]
    assert mask[4, 8]
    assert not mask[0, 4]


def test_no_masks_and_empty_masks():
    none = encode(np.zeros((0, 4, 5), dtype=bool))
    assert none.dense().shape == (0, 4, 5)
    assert none.boxes_px().shape == (0, 4)
    assert from_coco([]).dense().shape == (0, 0, 0)
    assert mask_iou(none, none).shape == (0, 0)
    assert masks_of_polygons([], 4, 5).shape == (0, 4, 5)
    empty = np.zeros((4, 5), dtype=bool)
    assert polygon_of_mask(empty).is_empty
    assert mask_iou(empty, empty).tolist() == [[1.0]]
    assert not masks_of_polygons([polygon_of_mask(empty)], 4, 5).any()
    with pytest.raises(IndexError):
        none.runs(0)


def test_masks_as_numbers_and_one_mask_alone_are_taken():
    assert_array_equal(as_masks(np.array([[0, 255]], np.uint8)), [[[False, True]]])
    assert len(encode(np.ones((3, 3), bool))) == 1
    assert encode(np.ones((2, 3), bool))[-1].all()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: encode(np.zeros((2, 2, 2, 2), bool)), ShapeError),
        (lambda: encode(np.zeros((2, 2))), ShapeError),
        (lambda: mask_iou(np.ones((2, 2), bool), np.ones((2, 3), bool)), ShapeError),
        (lambda: from_coco([{"size": [2, 2]}]), SourceError),
        (lambda: from_coco([{"size": [2], "counts": [4]}]), SourceError),
        (lambda: from_coco([{"size": [2, 2], "counts": [1, 2]}]), SourceError),
        (lambda: from_coco([{"size": [2, 2], "counts": [-1, 5]}]), SourceError),
        (lambda: from_coco([{"size": [2, 2], "counts": [0.5, 3.5]}]), SourceError),
        (lambda: from_coco([{"size": [2, 2], "counts": "é"}]), SourceError),
        (
            lambda: from_coco([{"size": [2, 2], "counts": [4]}, {"size": [1, 2], "counts": [2]}]),
            SourceError,
        ),
        (lambda: decompress(b"P"), SourceError),
        (lambda: decompress(b"\xff"), SourceError),
        (lambda: decompress(b"P" * 12 + b"0"), SourceError),
        (lambda: masks_of_polygons([[[0, 0], [1, 1]]], 4, 4), ShapeError),
        (lambda: masks_of_polygons([[[0, 0], [1, np.nan], [1, 0]]], 4, 4), ShapeError),
        (lambda: masks_of_polygons([], 0, 4), SettingError),
        (lambda: polygon_of_mask(np.ones((3, 3), bool), tolerance_px=-1), SettingError),
    ],
)
def test_mistakes_are_errors_in_one_line(call, error):
    with pytest.raises(error, match=r"expected .*got") as caught:
        call()
    assert "\n" not in str(caught.value)


def test_runs_are_columns():
    runs = encode(np.eye(3, dtype=bool))
    assert isinstance(runs, Runs)
    assert runs.lengths.tolist() == [0, 1, 3, 1, 3, 1]
    assert runs.starts.tolist() == [0, 6]
