"""How long what stands still goes on showing, before and after its track."""

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.poses import inverse
from perception_label.storage.logs import Log

STILL_M = 1e-6  # boxes that stand still are one box
PATIENCE = 8  # sweeps in which what stands may be hidden
REACH_M = 75.0  # of the sensor; farther boxes are not carried on
RAISE_M = 0.2  # points this near a box's bottom may be ground
LEAST_POINTS = 4


def carry_on(log: Log, cuboids: Cuboids, timestamps_ns: Ints) -> tuple[int, int] | None:
    """Return from when to when a parked object shows; None for what moves.

    Sweep after sweep beyond either end, until for `PATIENCE` of them its box held too few
    points well above the ground. A rule for a lifespan, once a person accepted the track.

    Parameters
    ----------
    log : Log
        The log.
    cuboids : Cuboids
        M >= 1 boxes of the track, world frame, by time.
    timestamps_ns : (M,) int64
        Their sweeps.
    """
    if np.ptp(cuboids.packed(), axis=0).max(initial=0.0) > STILL_M:
        return None
    times = log.timestamps_ns
    ends = [int(np.searchsorted(times, timestamps_ns[k])) for k in (0, -1)]
    for k, step in ((0, -1), (1, 1)):
        i, waited = ends[k] + step, 0
        while 0 <= i < len(times) and waited < PATIENCE:
            waited = 0 if _shows(log, i, cuboids[:1]) else waited + 1
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
