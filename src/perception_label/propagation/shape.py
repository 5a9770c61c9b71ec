"""The points of one object so far, and how another sweep's points lie on them."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from perception_label._core import passes, register, seek
from perception_label.arrays import Floats, Ints, Points

SIDE_M = 0.1  # of the look-up cells
APART_M = 0.16  # points of the shape are at least this far apart: denser, drift would smear it
MARGIN_M = np.array([0.4, 0.4, 0.3])  # around the box, where points are looked at too
EDGE_M = 0.05  # around the box, where points still are the object's
SPREAD_M = 0.15  # distance at which a point counts e^-1
STRANGE = 0.5  # what a point costs that lies on nothing

# The reach of each step's robust weight: wide first, to be pulled in, then as sharp as the noise.
NEAR_M = np.array([0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.1])
MOST_POINTS = 150  # of one sweep that are aligned: more say the same
MOST_AT_ALL = 1000  # of one sweep, in a wide search
SAME_M = 0.0  # alignments that come so close on the way end at the same place

_MOST_POINTS = 6000  # of a shape; a lorry seen all round has about 4000
_STEPS = np.array([0.15, 0.15, 0.05])  # ahead, sideways, turned: where the curvature is taken
_WIDE_M = 0.25  # spread there: wider than the steps, or all would look flat

# What all alignments share: as in `_core.seek.find`.
_MEASURES = np.array([SIDE_M, SAME_M, SPREAD_M, STRANGE, _WIDE_M, APART_M])


def crop(points_m: Points, pose: Floats, half_m: Floats, most: int) -> Points:
    """Return the points in an upright box, in its own axes; at most so many, evenly chosen.

    points_m as in `cloud.evidence.Evidence`; pose (4,) x, y, z, yaw; half_m (3,) half sizes.
    """
    out = np.empty((most, 3), dtype=np.float32)
    return out[: crop_into(points_m, pose, half_m, out)]


def crop_into(points_m: Points, pose: Floats, half_m: Floats, out: Points) -> int:
    """Write what `crop` returns into an array, and return how many points there are."""
    return register.crop(points_m, pose, half_m, out)


class Shape:
    """The points of one object in its own axes, growing; `size_m` (3,) is its box."""

    def __init__(self, size_m: Floats) -> None:
        self.size_m = size_m
        self.half_m = size_m / 2 + MARGIN_M
        cells = (2 * np.ceil((size_m / 2 + MARGIN_M + 0.3) / SIDE_M)).astype(np.int64)
        self._nearest = np.full(cells, -1, dtype=np.int32)
        self._apart2 = np.full(cells, np.inf, dtype=np.float32)
        self._points = np.empty((_MOST_POINTS, 3), dtype=np.float32)
        self._own_m = size_m / 2 + EDGE_M
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, points_m: Points, pose: Floats) -> None:
        """Take in points; pose (4,) is the object's in the points' axes."""
        self._n = register.grow(
            points_m, pose, self._own_m, APART_M, SIDE_M, self._n, self._points, self._nearest,
            self._apart2,
        )  # fmt: skip

    def likeness(
        self, points_m: Points, poses: Floats, spread_m: float, strange: float = 0.0
    ) -> Floats:
        """Return how many points lie on the shape at each of poses (M, 4), (M,)."""
        out = np.empty(len(poses))
        register.likeness(
            points_m, poses, self._points, self._nearest, SIDE_M, self.half_m, spread_m, strange,
            out,
        )  # fmt: skip
        return out

    def copy(self) -> Self:
        """Return one that grows on its own."""
        new = type(self).__new__(type(self))
        new.size_m, new.half_m, new._own_m, new._n = self.size_m, self.half_m, self._own_m, self._n
        new._nearest, new._apart2 = self._nearest.copy(), self._apart2.copy()
        new._points = np.empty_like(self._points)
        new._points[: self._n] = self._points[: self._n]
        return new

    def starts(
        self, points_m: Points, reach_m: Floats, turned: Floats, weight: Floats, price: Floats,
        search: Floats, n: int,
    ) -> Floats:  # fmt: skip
        """Return the likeliest n places all over a reach, (n, 4); as `_core.seek.starts`."""
        out = np.empty((n, 4))
        seek.starts(
            points_m, reach_m, turned, weight, price, search, self.half_m, SIDE_M, self._points,
            self._nearest, out,
        )  # fmt: skip
        return out

    def find(
        self, points_m: Points, starts: Floats, weight: Floats, price: Floats, limits: Floats
    ) -> tuple[Floats, Floats] | None:
        """Look for the object among points in a guess's axes, and take in what is found.

        Returns the pose about the guess, (4,), and the likeness's curvature there (3, 3); None if
        it is not found. All else as in `_core.seek.find`.
        """
        pose, curved = np.empty(4), np.empty((3, 3))
        n = seek.find(
            points_m, starts, weight, price, limits, NEAR_M, _MEASURES, _STEPS, self.half_m,
            self._own_m, self._n, self._points, self._nearest, self._apart2, pose, curved,
        )  # fmt: skip
        if n < 0:
            return None
        self._n = n
        return pose, curved

    def add_each(self, points_m: Points, ends: Ints, order: Ints, poses: Floats) -> None:
        """Take in the points of several sweeps; as in `_core.passes.grow_each`."""
        self._n = passes.grow_each(
            points_m, ends, order, poses, self._own_m, APART_M, SIDE_M, self._n, self._points,
            self._nearest, self._apart2,
        )  # fmt: skip

    def align_each(
        self, points_m: Points, ends: Ints, poses: Floats, spreads_m: Floats, starts: Ints,
        before: Floats, limits: Floats, curved: Floats,
    ) -> Floats:  # fmt: skip
        """Move poses (S, 4) to where every sweep lies on the shape; as `_core.passes.align_each`.

        Returns the likeness, (S,), -1e9 where it was not found.
        """
        found = np.empty(len(poses))
        passes.align_each(
            points_m, ends, poses, spreads_m, starts, before, limits, NEAR_M, _MEASURES, _STEPS,
            self.half_m, self._points, self._nearest, found, curved,
        )  # fmt: skip
        return found


def place(pose: Floats, moves: NDArray[np.float64]) -> Floats:
    """Return the poses that moves (M, 4) in a pose's own axes lead to, (M, 4)."""
    c, s = np.cos(pose[3]), np.sin(pose[3])
    out = moves + pose
    out[:, 0] = pose[0] + c * moves[:, 0] - s * moves[:, 1]
    out[:, 1] = pose[1] + s * moves[:, 0] + c * moves[:, 1]
    return out


def place_each(poses: Floats, moves: Floats, *, inverse: bool = False) -> Floats:
    """Return where each move (S, 4) in its pose's own axes (S, 4) leads to, (S, 4).

    With inverse, moves are where it led to, and what it was is returned.
    """
    c, s = np.cos(poses[:, 3]), np.sin(poses[:, 3])
    if inverse:
        out = moves - poses
        x, y = out[:, 0].copy(), out[:, 1].copy()
        out[:, 0], out[:, 1] = c * x + s * y, c * y - s * x
    else:
        out = moves + poses
        out[:, 0] = poses[:, 0] + c * moves[:, 0] - s * moves[:, 1]
        out[:, 1] = poses[:, 1] + s * moves[:, 0] + c * moves[:, 1]
    return out
