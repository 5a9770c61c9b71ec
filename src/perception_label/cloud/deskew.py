"""Move each point of a sweep to the sweep's instant, by its own time and the ego's path."""

from dataclasses import replace

import numpy as np

from perception_label.arrays import Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SettingError
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse

# Between knots this close the path is a straight line to 0.1 mm at 100 m and 3 rad/s.
KNOT_NS = 1_000_000


def deskew(sweep: Sweep, ego_poses: EgoPoses, ego_from_lidar: Pose) -> Sweep:
    """Return the sweep as if all its points had been taken at `timestamp_ns`.

    A point p measured at time t becomes inverse(world_from_lidar(timestamp_ns)) @
    world_from_lidar(t) @ p. That is right for what stands still in the world; what moves
    stays smeared by its own motion.

    Parameters
    ----------
    sweep : Sweep
        N points, sensor frame, with `time_offset_ns`.
    ego_poses : EgoPoses
        The path; before its start and after its end the ego stands still.
    ego_from_lidar : (4, 4) float64
        Where the sensor sits.

    Returns
    -------
    Sweep
        The same points in the same order, moved; each keeps its time. No points give none.

    Raises
    ------
    SettingError
        If the points have no time of their own.
    """
    offsets = sweep.time_offset_ns
    if offsets is None:
        raise SettingError(
            f"deskew: expected a time of each point in sweep {sweep.timestamp_ns}, got none"
        )
    if not len(offsets):
        return sweep
    first_ns = int(offsets.min())
    n_knots = -(-(int(offsets.max()) - first_ns) // KNOT_NS) + 1
    knots_ns = sweep.timestamp_ns + first_ns + KNOT_NS * np.arange(n_knots + 1, dtype=np.int64)
    at_ns = np.concatenate([[sweep.timestamp_ns], knots_ns])
    world_from_lidar = interpolate_poses(ego_poses, at_ns, outside="hold") @ ego_from_lidar
    # (knots, 3, 4), from the sensor at a knot to the sensor at the sweep's instant.
    moves = (inverse(world_from_lidar[0]) @ world_from_lidar[1:])[:, :3]
    steps = np.diff(moves, axis=0)
    since_ns = offsets.astype(np.int64) - first_ns
    knot = since_ns // KNOT_NS
    share = (since_ns - knot * KNOT_NS) / KNOT_NS
    move = moves[knot] + share[:, None, None] * steps[knot]
    points_m = np.einsum("nij,nj->ni", move[:, :, :3], sweep.points_m) + move[:, :, 3]
    return replace(sweep, points_m=points_m.astype(np.float32))
