"""From a keyframe sweep by sweep, each way.

Rigid objects are aligned to the shape they showed so far (robust point-to-point registration in
the plane, several starts), people are centred (mean shift; Comaniciu and Meer 2002).
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from perception_label.arrays import Floats, Ints, Mask, Points
from perception_label.geometry.cuboids import wrap
from perception_label.propagation.fixes import Fixes
from perception_label.propagation.height import Height
from perception_label.propagation.shape import MARGIN_M, MOST_POINTS, Shape, crop, place
from perception_label.propagation.standing import followed_shape
from perception_label.propagation.views import Keys, Subject

MISSED_M = 1.5  # off the next keyframe; what was followed is something else
PARTED_M = 0.5  # two ways of following farther apart than this contradict each other
SUPPORT = 3.0  # likeness below which nothing was found
MOST_TURN_RAD = 0.3  # against the prediction, in one step
# What a start's alignment loses for ending far from the prediction: ahead, sideways, turned.
_DEVIATION = np.array([3.0, 5.0, 10.0, 0.0, 0.0])
_ANYHOW = np.zeros((3, 3))
_LIMITS = np.array([SUPPORT, MOST_TURN_RAD])
_REACH_M = (0.4, 0.7, 1.0, 1.3, 1.5)  # ahead, by how many sweeps it was not found
_REACHES = [np.array([r, 0.6 * r, 0.0]) for r in _REACH_M]
_STARTS = [
    np.array([[x, 0.0, 0.0, 0.0] for x in ([0, -r, r] if n <= 2 else [0, -r, r, -r / 2, r / 2])])
    for n, r in enumerate(_REACH_M)
]
_GAIN = 0.5  # of each new step in the running speed
_SLOWEST = 0.02  # slower is likelier, by this per m/s and root of a hundred points
_SPEEDS_MPS = 0.25  # apart, tried at first
_BEFORE = (15, 25)  # sweeps ago: what was there both times stands there ...
_ELSEWHERE_M = 1.5  # ... if the person was so far off
_CELL_M = 0.25  # cells of what stands


Seen = tuple[Floats, Floats]  # a pose (4,), the likeness's curvature (3, 3) there


class Walk(Protocol):
    """A rigid object on its way from a keyframe, sweep by sweep."""

    @property
    def yaw_rad(self) -> float:
        """Heading in the last sweep."""

    def step(self, i: int, shape: Shape) -> Seen | None:
        """Look for the object in sweep i; what is found is added to its shape."""


def follow_rigid(
    subject: Subject,
    height: Height,
    start: Callable[[Subject, Height, int, float], Walk],
) -> tuple[Fixes, Floats]:
    """Return where alignment finds a rigid object in every sweep it was followed to.

    `start` makes a walk from a key's number and the first speed. The second result, (S,), is the
    headings on the way, each from the nearest keyframe.
    """
    views, keys = subject.views, subject.keys
    ways = Fixes.none(len(views)), Fixes.none(len(views))
    keyed = followed_shape(subject)
    off = np.abs(np.arange(len(views))[:, None] - keys.at)
    nearest, away = off.argmin(axis=1).tolist(), off.all(axis=1).tolist()
    yaw = np.empty(len(views))
    yaw[keys.at] = keys.poses[:, 3]
    for k, here in enumerate(keys.at.tolist()):
        speed = first_speed(subject, k, keyed)
        for way, sweeps in zip(ways, keys.between(k, len(views)), strict=True):
            shape, walk = keyed.copy(), start(subject, height, k, speed)
            rows, poses, curved = [], [], []
            for i in sweeps:
                found = walk.step(i, shape)
                if nearest[i] == k and away[i]:
                    yaw[i] = walk.yaw_rad
                if found is not None:
                    rows.append(i)
                    poses.append(found[0])
                    curved.append(found[1])
            way.set_aligned(rows, poses, curved)
            _straighten(way, keys, here, sweeps)
    return agreed(*ways, subject), np.unwrap(yaw)


class Stroll:
    """It goes on as it went: looked for a little farther each sweep that it was not found."""

    def __init__(self, subject: Subject, height: Height, k: int, speed_mps: float) -> None:
        self._subject, self._height = subject, height
        self._at, self._pose = int(subject.keys.at[k]), subject.keys.poses[k].copy()
        # In its own axes, per second.
        self._speed, self._n_lost = np.array([speed_mps, 0.0, 0.0, 0.0]), 0
        self._half_m = subject.size_m / 2 + MARGIN_M

    @property
    def yaw_rad(self) -> float:
        """Heading in the last sweep."""
        return float(self._pose[3])

    def step(self, i: int, shape: Shape) -> Seen | None:
        """Look for the object in sweep i; return its pose and the likeness's curvature there."""
        views = self._subject.views
        dt = float(views.seconds[i] - views.seconds[self._at])
        guess = place(self._pose, (self._speed * dt)[None])[0]
        guess[2] = self._height.at(i, guess)
        lost = self._n_lost
        points = crop(views.points(i), guess, self._half_m + _REACHES[min(lost, 4)], MOST_POINTS)
        found = shape.find(points, _STARTS[min(lost, 4)], _ANYHOW, _DEVIATION, _LIMITS)
        if found is None:
            self._n_lost += 1
            return None
        best, curved = found
        pose = place(guess, best[None])[0]
        self._learn_speed(pose, dt)
        self._at, self._pose, self._n_lost = i, pose, 0
        return pose, curved

    def _learn_speed(self, pose: Floats, dt: float) -> None:
        """Update the running speed by the step to a new pose."""
        if dt == 0:
            return
        step, motion = pose - self._pose, self._subject.motion
        c, s = np.cos(self._pose[3]), np.sin(self._pose[3])
        ahead, sideways = c * step[0] + s * step[1], c * step[1] - s * step[0]
        new = np.array([ahead, sideways, 0.0, step[3]]) / dt
        self._speed = self._speed + _GAIN * np.array([1.0, 0.5, 0.0, 0.5]) * (new - self._speed)
        self._speed[1] *= 0.5
        self._speed[0] = np.clip(self._speed[0], -motion.top_mps, motion.top_mps)


def first_speed(subject: Subject, k: int, shape: Shape) -> float:
    """Return the speed along the heading that best explains the sweeps around key k, m/s."""
    views, here, pose = subject.views, int(subject.keys.at[k]), subject.keys.poses[k]
    beside = [i for i in (here - 2, here - 1, here + 1, here + 2) if 0 <= i < len(views)]
    top = min(subject.motion.top_mps, 24.0)
    speeds = np.arange(-top, top + _SPEEDS_MPS / 2, _SPEEDS_MPS)
    total = -_SLOWEST * np.abs(speeds) * np.sqrt(len(shape) / 100)
    for i in beside:
        dt = views.seconds[i] - views.seconds[here]
        half = shape.half_m + np.array([top * abs(dt), 0.0, 0.0])
        points = crop(views.points(i), pose, half, 1000)
        moves = np.zeros((len(speeds), 4))
        moves[:, 0] = speeds * dt
        total += shape.likeness(points, moves, 0.25, 0.3)
    return float(speeds[np.argmax(total)])


def _in_reach(fixes: Fixes, subject: Subject) -> Mask:
    """Return where a fix can be reached from the keyframes before and after it, (S,)."""
    seconds, keys = subject.views.seconds, subject.keys
    rows = np.arange(len(seconds))
    after = np.searchsorted(keys.at, rows)
    reached = np.ones(len(seconds), dtype=np.bool_)
    for k in (np.maximum(after - 1, 0), np.minimum(after, len(keys.at) - 1)):
        away = fixes.poses[:, :2] - keys.poses[k, :2]
        time_s = np.abs(seconds - seconds[keys.at[k]])
        reached &= np.hypot(away[:, 0], away[:, 1]) <= MISSED_M + subject.motion.top_mps * time_s
    return reached


def follow_walker(subject: Subject) -> Fixes:
    """Return where mean shift finds a person in every sweep it was followed to."""
    views, keys = subject.views, subject.keys
    ways = Fixes.none(len(views)), Fixes.none(len(views))
    for k, here in enumerate(keys.at.tolist()):
        points = crop(views.points(here), keys.poses[k], subject.size_m / 2 + 0.1, 300)
        if len(points) < 3:
            continue
        offset = -place(np.append(np.zeros(3), keys.poses[k, 3]), _pad(points.mean(axis=0)))[0, :2]
        for way, sweeps in zip(ways, keys.between(k, len(views)), strict=True):
            for i, xy, n in _shift(subject, k, sweeps, offset):
                pose = np.append(xy, [keys.poses[k, 2], 0.0])
                spread = 0.06**2 + 0.3**2 / n
                way.set(i, pose, np.diag([spread, spread, 1e12]))
            _straighten(way, keys, here, sweeps)
    return agreed(*ways, subject)


def _straighten(way: Fixes, keys: Keys, here: int, sweeps: range) -> None:
    """Take off what following from one keyframe missed the next one by, in equal steps.

    That far off the keyframe it was lost: the other way has to tell (`agreed`).
    """
    if len(sweeps) == 0 or sweeps[-1] not in keys.at:
        return
    there = sweeps[-1]
    off = keys.poses[int(np.searchsorted(keys.at, there))] - way.poses[there]
    if way.found[there] and np.hypot(off[0], off[1]) < MISSED_M:
        rows = np.array(sweeps)
        share = np.abs(rows - here) / abs(there - here)
        way.poses[rows, :2] += share[:, None] * off[:2]
        if way.weights[there, 2, 2] > 1.0:
            way.poses[rows, 3] += share * wrap(off[3])
    way.drop(range(there, there + 1))


def agreed(forwards: Fixes, backwards: Fixes, subject: Subject) -> Fixes:
    """Return one fix in each sweep of those followed forwards and backwards.

    Between two keyframes, where the two ways part, one of them has lost the object: none of the
    two is believed from there to where they meet again; the nearer keyframe's counts elsewhere.
    What the object could not have reached is another one.
    """
    keys = subject.keys
    for way in (forwards, backwards):
        way.weights[~_in_reach(way, subject)] = 0.0
    fixes = backwards.or_else(forwards)
    both = forwards.found & backwards.found
    gap = forwards.poses[:, :2] - backwards.poses[:, :2]
    part = both & (np.hypot(gap[:, 0], gap[:, 1]) > PARTED_M)
    for first, last in zip(keys.at[:-1].tolist(), keys.at[1:].tolist(), strict=True):
        middle = (first + last + 1) // 2
        parted = np.flatnonzero(part[first:last]) + first
        ends = (middle, middle) if len(parted) == 0 else (parted[0], parted[-1] + 1)
        fixes.take(forwards, range(first, ends[0]))
        fixes.drop(range(*ends))
        if len(parted) == 0:
            fixes.take(backwards.or_else(forwards), range(middle, last))
            fixes.take(forwards.or_else(backwards), range(first, middle))
        else:
            fixes.take(backwards, range(ends[1], last))
    return fixes


def _pad(xy: Floats) -> Floats:
    return np.array([[xy[0], xy[1], 0.0, 0.0]])


def _shift(
    subject: Subject, k: int, sweeps: range, offset: Floats
) -> Iterator[tuple[int, Floats, int]]:
    """Yield sweep, place and number of points of a person followed by mean shift."""
    views, here, keyed = subject.views, int(subject.keys.at[k]), subject.keys.poses[k]
    at, when, velocity, n_lost = keyed[:2].copy(), here, np.zeros(2), 0
    was = {here: at}
    for i in sweeps:
        dt = views.seconds[i] - views.seconds[when]
        guess = at + velocity * dt
        reach = 0.5 + 0.3 * min(n_lost, 3)
        pose = np.array([guess[0], guess[1], keyed[2], 0.0])
        half = np.array([reach + 0.4, reach + 0.4, subject.size_m[2] / 2])
        around = crop(views.points(i), pose, half, 300)
        points = around[~_stood(subject, was, i, pose, half, around)][:, :2].astype(np.float64)
        middle, n = _centre(points, -offset, (reach, 0.5, 0.45, 0.45))
        if n < 3:
            n_lost += 1
            continue
        new = guess + middle + offset
        if dt:
            velocity = velocity + 0.35 * ((new - at) / dt - velocity)
            speed = np.hypot(velocity[0], velocity[1])
            velocity = velocity * min(1.0, subject.motion.top_mps / max(speed, 1e-9))
        at, when, n_lost = new, i, 0
        was[i] = new
        yield i, new, n


def _stood(
    subject: Subject, was: dict[int, Floats], i: int, pose: Floats, half: Floats, points: Points
) -> Mask:
    """Return which points were there already when the person was elsewhere, (N,)."""
    step = 1 if i > next(iter(was)) else -1
    stood = np.ones(len(points), dtype=np.bool_)
    cells = _cells(points)
    for back in _BEFORE:
        before = was.get(i - step * back)
        if before is None or np.hypot(*(before - pose[:2])) < _ELSEWHERE_M:
            return np.zeros(len(points), dtype=np.bool_)
        old = crop(subject.views.points(i - step * back), pose, half, 300)
        stood &= np.isin(cells, _cells(old))
    return stood


def _cells(points: Points) -> Ints:
    """Return numbers of the cells that points (N, 3) near the origin lie in, (N,)."""
    cells = np.floor(points / _CELL_M).astype(np.int64) + 64
    return np.asarray(cells[:, 0] * 16384 + cells[:, 1] * 128 + cells[:, 2])


def _centre(points: Floats, start: Floats, radii: tuple[float, ...]) -> tuple[Floats, int]:
    """Return where the points are densest near a start, and how many are within the last radius."""
    middle, n = start, 0
    for radius in radii:
        away = np.hypot(points[:, 0] - middle[0], points[:, 1] - middle[1])
        near = away < radius
        n = int(near.sum())
        if n < 3:
            return middle, 0
        weight = np.exp(-((away[near] / 0.35) ** 2))
        middle = weight @ points[near] / weight.sum()
    return middle, n
