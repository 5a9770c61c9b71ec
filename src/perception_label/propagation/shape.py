"""The points of one object so far, and how another sweep's points lie on them."""

import numpy as np
from numpy.typing import NDArray

from perception_label._core import register
from perception_label.arrays import Floats, Points

SIDE_M = 0.1  # of the look-up cells
APART_M = 0.16  # points of the shape are at least this far apart: denser, drift would smear it
MARGIN_M = np.array([0.4, 0.4, 0.3])  # around the box, where points are looked at too
EDGE_M = 0.05  # around the box, where points still are the object's
SPREAD_M = 0.15  # distance at which a point counts e^-1
STRANGE = 0.5  # what a point costs that lies on nothing

# The reach of each step's robust weight: wide first, to be pulled in, then as sharp as the noise.
NEAR_M = np.array([0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.1])

_MOST_POINTS = 6000  # of a shape; a lorry seen all round has about 4000
_STEPS = np.array([0.15, 0.15, 0.05])  # ahead, sideways, turned: where the curvature is taken
_WIDE_M = 0.25  # spread there: wider than the steps, or all would look flat


def crop(points_m: Points, pose: Floats, half_m: Floats, most: int) -> Points:
    """Return the points in an upright box, in its own axes; at most so many, evenly chosen.

    points_m as in `cloud.evidence.Evidence`; pose (4,) x, y, z, yaw; half_m (3,) half sizes.
    """
    out = np.empty((most, 3), dtype=np.float32)
    return out[: register.crop(points_m, pose, half_m, out)]


class Shape:
    """The points of one object in its own axes, growing; `size_m` (3,) is its box."""

    def __init__(self, size_m: Floats) -> None:
        self.size_m = size_m
        self.half_m = size_m / 2 + MARGIN_M
        cells = (2 * np.ceil((size_m / 2 + MARGIN_M + 0.3) / SIDE_M)).astype(np.int64)
        self._nearest = np.full(cells, -1, dtype=np.int32)
        self._apart2 = np.full(cells, np.inf, dtype=np.float32)
        self._points = np.empty((_MOST_POINTS, 3), dtype=np.float32)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, points_m: Points, pose: Floats) -> None:
        """Take in points; pose (4,) is the object's in the points' axes."""
        half = self.size_m / 2 + EDGE_M
        self._n = register.grow(
            points_m, pose, half, APART_M, SIDE_M, self._n, self._points, self._nearest,
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

    def align(self, points_m: Points, starts: Floats) -> tuple[Floats, Floats]:
        """Return where alignment ends from each start (M, 4), and the likeness there, (M,).

        A start with fewer than 5 points on the shape stays, with a likeness of -1e9.
        """
        poses, out = starts.copy(), np.empty(len(starts))
        register.align(
            points_m, poses, self._points, self._nearest, SIDE_M, self.half_m, NEAR_M,
            SPREAD_M, STRANGE, out,
        )  # fmt: skip
        return poses, out

    def curvature(self, points_m: Points, pose: Floats) -> Floats:
        """Return how sharply the likeness falls off ahead, sideways and turned, (3, 3)."""
        out = np.empty((3, 3))
        register.curvature(
            points_m, pose, self._points, self._nearest, SIDE_M, self.half_m, _WIDE_M, _STEPS, out
        )
        return out


def place(pose: Floats, moves: NDArray[np.float64]) -> Floats:
    """Return the poses that moves (M, 4) in a pose's own axes lead to, (M, 4)."""
    c, s = np.cos(pose[3]), np.sin(pose[3])
    out = moves + pose
    out[:, 0] = pose[0] + c * moves[:, 0] - s * moves[:, 1]
    out[:, 1] = pose[1] + s * moves[:, 0] + c * moves[:, 1]
    return out
