import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from oracles import groups as oracle
from perception_label._core import groups as core
from perception_label.cloud import clusters
from perception_label.cloud.cells import sort_into_cells

SEEDS = st.integers(0, 2**32 - 1)


def cloud(seed, n):
    """Points on a coarse lattice and off it: many distances are the radius itself."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-5, 6, (n, 3)) / 4 + rng.choice([0, 0.01], (n, 3)) * rng.normal(size=3)
    return (points * rng.choice([1, 2])).astype(np.float32)


@given(SEEDS, st.integers(0, 80), st.sampled_from([0.25, 0.5, 0.6]), st.integers(1, 6))
def test_the_kernels_match_their_twins(seed, n, radius_m, min_points):
    points = cloud(seed, n)
    cells = sort_into_cells(points, radius_m * clusters.WIDER, name="radius_m")
    around = (*clusters._columns(cells), cells.shifts, radius_m)
    # Some rows are joined before: to an earlier root.
    before = np.arange(n, dtype=np.int32)
    before[1::3] = 0
    results = []
    for side in (core, oracle):
        where = (cells.points_m.copy(), cells.rows.copy(), cells.keys, cells.starts)
        parents, names, labels = before.copy(), before.copy(), np.full(n, -1, np.int32)
        stops, whole = np.empty(len(cells.keys), np.int32), np.empty(len(cells.keys), np.uint8)
        side.sort_out_core(*where, *around, min_points, stops)
        side.join_near(*where, stops, *around, whole, parents)
        count = side.name_joined(*where, stops, *around, parents, names, labels)
        cell = np.repeat(np.arange(len(stops)), np.diff(cells.starts))
        is_core = np.arange(n) < stops[cell]
        order = np.lexsort((where[1], ~is_core, cell))
        results.append([where[0][order].tolist(), where[1][order].tolist(), stops.tolist()])
        results[-1] += [labels.tolist(), count]
    assert results[0] == results[1]


@given(SEEDS, st.integers(0, 120))
def test_groups_at_growing_radii_are_those_found_one_by_one(seed, n):
    points = cloud(seed, n)
    radii = [0.1, 0.3, 0.9]
    for radius_m, labels in zip(radii, clusters.nested_groups(points, radii), strict=True):
        alone = clusters._dbscan_of_crowds(points, radius_m, 1)
        assert labels.tolist() == alone.tolist()
        assert labels.dtype == np.int32


@given(seed=SEEDS)
def test_crowded_cells_give_the_same_groups(seed):
    points = cloud(seed, 150)
    expected = pl.cluster(points, radius_m=0.4, method="euclidean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "CROWD", 1)
        for min_points in (1, 3, 6):
            crowds = clusters._dbscan(points, 0.4, min_points)
            patch.setattr(clusters, "CROWD", 10**6)
            assert crowds.tolist() == clusters._dbscan(points, 0.4, min_points).tolist()
            patch.setattr(clusters, "CROWD", 1)
        assert (pl.cluster(points, radius_m=0.4, method="euclidean") == expected).all()


def test_two_points_in_one_cell_may_be_two_groups():
    corners = np.array([[0, 0, 0], [0.3, 0.3, 0.3], [0.15, 0.15, 0.15]], dtype=np.float32)
    assert pl.cluster(corners[:2], radius_m=0.31, method="euclidean").tolist() == [0, 1]
    assert pl.cluster(corners, radius_m=0.31, method="euclidean").tolist() == [0, 0, 0]
