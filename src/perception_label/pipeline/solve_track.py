"""One track: from its keyframes to a box in every sweep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Ints, Mask, as_timestamps
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.pipeline.evidence import evidence_of
from perception_label.propagation.expected import (
    chance_lost,
    expected_iou,
    next_keyframe,
    out_of_reach,
)
from perception_label.propagation.fixes import Fixes
from perception_label.propagation.motion import motion_of
from perception_label.propagation.solve import solve_path
from perception_label.propagation.views import Keys, Subject
from perception_label.storage.logs import Log

_HINT_SPREAD = np.diag(np.array([0.3, 0.3, 0.15]) ** 2)  # of a machine's pose: x, y, yaw


@dataclass(frozen=True, slots=True)
class SolvedTrack:
    """One track over S sweeps, world frame.

    Attributes
    ----------
    cuboids : Cuboids
        One in each sweep, all of one size; a keyframe's own pose at its sweep.
    timestamps_ns : (S,) int64
        The sweeps.
    covariance : (S, 4, 4) float64
        Of x, y, z, metres, and yaw, radians; zero at keyframes.
    expected_iou : (S,) float64
        Expected 3-D IoU with the truth.
    is_static : bool
        Whether it stands still.
    next_keyframe_ns : int
        The sweep where one more keyframe would help most.
    found : (S,) bool
        Where the sensor's points were found on it, or a keyframe says where it is.
    class_name : str
        What it is.
    """

    cuboids: Cuboids
    timestamps_ns: Ints
    covariance: Floats
    expected_iou: Floats
    is_static: bool
    next_keyframe_ns: int
    found: Mask
    class_name: str = ""


def solve_track(
    log: Log,
    keyframes: Cuboids,
    key_timestamps_ns: ArrayLike,
    *,
    class_name: str,
    size_m: ArrayLike | None = None,
    span_ns: tuple[int, int] | None = None,
    is_static: bool | None = None,
    hints: Cuboids | None = None,
    hint_timestamps_ns: ArrayLike | None = None,
) -> SolvedTrack:
    """Carry the keyframes of one track over its lifespan by the sensor's own points.

    Parameters
    ----------
    log : Log
        The log. Its first track takes seconds, to gather what the sweeps say; that is kept in
        the workspace.
    keyframes : Cuboids
        K >= 1 cuboids, world frame, in any order. They are exact: the track goes through each,
        even through two that nothing of the class is fast enough for, with an expected IoU of 0
        between.
    key_timestamps_ns : (K,) int64
        Their times, each once, within the log and the lifespan.
    class_name : str
        Says how it moves; an unknown one moves like a vehicle.
    size_m : (3,), optional
        Length, width, height; None takes the first keyframe's.
    span_ns : (first, last), optional
        The lifespan; None takes all sweeps in which it is seen.
    is_static : bool, optional
        Whether it stands still; None lets the points tell.
    hints, hint_timestamps_ns : Cuboids, (H,) int64, optional
        Poses of another source, such as a tracker's: a start for the search, not exact.

    Returns
    -------
    SolvedTrack
        The same input gives the same bytes.

    Raises
    ------
    ShapeError
        If there is no keyframe, one is not finite, two share a time, or shapes disagree.
    SettingError
        If a size is not positive, or a keyframe lies outside the log or the lifespan.
    MissingPosesError
        If the log has no ego poses.
    """
    times = as_timestamps(key_timestamps_ns, "key_timestamps_ns")
    order = _checked(log, keyframes, times, span_ns)
    keyframes, times = keyframes[order], times[order]
    size = keyframes.size_m[0] if size_m is None else np.asarray(size_m, dtype=np.float64)
    if size.shape != (3,) or not (np.isfinite(size) & (size > 0)).all():
        raise SettingError(f"size_m: expected three positive numbers, got {size}")
    evidence = evidence_of(log)
    first, last = span_ns or (log.timestamps_ns[0], log.timestamps_ns[-1])
    sweeps = log.timestamps_ns[(log.timestamps_ns >= first) & (log.timestamps_ns <= last)]
    instants = np.union1d(sweeps, times)
    views = evidence.views(instants)
    keys = Keys(
        np.searchsorted(instants, times),
        np.column_stack([keyframes.center_m - evidence.origin_m, np.unwrap(keyframes.yaw_rad)]),
    )
    hinted = None
    if hints is not None and hint_timestamps_ns is not None:
        hinted = _hinted(hints, as_timestamps(hint_timestamps_ns), instants, evidence.origin_m)
    subject = Subject(views, keys, size, motion_of(class_name))
    path = solve_path(subject, is_static=is_static, hints=hinted)
    covariance = path.covariances.copy()
    covariance[keys.at] = 0.0
    wanted = np.isin(instants, sweeps)
    if span_ns is None:
        seen = np.flatnonzero(path.found)
        wanted &= (np.arange(len(instants)) >= seen[0]) & (np.arange(len(instants)) <= seen[-1])
    expected = expected_iou(covariance, path.poses[:, 3], size)
    if not path.is_static:
        is_rigid = subject.motion.is_rigid
        if not path.is_unseen:
            expected *= 1 - chance_lost(views.seconds, keys.at, path.found, is_rigid=is_rigid)
        places = keys.poses[:, :2]
        expected[out_of_reach(views.seconds, keys.at, places, subject.motion.top_mps)] = 0.0
    rows = np.flatnonzero(wanted)
    keyed = np.flatnonzero(np.isin(rows, keys.at))
    return SolvedTrack(
        cuboids=Cuboids(
            path.poses[rows, :3] + evidence.origin_m,
            np.repeat(size[None], len(rows), axis=0),
            wrap(path.poses[rows, 3]),
        ),
        timestamps_ns=instants[rows],
        covariance=covariance[rows],
        expected_iou=expected[rows],
        is_static=path.is_static,
        next_keyframe_ns=int(instants[rows][next_keyframe(expected[rows], keyed)]),
        found=path.found[rows],
        class_name=class_name,
    )


def _checked(log: Log, keyframes: Cuboids, times: Ints, span_ns: tuple[int, int] | None) -> Ints:
    """Return the keyframes' order in time, once they are found to be sound."""
    if len(keyframes) == 0:
        raise ShapeError("keyframes: expected at least one, got none")
    if times.shape != (len(keyframes),):
        raise ShapeError(f"key_timestamps_ns: expected ({len(keyframes)},), got {times.shape}")
    packed = keyframes.packed()
    if not np.isfinite(packed).all():
        row = int(np.argmin(np.isfinite(packed).all(axis=1)))
        raise ShapeError(f"keyframes: expected finite numbers, got {packed[row]}")
    if not (keyframes.size_m > 0).all():
        row = int(np.argmin((keyframes.size_m > 0).all(axis=1)))
        raise SettingError(f"keyframes: expected positive sizes, got {keyframes.size_m[row]}")
    order = np.argsort(times, kind="stable")
    twice = np.diff(times[order]) == 0
    if twice.any():
        at = times[order][1:][twice][0]
        raise ShapeError(f"key_timestamps_ns: expected each once, got {at} twice")
    if len(log.timestamps_ns) == 0:
        raise SettingError(f"log {log.id}: expected sweeps, got none")
    first, last = int(log.timestamps_ns[0]), int(log.timestamps_ns[-1])
    if span_ns is not None:
        if span_ns[0] > span_ns[1]:
            raise SettingError(f"span_ns: expected first <= last, got {tuple(span_ns)}")
        first, last = max(first, span_ns[0]), min(last, span_ns[1])
    outside = (times < first) | (times > last)
    if outside.any():
        raise SettingError(
            f"key_timestamps_ns: expected times from {first} to {last}, got {times[outside][0]}"
        )
    return order


def _hinted(hints: Cuboids, times: Ints, instants: Ints, origin_m: Floats) -> Fixes:
    """Return another source's poses as measurements, where they fall on the instants."""
    fixes = Fixes.none(len(instants))
    rows = np.minimum(np.searchsorted(instants, times), len(instants) - 1)
    for row, time, center, yaw in zip(rows, times, hints.center_m, hints.yaw_rad, strict=True):
        if instants[row] == time:
            fixes.set(int(row), np.append(center - origin_m, yaw), _HINT_SPREAD)
    return fixes
