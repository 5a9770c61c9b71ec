"""Heights follow the ground, by as much as a keyframe stood above it."""

import math

import numpy as np

from perception_label.arrays import Floats
from perception_label.propagation.views import Subject

# Reaches tried in turn until enough ground is seen, and the spread of a height found so, metres.
NEAR = 1.0  # what is known so is worth following at once
WIDER = ((NEAR, 0.06), (2.0, 0.3))


class Height:
    """Where an object's centre stands above the ground, carried from its keyframes.

    Between keyframes the height over ground goes straight from one to the next. Far from the
    sensor little ground is seen: a plane through what lies farther around has to do.
    """

    def __init__(self, subject: Subject) -> None:
        views, keys = subject.views, subject.keys
        self._views = views
        self._reach_m = max(1.5, float(subject.size_m[0]) / 2 + 0.5)
        heights, spread_m = self._ground(keys.poses[:, :2])
        overs = keys.poses[:, 2] - heights
        known = np.isfinite(overs)
        over = float(np.mean(overs[known])) if known.any() else np.nan
        self._spread_m = float(spread_m.min())
        overs = np.where(known, overs, over)
        self._overs = np.interp(views.seconds, views.seconds[keys.at], overs)

    def at(self, i: int, pose: Floats) -> float:
        """Return z at a pose (4,) in sweep i; where the ground is not sure, the pose's own."""
        z = float(self._views.ground(pose[None, :2], NEAR * self._reach_m)[0] + self._overs[i])
        return z if math.isfinite(z) else float(pose[2])

    def of_span(self, xy_m: Floats) -> tuple[Floats, Floats]:
        """Return z at each sweep's place (S, 2), and its spread, infinite where unknown."""
        heights, spread_m = self._ground(xy_m)
        return heights + self._overs, np.hypot(spread_m, self._spread_m)

    def _ground(self, xy_m: Floats) -> tuple[Floats, Floats]:
        heights, spread_m = np.full(len(xy_m), np.nan), np.full(len(xy_m), np.inf)
        for wider, error_m in WIDER:
            unknown = np.flatnonzero(np.isnan(heights))
            if len(unknown) == 0:
                break
            heights[unknown] = self._views.ground(xy_m[unknown], wider * self._reach_m)
            spread_m[unknown[np.isfinite(heights[unknown])]] = error_m
        return heights, spread_m
