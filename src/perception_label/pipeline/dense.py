"""Tracks as dense boxes: which of them stand in a sweep, and where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids, concatenate
from perception_label.geometry.overlap import keep_best
from perception_label.proposals.tracks import Track

WITHIN_M = 75.0  # of the sensor; farther boxes are not carried on
LEAST_POINTS = 8  # inside a parked car's box show that it still stands there
SHARED = 0.3  # of the smaller footprint: two tracks that overlap more are one object


@dataclass(frozen=True, slots=True)
class Counts:
    """How many points the boxes of the tracks `rows` (R,) hold in one sweep.

    `n_points` (R, 2) int32: all, and those well above the box's bottom.
    """

    sweep: int
    rows: NDArray[np.int32]
    n_points: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Dense:
    """T tracks as columns, world frame; `sensor_m` (S, 2) is where the sensor was.

    Attributes
    ----------
    first, last, first_found, last_found : (T,) int64
        Sweeps, as in `Track`.
    is_static : (T,) bool
        Whether it stands still.
    packed : (B, 7) float64
        The boxes of all tracks, one after another.
    start : (T,) int64
        Where the boxes of each begin.
    sensor_m : (S, 2) float64
        Where the sensor was in each sweep.
    """

    first: Ints
    last: Ints
    first_found: Ints
    last_found: Ints
    is_static: Mask
    packed: Floats
    start: Ints
    sensor_m: Floats

    @classmethod
    def of(cls, tracks: list[Track], sensor_m: Floats) -> "Dense":
        """Return the columns of tracks; a parked one's box, always the same, is kept once."""
        spans = [(t.first, t.last, t.first_found, t.last_found) for t in tracks]
        first, last, first_found, last_found = np.array(spans, dtype=np.int64).reshape(-1, 4).T
        is_static = np.array([t.is_static for t in tracks], dtype=np.bool_)
        boxes = [t.cuboids[:1] if t.is_static else t.cuboids for t in tracks]
        length = np.array([len(b) for b in boxes], dtype=np.int64)
        start = np.cumsum(length) - length
        packed = concatenate(boxes).packed()
        return cls(first, last, first_found, last_found, is_static, packed, start, sensor_m)

    def near(self, i: int) -> Ints:
        """Return the tracks that may have a box in sweep i: in their span, or parked near."""
        within = (self.first <= i) & (i <= self.last)
        if len(within):
            away = self.packed[self.start, :2] - self.sensor_m[i]
            within |= self.is_static & (np.hypot(away[:, 0], away[:, 1]) < WITHIN_M)
        return np.flatnonzero(within)

    def boxes(self, rows: Ints, i: int) -> Cuboids:
        """Return the boxes of the chosen tracks in sweep i."""
        if len(rows) == 0:
            return concatenate([])
        steps = np.clip(i, self.first[rows], self.last[rows]) - self.first[rows]
        return Cuboids.unpack(self.packed[self.start[rows] + steps * ~self.is_static[rows]])

    def alive(self, counts: Counts) -> Mask:
        """Return which of the counted tracks have a box there: linked, or seen.

        A parked car stays while points fall into its box, before its first detection and after
        its last one too; the sweeps that a mover reaches beyond its detections need points as
        well.
        """
        rows, seen = counts.rows, counts.n_points[:, 1]
        within = (self.first[rows] <= counts.sweep) & (counts.sweep <= self.last[rows])
        found = (self.first_found[rows] <= counts.sweep) & (counts.sweep <= self.last_found[rows])
        return found | (within & (seen > 0)) | (self.is_static[rows] & (seen >= LEAST_POINTS))

    def chosen(self, counts: list[Counts], scores: Floats) -> tuple[Ints, Ints, Ints, Cuboids]:
        """Return sweep, track, points and box of each that is there; of two in one place, one.

        `scores` (T,) and the length of a track say which.
        """
        on = [self.alive(c) for c in counts]
        length = np.zeros(len(scores), dtype=np.int64)
        for c, there in zip(counts, on, strict=True):
            length[c.rows[there]] += 1
        # The longer track is the surer one of two equally likely.
        rank = scores + 1e-3 * np.log1p(length)
        none = np.empty(0, dtype=np.int64)
        parts = [(none, none, none, concatenate([]))]
        for c, there in zip(counts, on, strict=True):
            rows = c.rows[there].astype(np.int64)
            boxes = self.boxes(rows, c.sweep)
            kept = np.sort(keep_best(boxes, rank[rows], SHARED, measure="min_area"))
            n_points = c.n_points[there][kept, 0].astype(np.int64)
            parts.append((np.full(len(kept), c.sweep), rows[kept], n_points, boxes[kept]))
        sweep, track, n_points = (np.concatenate([p[k] for p in parts]) for k in range(3))
        return sweep, track, n_points, concatenate([p[3] for p in parts])
