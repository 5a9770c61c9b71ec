"""What the KITTI layouts share: boxes in a rectified camera's frame, calibration, class names.

A box stands upright in the world, and KITTI turns boxes about the camera's y axis only. The
heading is chosen such that a reader that projects it back to the world gets the same yaw.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.export.labelled import Labelled
from perception_label.geometry.cameras import CAMERA_FROM_LIDAR, Camera
from perception_label.geometry.cuboids import wrap
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.tables import labels_from_table

EARTH_RADIUS_M = 6378137.0  # of the Mercator projection in KITTI's development kit
OXTS_COLUMNS = 30
# What the benchmark calls our classes; all others are Misc.
NAMES = {
    "car": "Car",
    "truck": "Truck",
    "construction_vehicle": "Truck",
    "pedestrian": "Pedestrian",
    "cyclist": "Cyclist",
}
OTHER = "Misc"


def boxes_by_sweep(labelled: Labelled) -> tuple[Labels, Ints, Ints, tuple[str, ...]]:
    """Return the boxes at sweeps, by sweep and track; their sweeps, table rows; what is not."""
    times = labelled.timestamps_ns
    labels = labels_from_table(labelled.boxes)
    at_sweep = np.isin(labels.timestamps_ns, times)
    n_left_out = int(np.count_nonzero(~at_sweep))
    labels = labels[at_sweep] if n_left_out else labels
    sweeps = np.searchsorted(times, labels.timestamps_ns)
    order = np.lexsort((labels.tracks, sweeps))
    said = (f"{n_left_out} boxes at instants that are no sweep",) if n_left_out else ()
    return labels[order], sweeps[order], np.flatnonzero(at_sweep)[order], said


def camera_from_lidar(labelled: Labelled, camera: Camera | None) -> Pose:
    """Return the transform into the forward camera, or without one, a camera at the LiDAR."""
    if camera is None:
        return CAMERA_FROM_LIDAR
    return np.asarray(inverse(np.asarray(camera.ego_from_camera)) @ labelled.ego_from_lidar)


def camera_rows(labels: Labels, world_from_lidar: Floats, camera_from_lidar: Pose) -> Floats:
    """Return (M, 7) h, w, l, x, y, z, rotation_y of boxes, each with its own LiDAR pose.

    `world_from_lidar` is (M, 4, 4); x, y, z is the middle of the bottom face.
    """
    cuboids = labels.cuboids
    camera_from_world = camera_from_lidar @ inverse(world_from_lidar)
    center = np.einsum("mij,mj->mi", camera_from_world[:, :3, :3], cuboids.center_m)
    center += camera_from_world[:, :3, 3]
    height = cuboids.size_m[:, 2]
    center[:, 1] += height / 2
    ahead = np.column_stack([np.cos(cuboids.yaw_rad), np.sin(cuboids.yaw_rad)])
    # The level heading whose projection, not whose own direction, is the given one: see above.
    level = np.linalg.solve(world_from_lidar[:, :2, :2], ahead[..., None])[..., 0]
    level_from_camera = inverse(camera_from_lidar)[:2, [0, 2]]
    turned = np.linalg.solve(level_from_camera, level.T).T
    rotation_y = wrap(np.arctan2(-turned[:, 1], turned[:, 0]))
    return np.column_stack([cuboids.size_m[:, ::-1], center, rotation_y])


def fill_calibration(
    labelled: Labelled, camera: Camera | None, camera_from_lidar: Pose, path: Path
) -> None:
    """Write P0 … P3, R0_rect, Tr_velo_to_cam and Tr_imu_to_velo, as the benchmarks have them."""
    matrix = np.eye(3) if camera is None else np.asarray(camera.intrinsics, dtype=np.float64)
    entries = {f"P{k}": np.column_stack([matrix, np.zeros(3)]) for k in range(4)}
    entries["R0_rect"] = np.eye(3)
    entries["Tr_velo_to_cam"] = camera_from_lidar[:3]
    entries["Tr_imu_to_velo"] = inverse(labelled.ego_from_lidar)[:3]
    with path.open("w", encoding="utf-8") as out:
        for name, values in entries.items():
            out.write(f"{name}: {' '.join(f'{v:.15e}' for v in values.ravel())}\n")


def oxts_lines(world_from_ego: Floats) -> list[str]:
    """Return a GPS/IMU packet per pose (S, 4, 4), the first at latitude and longitude 0."""
    moved = world_from_ego[:, :3, 3] - world_from_ego[:1, :3, 3]
    longitude = np.degrees(moved[:, 0] / EARTH_RADIUS_M)
    # The inverse of Mercator's ln tan(pi/4 + latitude/2), exact near the equator.
    latitude = np.degrees(np.arctan(np.sinh(moved[:, 1] / EARTH_RADIUS_M)))
    yaw, pitch, roll = Rotation.from_matrix(world_from_ego[:, :3, :3]).as_euler("ZYX").T
    rows = np.column_stack([latitude, longitude, moved[:, 2], roll, pitch, yaw])
    # The last five are counts and states, which readers take for whole numbers.
    rest = " 0" * (OXTS_COLUMNS - rows.shape[1])
    return [" ".join(f"{value:.15g}" for value in row) + rest + "\n" for row in rows.tolist()]
