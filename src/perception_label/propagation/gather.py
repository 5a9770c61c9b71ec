"""All sweeps of a rigid object at once, along a path: one shape of all, each aligned to it."""

import numpy as np

from perception_label.arrays import Floats, Mask
from perception_label.propagation.fixes import Fixes
from perception_label.propagation.follow import MOST_TURN_RAD, SUPPORT
from perception_label.propagation.shape import MOST_POINTS, crop_into, place_each
from perception_label.propagation.standing import followed_shape
from perception_label.propagation.views import Subject

# Least likeness, most turn, points that a metre sideways and a radian take off, how far a curvature
# holds.
_LIMITS = np.array([SUPPORT, MOST_TURN_RAD, 3.0, 10.0, 0.03])
_LEAST_M, _MOST_M = 0.2, 1.5  # ahead and behind that alignment starts


class Around:
    """What lies around an object's path in every sweep, cut out again only where it moved."""

    def __init__(self, subject: Subject) -> None:
        n = len(subject.views)
        self._subject, self._keyed = subject, followed_shape(subject)
        away = np.abs(np.arange(n)[:, None] - subject.keys.at).min(axis=1)
        order = np.argsort(away, kind="stable")
        self._others = order[away[order] > 0]
        # Places of the points, and the axes that they are in.
        self._points = np.empty((n * MOST_POINTS, 3), dtype=np.float32)
        self._ends = np.repeat(np.arange(n)[:, None] * MOST_POINTS, 2, axis=1)
        self._axes = np.full((n, 4), np.inf)
        self._starts = np.full(n, 3)
        self._curved, self._curved_at = np.zeros((n, 3, 3)), np.full((n, 4), np.nan)

    def aligned(self, poses: Floats, covariances: Floats, sound: Mask) -> Fixes:
        """Return where each sweep lies on the shape that the sound ones (S,) make along poses.

        poses (S, 4); covariances (S, 2 or more, 2 or more) say how far ahead and behind to look.
        """
        if np.isfinite(self._axes).any():
            # Aligned before, and smoothed: it is not far off.
            self._starts = np.where(sound, 1, 3)
        self._cut(poses)
        shape = self._keyed.copy()
        moves = place_each(self._axes, poses, inverse=True)
        shape.add_each(self._points, self._ends, self._others[sound[self._others]], moves)
        ahead = np.stack([np.cos(poses[:, 3]), np.sin(poses[:, 3])], axis=1)
        variance = np.einsum("si,sij,sj->s", ahead, covariances[:, :2, :2], ahead)
        spreads_m = np.clip(2 * np.sqrt(variance), _LEAST_M, _MOST_M)
        before = place_each(self._axes, self._curved_at, inverse=True)
        likeness = shape.align_each(
            self._points, self._ends, moves, spreads_m, self._starts, before,
            _LIMITS, self._curved,
        )  # fmt: skip
        fixes = Fixes.none(len(poses))
        fixes.poses[:] = poses
        rows = np.flatnonzero(likeness >= SUPPORT)
        found = place_each(self._axes[rows], moves[rows])
        fixes.set_aligned(rows, found, self._curved[rows])
        off = np.abs(found - self._curved_at[rows])
        new = rows[~(np.maximum(off[:, :3].max(axis=1), 5 * off[:, 3]) < _LIMITS[4])]
        self._curved_at[new] = fixes.poses[new]
        return fixes

    def _cut(self, poses: Floats) -> None:
        """Cut out each sweep's points, but of the keyframes'."""
        views, half_m = self._subject.views, self._keyed.half_m
        moved = (poses != self._axes).any(axis=1)
        for i in self._others[moved[self._others]].tolist():
            first = i * MOST_POINTS
            n = crop_into(
                views.points(i), poses[i], half_m, self._points[first : first + MOST_POINTS]
            )
            self._ends[i, 1] = first + n
        self._axes[moved] = poses[moved]
