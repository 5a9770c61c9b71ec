"""One cuboid for each cluster: its rectangle, completed where the sensor could not see."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints, Mask, as_points
from perception_label.errors import ShapeError
from perception_label.geometry.cuboids import Cuboids
from perception_label.proposals.clusters import HIGHEST, LOWEST, ClusterList, list_clusters

MAX_POINTS = 80  # that the search for the heading looks at
SIDE_M = 0.25  # nearer points lie on the side
MOST_TURN = np.radians(4)
# Shares of a usual vehicle's side. Less than the first was seen: a part of a usual one. More than
# the second: all of it, but for the third, which bends away from the sensor at the ends.
PART, WHOLE, BENT = 0.67, 0.87, 0.06
# Length and width, metres.
CAR_M = (4.5, 1.85)
LORRY_M = (6.5, 2.4)
PEDESTRIAN_M = (0.7, 0.7)
CYCLIST_M = (1.8, 0.7)


def fit_cuboids(
    points_m: ArrayLike,
    labels: ArrayLike,
    *,
    sensor_origin_m: ArrayLike = (0.0, 0.0, 0.0),
    ground_z_m: ArrayLike | None = None,
    complete: bool = True,
) -> Cuboids:
    """Fit an upright cuboid to each cluster of points.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points in any coordinate frame with z up, metres. A point that is not finite is ignored.
    labels : (N,) integers
        Cluster of each point as `cluster` returns it; points below 0 belong to none.
    sensor_origin_m : (3,) numbers
        Where the points were seen from, same coordinate frame.
    ground_z_m : number or (M,) numbers, optional
        Height of the ground under the clusters, same coordinate frame: where the cuboids
        begin. None, or NaN for a cluster, takes the cluster's lowest point.
    complete : bool
        Extend each rectangle to the size of what the cluster looks like (car, lorry,
        pedestrian, cyclist), away from the sensor, which sees only the near sides: the visible
        corner stays. A vehicle's side seen nearly whole only grows by its rounded ends. What
        is too large, flat or thin for these (walls) stays as seen.

    Returns
    -------
    Cuboids
        M cuboids, one for each cluster from 0 to the largest label, in the points' coordinate
        frame. Which end is the front is not known: headings are in [-pi/2, pi/2). One point in
        a hundred (three at most) may lie outside on each side. One or two points tell no
        heading: 0, and they are not completed. A number without points has a cuboid of no size
        at the sensor.

    Raises
    ------
    ShapeError
        If an array has the wrong shape or `labels` are no integers.

    Notes
    -----
    The heading is the one whose rectangle the points lie closest to (Zhang et al., Efficient
    L-Shape Fitting for Vehicle Detection Using Laser Scanners, 2017), searched in steps of one
    degree; distances below 5 cm count as 5 cm, so a clean L may come out two degrees off.

    Examples
    --------
    >>> import numpy as np
    >>> rear = np.column_stack([np.full(19, 9.0), np.arange(-9, 10) / 10, np.arange(19) / 14])
    >>> fit_cuboids(rear, np.zeros(19, np.int32)).center_m.round(2).tolist()
    [[11.25, 0.0, 0.64]]
    """
    offset, ids, count = _checked(points_m, labels, sensor_origin_m)
    origin = np.asarray(sensor_origin_m, dtype=np.float64)
    ground = _ground(ground_z_m, count) - origin[2]
    found = list_clusters(offset, offset[:, 2], [ids])
    there = ids[found.order[found.start[:-1]]]
    n = np.diff(found.start)
    thinned = _thinned(found)
    yaw = np.where(n > 2, thinned.closeness_yaw(2 * MAX_POINTS), 0.0)
    yaw = _straightened(thinned, yaw, found.extents(np.arange(len(found)), yaw))
    rect = found.extents(np.arange(len(found)), yaw)
    top = found.shape[:, HIGHEST].astype(np.float64)
    lowest = found.shape[:, LOWEST].astype(np.float64)
    bottom = np.where(np.isfinite(ground[there]), np.minimum(ground[there], top), lowest)
    middle = np.stack([rect[:, 0] + rect[:, 1], rect[:, 2] + rect[:, 3]], 1) / 2
    seen = np.stack([rect[:, 1] - rect[:, 0], rect[:, 3] - rect[:, 2]], 1)
    size = np.where((n > 2)[:, None] & complete, _whole(seen, middle, top - bottom), seen)
    middle += (size - seen) / 2 * _away(middle, size)
    packed = np.zeros((count, 7))
    packed[there] = _upright(middle, size, bottom, top, yaw)
    packed[:, :3] += origin
    return Cuboids.unpack(packed)


def _checked(
    points_m: ArrayLike, labels: ArrayLike, sensor_origin_m: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[Any], int]:
    """Return the usable points relative to the sensor, their labels, and how many clusters."""
    given = as_points(points_m)
    ids = np.asarray(labels)
    if ids.shape != (len(given),):
        raise ShapeError(f"labels: expected ({len(given)},), got {ids.shape}")
    if ids.dtype.kind not in "iu":
        raise ShapeError(f"labels: expected integers, got dtype {ids.dtype}")
    origin = np.asarray(sensor_origin_m, dtype=np.float64)
    if origin.shape != (3,):
        raise ShapeError(f"sensor_origin_m: expected (3,), got {origin.shape}")
    # In float64: far coordinates keep their digits.
    offset = as_points(np.asarray(points_m) - origin if origin.any() else given)
    x, y, z = np.isfinite(offset).T
    rows = np.flatnonzero((ids >= 0) & x & y & z)
    return np.take(offset, rows, axis=0), ids[rows], int(ids.max(initial=-1)) + 1


def _thinned(clusters: ClusterList) -> ClusterList:
    """Return the clusters with about `MAX_POINTS` points at most.

    A point's own digits decide, so the order of the points does not matter.
    """
    n = np.diff(clusters.start)
    if len(n) == 0 or n.max() <= MAX_POINTS:
        return clusters
    digits = clusters.xy_m.view(np.uint64)[:, 0]
    chance = (digits * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    share = np.minimum(MAX_POINTS / n, 1.0) * (1 << 24)
    keep = chance[clusters.order] < np.repeat(share, n).astype(np.uint64)
    start = np.concatenate([[0], np.cumsum(keep)])[clusters.start]
    return replace(clusters, order=clusters.order[keep], start=start)


def _straightened(clusters: ClusterList, yaw: Floats, rect: Floats) -> Floats:
    """Return the headings turned so that points near the two near sides run along them.

    Least squares of both sides' slopes at once; closeness alone is blind within its 5 cm.
    """
    n = np.diff(clusters.start)
    owner = np.repeat(np.arange(len(n)), n)
    xy = clusters.xy_m[clusters.order].astype(np.float64)
    c, s = np.cos(yaw)[owner], np.sin(yaw)[owner]
    u, v = c * xy[:, 0] + s * xy[:, 1], c * xy[:, 1] - s * xy[:, 0]
    # The sensor is at the origin: the side of lower magnitude is the near one.
    near_u = np.where(rect[:, 0] + rect[:, 1] > 0, rect[:, 0], rect[:, 1])[owner]
    near_v = np.where(rect[:, 2] + rect[:, 3] > 0, rect[:, 2], rect[:, 3])[owner]
    gap_u, gap_v = np.abs(u - near_u), np.abs(v - near_v)
    on_v = (gap_v < SIDE_M) & (gap_v <= gap_u)
    on_u = (gap_u < SIDE_M) & ~on_v
    lean_v, spread_v = _slope(owner, u, v, on_v, len(n))
    lean_u, spread_u = _slope(owner, v, u, on_u, len(n))
    spread = spread_v + spread_u
    turn = (lean_v - lean_u) / np.maximum(spread, 1e-9)
    return np.asarray(yaw + np.where(spread > 1.0, np.clip(turn, -MOST_TURN, MOST_TURN), 0.0))


def _slope(owner: Ints, x: Floats, y: Floats, on: Mask, count: int) -> tuple[Floats, Floats]:
    """Return sum (x - mean)(y - mean) and sum (x - mean)^2 of each cluster's points on a side."""
    owner, x, y = owner[on], x[on], y[on]
    n = np.maximum(np.bincount(owner, minlength=count), 1)
    dx = x - (np.bincount(owner, x, count) / n)[owner]
    sums = [np.bincount(owner, product, count) for product in (dx * y, dx * dx)]
    return sums[0].astype(np.float64), sums[1].astype(np.float64)


def _ground(ground_z_m: ArrayLike | None, count: int) -> Floats:
    if ground_z_m is None:
        return np.full(count, np.nan)
    ground = np.asarray(ground_z_m, dtype=np.float64)
    if ground.shape not in ((), (count,)):
        raise ShapeError(f"ground_z_m: expected a number or ({count},), got {ground.shape}")
    return np.broadcast_to(ground, count)


def _whole(seen: Floats, middle: Floats, height: Floats) -> Floats:
    """Return the sizes (M, 2), along and across the heading, that the clusters may have."""
    longer = seen[:, 0] >= seen[:, 1]
    long, short = seen.max(axis=1), seen.min(axis=1)
    view = np.abs(middle)
    # The longer seen side faces the sensor: it may be an object's end.
    faced = np.where(longer, view[:, 1] > view[:, 0], view[:, 0] > view[:, 1])
    upright_one = (height > 1.0) & (height < 2.2)
    walker = upright_one & (long < 1.2) & (height > long)
    rider = upright_one & ~walker & (long < 2.1) & (short < 0.85) & ~faced & (height > 1.4)
    lorry = (height > 2.3) | (long > 5.6)
    flat = (height < 0.4) | (height > 4.5) | (long > 14) | (short > 3.2)
    thin = (long > 6.5) & (short < 1.0) & (height < 2.2)
    prior = np.where(lorry[:, None], LORRY_M, CAR_M)
    prior = np.where(rider[:, None], CYCLIST_M, prior)
    prior = np.where(walker[:, None], PEDESTRIAN_M, prior)
    vehicle = ~walker & ~rider
    end = vehicle & (long < 2.2 + 0.4 * lorry) & (long > 1.2) & faced
    along = np.where((longer != end)[:, None], prior, prior[:, ::-1])
    # Most of a side is seen: the object is that long, less what bends away at its ends.
    mostly = np.clip((seen / along - PART) / (WHOLE - PART), 0.0, 1.0) * vehicle[:, None]
    size = np.maximum(seen, along + mostly * (seen + BENT * along - along))
    return np.asarray(np.where((flat | thin)[:, None], seen, size))


def _away(middle: Floats, size: Floats) -> Floats:
    """Return how far along each axis the far side is hidden: 1, or -1 towards lower values.

    A sensor within the span of a face sees no side next to it, so neither end is the sure one.
    """
    return np.clip(middle / np.maximum(size / 2, 1e-9), -1.0, 1.0)


def _upright(middle: Floats, size: Floats, bottom: Floats, top: Floats, yaw: Floats) -> Floats:
    """Return (M, 7) packed cuboids whose longer side is the length."""
    c, s = np.cos(yaw), np.sin(yaw)
    turned: Mask = size[:, 1] > size[:, 0]
    out = np.empty((len(yaw), 7))
    out[:, 0] = c * middle[:, 0] - s * middle[:, 1]
    out[:, 1] = s * middle[:, 0] + c * middle[:, 1]
    out[:, 2] = (bottom + top) / 2
    out[:, 3], out[:, 4] = size.max(axis=1), size.min(axis=1)
    out[:, 5] = top - bottom
    out[:, 6] = np.where(turned, yaw - np.pi / 2, yaw)
    out[:, 6] = (out[:, 6] + np.pi / 2) % np.pi - np.pi / 2
    return out
