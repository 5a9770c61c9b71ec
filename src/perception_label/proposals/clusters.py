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
    seen: set[tuple[int, int]] = set()
    for labels in labelings:
        order, count = _group(labels)
        first = order[np.cumsum(count) - count] if len(count) else order[:0]
        # Groupings at growing radii nest: as many points from the same first one are the same.
        fresh = np.array(
            [(f, c) not in seen for f, c in zip(first.tolist(), count.tolist(), strict=True)], bool
        )
        seen.update(zip(first.tolist(), count.tolist(), strict=True))
        orders.append(order[np.repeat(fresh, count)])
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
        clusters.order[np.repeat(rows, count)],
        np.concatenate([[0], np.cumsum(count[rows])]).astype(np.int64),
        clusters.shape[rows],
    )


def _group(labels: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Return the points sorted by cluster (first points first) and the size of each cluster."""
    if len(labels) and labels.max() < 1 << 15:
        labels = labels.astype(np.int16)  # sorted by counting: three times faster
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    count = np.bincount(labels[order], minlength=0) if len(order) else np.empty(0, np.int64)
    return order.astype(np.int64), count[count > 0].astype(np.int64)
