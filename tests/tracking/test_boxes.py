import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perception_label.tracking.boxes import link_boxes


def test_two_that_pass_each_other_keep_their_tracks():
    rows = [(k, [10 * k, 0, 10 * k + 20, 40]) for k in range(8)]
    rows += [(k, [70 - 10 * k, 0, 90 - 10 * k, 40]) for k in range(8)]
    images = np.array([r[0] for r in rows])
    ids = link_boxes(np.array([r[1] for r in rows], float), images, np.zeros(16, int))
    assert len(set(ids[:8].tolist())) == len(set(ids[8:].tolist())) == 1
    assert ids[0] != ids[8]


def test_a_gap_is_bridged_and_a_long_one_is_not():
    box = np.tile([0, 0, 10, 10.0], (3, 1))
    assert link_boxes(box, np.array([0, 4, 9]), np.zeros(3, int)).tolist() == [0, 0, 1]


def test_two_classes_are_two_tracks():
    box = np.tile([0, 0, 10, 10.0], (2, 1))
    assert link_boxes(box, np.array([0, 1]), np.array([0, 1])).tolist() == [0, 1]


def test_no_boxes_no_tracks():
    none = np.empty(0, dtype=np.int64)
    assert link_boxes(np.empty((0, 4)), none, none).tolist() == []


@given(st.integers(0, 2**32 - 1))
def test_no_track_has_two_boxes_in_an_image(seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 30, (20, 2))
    boxes = np.hstack([low, low + rng.uniform(5, 20, (20, 2))])
    images = rng.integers(0, 5, 20)
    ids = link_boxes(boxes, images, rng.integers(0, 2, 20))
    assert (ids >= 0).all()
    assert len(set(zip(ids.tolist(), images.tolist(), strict=True))) == 20
