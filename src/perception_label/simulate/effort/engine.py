"""From the edits of one track to its boxes: the solver where a person set a keyframe."""

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.interpolate import interpolate
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.simulate.effort.eye import Shown
from perception_label.storage.edits.edit import HUMAN
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log

STILL_M = 1e-6  # a machine's boxes that stand still are one box
PATIENCE = 8  # sweeps in which what stands may be hidden
REACH_M = 75.0  # of the sensor; farther boxes are not carried on
RAISE_M = 0.2  # points this near a box's bottom may be ground
LEAST_POINTS = 4
MOVED_M = 1.0  # keyframes farther apart say that it moved


def boxes_of(log: Log, state: TrackState, machine: Labels | None) -> Shown:
    """Return a track as the app shows it.

    Parameters
    ----------
    log : Log
        The log.
    state : TrackState
        What people decided.
    machine : Labels or None
        The boxes the track was adopted from; shown as they are while nobody set a keyframe and
        the lifespan stays within them.
    """
    human = np.array([source == HUMAN for source in state.key_sources], dtype=bool)
    span = state.span_ns or (int(log.timestamps_ns[0]), int(log.timestamps_ns[-1]))
    if machine is not None and not human.any():
        within = machine[(machine.timestamps_ns >= span[0]) & (machine.timestamps_ns <= span[1])]
        if len(within):
            return _as_they_are(log, state, within, span)
    hard = human if human.any() else np.ones(len(human), dtype=bool)
    keys, times = state.keyframes[hard], state.key_timestamps_ns[hard]
    solved = solve_track(
        log,
        keys,
        times,
        class_name=state.class_name,
        size_m=keys.size_m.mean(axis=0),
        span_ns=state.span_ns,
        is_static=True if _stands(machine, keys) else None,
    )
    return _shown(state, solved)


def _stands(machine: Labels | None, keys: Cuboids) -> bool:
    """Tell whether a machine said that the object stands still, and no keyframe denies it."""
    if machine is None:
        return False
    is_still = np.ptp(machine.cuboids.center_m, axis=0).max(initial=0.0) < STILL_M
    apart = np.hypot(*np.ptp(keys.center_m[:, :2], axis=0))
    return bool(is_still and apart < MOVED_M)


def carried_on(log: Log, shown: Shown) -> tuple[int, int] | None:
    """Return from when to when what stands still goes on showing; None for what moves.

    Sweep after sweep beyond either end, until for `PATIENCE` of them its box held too few
    points well above the ground.
    """
    packed = shown.cuboids.packed()
    if np.ptp(packed, axis=0).max(initial=0.0) > STILL_M:
        return None
    box, times = shown.cuboids[:1], log.timestamps_ns
    ends = [int(np.searchsorted(times, shown.timestamps_ns[k])) for k in (0, -1)]
    for k, step in ((0, -1), (1, 1)):
        i, waited = ends[k] + step, 0
        while 0 <= i < len(times) and waited < PATIENCE:
            waited = 0 if _shows(log, i, box) else waited + 1
            ends[k] = i if waited == 0 else ends[k]
            i += step
    return int(times[ends[0]]), int(times[ends[1]])


def _shows(log: Log, i: int, box: Cuboids) -> bool:
    sweep = log.sweep(i)
    pose = sweep.world_from_sensor
    if pose is None or np.hypot(*(pose[:2, 3] - box.center_m[0, :2])) > REACH_M:
        return False
    found = points_above_bottom(sweep.points_m, box.moved(inverse(pose)), RAISE_M)
    return bool(found[0, 1] >= LEAST_POINTS)


def track_at_click(log: Log, timestamp_ns: int, point_m: Floats, class_name: str) -> Labels | None:
    """Return the track a click gives, None if nothing stands there."""
    return None


def _shown(state: TrackState, solved: SolvedTrack) -> Shown:
    return Shown(
        state.track_id,
        state.class_name,
        solved.timestamps_ns,
        solved.cuboids,
        np.full(len(solved.timestamps_ns), -1),
        solved.expected_iou,
        solved.next_keyframe_ns,
    )


def _as_they_are(log: Log, state: TrackState, machine: Labels, span: tuple[int, int]) -> Shown:
    """Return a machine's boxes, carried over the sweeps of the lifespan where it has none."""
    inside = (log.timestamps_ns >= span[0]) & (log.timestamps_ns <= span[1])
    times: Ints = log.timestamps_ns[inside]
    boxes: Cuboids = machine.cuboids
    if not np.array_equal(times, machine.timestamps_ns):
        boxes = interpolate(machine.cuboids, machine.timestamps_ns, times, method="linear")
    expected = np.full(len(times), np.nan)
    return Shown(state.track_id, state.class_name, times, boxes, np.full(len(times), -1), expected)
