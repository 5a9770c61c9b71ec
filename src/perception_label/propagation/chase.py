"""Follow by what the motion allows: as far as a `Drive` is unsure, so far is looked.

Where nothing is found for a while the search grows ahead and sideways, and the way may have
bent meanwhile. It finds again what came out of hiding, and more often something else, too.
"""

import numpy as np

from perception_label.arrays import Floats, Points
from perception_label.propagation.drive import Drive
from perception_label.propagation.fixes import information
from perception_label.propagation.follow import MOST_POINTS, MOST_TURN_RAD, SUPPORT, Seen
from perception_label.propagation.height import Height
from perception_label.propagation.shape import MARGIN_M, Shape, crop, place
from perception_label.propagation.views import Subject

_REACH = 2.5  # spreads that are searched, ahead and sideways ...
_LEAST_M = np.array([0.4, 0.25])  # ... but so far at least,
_MOST_M = np.array([6.0, 2.5])  # and at most
_WIDE_M = np.array([1.2, 0.8])  # a wider search needs more points, and more support
_WIDE_POINTS = 1000
_WIDE_SUPPORT = 3.0
_APART_M = 0.35  # of the places looked at
_TURNED_RAD = np.array([-0.08, 0.0, 0.08])
_STARTS = 3  # of those places, where alignment starts, besides the middle
_NEAR_M = 0.3  # places closer than this lead to the same end
_SPREAD_M = 0.25
_STRANGE = 0.3
_COST = 0.7  # points of likeness that a squared deviation from the prediction takes off ...
_MOST_SQUARED = 12.0  # ... up to this one
_FLOOR = np.diag(np.array([0.1, 0.07, 0.03]) ** 2)  # added to the predicted spread


class Chase:
    """A vehicle on its way from a keyframe, sweep by sweep."""

    def __init__(self, subject: Subject, height: Height, k: int, speed_mps: float) -> None:
        pose = subject.keys.poses[k]
        self._subject, self._height = subject, height
        self._at, self._z = int(subject.keys.at[k]), float(pose[2])
        length_m = float(subject.size_m[0])
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
        half = shape.size_m / 2 + MARGIN_M + np.append(reach, 0.0)
        points = crop(views.points(i), guess, half, _WIDE_POINTS if is_wide else MOST_POINTS)
        if len(points) < 5:
            return None
        weight = np.linalg.inv(spread + _FLOOR).astype(np.float64)
        best = _best(shape, points, reach, weight)
        need = SUPPORT + _WIDE_SUPPORT * is_wide
        if best is None or best[1] < need or abs(best[0][3]) > MOST_TURN_RAD:
            return None
        curved = shape.curvature(points, best[0])
        shape.add(points, best[0])
        pose = place(guess, best[0][None])[0]
        self._drive = drive.seen(pose, information(curved[None], pose[None, 3])[0])
        return pose, curved


def _best(
    shape: Shape, points: Points, reach: Floats, weight: Floats
) -> tuple[Floats, float] | None:
    """Return the likeliest pose (4,) around a prediction of this weight (3, 3), how likely."""
    poses, found = shape.align(points, _starts(shape, points, reach, weight))
    found -= _deviation(poses, weight)
    best = int(np.argmax(found))
    return poses[best], float(found[best])


def _starts(shape: Shape, points: Points, reach: Floats, weight: Floats) -> Floats:
    """Return the likeliest of places all over the reach, and the middle, (M, 4)."""
    ahead, aside = (_row(float(r)) for r in reach)
    places = np.zeros((len(ahead), len(aside), len(_TURNED_RAD), 4))
    places[..., 0], places[..., 1] = ahead[:, None, None], aside[:, None]
    places[..., 3] = _TURNED_RAD
    grid: Floats = places.reshape(-1, 4)
    # In a narrow search a hundred points tell the places apart.
    step = 1 if len(points) > MOST_POINTS else 1 + len(points) // 100
    some = np.ascontiguousarray(points[::step])
    found = step * shape.likeness(some, grid, _SPREAD_M, _STRANGE) - _deviation(grid, weight)
    starts = [np.zeros(4)]
    for _ in range(_STARTS):
        best = grid[int(np.argmax(found))]
        starts.append(best)
        found[(np.abs(grid[:, :2] - best[:2]) < _NEAR_M).all(axis=1)] = -np.inf
    return np.array(starts)


def _row(reach_m: float) -> Floats:
    n = int(np.ceil(reach_m / _APART_M))
    return np.linspace(-reach_m, reach_m, 2 * n + 1)


def _deviation(poses: Floats, weight: Floats) -> Floats:
    """Return what poses (M, 4) lose for ending far from the prediction, (M,)."""
    off = poses[:, [0, 1, 3]]
    squared = ((off @ weight) * off).sum(axis=1)
    return np.asarray(_COST * np.minimum(squared, _MOST_SQUARED))
