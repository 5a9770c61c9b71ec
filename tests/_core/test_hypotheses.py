import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import hypotheses as oracle
from perception_label._core import hypotheses as core
from perception_label.proposals.hypotheses import _GROUPS, _SIZES
from proposals.scenes import both, clumps

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 400))
def test_cluster_shape_matches_its_twin(seed, n):
    _, xy, height, order, start = clumps(seed, n)
    height[::7] = np.float32(0.5)
    inputs = (xy, height, order, start)
    mine, twin = both((core, oracle), "cluster_shape", (len(start) - 1, 18), np.float32, *inputs)
    np.testing.assert_allclose(mine, twin, rtol=1e-5, atol=1e-5)


def test_a_cluster_without_points_has_no_shape():
    out = np.ones((2, 18), np.float32)
    order, start = np.zeros(1, np.int64), np.array([0, 0, 1])
    core.cluster_shape(np.ones((1, 2), np.float32), np.ones(1, np.float32), order, start, out)
    assert (out[0] == 0).all()
    assert out[1, :6].tolist() == [1, 0, 0, 1, 1, 1]


@given(SEEDS, st.integers(1, 300), st.sampled_from([10, 50, 1000]))
def test_closeness_yaw_matches_its_twin(seed, n, max_points):
    _, xy, _, order, start = clumps(seed, n)
    mine, twin = both(
        (core, oracle), "closeness_yaw", len(start) - 1, float, xy, order, start, max_points, 0.05
    )
    for k, (a, b) in enumerate(zip(mine, twin, strict=True)):
        points = xy[oracle.members(order, start, k, max_points)]
        here, there = (oracle.closeness(points, yaw, 0.05) for yaw in (a, b))
        # Two headings may be equally good: with few points, often.
        assert abs(a - b) < 1e-9 or here == pytest.approx(there, rel=1e-5)
        assert 0 <= a < np.pi / 2


@given(SEEDS, st.sampled_from([1, 2, 99, 100, 101, 250, 700]))
def test_extents_match_their_twin(seed, n):
    rng, xy, _, order, start = clumps(seed, n, n_clusters=1)
    owner = rng.integers(0, len(start) - 1, 6)
    yaw = rng.uniform(-4, 4, 6)
    mine, twin = both((core, oracle), "extents", (6, 4), float, xy, order, start, owner, yaw)
    np.testing.assert_allclose(mine, twin, atol=1e-9)


@given(SEEDS, st.integers(0, 40))
def test_suggest_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-20, 20, (n, 2))
    high = low + rng.uniform(0, 1, (n, 2)) * rng.choice([1.0, 3.0, 9.0], (n, 2))
    rect = np.column_stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]])
    yaw, top = rng.uniform(-4, 4, n), rng.uniform(0.3, 3, n)
    results = []
    for side in (core, oracle):
        row, template = np.zeros((2, n * 25), np.int64)
        footprint, seen = np.zeros((n * 25, 5)), np.zeros((n * 25, 2))
        wanted = (yaw, rect, top, _SIZES, _GROUPS[:-1])
        found = side.suggest(*wanted, row, template, footprint, seen)
        results.append((found, row, template, footprint, seen))
    assert results[0][0] == results[1][0]
    for mine, twin in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_allclose(mine, twin, atol=1e-9)


@given(SEEDS, st.integers(0, 60))
def test_group_points_matches_its_twin(seed, n):
    labels = np.random.default_rng(seed).integers(-1, 6, n).astype(np.int32)
    results = []
    for side in (core, oracle):
        start, order = np.zeros(7, np.int64), np.zeros((labels >= 0).sum(), np.int64)
        side.group_points(labels, start, order)
        results.append((start.tolist(), order.tolist()))
    assert results[0] == results[1]


@given(SEEDS, st.integers(1, 40))
def test_average_near_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    cuboids = np.array([5, 1, 0, 4.5, 1.8, 1.5, 0]) + rng.normal(0, 0.3, (n, 7))
    cuboids[:, 6] += rng.integers(-2, 3, n) * np.pi  # either end may be the front
    scores = rng.uniform(0.1, 1, n)
    kept = rng.permutation(n)[: rng.integers(1, n + 1)]
    inputs = (cuboids, scores, kept, 0.5, 0.8, 0.26, 0.7)
    mine, twin = both((core, oracle), "average_near", (len(kept), 7), float, *inputs)
    np.testing.assert_allclose(mine, twin, atol=1e-9)
