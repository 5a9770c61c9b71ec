import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN

import perception_label as pl
from oracles import cells as cells_oracle
from oracles import clusters as oracle
from perception_label._core import cells as cells_core
from perception_label._core import clusters as core
from perception_label.cloud import clusters

SEEDS = st.integers(0, 2**32 - 1)
METHODS = ("adaptive", "dbscan", "euclidean")


def cloud(seed, n=120, spread_m=3.0):
    """Clumps with strays between them, a few duplicates among them."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-spread_m, spread_m, (6, 3))
    points = middle[rng.integers(0, 6, n)] + rng.normal(0, 0.3, (n, 3))
    points[rng.integers(0, n, n // 10)] = points[rng.integers(0, n, n // 10)]
    return points.astype(np.float32)


def same_partition(a, b):
    pairs = np.unique(np.column_stack([a, b]), axis=0)
    return len(pairs) == len(np.unique(a)) == len(np.unique(b))


def assert_like_sklearn(points, labels, radius_m, min_points):
    rival = DBSCAN(eps=radius_m, min_samples=min_points).fit(points.astype(np.float64))
    is_core = np.zeros(len(points), dtype=bool)
    is_core[rival.core_sample_indices_] = True
    assert ((labels < 0) == (rival.labels_ < 0)).all()
    assert same_partition(labels[is_core], rival.labels_[is_core])
    tree = cKDTree(points[is_core].astype(np.float64)) if is_core.any() else None
    for i in np.flatnonzero(~is_core & (labels >= 0)):
        near = tree.query_ball_point(points[i].astype(np.float64), radius_m * (1 + 1e-12))
        assert labels[i] in labels[is_core][near]


@given(SEEDS, st.sampled_from([0.2, 0.5, 1.1]), st.integers(1, 8))
def test_dbscan_finds_the_clusters_of_scikit_learn(seed, radius_m, min_points):
    points = cloud(seed)
    labels = pl.cluster(points, radius_m=radius_m, min_points=min_points)
    assert_like_sklearn(points, labels, radius_m, min_points)


@given(SEEDS, st.integers(1, 5))
def test_points_exactly_one_radius_apart_are_neighbours(seed, min_points):
    # A lattice of quarters: every distance is exact, and many equal the radius.
    points = np.random.default_rng(seed).integers(-6, 6, (90, 3)).astype(np.float32) / 4
    labels = pl.cluster(points, radius_m=0.25, min_points=min_points)
    assert_like_sklearn(points, labels, 0.25, min_points)


def test_two_points_a_radius_apart_and_a_hair_more():
    points = np.array([[0, 0, 0], [0.5, 0, 0], [1.0000001, 0, 0]], dtype=np.float32)
    assert pl.cluster(points, radius_m=0.5, min_points=1).tolist() == [0, 0, 1]


@given(SEEDS, st.sampled_from([0.2, 0.6]))
def test_euclidean_groups_are_connected_components(seed, radius_m):
    points = cloud(seed)
    rival = DBSCAN(eps=radius_m, min_samples=1).fit_predict(points.astype(np.float64))
    labels = pl.cluster(points, radius_m=radius_m, method="euclidean")
    assert (labels == rival).all()


@pytest.mark.parametrize("method", METHODS)
@given(seed=SEEDS)
def test_clusters_are_numbered_by_their_first_points(method, seed):
    labels = pl.cluster(cloud(seed), radius_m=0.4, method=method)
    first = [np.flatnonzero(labels == k)[0] for k in range(labels.max() + 1)]
    assert first == sorted(first)


@pytest.mark.parametrize("method", METHODS)
@given(seed=SEEDS)
def test_order_of_points_changes_nothing(method, seed):
    points = cloud(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    here = pl.cluster(points, radius_m=0.4, method=method)
    there = pl.cluster(points[order], radius_m=0.4, method=method)
    assert same_partition(here[order], there)


@given(seed=SEEDS, turn=st.sampled_from([0, 1, 2, 3]), shift=st.integers(-(2**10), 2**10))
def test_rigid_motion_changes_nothing(seed, turn, shift):
    # Steps of 1/64 m, quarter turns and whole shifts are exact in float32.
    points = np.round(cloud(seed) * 64) / 64
    rotation = np.linalg.matrix_power(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), turn)
    moved = (points @ rotation.T + shift).astype(np.float32)
    here, there = pl.cluster(points, radius_m=0.4), pl.cluster(moved, radius_m=0.4)
    assert same_partition(here >= 0, there >= 0)
    assert same_partition(here, there)


@pytest.mark.parametrize("method", METHODS)
def test_points_that_are_not_finite_are_noise_and_disturb_nobody(method):
    points = cloud(3)
    bad = points.copy()
    rows = [0, 7, 50, 119]
    bad[rows[0], 0], bad[rows[1], 1], bad[rows[2], 2], bad[rows[3]] = np.nan, np.inf, -np.inf, 3e38
    labels = pl.cluster(bad, method=method)
    kept = np.setdiff1d(np.arange(len(points)), rows)
    assert (labels[rows] == -1).all()
    assert (labels[kept] == pl.cluster(points[kept], method=method)).all()


@pytest.mark.parametrize("method", METHODS)
def test_far_coordinates_cluster_as_near_ones(method):
    points = np.round(cloud(5) * 4) / 4
    far = points + np.float32([1e6, -2e6, 0])
    here = pl.cluster(points, radius_m=0.6, method=method, sensor_origin_m=(0, 0, 0))
    there = pl.cluster(far, radius_m=0.6, method=method, sensor_origin_m=(1e6, -2e6, 0))
    assert (here == there).all()


def test_clouds_scattered_over_a_billion_metres():
    near = cloud(5)
    both = np.concatenate([near, near * 0 + np.float32([9e8, -9e8, 9e8]), near + 64])
    labels = pl.cluster(both, radius_m=0.05, min_points=2)
    assert_like_sklearn(both, labels, 0.05, 2)


@pytest.mark.parametrize("method", METHODS)
def test_no_point_and_one_point(method):
    assert pl.cluster(np.empty((0, 3)), method=method).shape == (0,)
    alone = pl.cluster(np.zeros((1, 3)), method=method)
    assert alone.dtype == np.int32
    assert alone.tolist() == [0 if method == "euclidean" else -1]


@pytest.mark.parametrize("method", METHODS)
def test_duplicates_count_as_points(method):
    assert pl.cluster(np.ones((7, 3)), min_points=7, method=method).tolist() == [0] * 7


def adaptive_by_all_pairs(points, radius_m, min_points, origin):
    offset = points.astype(np.float64) - origin
    range_m = np.hypot(offset[:, 0], offset[:, 1])
    outer, radius = clusters._shells(radius_m)
    mine = radius[np.searchsorted(outer, range_m, side="right")]
    squeezed = (offset * [1, 1, clusters.SQUEEZE]).astype(np.float32).astype(np.float64)
    gap = np.linalg.norm(squeezed[:, None] - squeezed[None], axis=2)
    nearer = range_m[:, None] < range_m[None]
    linked = gap <= np.where(nearer, mine[:, None], mine[None])
    group = np.arange(len(points))
    for _ in points:
        group = np.array([group[row].min() for row in linked])
    return np.where(np.bincount(group, minlength=len(group))[group] >= min_points, group, -1)


@given(SEEDS, st.integers(1, 4))
def test_adaptive_links_within_the_radius_of_the_nearer_point(seed, min_points):
    points = cloud(seed, 80, 25.0) * np.float32([1, 1, 0.1])
    origin = np.array([1.0, -2.0, 0.5])
    labels = pl.cluster(points, method="adaptive", min_points=min_points, sensor_origin_m=origin)
    expected = adaptive_by_all_pairs(points, 0.5, min_points, origin)
    assert ((labels < 0) == (expected < 0)).all()
    assert same_partition(labels, expected)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"method": "kmeans"}, "method: expected one of adaptive, dbscan, euclidean, got 'kmeans'"),
        ({"radius_m": 0.0}, "radius_m: expected a positive number of metres, got 0.0"),
        ({"radius_m": np.nan}, "radius_m: expected a positive number of metres, got nan"),
        ({"min_points": 0}, "min_points: expected at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(kwargs, message):
    with pytest.raises(pl.LabelError, match="expected") as caught:
        pl.cluster(np.zeros((3, 3)), **kwargs)
    assert str(caught.value) == message


def test_a_radius_too_small_for_the_extent_is_refused():
    with pytest.raises(pl.LabelError, match="radius_m: expected a larger one"):
        pl.cluster(np.array([[-9e8, 0, 0], [9e8, 0, 0]]), radius_m=1e-4)


@given(SEEDS, st.integers(0, 60), st.integers(1, 5))
def test_kernels_match_their_twins(seed, n, min_points):
    points, radius_m = cloud(seed, max(n, 1))[:n], 0.4
    side_m = radius_m / np.sqrt(3) * (1 - 1e-3)
    results = []
    for low_core, side in ((cells_core, core), (cells_oracle, oracle)):
        low, high = np.empty(3), np.empty(3)
        n_usable = low_core.bounds(points, low, high)
        keys, rows = np.zeros(n_usable, np.uint64), np.zeros(n_usable, np.int32)
        shifts = np.array([20, 10])
        low_core.cell_keys(points, low, side_m, shifts, keys, rows)
        spare = np.empty_like(keys), np.empty_like(rows)
        if low_core.sort_keys(keys, rows, *spare, 30):
            keys, rows = spare
        starts, cells = np.zeros(n_usable + 1, np.int32), np.zeros(n_usable, np.uint64)
        sorted_m = np.zeros((n_usable, 3), np.float32)
        n_cells = low_core.lay_out(points, keys, rows, sorted_m, cells, starts)
        starts, cells = starts[: n_cells + 1], cells[:n_cells]
        parents, names = np.zeros((2, n_cells), np.int32)
        is_core, labels = np.zeros(n_usable, np.uint8), np.full(n, -1, np.int32)
        columns, firsts = np.zeros(n_cells, np.uint64), np.zeros(n_cells + 1, np.int32)
        n_columns = side.list_columns(cells, 10, columns, firsts)
        columns, firsts = columns[:n_columns], firsts[: n_columns + 1]
        around = (columns, firsts, shifts, radius_m)
        side.join_dense(sorted_m, cells, starts, *around, min_points, parents, is_core)
        inputs = (sorted_m, cells, rows, starts, *around)
        count = side.name_clusters(*inputs, is_core, parents, names, labels)
        results.append([low, high, keys, rows, cells, starts, firsts, is_core, labels, count])
    for mine, twin in zip(*results, strict=True):
        np.testing.assert_array_equal(mine, twin)


@given(SEEDS, st.integers(0, 25), st.integers(1, 4))
def test_group_kernels_match_their_twins(seed, n, min_points):
    rng = np.random.default_rng(seed)
    results = []
    rounds = [rng.permutation(n)[: rng.integers(0, n + 1)] for _ in range(3)]
    groups = [rng.integers(0, max(len(rows), 1), len(rows), dtype=np.int32) for rows in rounds]
    for side in (core, oracle):
        parents, labels = np.arange(n, dtype=np.int32), np.empty(n, np.int32)
        for rows, group in zip(rounds, groups, strict=True):
            side.join_groups(rows, group, np.empty_like(group), parents)
        count = side.name_groups(parents, min_points, np.empty_like(parents), labels)
        results.append([labels.tolist(), count])
    assert results[0] == results[1]
