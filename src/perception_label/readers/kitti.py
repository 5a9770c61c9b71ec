"""What the KITTI layouts share: calibration, GPS/IMU packets, sweeps, labels' conventions.

The ego frame is the IMU's (x ahead, y left, z up), the LiDAR is the Velodyne with the same
axes. Source of the methods: the development kits of the KITTI raw and object benchmarks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.readers.files import floats, read_text, refuse
from perception_label.readers.flat import KITTI_COLUMNS, read_bin

EARTH_RADIUS_M = 6378137.0
PERIOD_NS = 100_000_000  # the Velodyne turned at 10 Hz
WIDTH_PX = 1242  # of KITTI's pictures, where there is none to ask
OXTS_COLUMNS = 6  # latitude, longitude, altitude, roll, pitch, yaw; the rest is not used

CLASSES = {
    "car": "car",
    "van": "car",
    "truck": "truck",
    "pedestrian": "pedestrian",
    "person": "pedestrian",
    "person_sitting": "pedestrian",
    "person (sitting)": "pedestrian",
    "cyclist": "cyclist",
}
# Older spellings of the same calibration entries.
_ALIASES = {"R_rect": "R0_rect", "Tr_velo_cam": "Tr_velo_to_cam", "Tr_imu_velo": "Tr_imu_to_velo"}


@dataclass(frozen=True, slots=True)
class KittiSweeps:
    """Reads sweep i; an instant without a file is an empty sweep."""

    paths: tuple[Path | None, ...]
    timestamps_ns: Ints

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the Velodyne's frame."""
        path = self.paths[i]
        rows = np.empty((0, 4), dtype=np.float32) if path is None else read_bin(path, KITTI_COLUMNS)
        return Sweep(
            points_m=np.ascontiguousarray(rows[:, :3]),
            timestamp_ns=int(self.timestamps_ns[i]),
            intensity=np.ascontiguousarray(rows[:, 3]),
        )


def read_calibration(path: Path) -> dict[str, Floats]:
    """Return the entries of a KITTI calibration file by name: (3, 4), (3, 3) or (3,)."""
    entries: dict[str, Floats] = {}
    for line in read_text(path).splitlines():
        name, *values = line.replace(":", " ", 1).split() or [""]
        if len(values) not in (3, 9, 12):
            continue
        shape = (3, len(values) // 3) if len(values) > 3 else (3,)
        entries[_ALIASES.get(name, name)] = floats(path, values, (-1,), name).reshape(shape)
    return entries


def rigid(path: Path, entries: Mapping[str, Floats], name: str) -> Pose:
    """Return one entry as a (4, 4) transform; a (3, 3) one is a rotation."""
    if name not in entries:
        raise refuse(path, f"an entry {name}", ", ".join(entries) or "none")
    out = np.eye(4)
    entry = entries[name]
    if entry.ndim != 2:
        raise refuse(path, f"a matrix {name}", f"{entry.size} numbers")
    out[:3, : entry.shape[1]] = entry
    with np.errstate(all="ignore"):
        volume = np.linalg.det(out[:3, :3])
    if not abs(volume - 1) < 0.01:
        raise refuse(path, f"a rotation in {name}", f"determinant {volume:.3g}")
    return out


def read_oxts(path: Path) -> Floats:
    """Return (P, 6) latitude, longitude, altitude, roll, pitch, yaw, one row per packet."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    short = [i for i, line in enumerate(lines) if len(line) < OXTS_COLUMNS]
    if short or not lines:
        row = short[0] if short else 0
        raise refuse(path, f"at least {OXTS_COLUMNS} numbers in line {row + 1}", "fewer")
    rows = [line[:OXTS_COLUMNS] for line in lines]
    packets = floats(path, rows, (-1, OXTS_COLUMNS), "packets")
    if (np.abs(packets[:, 0]) > 85).any() or (np.abs(packets[:, 1]) > 360).any():
        raise refuse(path, "latitude and longitude in degrees", "others")
    return packets


def oxts_poses(packets: Floats) -> tuple[Floats, tuple[float, float, float]]:
    """Return world_from_ego (P, 4, 4) of GPS/IMU packets and the world's origin.

    Mercator projection scaled by the latitude of the first packet: x east, y north, z up,
    metres, from the first packet's position, which is the origin returned.
    """
    latitude, longitude = np.radians(packets[:, 0]), np.radians(packets[:, 1])
    scale = np.cos(latitude[0])
    east = scale * EARTH_RADIUS_M * longitude
    north = scale * EARTH_RADIUS_M * np.log(np.tan(np.pi / 4 + latitude / 2))
    position = np.column_stack([east, north, packets[:, 2]])
    poses = np.tile(np.eye(4), (len(packets), 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("ZYX", packets[:, [5, 4, 3]]).as_matrix()
    poses[:, :3, 3] = position - position[0]
    x, y, z = position[0].tolist()
    return poses, (x, y, z)


def camera_boxes(lidar_from_rect: Pose, rows: Floats) -> Cuboids:
    """Return label rows as cuboids in the LiDAR's frame.

    `rows` (M, 7) are h, w, l, x, y, z, rotation_y in the rectified camera's frame (x right,
    y down, z ahead); x, y, z is the middle of the bottom face, and rotation_y turns the
    length axis from +x towards -z.
    """
    center = rows[:, 3:6] - np.column_stack([0 * rows[:, 0], rows[:, 0] / 2, 0 * rows[:, 0]])
    turn = rows[:, 6]
    ahead = np.column_stack([np.cos(turn), np.zeros(len(rows)), -np.sin(turn)])
    rotation = lidar_from_rect[:3, :3]
    heading = ahead @ rotation.T
    return Cuboids(
        center @ rotation.T + lidar_from_rect[:3, 3],
        rows[:, [2, 1, 0]],
        np.arctan2(heading[:, 1], heading[:, 0]),
    )


def rectified_camera(
    path: Path, projection: Floats, ego_from_rect: Pose, size_px: tuple[int, int]
) -> Camera:
    """Return the camera of a (3, 4) projection out of the rectified camera 0's frame."""
    matrix = projection[:, :3]
    if not abs(np.linalg.det(matrix)) > 1e-6:
        raise refuse(path, "camera matrices with an inverse", "a singular one")
    rect_from_camera = np.eye(4)
    rect_from_camera[:3, 3] = -np.linalg.solve(matrix, projection[:, 3])
    (fx, skew, cx), (_, fy, cy) = matrix[:2].tolist()
    intrinsics = ((fx, skew, cx), (0.0, fy, cy), (0.0, 0.0, 1.0))
    return Camera(*size_px, intrinsics, ego_from_rect @ rect_from_camera)


def truth_view_rad(projection: Floats | None, width_px: int) -> tuple[float, float] | None:
    """Return the azimuths, right and left edge, that a forward camera sees: where KITTI labels."""
    if projection is None or projection.shape != (3, 4) or not projection[0, 0] > 0:
        return None
    focal, middle = projection[0, 0], projection[0, 2]
    return float(-np.arctan2(width_px - middle, focal)), float(np.arctan2(middle, focal))


def image_size_px(path: Path) -> tuple[int, int]:
    """Return width and height of a picture without decoding it."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise refuse(path, "a picture", error) from None


def lidar_from_rect(path: Path, entries: Mapping[str, Floats]) -> Pose:
    """Return the transform out of the rectified camera's frame into the Velodyne's."""
    return inverse(rigid(path, entries, "R0_rect") @ rigid(path, entries, "Tr_velo_to_cam"))
