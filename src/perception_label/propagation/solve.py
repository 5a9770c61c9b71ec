"""The method: one track's keyframes and the points of its sweeps → a pose in every sweep.

1. Does it stand still? The points at the keyframe's place tell (`standing`); then it has one
   pose, and what follows is skipped.
2. From each keyframe it is followed both ways (`follow`), a vehicle that is lost once more
   (`chase`); where it is lost, the hints of another source help, if there are any.
3. All that was found is smoothed by the class's motion (`smooth`): keyframes are exact, what
   disagrees with everything else loses its weight, headings follow the course.
4. Along the smoothed path the object's points are gathered from all sweeps, each sweep is aligned
   to the whole of them, and smoothed again: now the far end knows what the near end saw.
5. Heights follow the ground, by as much as the keyframe stood above it.

Of what no sweep saw anything, several keyframes tell all (`unseen`).
"""

from dataclasses import dataclass, replace

import numpy as np

from perception_label.arrays import Floats, Mask
from perception_label.geometry.cuboids import wrap
from perception_label.propagation.chase import Chase
from perception_label.propagation.fixes import Fixes
from perception_label.propagation.follow import (
    Stroll,
    follow_rigid,
    follow_walker,
)
from perception_label.propagation.gather import Around
from perception_label.propagation.height import Height
from perception_label.propagation.smooth import smooth_places, smooth_values
from perception_label.propagation.standing import NEAR_M, gains, has_moved
from perception_label.propagation.unseen import unseen_path
from perception_label.propagation.views import Keys, Subject

PASSES = 6  # at most, over all sweeps with the gathered shape ...
SETTLED_M = 0.03  # ... until no place moves farther than this
STILL_M = np.array([0.02, 0.02, 0.02, 0.005])  # spread of a pose that stands still
SAME_M = 0.25  # keyframes nearer than this are of one place: people are not more exact
SOON_S = 1.0
_HEIGHT_M = 0.03  # that the ground does not tell of a height
_CLIMB = 0.02  # density of vertical acceleration, m^2/s^3
_CLIMB_MPS = 0.3  # spread of vertical speed: 3 % at 10 m/s
_COURSE_MPS = 1.0  # slower than this, the course says nothing of the heading
_COURSE_RAD = 0.05  # spread of the heading about the course, in a bend
_SLIP_MPS = 0.3
_SURE = 0.95  # share of the sweeps in which what is followed is found
_FOUND = 0.3  # of its weight kept, a measurement is where the path is
_WALKING_MPS = 0.4  # slower, people turn on the spot


@dataclass(frozen=True, slots=True)
class Path:
    """A pose in each of S sweeps, world frame less an origin.

    `poses` (S, 4) x, y, z, yaw; `covariances` (S, 4, 4); `is_static`; `found` (S,) where the
    sensor's points were found, or a person said where it is; `is_unseen`: its keyframes are all
    that is known, and the covariances allow for everything.
    """

    poses: Floats
    covariances: Floats
    is_static: bool
    found: Mask
    is_unseen: bool = False


def solve_path(
    subject: Subject, *, is_static: bool | None = None, hints: Fixes | None = None
) -> Path:
    """Return the likeliest path of one track.

    Parameters
    ----------
    subject : Subject
        The track; its keyframes are exact.
    is_static : bool, optional
        Whether it stands still, if somebody said so; None lets the points tell.
    hints : Fixes, optional
        Poses of another source, for where it was not found by following.
    """
    views, keys = subject.views, subject.keys
    height = Height(subject)
    followed = None
    if is_static is None and len(keys.at) > 1 and _apart_m(keys.poses) < SAME_M:
        is_static = True  # nothing leaves and comes back to the very place
    elif is_static is None and _apart_m(keys.poses) < NEAR_M:
        gained = gains(subject)
        followed = None if has_moved(gained) else _moved_away(subject, height, gained)
        is_static = followed is None and not has_moved(gained)
    if is_static:
        return _standing(subject)
    if followed is not None:
        fixes = followed
    elif subject.motion.is_rigid:
        fixes, _ = follow_rigid(subject, height, Stroll)
    else:
        fixes = follow_walker(subject)
    yaw = np.interp(views.seconds, views.seconds[keys.at], keys.poses[:, 3])
    fixes = _held(fixes, hints, keys)
    if subject.motion.is_rigid:
        n_found = _n_found(subject, fixes, yaw)
        if n_found < _SURE * len(views):
            chased, course = follow_rigid(subject, height, Chase)
            chased = _held(chased, hints, keys)
            # What follows something else, or keeps to no path, is found in fewer sweeps.
            if _n_found(subject, chased, course) > n_found:
                fixes, yaw = chased, course
    path = _moving(subject, height, fixes, yaw)
    if fixes.found.any() or len(keys.at) == 1:
        return path
    poses, covariances = unseen_path(subject)
    return replace(path, poses=poses, covariances=covariances, is_unseen=True)


def _n_found(subject: Subject, fixes: Fixes, yaw: Floats) -> int:
    """Return in how many sweeps it is found where the smoothed path has it."""
    kept = _smooth(subject, fixes, yaw)[2]
    return int((fixes.found & (kept > _FOUND)).sum())


def _apart_m(poses: Floats) -> float:
    return float(np.ptp(poses[:, :2], axis=0).max())


def _held(fixes: Fixes, hints: Fixes | None, keys: Keys) -> Fixes:
    """Return fixes, hints where there are none; between two keyframes in one place, stay there."""
    fixes = fixes if hints is None else fixes.or_else(hints)
    for k in range(len(keys.at) - 1):
        if _apart_m(keys.poses[k : k + 2]) < SAME_M:
            for i in range(int(keys.at[k]) + 1, int(keys.at[k + 1])):
                fixes.set(i, keys.poses[k], np.diag(STILL_M[[0, 1, 3]] ** 2))
    return fixes


def _standing(subject: Subject) -> Path:
    """Return the one pose; with several keyframes, straight from each to the next."""
    views, keys = subject.views, subject.keys
    seconds = views.seconds
    poses = np.column_stack(
        [np.interp(seconds, seconds[keys.at], keys.poses[:, k]) for k in range(4)]
    )
    covariances = np.repeat(np.diag(STILL_M**2)[None], len(views), axis=0)
    return Path(poses, covariances, True, np.ones(len(views), dtype=np.bool_))


def _moved_away(subject: Subject, height: Height, gained: Floats) -> Fixes | None:
    """Return where it was followed to, if it was seen going away more than standing there."""
    if not subject.motion.is_rigid or len(gained) == 0 or _stands_near_key(subject, gained):
        return None
    fixes, _ = follow_rigid(subject, height, Stroll)
    offset = fixes.poses[:, :2] - subject.keys.poses[0, :2]
    n_away = (fixes.found & (np.hypot(offset[:, 0], offset[:, 1]) > 0.4)).sum()
    return fixes if n_away > 0.5 * len(gained) and n_away > _support(gained) else None


def _stands_near_key(subject: Subject, gained: Floats) -> bool:
    """Return whether it was seen standing at most times soon before and after a keyframe."""
    seconds, at = subject.views.seconds, gained[:, 0].astype(np.int64)
    away_s = np.abs(seconds[at][:, None] - seconds[subject.keys.at]).min(axis=1, initial=np.inf)
    near = gained[away_s <= SOON_S]
    return len(near) >= 2 and _support(near) >= 0.5 * len(near)


def _support(gained: Floats) -> float:
    """Return in how many sweeps what stands there looks like the object."""
    return float((gained[:, 3] > 0.5 * np.maximum(gained[:, 2], 3)).sum())


def _moving(subject: Subject, height: Height, fixes: Fixes, yaw: Floats) -> Path:
    """Smooth, gather and align again, and smooth; yaw (S,) are the headings to start from."""
    views, keys, motion = subject.views, subject.keys, subject.motion
    before = np.full((len(views), 2), np.inf)
    around = Around(subject) if motion.is_rigid else None
    for turn in range(PASSES + 1):
        states, covariances, kept, yaw, yaw_variance = _smooth(
            subject, fixes, yaw, 1 if turn else 2
        )
        moved_m = np.abs(states[:, :2] - before)[fixes.found].max(initial=0.0)
        if turn == PASSES or around is None or moved_m < SETTLED_M:
            break
        before = states[:, :2]
        z, _ = _heights(subject, height, states[:, :2])
        poses = np.column_stack([states[:, :2], z, yaw])
        fixes = around.aligned(poses, covariances, fixes.found & (kept > 0.5))
    z, z_variance = _heights(subject, height, states[:, :2])
    poses = np.column_stack([states[:, :2], z, yaw])
    poses[keys.at] = keys.poses
    spread = np.zeros((len(views), 4, 4))
    spread[:, :2, :2] = covariances[:, :2, :2]
    spread[:, 2, 2] = z_variance + _HEIGHT_M**2
    spread[:, 3, 3] = yaw_variance
    found = fixes.found & (kept > _FOUND)
    found[keys.at] = True
    return Path(poses, spread, False, found)


def _smooth(
    subject: Subject, fixes: Fixes, yaw: Floats, rounds: int = 2
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return places and speeds, covariances, weights kept, headings and their variances."""
    keys, motion, seconds = subject.keys, subject.motion, subject.views.seconds
    for _ in range(rounds):
        states, covariances, kept = smooth_places(
            seconds, fixes.poses[:, :2], fixes.weights[:, :2, :2], yaw, keys.at,
            keys.poses[:, :2], ahead=motion.ahead, sideways=motion.sideways,
            slip_mps=motion.slip_mps,
        )  # fmt: skip
        yaw, variance = _headings(subject, fixes, states, yaw)
    return states, covariances, kept, yaw, variance


def _headings(subject: Subject, fixes: Fixes, states: Floats, yaw: Floats) -> tuple[Floats, Floats]:
    """Return headings from what was measured and from the course."""
    keys, motion = subject.keys, subject.motion
    speed = np.hypot(states[:, 2], states[:, 3])
    course = np.arctan2(states[:, 3], states[:, 2])
    if not motion.is_rigid:
        return _walking(subject, speed, course)
    # Driving backwards is driving too.
    course = np.where(np.cos(course - yaw) > 0, course, course + np.pi)
    course = yaw + wrap(course - yaw)
    sure = np.where(
        speed > _COURSE_MPS, 1 / (_COURSE_RAD**2 + (_SLIP_MPS / np.maximum(speed, 0.1)) ** 2), 0.0
    )
    measured = yaw + wrap(fixes.poses[:, 3] - yaw)
    weight = fixes.weights[:, 2, 2]
    total = sure + weight
    value = np.where(total > 0, (course * sure + measured * weight) / np.maximum(total, 1e-9), yaw)
    return smooth_values(
        subject.views.seconds,
        value,
        total,
        keys.at,
        yaw[keys.at] + wrap(keys.poses[:, 3] - yaw[keys.at]),
        density=motion.turn,
        rate=0.5,
    )


def _walking(subject: Subject, speed: Floats, course: Floats) -> tuple[Floats, Floats]:
    """Return headings of who walks where they look, turned by as much as the keyframe says."""
    views, keys, motion = subject.views, subject.keys, subject.motion
    walking = speed > _WALKING_MPS
    # Who stands keeps the heading from the side of the keyframe.
    walking[keys.at] = True
    course[keys.at] = np.where(speed[keys.at] > _WALKING_MPS, course[keys.at], keys.poses[:, 3])
    rows, told = np.arange(len(views)), np.flatnonzero(walking)
    last = told[np.maximum(np.searchsorted(told, rows, side="right") - 1, 0)]
    first = told[np.minimum(np.searchsorted(told, rows), len(told) - 1)]
    value = np.unwrap(course[np.where(rows < keys.at[0], first, last)])
    # At each keyframe the course is so much off the heading; in between, straight from one to next.
    aside = np.unwrap(wrap(keys.poses[:, 3] - value[keys.at]))
    value += np.interp(views.seconds, views.seconds[keys.at], aside)
    weight = np.where(walking, 1 / 0.15**2, 1 / 0.5**2)
    value += keys.poses[0, 3] - value[keys.at[0]]
    keyed = value[keys.at] + wrap(keys.poses[:, 3] - value[keys.at])
    return smooth_values(
        views.seconds, value, weight, keys.at, keyed, density=motion.turn, rate=1.5
    )


def _heights(subject: Subject, height: Height, xy_m: Floats) -> tuple[Floats, Floats]:
    """Return z along a path, from the ground, smooth; and its variance."""
    views, keys = subject.views, subject.keys
    seconds = views.seconds
    z, spread_m = height.of_span(xy_m)
    weight = np.where(np.isfinite(z), 1 / np.maximum(spread_m, 1e-3) ** 2, 0.0)
    z, variance = smooth_values(
        seconds, z, weight, keys.at, keys.poses[:, 2], density=_CLIMB, rate=_CLIMB_MPS
    )
    return z, variance
