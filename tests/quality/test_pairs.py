import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_3d, overlap_bev
from perception_label.quality import pairs as module
from perception_label.quality.pairs import pair_up


def random_boxes(rng, n, n_sweeps):
    center = rng.uniform(0, 25, (n, 3)) * [1, 1, 0.1]
    return (
        Cuboids(center, rng.uniform(0.5, 5, (n, 3)), rng.uniform(-7, 7, n)),
        rng.integers(0, n_sweeps, n),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 100]))
def test_pairs_hold_what_the_full_matrices_hold(seed, block):
    rng = np.random.default_rng(seed)
    truth, at = random_boxes(rng, rng.integers(0, 30), 3)
    labels, when = random_boxes(rng, rng.integers(0, 30), 3)
    before, module.BLOCK_PAIRS = module.BLOCK_PAIRS, block
    try:
        pairs = pair_up(truth, at, labels, when, reach_m=2.0)
    finally:
        module.BLOCK_PAIRS = before
    distance = np.linalg.norm(truth.center_m[:, None, :2] - labels.center_m[None, :, :2], axis=-1)
    bev = overlap_bev(truth, labels)
    i, j = np.nonzero((at[:, None] == when[None]) & ((bev > 0) | (distance <= 2.0)))
    assert pairs.truth.tolist() == i.tolist()
    assert pairs.label.tolist() == j.tolist()
    assert pairs.iou_bev == pytest.approx(bev[i, j], abs=1e-12)
    assert pairs.iou_3d == pytest.approx(overlap_3d(truth, labels)[i, j], abs=1e-12)
    assert pairs.distance_m == pytest.approx(distance[i, j], abs=1e-12)


def test_boxes_of_different_sweeps_never_meet():
    box = Cuboids([[0, 0, 0]], [[4, 2, 2]], [0])
    assert len(pair_up(box, np.array([0]), box, np.array([1]))) == 0
    assert len(pair_up(box, np.array([1]), box, np.array([1]))) == 1
