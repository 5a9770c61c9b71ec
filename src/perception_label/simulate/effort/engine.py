"""What the desk asks the engine for: a track's boxes, a track from a click."""

import numpy as np

from perception_label.arrays import Floats
from perception_label.errors import EditError
from perception_label.geometry.labels import Labels
from perception_label.pipeline.click import track_from_click
from perception_label.pipeline.solve import solve_state
from perception_label.pipeline.solve_track import SolvedTrack
from perception_label.simulate.effort.eye import Shown
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log


def boxes_of(log: Log, state: TrackState, machine: Labels | None) -> Shown | None:
    """Return a track as the app shows it, None if nothing says where it is.

    `machine` are the boxes it was adopted from.
    """
    solved = solve_state(log, state, machine)
    if solved is None:
        return None
    return Shown(
        state.track_id,
        state.class_name,
        solved.timestamps_ns,
        solved.cuboids,
        np.full(len(solved.timestamps_ns), -1),
        solved.expected_iou,
        solved.next_keyframe_ns,
    )


def track_at_click(log: Log, timestamp_ns: int, point_m: Floats) -> SolvedTrack | None:
    """Return the track that a click on a point (3,) gives, None if nothing stands there."""
    try:
        return track_from_click(log, int(np.searchsorted(log.timestamps_ns, timestamp_ns)), point_m)
    except EditError:
        return None
