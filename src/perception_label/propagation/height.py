"""Heights follow the ground, by as much as a keyframe stood above it."""

import numpy as np

from perception_label.arrays import Floats
from perception_label.propagation.views import Subject


class Height:
    """Where an object's centre stands above the ground, carried from its keyframes.

    Between keyframes the height over ground goes straight from one to the next. Where
    the ground is unknown a pose keeps its z.
    """

    def __init__(self, subject: Subject) -> None:
        views, keys = subject.views, subject.keys
        self._views, self._keys = views, keys
        self._reach_m = max(1.5, float(subject.size_m[0]) / 2 + 0.5)
        ground = views.ground(keys.poses[:, :2], self._reach_m)
        known = np.isfinite(ground)
        self._over = float(np.mean((keys.poses[:, 2] - ground)[known])) if known.any() else np.nan
        self._overs = np.where(known, keys.poses[:, 2] - ground, self._over)

    def __call__(self, poses: Floats) -> Floats:
        """Return z at poses (P, 4), (P,)."""
        z = self._views.ground(poses[:, :2], self._reach_m) + self._over
        return np.where(np.isfinite(z), z, poses[:, 2])

    def of_span(self, xy_m: Floats) -> Floats:
        """Return z at each sweep's place (S, 2); NaN where the ground is unknown."""
        seconds = self._views.seconds
        over = np.interp(seconds, seconds[self._keys.at], self._overs)
        return self._views.ground(xy_m, self._reach_m) + over
