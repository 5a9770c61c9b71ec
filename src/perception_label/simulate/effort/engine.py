"""What the desk asks the engine for: a track's boxes, a track from a click, where it goes on."""

import numpy as np

from perception_label.arrays import Floats
from perception_label.errors import EditError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.click import track_from_click
from perception_label.pipeline.solve import solve_state
from perception_label.pipeline.solve_track import SolvedTrack
from perception_label.simulate.effort.eye import Shown
from perception_label.storage.edits.state import TrackState
from perception_label.storage.logs import Log

STILL_M = 1e-6  # boxes that stand still are one box
PATIENCE = 8  # sweeps in which what stands may be hidden
REACH_M = 75.0  # of the sensor; farther boxes are not carried on
RAISE_M = 0.2  # points this near a box's bottom may be ground
LEAST_POINTS = 4


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
