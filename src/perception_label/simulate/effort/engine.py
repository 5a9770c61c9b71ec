"""From the edits of one track to its boxes: the solver where a person set a keyframe."""

from typing import TYPE_CHECKING

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.interpolate import interpolate
from perception_label.geometry.labels import Labels
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.simulate.effort.eye import Shown
from perception_label.storage.edits.edit import HUMAN
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log

if TYPE_CHECKING:
    from perception_label.geometry.cuboids import Cuboids


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
    keys = state.keyframes[human if human.any() else np.ones(len(human), dtype=bool)]
    times = state.key_timestamps_ns[human if human.any() else np.ones(len(human), dtype=bool)]
    size = keys.size_m.mean(axis=0)
    solved = solve_track(
        log, keys, times, class_name=state.class_name, size_m=size, span_ns=state.span_ns
    )
    return _shown(state, solved)


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
