"""Waymo's range images to points.

A pixel is a range along a beam. Rows are beams from the top, columns are azimuths: the first
looks backwards and they go clockwise. Where the vehicle moved during the turn each pixel has the
vehicle's own pose. Follows the dataset's description (Sun et al. 2020, arXiv:1912.04838) and its
labelling of axes; the dataset's own TensorFlow functions are the reference.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Mask, Pose
from perception_label.geometry.poses import inverse


def inclinations(low_rad: float, high_rad: float, n_rows: int) -> Floats:
    """Return the evenly spaced inclinations of a LiDAR without a list of them, lowest first."""
    return (np.arange(n_rows) + 0.5) / n_rows * (high_rad - low_rad) + low_rad


def points_of(
    range_m: NDArray[Any],
    ego_from_lidar: Pose,
    inclination_rad: Floats,
    pixel_poses: NDArray[Any] | None = None,
    world_from_ego: Pose | None = None,
) -> tuple[Floats, Mask]:
    """Return the points of a range image in the ego frame at the sweep's instant.

    Parameters
    ----------
    range_m : (H, W) floats
        Ranges, metres; 0 or below, and NaN, are no return.
    ego_from_lidar : (4, 4) float64
        The LiDAR's mount.
    inclination_rad : (H,) float64
        Of each row, above the horizon, the lowest first: the last is the image's top row.
    pixel_poses : (H, W, 6) floats, optional
        Roll, pitch, yaw, radians, and position, metres, of the vehicle in the world at each
        pixel's time; None where the source has moved the points already.
    world_from_ego : (4, 4) float64, optional
        The vehicle at the sweep's instant; with `pixel_poses` only.

    Returns
    -------
    points_m : (N, 3) float64
        Row by row, those with a return.
    is_hit : (H, W) bool
        Which pixels those are.
    """
    is_hit: Mask = np.asarray(range_m > 0)
    row, column = np.nonzero(is_hit)
    n_columns = range_m.shape[1]
    turn = np.arctan2(ego_from_lidar[1, 0], ego_from_lidar[0, 0])
    every = ((np.arange(n_columns, 0, -1) - 0.5) / n_columns * 2 - 1) * np.pi - turn
    rise = inclination_rad[::-1]
    along = range_m[row, column].astype(np.float64)
    flat = along * np.cos(rise)[row]
    points = np.column_stack(
        [flat * np.cos(every)[column], flat * np.sin(every)[column], along * np.sin(rise)[row]]
    )
    points = points @ ego_from_lidar[:3, :3].T + ego_from_lidar[:3, 3]
    if pixel_poses is None or world_from_ego is None:
        return points, is_hit
    poses = pixel_poses[row, column].astype(np.float64)
    world = np.einsum("nij,nj->ni", _rotations(poses[:, :3]), points) + poses[:, 3:]
    back = inverse(world_from_ego)
    return world @ back[:3, :3].T + back[:3, 3], is_hit


def _rotations(angles_rad: Floats) -> Floats:
    """Return (N, 3, 3) rotations of roll about x, then pitch about y, then yaw about z."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(angles_rad).T, np.sin(angles_rad).T
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
