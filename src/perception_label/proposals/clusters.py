"""The clusters of one sweep at several scales, as one list, and their shapes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label._core import hypotheses as core
from perception_label.arrays import ClusterIds, Floats, Ints
from perception_label.errors import ShapeError

# Columns of `ClusterList.shape`.
N_POINTS, SPAN_X, SPAN_Y, LOWEST, HIGHEST, MEAN, SPREAD, LOG_POINTS, HISTOGRAM = range(9)


@dataclass(frozen=True, slots=True)
class ClusterList:
    """K clusters of non-ground points around a sensor at the origin.

    Attributes
    ----------
    xy_m : (N, 2) float32
        BEV positions of the points, metres.
    height_m : (N,) float32
        Their heights above the local ground, metres.
    order, start : (P,) and (K + 1,) int64
        Cluster k holds the points order[start[k]:start[k + 1]]; a point may be in several.
    shape : (K, 18) float32
        See `_core.hypotheses.cluster_shape`.
    """

    xy_m: NDArray[np.float32]
    height_m: NDArray[np.float32]
    order: Ints
    start: Ints
    shape: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.start) - 1

    def closeness_yaw(self, max_points: int = 200) -> Floats:
        """Return each cluster's heading in [0, pi/2) by closeness (Zhang et al., 2017), (K,)."""
        yaw = np.zeros(len(self))
        core.closeness_yaw(self.xy_m, self.order, self.start, max_points, 0.05, yaw)
        return yaw

    def extents(self, owner: Ints, yaw_rad: Floats) -> Floats:
        """Return (R, 4): the least and greatest coordinate along each heading, then across it."""
        out = np.empty((len(owner), 4))
        yaw = np.ascontiguousarray(yaw_rad)
        core.extents(self.xy_m, self.order, self.start, np.ascontiguousarray(owner), yaw, out)
        return out


def list_clusters(
    points_m: NDArray[Any], height_m: NDArray[Any], labelings: list[ClusterIds]
) -> ClusterList:
    """Return the clusters of several labelings of the same points; equal ones once.

    Parameters
    ----------
    points_m : (N, 3) or (N, 2) numbers
        Points around the sensor, metres.
    height_m : (N,) numbers
        Heights above the local ground, metres.
    labelings : list of (N,) int32
        Cluster of each point, -1 for none.
    """
    n = len(points_m)
    if any(labels.shape != (n,) for labels in labelings):
        raise ShapeError(f"labelings: expected ({n},), got {[x.shape for x in labelings]}")
    orders: list[Ints] = []
    lengths: list[Ints] = []
    tables: list[Ints] = []
    for labels in labelings:
        order, count = _group(labels)
        first = order.take(np.cumsum(count) - count)
        # Groupings at growing radii nest: as many points from the same first one are the same.
        fresh = np.ones(len(count), dtype=np.bool_)
        for table in tables:
            fresh &= table.take(first) != count
        tables.append(np.zeros(n, dtype=np.int64))
        tables[-1][first] = count
        orders.append(order if fresh.all() else order.compress(np.repeat(fresh, count)))
        lengths.append(count[fresh])
    order = np.concatenate([*orders, np.empty(0, np.int64)])
    start = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.empty(0, np.int64)]))])
    xy = np.ascontiguousarray(points_m[:, :2], dtype=np.float32)
    height = np.ascontiguousarray(height_m, dtype=np.float32)
    start = start.astype(np.int64)
    shape = np.empty((len(start) - 1, 18), dtype=np.float32)
    core.cluster_shape(xy, height, order, start, shape)
    return ClusterList(xy, height, order, start, shape)


def choose(clusters: ClusterList, rows: NDArray[np.bool_]) -> ClusterList:
    """Return the chosen clusters of a list; `rows` is a mask."""
    count = np.diff(clusters.start)
    return ClusterList(
        clusters.xy_m,
        clusters.height_m,
        clusters.order.compress(np.repeat(rows, count)),
        np.concatenate([[0], np.cumsum(count[rows])]).astype(np.int64),
        clusters.shape[rows],
    )


def _group(labels: ClusterIds) -> tuple[Ints, Ints]:
    """Return the points sorted by cluster (first points first) and the size of each cluster."""
    start = np.zeros(int(labels.max(initial=-1)) + 2, dtype=np.int64)
    order = np.empty(int((labels >= 0).sum()), dtype=np.int64)
    core.group_points(np.ascontiguousarray(labels, dtype=np.int32), start, order)
    count = np.diff(start)
    return order, count[count > 0]
