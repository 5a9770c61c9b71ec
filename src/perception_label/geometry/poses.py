"""Rigid transforms and the ego vehicle's path.

A pose is a (4, 4) float64 matrix named a_from_b: p_a = a_from_b @ p_b, so that right
products cancel: world_from_lidar = world_from_ego @ ego_from_lidar.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose, as_timestamps
from perception_label.errors import ShapeError


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
