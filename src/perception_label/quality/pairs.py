"""Which boxes of two sets meet in a sweep, and how closely."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_bev_pairs

# A block of candidate pairs stays near 100 MB, however long the log.
BLOCK_PAIRS = 2_000_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs of a truth box and a label box of one sweep that overlap or are close.

    Attributes
    ----------
    truth, label : (P,) int64
        Rows of the two boxes, ordered by truth, then label.
    iou_3d, iou_bev : (P,) float64
        Intersection over union of the volumes, and of the footprints.
    distance_m : (P,) float64
        Between the centres, seen from above.
    """

    truth: Ints
    label: Ints
    iou_3d: Floats
    iou_bev: Floats
    distance_m: Floats

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: Mask | Ints) -> Self:
        """Return the chosen pairs."""
        return type(self)(
            self.truth[rows],
            self.label[rows],
            self.iou_3d[rows],
            self.iou_bev[rows],
            self.distance_m[rows],
        )


def pair_up(
    truth: Cuboids,
    truth_sweeps: Ints,
    labels: Cuboids,
    label_sweeps: Ints,
    *,
    reach_m: float = 0.5,
) -> Pairs:
    """Return every pair of boxes of one sweep that overlap, or lie within `reach_m`.

    Parameters
    ----------
    truth, labels : Cuboids
        M and K cuboids in one coordinate frame, in any order.
    truth_sweeps, label_sweeps : (M,), (K,) int64
        The sweep of each.
    reach_m : float
        Pairs with centres this close (from above) are kept even if they do not overlap.

    Returns
    -------
    Pairs
        Only boxes of equal sweep; none if either set is empty.
    """
    parts = [
        _meeting(truth, labels, i, j, reach_m) for i, j in _candidates(truth_sweeps, label_sweeps)
    ]
    none = np.empty(0, dtype=np.int64)
    i = np.concatenate([none, *(part[0] for part in parts)])
    j = np.concatenate([none, *(part[1] for part in parts)])
    bev = np.concatenate([np.empty(0), *(part[2] for part in parts)])
    distance = np.concatenate([np.empty(0), *(part[3] for part in parts)])
    order = np.lexsort((j, i))
    i, j, bev, distance = i[order], j[order], bev[order], distance[order]
    return Pairs(i, j, _volume_iou(truth, labels, i, j, bev), bev, distance)


def _candidates(
    truth_sweeps: Ints, label_sweeps: Ints
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield all pairs of equal sweep, some sweeps at a time."""
    by_sweep = np.argsort(label_sweeps, kind="stable")
    in_order = label_sweeps[by_sweep]
    rows = np.argsort(truth_sweeps, kind="stable")
    first = np.searchsorted(in_order, truth_sweeps[rows], "left")
    count = np.searchsorted(in_order, truth_sweeps[rows], "right") - first
    before = np.concatenate([[0], np.cumsum(count)])
    start = 0
    while start < len(rows):
        stop = int(np.searchsorted(before, before[start] + BLOCK_PAIRS, "right")) - 1
        stop = max(stop, start + 1)
        n = count[start:stop]
        offset = np.arange(n.sum()) - np.repeat(before[start:stop] - before[start], n)
        yield (
            np.repeat(rows[start:stop], n),
            by_sweep[np.repeat(first[start:stop], n) + offset],
        )
        start = stop


def _meeting(
    truth: Cuboids, labels: Cuboids, i: Ints, j: Ints, reach_m: float
) -> tuple[Ints, Ints, Floats, Floats]:
    radius_a = np.hypot(truth.size_m[:, 0], truth.size_m[:, 1]) / 2
    radius_b = np.hypot(labels.size_m[:, 0], labels.size_m[:, 1]) / 2
    reach = np.maximum(radius_a[i] + radius_b[j], reach_m)
    dx = truth.center_m[i, 0] - labels.center_m[j, 0]
    near = np.flatnonzero(np.abs(dx) <= reach)
    i, j, reach = i[near], j[near], reach[near]
    distance = np.hypot(dx[near], truth.center_m[i, 1] - labels.center_m[j, 1])
    near = np.flatnonzero(distance <= reach)
    i, j, distance = i[near], j[near], distance[near]
    bev = overlap_bev_pairs(truth[i], labels[j])
    meets = (bev > 0) | (distance <= reach_m)
    return i[meets], j[meets], bev[meets], distance[meets]


def _volume_iou(truth: Cuboids, labels: Cuboids, i: Ints, j: Ints, bev: Floats) -> Floats:
    """Return the volume IoU; upright boxes meet in the footprint's share times the height's."""
    size_a, size_b = truth.size_m[i], labels.size_m[j]
    area_a, area_b = size_a[:, 0] * size_a[:, 1], size_b[:, 0] * size_b[:, 1]
    footprint = bev / (1 + bev) * (area_a + area_b)
    z_a, z_b = truth.center_m[i, 2], labels.center_m[j, 2]
    top = np.minimum(z_a + size_a[:, 2] / 2, z_b + size_b[:, 2] / 2)
    bottom = np.maximum(z_a - size_a[:, 2] / 2, z_b - size_b[:, 2] / 2)
    shared = footprint * np.maximum(top - bottom, 0)
    total = area_a * size_a[:, 2] + area_b * size_b[:, 2] - shared
    iou: Floats = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
    return iou
