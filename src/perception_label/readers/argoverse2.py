"""Argoverse 2 sensor logs: feather tables, points and boxes in the ego frame.

A log is a folder with `city_SE3_egovehicle.feather`, `sensors/lidar/<ns>.feather` (or
`lidar/<ns>.feather`) and, where published, `annotations.feather`, `calibration/` and
`sensors/cameras/<camera>/<ns>.jpg`. Annotated instants without a LiDAR file are kept as
empty sweeps, so that a log of labels alone can be used.

Coordinate frames. Points and boxes come in the ego frame at the sweep's instant, already
compensated for the ego's motion. The sensor frame has ego's axes and its origin in the
upper LiDAR. Two LiDARs of 32 beams share a sweep: `ring` is the laser's number, `lidar` is 0
for the upper (lasers 0 to 31), 1 for the lower. The world is the city's frame.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SourceError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, outside_span, pose
from perception_label.readers.classes import own_names
from perception_label.readers.feather_size import check_size
from perception_label.readers.files import floats, numbered, read_bytes, refuse, single, whole
from perception_label.readers.logs import empty_warnings, only_log, path_of, time_warnings
from perception_label.readers.recording import Recording

UPPER_LASERS = 32
# The rig's nominal mounting, where a log comes without its calibration: from that position the
# upper lasers are cones to 0.002 degrees.
UPPER_LIDAR_M = (1.35, 0.0, 1.64)
CLASSES = {
    "regular_vehicle": "car",
    "large_vehicle": "truck",
    "box_truck": "truck",
    "truck": "truck",
    "truck_cab": "truck",
    "bus": "bus",
    "school_bus": "bus",
    "articulated_bus": "bus",
    "vehicular_trailer": "trailer",
    "traffic_light_trailer": "trailer",
    "message_board_trailer": "trailer",
    "motorcycle": "motorcycle",
    "bicycle": "bicycle",
    "bicyclist": "cyclist",
    "motorcyclist": "cyclist",
    "wheeled_rider": "cyclist",
    "pedestrian": "pedestrian",
    "official_signaler": "pedestrian",
}
POSE_COLUMNS = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")

Table = dict[str, NDArray[Any]]


def logs(path: Path) -> list[str]:
    """Return the names of the Argoverse 2 logs that the path is or holds."""
    return [p.name for p in _logs(path)]


def open_log(path: Path) -> Recording:
    """Open an Argoverse 2 sensor log.

    Raises
    ------
    SourceError
        If it is not there or not whole, or `path` holds several.
    """
    root = only_log(path, _logs(path), "Argoverse 2 log")
    poses_file, labels_file = root / "city_SE3_egovehicle.feather", root / "annotations.feather"
    table = read_table(poses_file, ("timestamp_ns", *POSE_COLUMNS))
    ego_poses = path_of(times_of(poses_file, table), transforms_of(poses_file, table))
    labels = None
    if labels_file.is_file():
        columns = ("timestamp_ns", "track_uuid", "category", "length_m", "width_m", "height_m")
        labels = read_table(labels_file, (*columns, *POSE_COLUMNS))
    files = {_named_by_time(f): f for f in _lidar_files(root)}
    instants = set(files)
    if labels is not None:
        instants.update(times_of(labels_file, labels).tolist())
    if not instants:
        raise refuse(root, "sensors/lidar/<ns>.feather or annotations", "neither")
    timestamps = np.array(sorted(instants), dtype=np.int64)
    paths = [files.get(t) for t in timestamps.tolist()]
    mounts = _mounts(root)
    lidar_m = mounts["up_lidar"][:3, 3] if "up_lidar" in mounts else np.array(UPPER_LIDAR_M)
    ego_from_lidar = np.eye(4)
    ego_from_lidar[:3, 3] = lidar_m
    truth, left_out = _truth(labels_file, labels, ego_poses)
    cameras, images = _cameras(root, mounts)
    return Recording(
        log_id=f"av2-{root.name}",
        format="argoverse2",
        lidar="up_lidar",
        timestamps_ns=timestamps,
        ego_from_lidar=ego_from_lidar,
        source=Argoverse2Sweeps(tuple(paths), timestamps, ego_from_lidar),
        ego_poses=ego_poses,
        truth=truth,
        cameras=cameras,
        images=images,
        files=[poses_file, *([labels_file] if labels else []), *files.values()],
        left_out=left_out,
        warnings=[
            *time_warnings(timestamps),
            *empty_warnings(paths),
            *([] if "up_lidar" in mounts else [f"no calibration: LiDAR at {UPPER_LIDAR_M} m"]),
        ],
        is_deskewed=True,
    )


@dataclass(frozen=True, slots=True)
class Argoverse2Sweeps:
    """Reads sweep i of one log; an instant without a file is an empty sweep."""

    paths: tuple[Path | None, ...]
    timestamps_ns: Ints
    ego_from_lidar: Pose

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        path = self.paths[i]
        names = ("x", "y", "z", "intensity", "laser_number", "offset_ns")
        none: NDArray[Any] = np.empty(0)
        table = dict.fromkeys(names, none) if path is None else read_table(path, names)
        ego = np.column_stack([table[axis].astype(np.float64) for axis in "xyz"])
        file = path or Path()
        laser = whole(file, table["laser_number"], np.uint16, "laser_number")
        with np.errstate(invalid="ignore"):
            points = single(ego - self.ego_from_lidar[:3, 3])
        return Sweep(
            points_m=points,
            timestamp_ns=int(self.timestamps_ns[i]),
            intensity=single(table["intensity"]),
            ring=laser,
            time_offset_ns=whole(file, table["offset_ns"], np.int32, "offset_ns"),
            lidar=(laser >= UPPER_LASERS).astype(np.uint8),
        )


def _logs(path: Path) -> list[Path]:
    def is_one(folder: Path) -> bool:
        return (folder / "city_SE3_egovehicle.feather").is_file()

    if is_one(path) or not path.is_dir():
        return [path] if is_one(path) else []
    splits = [path, *(p for s in ("train", "val", "test") if (p := path / s).is_dir())]
    return [log for split in splits for log in sorted(split.iterdir()) if is_one(log)]


def _lidar_files(root: Path) -> list[Path]:
    return numbered(root / "sensors/lidar", [".feather"]) or numbered(root / "lidar", [".feather"])


def _named_by_time(path: Path) -> int:
    if not path.stem.isdecimal() or int(path.stem[:20]) >= 1 << 63:
        raise refuse(path, "a time in nanoseconds as the file's name", path.stem)
    return int(path.stem)


def read_table(path: Path, names: tuple[str, ...]) -> Table:
    """Return columns of a feather file, numbers or strings, all there and none null."""
    data = read_bytes(path)
    check_size(path, data)
    try:
        table = feather.read_table(pa.BufferReader(data), columns=list(names))
        table.validate(full=True)
        missing = [n for n in names if n not in table.column_names]
        if missing or any(table[n].null_count for n in names):
            raise refuse(path, f"columns {', '.join(names)} without nulls", table.column_names)
        columns = {n: table[n].to_numpy() for n in names}
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        if isinstance(error, SourceError):
            raise
        raise refuse(path, "a feather table", error) from None
    for name, values in columns.items():
        is_text = name in ("track_uuid", "category", "sensor_name")
        if (values.dtype.kind == "O") != is_text:
            raise refuse(path, f"{name}: {'text' if is_text else 'numbers'}", values.dtype)
    return columns


def times_of(path: Path, table: Table) -> Ints:
    """Return the column timestamp_ns, (n,) int64."""
    if table["timestamp_ns"].dtype.kind not in "iu":
        raise refuse(path, "whole timestamp_ns", table["timestamp_ns"].dtype)
    return table["timestamp_ns"].astype(np.int64)


def transforms_of(path: Path, table: Table) -> Floats:
    """Return the columns of a pose, (n, 4, 4)."""
    numbers = floats(path, np.column_stack([table[n] for n in POSE_COLUMNS]), (-1, 7), "poses")
    if len(numbers) and np.abs(np.linalg.norm(numbers[:, :4], axis=1) - 1).max() > 0.01:
        raise refuse(path, "unit quaternions", "others")
    return pose(numbers[:, 4:], numbers[:, :4])


def _truth(path: Path, table: Table | None, ego_poses: EgoPoses) -> tuple[Labels | None, list[str]]:
    if table is None:
        return None, []
    times = times_of(path, table)
    beyond = outside_span(ego_poses, times)
    left_out = [f"{beyond.sum()} labels before or after all ego poses"] if beyond.any() else []
    table = {name: values[~beyond] for name, values in table.items()}
    times = times[~beyond]
    boxes = transforms_of(path, table)
    size = np.column_stack([table[n] for n in ("length_m", "width_m", "height_m")])
    if len(times):
        # Turned with the ego, not after: on a slope a heading is another than its projection.
        order, back = np.unique(times, return_inverse=True)
        boxes = interpolate_poses(ego_poses, order)[back] @ boxes
    turn = np.arctan2(boxes[:, 1, 0], boxes[:, 0, 0])
    cuboids = Cuboids(boxes[:, :3, 3], floats(path, size, (-1, 3), "sizes"), turn)
    names = own_names(table["category"].tolist(), CLASSES)
    return Labels.from_columns(times, table["track_uuid"], names, cuboids), left_out


def _mounts(root: Path) -> dict[str, Pose]:
    path = root / "calibration/egovehicle_SE3_sensor.feather"
    if not path.is_file():
        return {}
    table = read_table(path, ("sensor_name", *POSE_COLUMNS))
    return dict(zip(table["sensor_name"].tolist(), transforms_of(path, table), strict=True))


def _cameras(root: Path, mounts: dict[str, Pose]) -> tuple[dict[str, Camera], dict[str, Images]]:
    path = root / "calibration/intrinsics.feather"
    if not path.is_file():
        return {}, {}
    lens = ("fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "k3", "width_px", "height_px")
    table = read_table(path, ("sensor_name", *lens))
    numbers = floats(path, np.column_stack([table[n] for n in lens]), (-1, len(lens)), "lenses")
    cameras, images = {}, {}
    for name, row in zip(table["sensor_name"].tolist(), numbers.tolist(), strict=True):
        paths = numbered(root / "sensors/cameras" / name, [".jpg", ".png"])
        if not paths or name not in mounts:
            continue
        fx, fy, cx, cy, k1, k2, k3, width, height = row
        matrix = ((fx, 0.0, cx), (0.0, fy, cy), (0.0, 0.0, 1.0))
        cameras[name] = Camera(
            int(width), int(height), matrix, mounts[name], (k1, k2, 0.0, 0.0, k3)
        )
        times = np.array([_named_by_time(p) for p in paths], dtype=np.int64)
        images[name] = Images(times, tuple(paths))
    return cameras, images
