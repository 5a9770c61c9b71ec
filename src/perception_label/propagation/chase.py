"""Follow by what the motion allows: as far as a `Drive` is unsure, so far is looked.

Where nothing is found for a while the search grows ahead and sideways, and the way may have
bent meanwhile. It finds again what came out of hiding, and more often something else, too.
"""

import numpy as np

from perception_label.arrays import Floats, Points
from perception_label.propagation.drive import Drive
from perception_label.propagation.fixes import information
from perception_label.propagation.follow import MOST_TURN_RAD, SUPPORT, Seen
from perception_label.propagation.height import Height
from perception_label.propagation.shape import MOST_AT_ALL, MOST_POINTS, Shape, crop, place
from perception_label.propagation.standing import LEAST
from perception_label.propagation.taken import Taken
from perception_label.propagation.views import Subject

_PATIENCE = 2  # sweeps in a row without it, and only ...
_EVERY = 3  # ... each third is looked at
_REACH = 2.5  # spreads that are searched, ahead and sideways ...
_LEAST_M = np.array([0.4, 0.25])  # ... but so far at least,
_MOST_M = np.array([6.0, 2.5])  # and at most
_WIDE_M = np.array([1.2, 0.8])  # a wider search needs more points, and more support
_WIDE_TELL = 1001.0
_WIDE_SUPPORT = 3.0
_APART_M = 0.35  # of the places looked at
_TURNED_RAD = np.array([-0.08, 0.0, 0.08])
_STARTS = 3  # of those places, where alignment starts, besides the middle
_NEAR_M = 0.3  # places closer than this lead to the same end
_SPREAD_M = 0.25
_STRANGE = 0.3
_COST = 0.7  # points of likeness that a squared deviation from the prediction takes off ...
_MOST_SQUARED = 12.0  # ... up to this one
_LIMITS = np.array([SUPPORT, MOST_TURN_RAD])
_LIMITS_WIDE = np.array([SUPPORT + _WIDE_SUPPORT, MOST_TURN_RAD])
# As in `_core.seek`. In a narrow search a hundred points tell the places apart.
_PRICE = np.array([0.0, 0.0, 0.0, _COST, _MOST_SQUARED])
_SEARCH, _SEARCH_WIDE = (
    np.array([_APART_M, _NEAR_M, _SPREAD_M, _STRANGE, n]) for n in (100.0, _WIDE_TELL)
)
_FLOOR = np.diag(np.array([0.1, 0.07, 0.03]) ** 2)  # added to the predicted spread


class Chase:
    """A vehicle on its way from a keyframe, sweep by sweep."""

    def __init__(self, subject: Subject, height: Height, k: int, speed_mps: float) -> None:
        pose = subject.keys.poses[k]
        self._subject, self._height = subject, height
        self._at, self._z = int(subject.keys.at[k]), float(pose[2])
        length_m = float(subject.size_m[0])
        self._taken, self._n_lost = Taken(subject.views), 0
        self._drive = Drive.started(pose, speed_mps, subject.motion, length_m)

    @property
    def yaw_rad(self) -> float:
        """Heading in the last sweep."""
        return float(self._drive.state[2])

    def step(self, i: int, shape: Shape) -> Seen | None:
        """Look for the object in sweep i; return its pose and the likeness's curvature there."""
        views = self._subject.views
        drive = self._drive.after(float(views.seconds[i] - views.seconds[self._at]))
        self._at, self._drive = i, drive
        guess = np.array([drive.state[0], drive.state[1], self._z, drive.state[2]])
        guess[2] = self._z = self._height.at(i, guess)
        spread = drive.own_spread()
        reach = np.clip(_REACH * np.sqrt(np.diag(spread)[:2]), _LEAST_M, _MOST_M)
        is_wide = bool((reach > _WIDE_M).any())
        if self._n_lost > _PATIENCE and self._n_lost % _EVERY:
            self._n_lost += 1
            self._taken.note(i, guess)
            return None
        half = shape.half_m + np.append(reach, 0.0)
        points = crop(views.points(i), guess, half, MOST_AT_ALL if is_wide else MOST_POINTS)
        if len(points) >= LEAST:
            points = self._taken.free(points, guess, half)
        found = self._found(shape, points, reach, spread, is_wide=is_wide)
        pose = guess if found is None else place(guess, found[0][None])[0]
        self._taken.note(i, pose)
        if found is None:
            self._n_lost += 1
            return None
        self._n_lost = 0
        self._drive = drive.seen(pose, information(found[1][None], pose[None, 3])[0])
        return pose, found[1]

    def _found(
        self, shape: Shape, points: Points, reach: Floats, spread: Floats, *, is_wide: bool
    ) -> Seen | None:
        """Return the pose about the guess, and the likeness's curvature there."""
        if len(points) < LEAST:
            return None
        weight = np.linalg.inv(spread + _FLOOR).astype(np.float64)
        search, limits = (_SEARCH_WIDE, _LIMITS_WIDE) if is_wide else (_SEARCH, _LIMITS)
        starts = shape.starts(points, reach, _TURNED_RAD, weight, _PRICE, search, 1 + _STARTS)
        return shape.find(points, starts, weight, _PRICE, limits)
