"""Rigid transforms and the ego vehicle's path.

A pose is a (4, 4) float64 matrix named a_from_b: p_a = a_from_b @ p_b, so that right
products cancel: world_from_lidar = world_from_ego @ ego_from_lidar.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from perception_label._core import posepath as core
from perception_label.arrays import Floats, Ints, Mask, Pose, as_timestamps
from perception_label.errors import MissingPosesError, SettingError, ShapeError


def pose(position_m: ArrayLike, quaternion_wxyz: ArrayLike) -> Pose:
    """Return (…, 4, 4) transforms from positions (…, 3) and quaternions (…, 4), w first."""
    position = np.asarray(position_m, dtype=np.float64)
    quaternion = np.asarray(quaternion_wxyz, dtype=np.float64)
    matrix = np.zeros((*position.shape[:-1], 4, 4))
    matrix[..., :3, :3] = (
        Rotation.from_quat(quaternion.reshape(-1, 4), scalar_first=True)
        .as_matrix()
        .reshape(*position.shape[:-1], 3, 3)
    )
    matrix[..., :3, 3] = position
    matrix[..., 3, 3] = 1
    return matrix


def inverse(a_from_b: Pose) -> Pose:
    """Return b_from_a of rigid transforms, (…, 4, 4)."""
    rotation = np.swapaxes(a_from_b[..., :3, :3], -1, -2)
    out = np.zeros_like(a_from_b)
    out[..., :3, :3] = rotation
    out[..., :3, 3] = -np.einsum("...ij,...j->...i", rotation, a_from_b[..., :3, 3])
    out[..., 3, 3] = 1
    return out


def transform(a_from_b: Pose, points_m: NDArray[Any]) -> Floats:
    """Return (N, 3) float64 points in frame a, given in frame b."""
    return points_m.astype(np.float64) @ a_from_b[:3, :3].T + a_from_b[:3, 3]


@dataclass(frozen=True, slots=True)
class EgoPoses:
    """The ego vehicle's path: a pose at each of P instants, in time order.

    Attributes
    ----------
    timestamps_ns : (P,) int64
        Strictly rising.
    world_from_ego : (P, 4, 4) float64
        Rigid transforms, metres; the world frame is z up and local (see `origin_m` of a log).
    """

    timestamps_ns: Ints
    world_from_ego: Floats

    def __post_init__(self) -> None:
        times = as_timestamps(self.timestamps_ns)
        if self.world_from_ego.shape != (len(times), 4, 4):
            raise ShapeError(
                f"world_from_ego: expected ({len(times)}, 4, 4), got {self.world_from_ego.shape}"
            )

    def __len__(self) -> int:
        return len(self.timestamps_ns)


def outside_span(ego_poses: EgoPoses, timestamps_ns: NDArray[Any]) -> Mask:
    """Say which times no two ego poses enclose, (S,) bool: all of them without poses."""
    times = as_timestamps(timestamps_ns)
    if not len(ego_poses):
        return np.ones(len(times), dtype=bool)
    known = ego_poses.timestamps_ns
    return np.asarray((times < known[0]) | (times > known[-1]))


def interpolate_poses(
    ego_poses: EgoPoses,
    timestamps_ns: NDArray[Any],
    *,
    outside: Literal["error", "hold"] = "error",
) -> Floats:
    """Return the ego pose at each time, between the known ones.

    Positions go straight, rotations along the shorter arc at constant speed (slerp, Shoemake
    1985). A known instant gets its pose back unchanged. Time stays in whole nanoseconds until
    two times are subtracted, so epoch clocks lose nothing.

    Parameters
    ----------
    ego_poses : EgoPoses
        P poses in time order.
    timestamps_ns : (S,) int64
        In any order; rising is fastest.
    outside : {"error", "hold"}
        What a time before the first or after the last pose gets: an error, or the pose at
        that end (`outside_span` tells which those are, for a report).

    Returns
    -------
    (S, 4, 4) float64
        world_from_ego.

    Raises
    ------
    MissingPosesError
        If there are no poses.
    SettingError
        If a time is outside and `outside` is "error".
    ShapeError
        If the times are not (S,) integers or the poses' times do not rise.

    Examples
    --------
    >>> path = EgoPoses(np.array([0, 10]), pose([[0, 0, 0], [1, 0, 0]], [[1, 0, 0, 0]] * 2))
    >>> interpolate_poses(path, np.array([5]))[0, :3, 3].tolist()
    [0.5, 0.0, 0.0]
    """
    times = as_timestamps(timestamps_ns)
    known = as_timestamps(ego_poses.timestamps_ns)
    if not len(known):
        raise MissingPosesError("ego_poses: expected at least one pose, got none")
    if (np.diff(known) <= 0).any():
        at = int(np.argmax(np.diff(known) <= 0)) + 1
        raise ShapeError(
            f"ego_poses: expected rising times, got {known[at]} after {known[at - 1]} at row {at}"
        )
    if outside not in ("error", "hold"):
        raise SettingError(f"outside: expected 'error' or 'hold', got {outside!r}")
    beyond = outside_span(ego_poses, times)
    if outside == "error" and beyond.any():
        raise SettingError(
            f"timestamps_ns: expected {known[0]} to {known[-1]} (the span of the ego poses), got "
            f"{times[beyond][0]} and {int(beyond.sum()) - 1} more outside"
        )
    poses = np.ascontiguousarray(ego_poses.world_from_ego, dtype=np.float64)
    quaternions = np.ascontiguousarray(Rotation.from_matrix(poses[:, :3, :3]).as_quat())
    out = np.empty((len(times), 4, 4))
    core.interpolate_poses(known, poses, quaternions, times, out)
    return out
