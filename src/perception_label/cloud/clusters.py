"""Which points belong together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import clusters as core
from perception_label._core import groups
from perception_label.arrays import ClusterIds, Floats, Points, as_points
from perception_label.cloud.cells import Cells, sort_into_cells
from perception_label.errors import SettingError, ShapeError

METHODS = ("adaptive", "dbscan", "euclidean")
# A little over the radius: neighbours are at most one cell apart whatever rounding does.
WIDER = 1 + 1e-3
CROWD = 2048  # points in one wide cell: with more, comparing its points may take long
SQUEEZE = 0.7  # upwards a beam is farther from the next than sideways


def cluster(
    points_m: ArrayLike,
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
        Points this far apart, or nearer, are neighbours. For `adaptive`, the radius at 20 m
        from the sensor: 0.6 of it near the sensor and 0.02 of it more for each metre, in steps.
    min_points : int
        `dbscan`: neighbours, itself included, that make a point a core point. `adaptive`: a
        smaller group is noise. `euclidean`: not used.
    method : str
        `dbscan`: core points within `radius_m` of each other share a cluster; another point
        within `radius_m` of a core point joins the nearest one's; the rest is noise.
        `euclidean`: neighbours share a cluster, each point has one.
        `adaptive`: as `euclidean` with a radius that grows with the range, as the gaps between
        a LiDAR's beams do, and that is 1.4 times larger upwards than sideways.
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
    Points are sorted into cells as wide as the radius and joined by union-find; two cells whose
    own points are all joined are done with their first neighbours. Where cells are crowded they
    are radius / sqrt(3) wide, so that points of one are neighbours: the grid method of Gunawan
    (A faster algorithm for DBSCAN, 2013) in three dimensions.

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
        return nested_groups(points, [float(radius_m)])[0]
    origin = np.asarray(sensor_origin_m, dtype=np.float64)
    if origin.shape != (3,):
        raise ShapeError(f"sensor_origin_m: expected (3,), got {origin.shape}")
    return _adaptive(points, float(radius_m), int(min_points), origin)


def nested_groups(points_m: Points, radii_m: Sequence[float]) -> list[ClusterIds]:
    """Return the Euclidean groups of (N, 3) float32 points at growing radii, metres.

    Each as `cluster` returns it; a group lies within one of the next larger radius, which is
    found from the smaller ones in little time.
    """
    parents = np.arange(len(points_m), dtype=np.int32)
    found = []
    for radius_m in radii_m:
        cells = sort_into_cells(points_m, radius_m * WIDER, name="radius_m")
        if len(cells.rows) < len(points_m):
            rows = np.sort(cells.rows)
            out = np.full((len(radii_m), len(points_m)), -1, dtype=np.int32)
            out[:, rows] = nested_groups(points_m.take(rows, axis=0), radii_m)
            return list(out)
        if np.diff(cells.starts).max(initial=0) > CROWD:
            found.append(_dbscan_of_crowds(points_m, radius_m, 1))
            continue
        columns, firsts = _columns(cells)
        whole = np.empty(len(cells.keys), dtype=np.uint8)
        groups.join_near(
            cells.points_m,
            cells.rows,
            cells.keys,
            cells.starts,
            cells.starts[1:],
            columns,
            firsts,
            cells.shifts,
            radius_m,
            whole,
            parents,
        )
        labels = np.empty_like(parents)
        core.name_groups(parents, 1, np.empty_like(parents), labels)
        found.append(labels)
    return found


def _columns(cells: Cells) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the columns of cells that differ in z alone, (L,), and their first cells."""
    columns, firsts = np.empty_like(cells.keys), np.empty_like(cells.starts)
    n_columns = core.list_columns(cells.keys, int(cells.shifts[1]), columns, firsts)
    return columns[:n_columns], firsts[: n_columns + 1]


def _dbscan(points_m: Points, radius_m: float, min_points: int) -> ClusterIds:
    cells = sort_into_cells(points_m, radius_m * WIDER, name="radius_m")
    if np.diff(cells.starts).max(initial=0) > CROWD:
        return _dbscan_of_crowds(points_m, radius_m, min_points)
    columns, firsts = _columns(cells)
    labels = np.full(len(points_m), -1, dtype=np.int32)
    parents = np.arange(len(points_m), dtype=np.int32)
    whole, stops = np.empty(len(cells.keys), np.uint8), np.empty(len(cells.keys), np.int32)
    where = (cells.points_m, cells.rows, cells.keys, cells.starts)
    around = (columns, firsts, cells.shifts, radius_m)
    groups.sort_out_core(*where, *around, min_points, stops)
    groups.join_near(*where, stops, *around, whole, parents)
    groups.name_joined(*where, stops, *around, parents, np.empty_like(parents), labels)
    return labels


def _dbscan_of_crowds(points_m: Points, radius_m: float, min_points: int) -> ClusterIds:
    labels = np.full(len(points_m), -1, dtype=np.int32)
    # A little under eps / sqrt(3): points of one cell are neighbours whatever rounding does.
    cells = sort_into_cells(points_m, radius_m / np.sqrt(3.0) * (1 - 1e-3), name="radius_m")
    columns, firsts = _columns(cells)
    parents = np.empty(len(cells.starts) - 1, dtype=np.int32)
    is_core = np.empty(len(cells.points_m), dtype=np.uint8)
    core.join_dense(
        cells.points_m,
        cells.keys,
        cells.starts,
        columns,
        firsts,
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
        columns,
        firsts,
        cells.shifts,
        radius_m,
        is_core,
        parents,
        np.empty_like(parents),
        labels,
    )
    return labels


def _adaptive(points_m: Points, radius_m: float, min_points: int, origin_m: Floats) -> ClusterIds:
    """Join points within the radius of the shell that the nearer of them lies in."""
    labels = np.full(len(points_m), -1, dtype=np.int32)
    near_enough = np.abs(points_m) <= 1e9
    rows = np.flatnonzero(near_enough[:, 0] & near_enough[:, 1] & near_enough[:, 2])
    offset = points_m[rows] - origin_m
    range_m = np.sqrt(offset[:, 0] ** 2 + offset[:, 1] ** 2)
    squeezed = offset.astype(np.float32)
    squeezed[:, 2] = offset[:, 2] * SQUEEZE
    outer_m, shell_radius_m = _shells(radius_m)
    shell = np.searchsorted(outer_m, range_m, side="right")
    order = np.argsort(shell.astype(np.uint8), kind="stable")
    ends = np.searchsorted(shell[order], np.arange(-1, len(outer_m) + 1), side="right")
    parents = np.arange(len(rows), dtype=np.int32)
    for k, reach_m in enumerate(shell_radius_m):
        near = order[ends[k] : ends[k + 1]]
        if k < len(outer_m) and len(near):
            beyond = order[ends[k + 1] : ends[k + 2]]
            near = np.concatenate([near, beyond[range_m[beyond] <= outer_m[k] + reach_m]])
        found = _dbscan(squeezed[near], float(reach_m), 1)
        core.join_groups(near, found, np.empty_like(found), parents)
    found = np.empty(len(rows), dtype=np.int32)
    core.name_groups(parents, min_points, np.empty_like(parents), found)
    labels[rows] = found
    return labels


def _shells(radius_m: float) -> tuple[Floats, Floats]:
    """Return the outer ranges (S - 1,) and the radii (S,) of the shells, the last without end."""
    outer = 8.0 * 1.25 ** np.arange(14)  # to 145 m
    inner = np.concatenate([[0.0], outer])
    return np.asarray(outer), radius_m * (0.6 + 0.02 * inner)
