import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import overlap as oracle
from perception_label import Cuboids, overlap_3d, overlap_bev
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry import overlap

SEEDS = st.integers(0, 2**32 - 1)


def boxes(rng, m, origin=(0.0, 0.0, 0.0)):
    center = rng.uniform(-4, 4, (m, 3)) * [1, 1, 0.3] + origin
    yaw = rng.choice([0, np.pi / 2, np.pi / 4, 1.0], m) + rng.choice([0, 1], m) * rng.random(m)
    return Cuboids(center, rng.uniform(0.3, 6, (m, 3)), yaw)


def turned(cuboids, angle, shift):
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[:3, 3] = shift
    return cuboids.moved(pose)


@given(SEEDS, st.integers(0, 6), st.integers(0, 6), st.integers(0, 2))
def test_overlap_matrix_matches_shapely(seed, m, k, measure):
    rng = np.random.default_rng(seed)
    a, b = overlap._footprints(boxes(rng, m)), overlap._footprints(boxes(rng, k))
    got, expected = np.empty((m, k)), np.empty((m, k))
    overlap.core.overlap_matrix(a, b, measure, got)
    oracle.overlap_matrix(a, b, measure, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


@given(SEEDS, st.integers(0, 8), st.integers(0, 2))
def test_overlap_pairs_matches_shapely(seed, m, measure):
    rng = np.random.default_rng(seed)
    a, b = overlap._footprints(boxes(rng, m)), overlap._footprints(boxes(rng, m))
    got, expected = np.empty(m), np.empty(m)
    overlap.core.overlap_pairs(a, b, measure, got)
    oracle.overlap_pairs(a, b, measure, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)


@given(SEEDS, st.integers(0, 12), st.floats(0.05, 0.9), st.sampled_from(["iou", "iou_3d"]))
def test_keep_best_matches_the_oracle(seed, m, limit, measure):
    rng = np.random.default_rng(seed)
    cuboids, scores = boxes(rng, m), rng.integers(0, 4, m) / 4
    order = np.argsort(-scores, kind="stable")
    kept, out = np.full(m, -1), np.empty(m, dtype=np.uint8)
    oracle.suppress(
        overlap._footprints(cuboids), order, limit, overlap.MEASURES[measure], kept, out
    )
    got = overlap.keep_best(cuboids, scores, limit, measure=measure)
    assert got.tolist() == kept[kept >= 0].tolist()


@given(SEEDS, st.integers(1, 6))
def test_overlap_is_symmetric_and_one_with_itself(seed, m):
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, m), boxes(rng, m)
    np.testing.assert_allclose(overlap_3d(a, b), overlap_3d(b, a).T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diag(overlap_bev(a, a)), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diag(overlap_3d(a, a)), 1, rtol=0, atol=1e-12)
    assert (overlap_3d(a, b) <= 1).all()


@given(SEEDS, st.floats(-4, 4))
def test_rigid_motion_changes_nothing(seed, angle):
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, 4), boxes(rng, 4)
    moved = overlap_3d(turned(a, angle, [30, -20, 5]), turned(b, angle, [30, -20, 5]))
    np.testing.assert_allclose(moved, overlap_3d(a, b), rtol=0, atol=1e-9)


@given(SEEDS)
def test_order_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    a, b, order = boxes(rng, 5), boxes(rng, 4), rng.permutation(5)
    assert (overlap_bev(a[order], b) == overlap_bev(a, b)[order]).all()


def test_far_from_the_origin_nothing_is_lost():
    rng = np.random.default_rng(3)
    # Whole quarters, so that the centres themselves are exact at UTM size.
    a = Cuboids(rng.integers(-16, 16, (20, 3)) / 4, rng.uniform(1, 5, (20, 3)), rng.random(20))
    far = Cuboids(a.center_m + np.array([4e5, 5e6, 1e3]), a.size_m, a.yaw_rad)
    assert (overlap_3d(far, far) == overlap_3d(a, a)).all()


@pytest.mark.parametrize(
    ("center", "size", "yaw", "expected"),
    [
        ([0, 0, 0], [4, 2, 1], 0, 1),
        ([0, 0, 0], [4, 2, 1], np.pi, 1),
        ([0, 0, 0], [2, 4, 1], np.pi / 2, 1),
        ([0, 0, 0], [2, 1, 1], 0, 0.25),  # contained
        ([4, 0, 0], [4, 2, 1], 0, 0),  # an edge is shared
        ([4, 2, 0], [4, 2, 1], 0, 0),  # a corner is shared
        ([2, 0, 0], [4, 2, 1], 0, 1 / 3),
        ([0, 0, 0], [0, 0, 0], 0, 0),
        ([0, 0, 0], [4, 0, 1], 0, 0),
        ([0, 0, 0], [-4, -2, 1], 0, 0),
        ([np.nan, 0, 0], [4, 2, 1], 0, 0),
        ([0, 0, 0], [4, np.nan, 1], 0, 0),
        ([0, 0, 0], [4, 2, 1], np.nan, 0),
    ],
)
def test_known_overlaps(center, size, yaw, expected):
    one = Cuboids([[0, 0, 0]], [[4, 2, 1]], [0])
    other = Cuboids([center], [size], [yaw])
    for a, b in ((one, other), (other, one)):
        assert overlap_bev(a, b)[0, 0] == pytest.approx(expected, abs=1e-12)
        assert overlap_3d(a, b)[0, 0] == pytest.approx(expected, abs=1e-12)


def test_a_cuboid_without_size_does_not_even_overlap_itself():
    nothing = Cuboids([[1, 1, 1]], [[0, 0, 0]], [0])
    assert overlap_3d(nothing, nothing).tolist() == [[0]]
    assert overlap_bev(nothing, nothing).tolist() == [[0]]


def test_heights_that_touch_do_not_overlap():
    a = Cuboids([[0, 0, 0]], [[4, 2, 1]], [0])
    b = Cuboids([[0, 0, 1]], [[4, 2, 1]], [0])
    assert overlap_3d(a, b)[0, 0] == 0
    assert overlap_bev(a, b)[0, 0] == 1


def test_no_cuboids_give_an_empty_matrix():
    none = Cuboids(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))
    one = Cuboids([[0, 0, 0]], [[4, 2, 1]], [0])
    assert overlap_bev(none, one).shape == (0, 1)
    assert overlap_3d(one, none).shape == (1, 0)
    assert overlap.keep_best(none, [], 0.5).shape == (0,)


def test_the_better_of_two_stays_and_equals_keep_their_order():
    pair = Cuboids([[0, 0, 0], [0.1, 0, 0]], [[4, 2, 1]] * 2, [0, 0])
    assert overlap.keep_best(pair, [0.2, 0.9], 0.5).tolist() == [1]
    assert overlap.keep_best(pair, [0.5, 0.5], 0.5).tolist() == [0]
    assert overlap.keep_best(pair, [np.nan, 0.1], 0.5).tolist() == [1]
    assert overlap.keep_best(pair, [0.2, 0.9], 1.0).tolist() == [1, 0]


def test_a_part_of_a_larger_cuboid_goes_by_the_smaller_area():
    part = Cuboids([[0, 0, 0], [0, 0, 0]], [[10, 4, 1], [1, 1, 1]], [0, 0.3])
    assert overlap.keep_best(part, [0.9, 0.1], 0.5, measure="iou").tolist() == [0, 1]
    assert overlap.keep_best(part, [0.9, 0.1], 0.5, measure="min_area").tolist() == [0]


def test_pairs_of_different_length_are_refused():
    one = Cuboids([[0, 0, 0]], [[4, 2, 1]], [0])
    with pytest.raises(ShapeError, match="b: expected 1 cuboids, one for each a, got 0"):
        overlap.overlap_3d_pairs(one, one[:0])
    with pytest.raises(ShapeError, match="scores: expected"):
        overlap.keep_best(one, [1, 2], 0.5)
    with pytest.raises(SettingError, match="measure: expected one of"):
        overlap.keep_best(one, [1], 0.5, measure="area")
    assert overlap.overlap_bev_pairs(one, one).tolist() == [1]
