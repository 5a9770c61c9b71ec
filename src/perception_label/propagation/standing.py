"""Does it stand still? The sweeps' points at the keyframe's place tell."""

import numpy as np

from perception_label.arrays import Floats, Ints, Mask, Points
from perception_label.propagation.shape import EDGE_M, Shape, crop
from perception_label.propagation.views import Subject

NEAR_M = 0.5  # keyframes farther apart than this are of something that moved
MOVES_M = np.array([0.0, -0.2, 0.2, -0.5, 0.5, -0.9, 0.9])  # along the heading, tried each sweep
_REACH_M = np.array([0.6, 0.3, 0.0])  # around the shape's region, to see what moved out of it
_SPREAD_M = 0.2
_STRANGE = 0.2
_MEAN = -0.10  # of a mover the moved pose is better by this share of the points on average ...
_WORST = -0.45  # ... or by this in half a second; what stands still is never below -0.08
_EXPLAINED = 0.6  # share of the points that lie on what stood there, or it is something else
_TAKEN_M = 0.2  # cells of what else is around
_RUN = 5  # sweeps looked at together
LEAST = 5  # points of a keyframe that make a shape
SPARSE = 30  # points of a keyframe; fewer do not tell the shape
INSET_M = 0.05  # people draw boxes a little larger than what they see
_SIDE_STEP_M = 0.12
_FEW = 25  # points in a run, fewer prove nothing


def gains(subject: Subject) -> Floats:
    """Return what standing still gains over having moved, in each sweep with points.

    Each row: number of the sweep, likeness at the keyframe's pose less the best of the moved
    poses, points in the box, likeness at the pose. From the keyframes outwards the shape grows
    as if it stood still. (R, 4), by sweep.
    """
    views, keys, size_m = subject.views, subject.keys, subject.size_m
    shape = keyed_shape(subject)
    if len(shape) < LEAST:
        return np.empty((0, 4))
    poses = np.zeros((len(MOVES_M), 4))
    poses[:, 0] = MOVES_M
    half_m = shape.half_m + _REACH_M
    others = _Others(half_m)
    for i, pose in zip(keys.at.tolist(), keys.poses, strict=True):
        around = crop(views.points(i), pose, half_m, 2000)
        others.add(around[(np.abs(around) > size_m / 2 + EDGE_M).any(axis=1)])
    rows = []
    for i in sorted(set(range(len(views))) - set(keys.at.tolist()), key=keys.distance):
        pose = keys.poses[keys.nearest(i)]
        points = crop(views.points(i), pose, half_m, 250)
        is_inside = (np.abs(points) < size_m / 2).all(axis=1)
        points = points[is_inside | ~others.hold(points)]
        if len(points) < 3:
            continue
        found = shape.likeness(points, poses, _SPREAD_M, _STRANGE)
        gain, inside = found[0] - found[1:].max(), is_inside.sum()
        rows.append((i, gain, inside, found[0]))
        # What walks by would make a shape of its own.
        if found[0] > _EXPLAINED * inside and gain > _MEAN * inside:
            shape.add(points, np.zeros(4))
    return np.array(sorted(rows), dtype=np.float64).reshape(-1, 4)


class _Others:
    """Places around the object where something else was at a keyframe."""

    def __init__(self, half_m: Floats) -> None:
        self._half_m = half_m
        self._taken = np.zeros(np.ceil(2 * half_m / _TAKEN_M).astype(np.int64) + 2, np.bool_)

    def add(self, points_m: Points) -> None:
        """Note points, and the places next to them."""
        cells = self._cells(points_m)
        for step in np.ndindex(3, 3, 3):
            near = np.clip(cells + np.array(step) - 1, 0, np.array(self._taken.shape) - 1)
            self._taken[tuple(near.T)] = True

    def hold(self, points_m: Points) -> Mask:
        """Return which points are at such a place, (N,)."""
        return np.asarray(self._taken[tuple(self._cells(points_m).T)])

    def _cells(self, points_m: Points) -> Ints:
        return ((points_m + self._half_m) / _TAKEN_M).astype(np.int64) + 1


def keyed_shape(subject: Subject) -> Shape:
    """Return the shape that the keyframes' own points make."""
    shape, half_m = Shape(subject.size_m), subject.size_m / 2 + EDGE_M
    for i, pose in zip(subject.keys.at.tolist(), subject.keys.poses, strict=True):
        shape.add(crop(subject.views.points(i), pose, half_m, 1500), np.zeros(4))
    return shape


def followed_shape(subject: Subject) -> Shape:
    """Return the shape to follow: few points far out are joined by the sides of the box itself.

    Which part of a far car its few points hit changes from sweep to sweep, but not where its
    sides are.
    """
    shape = keyed_shape(subject)
    if len(shape) < SPARSE:
        shape.add(_sides(subject.size_m), np.zeros(4))
    return shape


def _sides(size_m: Floats) -> Points:
    """Return points all over the four upright sides of a box, a little inside."""
    half = size_m / 2 - INSET_M
    steps = [np.arange(-h, h + 1e-9, _SIDE_STEP_M) for h in half]
    parts = []
    for axis in (0, 1):
        u, z = (g.ravel() for g in np.meshgrid(steps[1 - axis], steps[2], indexing="ij"))
        for sign in (-1, 1):
            side = np.empty((len(u), 3), dtype=np.float32)
            side[:, axis], side[:, 1 - axis], side[:, 2] = sign * half[axis], u, z
            parts.append(side)
    return np.concatenate(parts)


def has_moved(gained: Floats) -> bool:
    """Return whether what was seen at the place says that it moved; see `gains`."""
    if len(gained) == 0:
        return False
    gain, n_points = gained[:, 1], np.maximum(gained[:, 2], 3.0)
    if gain.sum() < _MEAN * n_points.sum():
        return True
    window = np.ones(min(_RUN, len(gained)))
    gain, n_points = np.convolve(gain, window, "valid"), np.convolve(n_points, window, "valid")
    enough = n_points >= _FEW
    return bool((gain[enough] < _WORST * n_points[enough]).any())
