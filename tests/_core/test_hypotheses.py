import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import hypotheses as oracle
from perception_label._core import hypotheses as core
from perception_label.proposals.hypotheses import _GROUPS, _SIZES

SEEDS = st.integers(0, 2**32 - 1)
BINS = 240


def clumps(seed, n=300, n_clusters=4):
    """Points around the sensor, their heights, and clusters of them; some share points."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-12, 12, (n_clusters, 2))
    which = rng.integers(0, n_clusters, n)
    xy = (middle[which] + rng.uniform(-2, 2, (n, 2)) * rng.uniform(0.1, 1, (n, 1))).astype("f4")
    height = rng.uniform(-0.5, 5.5, n).astype(np.float32)
    parts = [np.flatnonzero(which == k) for k in range(n_clusters)]
    parts.append(rng.permutation(n)[: rng.integers(1, n + 1)])
    parts = [part for part in parts if len(part)]
    start = np.cumsum([0, *map(len, parts)])
    return rng, xy, height, np.concatenate(parts).astype(np.int64), start.astype(np.int64)


def both(name, n_out, dtype, *inputs):
    """What kernel and twin write."""
    results = []
    for side in (core, oracle):
        out = np.zeros(n_out, dtype)
        getattr(side, name)(*inputs, out)
        results.append(out)
    return results


@given(SEEDS, st.integers(1, 400))
def test_cluster_shape_matches_its_twin(seed, n):
    _, xy, height, order, start = clumps(seed, n)
    height[::7] = np.float32(0.5)
    inputs = (xy, height, order, start)
    mine, twin = both("cluster_shape", (len(start) - 1, 18), np.float32, *inputs)
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
    mine, twin = both("closeness_yaw", len(start) - 1, float, xy, order, start, max_points, 0.05)
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
    mine, twin = both("extents", (6, 4), float, xy, order, start, owner, yaw)
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


@given(SEEDS, st.integers(0, 60))
def test_choose_points_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-9, 9, (n, 3)).astype(np.float32)
    height = rng.uniform(-1, 6, n).astype(np.float32)
    points[::9, 0], height[::7] = np.nan, np.nan
    results = []
    for side in (core, oracle):
        ground, rows = np.zeros(n, np.uint8), np.zeros(n, np.int64)
        found = side.choose_points(points, height, 0.2, 4.5, 7.0, ground, rows)
        results.append((ground.tolist(), rows[:found].tolist()))
    assert results[0] == results[1]


@given(SEEDS)
def test_fill_raster_matches_its_twin(seed):
    rng, xy, height, _, _ = clumps(seed)
    ground = (rng.random(len(xy)) < 0.4).astype(np.uint8)
    xy[rng.integers(0, len(xy), 3), 0] = [np.nan, np.inf, 9.0e9]
    height[rng.integers(0, len(xy), 2)] = np.nan
    results = []
    for side in (core, oracle):
        kind, top = np.zeros((2, 50, 50), np.uint8)
        side.fill_raster(xy, height, ground, 10.0, 0.4, kind, top)
        results.append((kind, top))
    np.testing.assert_array_equal(results[0], results[1])


@given(SEEDS)
def test_first_returns_match_their_twin(seed):
    rng, xy, height, _, _ = clumps(seed)
    ground = (rng.random(len(xy)) < 0.2).astype(np.uint8)
    results = []
    for side in (core, oracle):
        out = np.full(BINS, 1e9, np.float32)
        side.first_returns(xy, height, ground, out)
        results.append(out)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


@pytest.mark.parametrize("bad", [[np.nan, 1, 1], [1, np.nan, 1], [np.inf, 1, 1], [1, 1, np.nan]])
def test_a_point_that_is_not_finite_is_no_first_return(bad):
    # Room on both sides: a wrong bin must be seen, not overwrite something else.
    room = np.full(3 * BINS, 1e9, np.float32)
    point = np.array([bad], np.float32)
    xy, height = np.ascontiguousarray(point[:, :2]), np.ascontiguousarray(point[:, 2])
    core.first_returns(xy, height, np.zeros(1, np.uint8), room[BINS : 2 * BINS])
    assert (room == np.float32(1e9)).all()


def test_a_point_straight_behind_is_in_a_bin():
    out = np.full(BINS, 1e9, np.float32)
    xy, height = np.array([[-5.0, 0.0]], np.float32), np.ones(1, np.float32)
    core.first_returns(xy, height, np.zeros(1, np.uint8), out)
    assert np.flatnonzero(out < 1e8).tolist() == [0]
    assert out[0] == 5


def surroundings(seed):
    rng, xy, height, order, start = clumps(seed)
    kind, top = np.zeros((2, 160, 160), np.uint8)
    kind[:] = rng.integers(0, 4, kind.shape)
    top[:] = rng.integers(0, 90, top.shape)
    first = rng.uniform(2, 20, BINS).astype(np.float32)
    first[rng.random(BINS) < 0.2] = 1e9
    azimuth = (np.arange(BINS) + 0.5) / BINS * 2 * np.pi - np.pi
    ray = np.column_stack([np.cos(azimuth), np.sin(azimuth)])
    owner = rng.integers(0, len(start) - 1, 8)
    around = np.array([xy[order[start[k]]] for k in owner])
    place = around + rng.uniform(-2, 2, (8, 2))
    size = np.column_stack([rng.uniform(0.5, 7, 8), rng.uniform(0.4, 3, 8)])
    cuboids = np.column_stack([place, size, rng.uniform(-4, 4, 8)])
    return (xy, height, order, start, owner, cuboids, 30, kind, top, 16.0, 0.2, first, ray)


@given(SEEDS)
def test_describe_matches_its_twin(seed):
    mine, twin = both("describe", (8, 37), np.float32, *surroundings(seed))
    np.testing.assert_allclose(mine, twin, rtol=1e-4, atol=1e-4)


@given(SEEDS)
def test_the_front_may_be_either_end(seed):
    # Features know the side of the sensor, not which end is the front.
    inputs = list(surroundings(seed))
    here = np.zeros((8, 37), np.float32)
    core.describe(*inputs, here)
    inputs[5] = inputs[5] + [0, 0, 0, 0, np.pi]
    there = np.zeros((8, 37), np.float32)
    core.describe(*inputs, there)
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4)


def test_a_cuboid_around_the_sensor_has_no_rays():
    inputs = list(surroundings(3))
    inputs[5] = np.tile([0.3, -0.2, 4.0, 2.0, 0.4], (8, 1))
    out = np.ones((8, 37), np.float32)
    core.describe(*inputs, out)
    assert (out[:, 29:] == 0).all()


@given(SEEDS, st.integers(1, 40))
def test_average_near_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    cuboids = np.array([5, 1, 0, 4.5, 1.8, 1.5, 0]) + rng.normal(0, 0.3, (n, 7))
    cuboids[:, 6] += rng.integers(-2, 3, n) * np.pi  # either end may be the front
    scores = rng.uniform(0.1, 1, n)
    kept = rng.permutation(n)[: rng.integers(1, n + 1)]
    inputs = (cuboids, scores, kept, 0.5, 0.8, 0.26, 0.7)
    mine, twin = both("average_near", (len(kept), 7), float, *inputs)
    np.testing.assert_allclose(mine, twin, atol=1e-9)
