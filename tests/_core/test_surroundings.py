import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import surroundings as oracle
from perception_label._core import surroundings as core
from proposals.scenes import both, clumps

SEEDS = st.integers(0, 2**32 - 1)
BINS = 240


@given(SEEDS)
def test_fill_raster_matches_its_twin(seed):
    rng, xy, height, _, _ = clumps(seed)
    ground = (rng.random(len(xy)) < 0.4).astype(np.uint8)
    xy[rng.integers(0, len(xy), 3), 0] = [np.nan, np.inf, 9.0e9]
    height[rng.integers(0, len(xy), 2)] = np.nan
    results = []
    for side in (core, oracle):
        results.append(np.zeros((50, 50), np.uint8))
        side.fill_raster(xy, height, ground, 10.0, 0.4, results[-1])
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
    rng, xy, _, order, start = clumps(seed)
    shape = rng.normal(size=(len(start) - 1, 18)).astype(np.float32)
    hit = rng.integers(0, 90, (160, 160)).astype(np.uint8)
    hit[rng.random(hit.shape) < 0.5] = 1
    first = rng.uniform(2, 20, BINS).astype(np.float32)
    first[rng.random(BINS) < 0.2] = 1e9
    azimuth = (np.arange(BINS) + 0.5) / BINS * 2 * np.pi - np.pi
    ray = np.column_stack([np.cos(azimuth), np.sin(azimuth)])
    owner = rng.integers(0, len(start) - 1, 8)
    around = np.array([xy[order[start[k]]] for k in owner])
    place = around + rng.uniform(-2, 2, (8, 2))
    size = np.column_stack([rng.uniform(0.5, 7, 8), rng.uniform(0.4, 3, 8)])
    cuboids = np.column_stack([place, size, rng.uniform(-4, 4, 8)])
    suggested = (owner, cuboids, rng.random((8, 2)), rng.integers(0, 9, 8))
    return (xy, order, start, shape, *suggested, 30, hit, 16.0, 0.2, first, ray)


@given(SEEDS)
def test_describe_matches_its_twin(seed):
    mine, twin = both((core, oracle), "describe", (8, 55), np.float32, *surroundings(seed))
    np.testing.assert_allclose(mine, twin, rtol=1e-4, atol=1e-4)


@given(SEEDS)
def test_the_front_may_be_either_end(seed):
    # Features know the side of the sensor, not which end is the front.
    inputs = list(surroundings(seed))
    here = np.zeros((8, 55), np.float32)
    core.describe(*inputs, here)
    inputs[5] = inputs[5] + [0, 0, 0, 0, np.pi]
    there = np.zeros((8, 55), np.float32)
    core.describe(*inputs, there)
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4)


def test_a_cuboid_around_the_sensor_has_no_rays():
    inputs = list(surroundings(3))
    inputs[5] = np.tile([0.3, -0.2, 4.0, 2.0, 0.4], (8, 1))
    out = np.ones((8, 55), np.float32)
    core.describe(*inputs, out)
    assert (out[:, 29:37] == 0).all()
