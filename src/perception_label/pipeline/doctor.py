"""The doctor: every check over a log, each finding with its evidence."""

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.poses import interpolate_poses
from perception_label.quality import checks
from perception_label.quality.findings import Finding
from perception_label.quality.points import check_points
from perception_label.quality.sharpness import check_directions
from perception_label.storage.logs import Log

MAX_LOOKED_AT = 60  # sweeps whose points are looked at, evenly over the log
STRETCH_S = 4.0  # sweeps laid over each other span this long
MAX_LAID_OVER = 10
MIN_TURN_RAD = 0.02  # with less the direction of the extrinsics cannot be told …
MIN_DRIVE_M = 0.5  # … and with less not that of the poses either
SEVERITIES = ("error", "warning", "info")


def examine(log: Log) -> list[Finding]:
    """Return everything that looks wrong with a log, the worst first.

    Clocks, counts and poses are checked in full. Points are looked at in up to
    `MAX_LOOKED_AT` sweeps, and the directions of extrinsics and poses over the stretch of
    `STRETCH_S` seconds in which the vehicle turned most. Of each camera a short stretch is decoded,
    and a dozen pictures are compared with the outlines in the sweeps.
    """
    info = log.info
    found = checks.check_clock(log.timestamps_ns, info.n_out_of_order, info.n_duplicates)
    found += checks.check_sweeps(log.n_points, log.n_not_finite)
    found += checks.check_path(log.ego_poses, log.timestamps_ns)
    found += checks.check_origin(info.origin_m)
    filled = np.flatnonzero(log.n_points)
    looked_at = _spread(filled, MAX_LOOKED_AT)
    found += check_points(
        {int(i): log.sweep(int(i)).points_m for i in looked_at}, info.ego_from_lidar
    )
    found += _directions(log, filled)
    if log.images:
        # Video is decoded only where there is some.
        from perception_label.pipeline.camera_calibration import check_calibration
        from perception_label.pipeline.camera_clock import check_cameras

        found += check_cameras(log)
        found += check_calibration(log)
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))


def _directions(log: Log, filled: Ints) -> list[Finding]:
    if log.ego_poses is None or len(filled) < 2:
        return []
    times = log.timestamps_ns[filled]
    poses = interpolate_poses(log.ego_poses, times, outside="hold")
    starts = _spread(np.arange(len(filled)), 200)
    ends = np.searchsorted(times, times[starts] + int(STRETCH_S * 1e9), side="right") - 1
    ahead = poses[:, :3, 0]
    turned = np.arccos(np.einsum("ij,ij->i", ahead[starts], ahead[ends]).clip(-1, 1))
    moved = np.linalg.norm(poses[ends, :3, 3] - poses[starts, :3, 3], axis=1)
    # A right angle says as much as driving ten metres.
    best = int(np.argmax(turned / (np.pi / 2) + moved / 10.0))
    if turned[best] < MIN_TURN_RAD and moved[best] < MIN_DRIVE_M:
        return []
    rows = _spread(np.arange(starts[best], ends[best] + 1), MAX_LAID_OVER)
    clouds = [log.sweep(int(filled[k])).points_m for k in rows]
    return check_directions(clouds, poses[rows], log.info.ego_from_lidar)


def _spread(numbers: Ints, most: int) -> Ints:
    """Return at most `most` of the numbers, evenly spaced, the first and last among them."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(np.int64)]
