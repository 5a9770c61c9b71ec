import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import ShapeError
from perception_label.geometry.boxes import (
    as_boxes,
    box_iou,
    center_and_size,
    from_center,
    inside_share,
)


def some(seed, n):
    r = np.random.default_rng(seed)
    low = r.uniform(-20, 20, (n, 2))
    return np.concatenate([low, low + r.uniform(0.1, 30, (n, 2))], axis=1)


@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 5))
def test_iou_is_that_of_the_polygons(seed, n, m):
    a, b = some(seed, n), some(seed + 1, m)
    found = box_iou(a[:, None], b)
    assert found.shape == (n, m)
    for i, j in np.ndindex(n, m):
        p, q = shapely.box(*a[i]), shapely.box(*b[j])
        assert found[i, j] == pytest.approx(p.intersection(q).area / p.union(q).area, abs=1e-9)


def test_iou_of_what_is_not_there_is_not_known():
    box = np.array([0.0, 0, 2, 2])
    assert np.isnan(box_iou(box, np.full(4, np.nan)))
    assert box_iou(box, np.array([2.0, 0, 4, 2])) == 0
    assert box_iou(np.zeros(4), np.zeros(4)) == 0


@given(st.integers(0, 2**32 - 1))
def test_centres_and_sizes_make_the_box_again(seed):
    boxes = some(seed, 4)
    assert from_center(*center_and_size(boxes)) == pytest.approx(boxes)


def test_inside_share_counts_area_in_the_image():
    boxes = np.array([[-5.0, 0, 5, 10], [90, 40, 110, 60], [200, 0, 210, 10]])
    assert inside_share(boxes, 100, 50).tolist() == pytest.approx([0.5, 0.25, 0.0])


@pytest.mark.parametrize(
    "given", [[1, 2, 3, 4], [[0, 0, 0, 5]], [[5, 0, 2, 5]], [[0, 0, np.nan, 5]], [["a", 0, 1, 1]]]
)
def test_what_is_no_box_is_refused(given):
    with pytest.raises(ShapeError, match="boxes_px"):
        as_boxes(given)


def test_no_boxes_are_boxes():
    assert as_boxes(np.empty((0, 4))).shape == (0, 4)
