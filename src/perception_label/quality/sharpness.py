"""Which way round the calibration is: the static world is sharp only under the right one.

Sweeps laid over each other with the right transforms fill the same small cells again and
again; with an inverted one every wall is drawn several times. The share of cells that
several sweeps fill is the sharpness.
"""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Pose
from perception_label.cloud.ground import split_ground
from perception_label.geometry.poses import inverse
from perception_label.quality.findings import Finding

CELL_M = 0.3
NEAR_M, FAR_M = 3.0, 40.0
# The other way round must be clearly sharper: among right calibrations the runner-up
# reaches it only when the drive cannot tell (straight ahead, or standing).
MUST_GAIN = 1.25
MUST_GAIN_BY = 0.05
TIE = 1.05
HINTS = {
    "extrinsic_inverted": "ego_from_lidar holds lidar_from_ego: invert the LiDAR's extrinsics",
    "poses_inverted": "world_from_ego holds ego_from_world: invert the ego poses",
    "both_inverted": "both the LiDAR's extrinsics and the ego poses are the wrong way round",
}


def check_directions(
    sweeps_m: list[NDArray[np.float32]], world_from_ego: Floats, ego_from_lidar: Pose
) -> list[Finding]:
    """Find extrinsics or poses that are given as their inverse.

    Parameters
    ----------
    sweeps_m : list of (N, 3) float32
        Points of K sweeps of a stretch of a few seconds, sensor frame.
    world_from_ego : (K, 4, 4)
        As the log has them.
    ego_from_lidar : (4, 4)
        As the log has it.

    Returns
    -------
    list of Finding
        None if the calibration as given is the sharpest, or no other is clearly sharper.
    """
    solid = [_solid(points_m) for points_m in sweeps_m]
    if len(solid) < 2 or not any(len(p) for p in solid):
        return []
    mounts = {"": ego_from_lidar, "extrinsic": inverse(ego_from_lidar)}
    paths = {"": world_from_ego, "poses": inverse(world_from_ego)}
    names = {
        ("", ""): "as_given",
        ("extrinsic", ""): "extrinsic_inverted",
        ("", "poses"): "poses_inverted",
        ("extrinsic", "poses"): "both_inverted",
    }
    sharp = {
        name: sharpness(solid, paths[path] @ mounts[mount]) for (mount, path), name in names.items()
    }
    given = sharp.pop("as_given")
    # Of nearly equal explanations the one with fewer mistakes: `both` comes last.
    best = max(sharp, key=lambda name: sharp[name] / (TIE if name == "both_inverted" else 1))
    if sharp[best] < max(MUST_GAIN * given, given + MUST_GAIN_BY):
        return []
    kind = "wrong_pose_direction" if best == "poses_inverted" else "wrong_extrinsic_direction"
    evidence = {f"sharpness_{name}": value for name, value in (("as_given", given), *sharp.items())}
    return [Finding(kind, "error", "the whole log", evidence, HINTS[best])]


def sharpness(sweeps_m: list[NDArray[np.float32]], world_from_lidar: Floats) -> float:
    """Return the share of filled cells, summed over K sweeps, that another had filled too.

    0 where no two sweeps agree, (K - 1) / K where all do.
    """
    n_filled, cells = 0, []
    for points_m, pose in zip(sweeps_m, world_from_lidar, strict=True):
        moved = points_m.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
        own = np.unique(_cell_ids(moved))
        n_filled += len(own)
        cells.append(own)
    if not n_filled:
        return 0.0
    return 1.0 - len(np.unique(np.concatenate(cells))) / n_filled


def _cell_ids(points_m: Floats) -> NDArray[np.int64]:
    # 2^21 cells a side, 600 km: more than any log, and three axes fit 63 bits.
    cells = np.floor(points_m / CELL_M).astype(np.int64) & 0x1FFFFF
    return np.asarray(cells[:, 0] << 42 | cells[:, 1] << 21 | cells[:, 2])


def _solid(points_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what stands on the ground nearby: the ground itself agrees under any shift."""
    range_m = np.linalg.norm(points_m, axis=1)
    near = points_m[(range_m > NEAR_M) & (range_m < FAR_M)]
    return np.asarray(near[~split_ground(near)]) if len(near) else near
