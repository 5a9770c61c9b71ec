"""What stands where a followed object is looked for: it was there while the object was elsewhere.

Parked cars along a street look like the one that drives by, the more the less is seen of it.
"""

import numpy as np

from perception_label._core import taken
from perception_label.arrays import Floats, Points
from perception_label.propagation.views import Views

_CELL_M = 0.3
_SWEEPS = 6  # looked at, each at a time when the object was out of the way ...
_LEAST = 2  # ... and what was there in so many of them stands
_SPAN = 60  # they are among the last so many of such ...
_MEMORY = 180  # ... of the last so many that it was followed through
_MOST_POINTS = 2000  # of each
_PICKED = np.linspace(0.0, 1.0, _SWEEPS)
_SCRATCH = (_MOST_POINTS, 3)


class Taken:
    """The places that are not the object's, from the way on which it was followed."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._sweeps = np.empty(len(views), dtype=np.int64)
        self._xy_m = np.empty((len(views), 2))
        self._n = 0
        self._scratch = np.empty(_SCRATCH, dtype=np.float32)

    def note(self, i: int, pose: Floats) -> None:
        """Remember where the object was in sweep i, or is thought to have been; pose (4,)."""
        self._sweeps[self._n], self._xy_m[self._n] = i, pose[:2]
        self._n += 1

    def free(self, points_m: Points, guess: Floats, half_m: Floats) -> Points:
        """Return the points that may be the object's.

        points_m (N, 3) are those in the box of half sizes half_m (3,) about a guess (4,), in its
        axes; their order changes.
        """
        first = max(0, self._n - _MEMORY)
        off = self._xy_m[first : self._n] - guess[:2]
        out_of_way_m = np.hypot(half_m[0], half_m[1]) + half_m[0] - 0.5
        away = np.flatnonzero(off[:, 0] ** 2 + off[:, 1] ** 2 > out_of_way_m**2)[-_SPAN:]
        if len(away) < _LEAST:
            return points_m
        if len(away) > _SWEEPS:
            away = away[(_PICKED * (len(away) - 1)).astype(np.int64)]
        sides = np.ceil(2 * half_m / _CELL_M).astype(np.int64) + 3
        cells = np.zeros(sides, dtype=np.uint8)
        for bit, i in enumerate(self._sweeps[first + away].tolist()):
            taken.mark(self._views.points(i), guess, half_m, _CELL_M, bit, self._scratch, cells)
        return points_m[: taken.free(points_m, half_m, _CELL_M, _LEAST, cells)]
