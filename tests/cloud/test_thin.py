import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from oracles import cells as oracle
from perception_label._core import cells as core
from perception_label.cloud.cells import sort_into_cells
from perception_label.cloud.thin import thin

SEEDS = st.integers(0, 2**32 - 1)


def cloud(seed, n=200):
    points = np.random.default_rng(seed).normal(0, 2, (n, 3)).astype(np.float32)
    # Middles of cells of 1/64 m: no point lies on a border of a voxel.
    return np.floor(points * 64) / 64 + np.float32(1 / 128)


def cubes(points, voxel_m):
    return [tuple(row) for row in np.floor(points.astype(np.float64) / voxel_m).astype(int)]


@pytest.mark.parametrize("keep", ["first", "central"])
@given(seed=SEEDS, voxel_m=st.sampled_from([0.25, 1.0, 4.0]))
def test_one_point_of_each_cube(keep, seed, voxel_m):
    points = cloud(seed)
    kept = thin(points, voxel_m, keep=keep)
    found = cubes(points[kept], voxel_m)
    assert len(set(found)) == len(found)
    assert set(found) == set(cubes(points, voxel_m))
    assert (np.diff(kept) > 0).all()


@given(SEEDS)
def test_first_keeps_the_earliest(seed):
    points = cloud(seed)
    seen = {}
    for i, cube in enumerate(cubes(points, 1.0)):
        seen.setdefault(cube, i)
    assert thin(points, 1.0).tolist() == sorted(seen.values())


@pytest.mark.parametrize("keep", ["first", "central"])
@given(seed=SEEDS)
def test_thinning_twice_equals_once(keep, seed):
    once = cloud(seed)
    once = once[thin(once, 0.5, keep=keep)]
    assert thin(once, 0.5, keep=keep).tolist() == list(range(len(once)))


@given(SEEDS)
def test_a_cube_does_not_depend_on_points_elsewhere(seed):
    points = cloud(seed)
    near = np.linalg.norm(points, axis=1) < 2
    kept, alone = thin(points, 4.0, keep="central"), thin(points[near], 4.0, keep="central")
    whole = [c for c in set(cubes(points[near], 4.0)) if c not in set(cubes(points[~near], 4.0))]
    here = dict(zip(cubes(points[kept], 4.0), kept, strict=True))
    rows = np.flatnonzero(near)[alone]
    there = dict(zip(cubes(points[rows], 4.0), rows, strict=True))
    assert [here[c] for c in whole] == [there[c] for c in whole]


def test_borders():
    assert thin(np.empty((0, 3)), 0.1).tolist() == []
    assert thin(np.zeros((1, 3)), 0.1).tolist() == [0]
    assert thin(np.full((3, 3), np.nan), 0.1).tolist() == []
    assert thin(
        np.float32([[np.inf, 0, 0], [1, 1, 1], [1e6, 1e6, 0], [1e6, 1e6, 0]]), 0.5
    ).tolist() == [1, 2]
    assert thin(np.float32([[-9e8] * 3, [9e8] * 3, [0] * 3]), 0.05).tolist() == [0, 1, 2]


def test_settings_out_of_range_are_refused():
    with pytest.raises(pl.LabelError, match="voxel_m: expected a positive number of metres, got 0"):
        thin(np.zeros((1, 3)), 0)
    with pytest.raises(pl.LabelError, match="keep: expected one of central, first, got 'best'"):
        thin(np.zeros((1, 3)), 1, keep="best")


@given(SEEDS, st.integers(0, 80))
def test_pick_central_matches_its_twin(seed, n):
    cells = sort_into_cells(cloud(seed, 80)[:n], 1.5, name="voxel_m")
    mine, twin = np.empty((2, len(cells.keys)), np.int32)
    core.pick_central(cells.points_m, cells.rows, cells.starts, mine)
    oracle.pick_central(cells.points_m, cells.rows, cells.starts, twin)
    assert (mine == twin).all()


@pytest.mark.parametrize("n_bits", [1, 11, 23, 64])
def test_sort_keys_is_stable_at_any_width(n_bits):
    rng = np.random.default_rng(n_bits)
    top = 2**n_bits - 1
    keys = rng.integers(0, min(top, 50), 200, dtype=np.uint64, endpoint=True)
    keys[:40] = top
    rows = np.arange(200, dtype=np.int32)
    twin_keys, twin_rows = keys.copy(), rows.copy()
    spare = np.empty_like(keys), np.empty_like(rows)
    if core.sort_keys(keys, rows, *spare, n_bits):
        keys, rows = spare
    oracle.sort_keys(twin_keys, twin_rows, None, None, n_bits)
    assert (keys == twin_keys).all()
    assert (rows == twin_rows).all()


@given(SEEDS, st.integers(0, 90))
def test_keep_first_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    # Keys that differ in their high bits only, and a table that is as full as it gets.
    keys = rng.integers(1, 30, n).astype(np.uint64) << np.uint64(rng.integers(0, 50))
    rows = np.arange(n, dtype=np.int32) * 3
    results = []
    for side in (core, oracle):
        table = np.zeros(1 << (2 * n + 1).bit_length(), np.uint64)
        picked = np.zeros(n, np.int64)
        found = side.keep_first(keys, rows, table, picked)
        results.append(picked[:found].tolist())
    assert results[0] == results[1]
