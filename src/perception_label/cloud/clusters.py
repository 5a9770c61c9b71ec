"""Which points belong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import clusters as core
from perception_label.arrays import ClusterIds, Floats, Ints, Points, as_points
from perception_label.errors import SettingError, ShapeError

METHODS = ("adaptive", "dbscan", "euclidean")
SQUEEZE = 0.5  # upwards a beam is several times farther from the next than sideways
MOST_CELLS = 2**40  # along one axis: beyond it, double precision no longer tells cells apart


@dataclass(frozen=True, slots=True)
class _Cells:
    """n usable points sorted by the cell they lie in; C cells."""

    points_m: Points
    rows: NDArray[np.int32]
    keys: NDArray[np.uint64]  # (C,)
    starts: NDArray[np.int32]
    shifts: Ints


def cluster(
    points_m: NDArray[Any],
    *,
    radius_m: float = 0.5,
    min_points: int = 5,
    method: str = "dbscan",
    sensor_origin_m: ArrayLike = (0.0, 0.0, 0.0),
) -> ClusterIds:
    """Group points that lie close together.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points in any coordinate frame, metres; usually without the ground. Distances are those
        of the float32 coordinates, computed in float64.
    radius_m : float
        Points this far apart, or nearer, are neighbours. For `adaptive`, the radius near the
        sensor; it grows with range.
    min_points : int
        `dbscan`: neighbours, itself included, that make a point a core point. `adaptive`: a
        smaller group is noise. `euclidean`: not used.
    method : str
        `dbscan`: core points within `radius_m` of each other share a cluster; another point
        within `radius_m` of a core point joins the nearest one's; the rest is noise.
        `euclidean`: neighbours share a cluster, each point has one.
        `adaptive`: as `euclidean` with a radius that grows with the range, as the gaps between
        a LiDAR's beams do, and that is larger upwards than sideways.
    sensor_origin_m : (3,) numbers
        Where the range is measured from, same coordinate frame; `adaptive` only.

    Returns
    -------
    (N,) int32
        Cluster of each point, numbered from 0 in the order of their first points; -1 is noise.
        A point that is not finite, or lies beyond 1e9 m, is noise.

    Raises
    ------
    ShapeError
        If `points_m` is not (N, 3) numbers.
    SettingError
        If a setting is out of range or `method` is unknown.

    Notes
    -----
    Points are sorted into cells of side radius / sqrt(3), so that points of one cell are
    neighbours, and cells are joined by union-find: the grid method of Gunawan (A faster
    algorithm for DBSCAN, 2013) in three dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> cluster(np.array([[0, 0, 0], [0.1, 0, 0], [9, 0, 0]]), min_points=2).tolist()
    [0, 0, -1]
    """
    if method not in METHODS:
        raise SettingError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if not (np.isfinite(radius_m) and radius_m > 0):
        raise SettingError(f"radius_m: expected a positive number of metres, got {radius_m}")
    if min_points < 1:
        raise SettingError(f"min_points: expected at least 1, got {min_points}")
    points = as_points(points_m)
    if method == "dbscan":
        return _dbscan(points, float(radius_m), int(min_points))
    if method == "euclidean":
        return _dbscan(points, float(radius_m), 1)
    origin = np.asarray(sensor_origin_m, dtype=np.float64)
    if origin.shape != (3,):
        raise ShapeError(f"sensor_origin_m: expected (3,), got {origin.shape}")
    return _adaptive(points, float(radius_m), int(min_points), origin)


def _dbscan(points_m: Points, radius_m: float, min_points: int) -> ClusterIds:
    labels = np.full(len(points_m), -1, dtype=np.int32)
    # A little under eps / sqrt(3): points of one cell are neighbours whatever rounding does.
    cells = _sort_into_cells(points_m, radius_m / np.sqrt(3.0) * (1 - 1e-3))
    parents = np.empty(len(cells.starts) - 1, dtype=np.int32)
    is_core = np.empty(len(cells.points_m), dtype=np.uint8)
    core.join_dense(
        cells.points_m,
        cells.keys,
        cells.starts,
        cells.shifts,
        radius_m,
        min_points,
        parents,
        is_core,
    )
    core.name_clusters(
        cells.points_m,
        cells.keys,
        cells.rows,
        cells.starts,
        cells.shifts,
        radius_m,
        is_core,
        parents,
        np.empty_like(parents),
        labels,
    )
    return labels


def _sort_into_cells(points_m: Points, side_m: float) -> _Cells:
    low, high = np.empty(3), np.empty(3)
    n_usable = core.bounds(points_m, low, high)
    extents = (high - low) / side_m if n_usable else np.zeros(3)
    if extents.max() >= MOST_CELLS:
        raise SettingError(
            f"radius_m: expected a larger one for points {(high - low).max():.3g} m apart, got "
            f"cells of {side_m:.3g} m"
        )
    keys, rows = np.empty(n_usable, dtype=np.uint64), np.empty(n_usable, dtype=np.int32)
    bits = [int(extent + 5).bit_length() for extent in extents]
    shifts = np.array([bits[1] + bits[2], bits[2]], dtype=np.int64)
    if sum(bits) <= 64:
        core.cell_keys(points_m, low, side_m, shifts, keys, rows)
    else:
        bits, shifts = _far_apart(points_m, low, side_m, keys, rows)
    spare_keys, spare_rows = np.empty_like(keys), np.empty_like(rows)
    if core.sort_keys(keys, rows, spare_keys, spare_rows, sum(bits)):
        keys, rows, spare_keys = spare_keys, spare_rows, keys
    points, starts = np.empty((n_usable, 3), dtype=np.float32), np.empty(n_usable + 1, np.int32)
    n_cells = core.lay_out(points_m, keys, rows, points, spare_keys, starts)
    return _Cells(points, rows, spare_keys[:n_cells], starts[: n_cells + 1], shifts)


def _far_apart(
    points_m: Points,
    low_m: Floats,
    side_m: float,
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
) -> tuple[list[int], Ints]:
    """Write the keys of cells too far apart for 64 bits: empty stretches are shortened."""
    rows[:] = np.flatnonzero((np.abs(points_m) <= 1e9).all(axis=1))
    cells = ((points_m[rows] - low_m) / side_m).astype(np.int64)
    for axis in range(3):
        values, places = np.unique(cells[:, axis], return_inverse=True)
        # Three cells apart is as good as a million: neither are neighbours.
        steps = np.minimum(np.diff(values, prepend=values[0]), 3)
        cells[:, axis] = np.cumsum(steps)[places] + 2
    bits = [int(most + 3).bit_length() for most in cells.max(axis=0)]
    if sum(bits) > 64:
        raise SettingError(f"radius_m: expected a larger one for {len(rows)} scattered points")
    shifts = np.array([bits[1] + bits[2], bits[2]], dtype=np.int64)
    packed = (cells[:, 0] << shifts[0]) | (cells[:, 1] << shifts[1]) | cells[:, 2]
    keys[:] = packed.astype(np.uint64)
    return bits, shifts


def _adaptive(points_m: Points, radius_m: float, min_points: int, origin_m: Floats) -> ClusterIds:
    """Join points within the radius of the shell that the nearer of them lies in."""
    labels = np.full(len(points_m), -1, dtype=np.int32)
    rows = np.flatnonzero((np.abs(points_m) <= 1e9).all(axis=1))
    offset = points_m[rows] - origin_m
    range_m = np.hypot(offset[:, 0], offset[:, 1])
    # Upwards a beam's neighbour is several times farther than sideways.
    squeezed = (offset * [1.0, 1.0, SQUEEZE]).astype(np.float32)
    parents = np.arange(len(rows))
    inner = 0.0
    for outer, shell_m in _shells(radius_m, float(range_m.max(initial=0.0))):
        near = np.flatnonzero((range_m >= inner) & (range_m < outer + shell_m))
        found = _dbscan(np.ascontiguousarray(squeezed[near]), shell_m, 1)
        parents = _joined(parents, near, found)
        inner = outer
    names, first, places, counts = np.unique(
        parents, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    order = order[counts[order] >= min_points]
    new = np.full(len(names), -1, dtype=np.int32)
    new[order] = np.arange(len(order))
    labels[rows] = new[places]
    return labels


def _shells(radius_m: float, farthest_m: float) -> list[tuple[float, float]]:
    """Return the outer range and the radius of each shell."""
    outer, shells = 10.0, [(10.0, radius_m)]
    while outer <= farthest_m and len(shells) < 8:
        outer *= 1.5
        shells.append((outer, radius_m * outer / 1.5 / 10.0 * 0.5 + 0.5 * radius_m))
    shells[-1] = (np.inf, shells[-1][1])
    return shells


def _joined(parents: Ints, near: Ints, found: ClusterIds) -> Ints:
    """Return the groups after points that were found together have been joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(parents)
    links = coo_array((np.ones(len(near)), (near, n + found)), shape=(2 * n, 2 * n))
    own = coo_array((np.ones(n), (np.arange(n), parents)), shape=(2 * n, 2 * n))
    groups = connected_components(links + own, directed=False)[1][:n]
    first = np.full(2 * n, n)
    np.minimum.at(first, groups, np.arange(n))
    return np.asarray(first[groups])
