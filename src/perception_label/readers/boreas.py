"""Boreas: `lidar/<us>.bin`, `lidar_poses.csv`, `calib/`, `camera/<us>.png`, `labels_detection`.

A log is a folder with `applanix/lidar_poses.csv` (or `lidar_poses.csv`) and `lidar/` or
`labels_detection/`. File names are microseconds. Labelled instants without a LiDAR file are kept
as empty sweeps, so that a log of labels alone can be used.

Coordinate frames. Points and boxes are in the LiDAR's frame, as the sensor took them: each
point has its time, and nothing is compensated. Poses are of the LiDAR in a frame of east, north,
up; their angles turn the other way round (`world_from_lidar` is Rx(-roll) Ry(-pitch)
Rz(-heading)), and so does a box's yaw: only so do its cars drive the way they point. Applanix'
axes are x right, y ahead; ego is FLU at its place.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, outside_span
from perception_label.readers.classes import own_names
from perception_label.readers.clouds import from_fields
from perception_label.readers.files import floats, numbered, read_bytes, read_text, refuse
from perception_label.readers.kitti import image_size_px
from perception_label.readers.logs import (
    empty_warnings,
    only_log,
    path_of,
    safe_name,
    time_warnings,
)
from perception_label.readers.recording import Recording

COLUMNS = ("x", "y", "z", "intensity", "ring", "time_offset")
POSE = ("easting", "northing", "altitude", "roll", "pitch", "heading")
TIMES = ("ROSTime", "GPSTime")
CLASSES = {n: n for n in ("car", "truck", "bus", "pedestrian", "cyclist")}
LABEL_COLUMNS = 10  # id, class, length, width, height, x, y, z, yaw, points inside
EGO_FROM_APPLANIX = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
LATEST_US = 9_000_000_000_000_000


def logs(path: Path) -> list[str]:
    """Return the names of the Boreas logs that the path is or holds."""
    return [p.name for p in _logs(path)]


def open_log(path: Path) -> Recording:
    """Open one Boreas log.

    Raises
    ------
    SourceError
        If it is not there or not whole, or `path` holds several.
    """
    root = only_log(path, _logs(path), "Boreas log")
    mount_file, poses_file = root / "calib/T_applanix_lidar.txt", _poses_file(root)
    ego_from_lidar = EGO_FROM_APPLANIX @ _matrix(mount_file)
    stamps, world_from_lidar = _read_poses(poses_file)
    ego_poses = path_of(stamps, world_from_lidar @ inverse(ego_from_lidar))
    files = {_time_of(f): f for f in numbered(root / "lidar", [".bin"])}
    label_files = {_time_of(f): f for f in numbered(root / "labels_detection", [".txt"])}
    instants = sorted({*files, *label_files})
    if not instants:
        raise refuse(root, "lidar/<us>.bin or labels_detection/<us>.txt", "neither")
    times = np.array(instants, dtype=np.int64)
    paths = [files.get(t) for t in instants]
    truth, left_out = _truth(label_files, ego_poses, ego_from_lidar)
    cameras, images = _cameras(root, ego_from_lidar)
    calibrations = [p for n in ("P_camera", "T_camera_lidar") if (p := _calib(root, n)).is_file()]
    radar = len(numbered(root / "radar", [".png"]))
    return Recording(
        log_id=f"boreas-{safe_name(root.name)}",
        format="boreas",
        lidar="lidar",
        timestamps_ns=times,
        ego_from_lidar=ego_from_lidar,
        source=BoreasSweeps(tuple(paths), times),
        ego_poses=ego_poses,
        truth=truth,
        cameras=cameras,
        images=images,
        files=[mount_file, poses_file, *calibrations, *label_files.values(), *files.values()],
        left_out=[*left_out, *([f"{radar} sweeps of the radar"] if radar else [])],
        warnings=[*time_warnings(times), *empty_warnings(paths)],
        is_deskewed=False,
    )


@dataclass(frozen=True, slots=True)
class BoreasSweeps:
    """Reads sweep i of one log; an instant without a file is an empty sweep."""

    paths: tuple[Path | None, ...]
    timestamps_ns: Ints

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        path, at_ns = self.paths[i], int(self.timestamps_ns[i])
        data = b"" if path is None else read_bytes(path)
        where = path or Path()
        if len(data) % (4 * len(COLUMNS)):
            raise refuse(where, "whole rows of 6 float32", f"{len(data)} bytes: cut short?")
        rows = np.frombuffer(data, dtype="<f4").reshape(-1, len(COLUMNS))
        columns = {name: rows[:, k] for k, name in enumerate(COLUMNS)}
        return from_fields(where, columns).sweep(at_ns)


def _logs(path: Path) -> list[Path]:
    def is_one(folder: Path) -> bool:
        parts = (folder / "lidar", folder / "labels_detection")
        return _poses_file(folder).is_file() and any(p.is_dir() for p in parts)

    try:
        if is_one(path) or not path.is_dir():
            return [path] if is_one(path) else []
        return [p for p in sorted(path.iterdir()) if is_one(p)]
    except OSError:
        return []


def _poses_file(root: Path) -> Path:
    inner = root / "applanix/lidar_poses.csv"
    return inner if inner.is_file() else root / "lidar_poses.csv"


def _calib(root: Path, name: str) -> Path:
    return root / "calib" / f"{name}.txt"


def _time_of(path: Path) -> int:
    if not path.stem.isdecimal() or int(path.stem[:20]) >= LATEST_US:
        raise refuse(path, "a time in microseconds as the file's name", path.stem)
    return int(path.stem) * 1000


def _matrix(path: Path) -> Pose:
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    out = floats(path, rows, (4, 4), "a transform")
    error = np.abs(out[:3, :3] @ out[:3, :3].T - np.eye(3)).max()
    if error > 1e-2 or np.linalg.det(out[:3, :3]) < 0 or out[3].tolist() != [0, 0, 0, 1]:
        raise refuse(path, "a rigid transform", "another matrix")
    # Some are written with four digits: the nearest rotation is meant.
    u, _, v = np.linalg.svd(out[:3, :3])
    out[:3, :3] = u @ v
    return out


def _read_poses(path: Path) -> tuple[Ints, Floats]:
    """Return the times (P,) and the LiDAR's poses (P, 4, 4) in east, north, up."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path))))
    except csv.Error as error:
        raise refuse(path, "CSV with a header", error) from None
    names = set(rows[0]) if rows else set()
    clock = next((n for n in TIMES if n in names), None)
    if clock is None or not names.issuperset(POSE):
        raise refuse(path, f"columns {TIMES[0]}, {', '.join(POSE)}", f"{len(rows)} rows of others")
    odd = next((k for k, row in enumerate(rows) if None in row.values() or None in row), None)
    if odd is not None:
        raise refuse(path, f"{len(names)} values in pose {odd + 1}", "another number: cut short?")
    numbers = floats(path, [[row[n] for n in POSE] for row in rows], (-1, 6), "poses")
    stamps = [str(row[clock]).strip() for row in rows]
    if not all(s.isdecimal() and int(s[:20]) < LATEST_US for s in stamps):
        raise refuse(path, "times in whole microseconds", "others")
    out = np.tile(np.eye(4), (len(rows), 1, 1))
    out[:, :3, :3] = Rotation.from_euler("XYZ", -numbers[:, 3:]).as_matrix()
    out[:, :3, 3] = numbers[:, :3]
    return np.array([int(s) * 1000 for s in stamps], dtype=np.int64), out


def _truth(
    files: dict[int, Path], ego_poses: EgoPoses, ego_from_lidar: Pose
) -> tuple[Labels | None, list[str]]:
    if not files:
        return None, []
    stamps, ids, names, parts = [], [], [], [np.empty((0, 7))]
    for at, path in files.items():
        rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
        odd = next((row for row in rows if len(row) < LABEL_COLUMNS - 1), None)
        if odd is not None:
            raise refuse(path, f"{LABEL_COLUMNS} words in each line", f"{len(odd)}: cut short?")
        stamps += [at] * len(rows)
        ids += [row[0] for row in rows]
        names += [row[1] for row in rows]
        parts.append(floats(path, [row[2:9] for row in rows] or parts[0], (-1, 7), "boxes"))
        if rows and parts[-1][:, :3].min() < 0:
            raise refuse(path, "sizes above 0", parts[-1][:, :3].min())
    times, numbers = np.array(stamps, dtype=np.int64), np.concatenate(parts)
    beyond = outside_span(ego_poses, times)
    left_out = [f"{beyond.sum()} labels before or after all ego poses"] if beyond.any() else []
    kept = np.flatnonzero(~beyond)
    cuboids = Cuboids(numbers[kept, 3:6], numbers[kept, :3], -numbers[kept, 6])
    if len(kept):
        order, back = np.unique(times[kept], return_inverse=True)
        cuboids = cuboids.moved((interpolate_poses(ego_poses, order) @ ego_from_lidar)[back])
    classes = own_names([names[k] for k in kept], CLASSES)
    return Labels.from_columns(times[kept], [ids[k] for k in kept], classes, cuboids), left_out


def _cameras(root: Path, ego_from_lidar: Pose) -> tuple[dict[str, Camera], dict[str, Images]]:
    paths = numbered(root / "camera", [".png", ".jpg"])
    lens_file, mount_file = _calib(root, "P_camera"), _calib(root, "T_camera_lidar")
    if not (paths and lens_file.is_file() and mount_file.is_file()):
        return {}, {}
    rows = [line.split() for line in read_text(lens_file).splitlines() if line.strip()]
    lens = floats(lens_file, rows, (4, 4), "a projection")
    if lens[0, 0] <= 0 or lens[1, 1] <= 0 or np.abs(lens[:3, 3]).max() > 0:
        raise refuse(lens_file, "a projection without a shift", "another matrix")
    width, height = image_size_px(paths[0])
    matrix = tuple(tuple(row) for row in lens[:3, :3].tolist())
    mount = ego_from_lidar @ inverse(_matrix(mount_file))
    times = np.array([_time_of(p) for p in paths], dtype=np.int64)
    return {"camera": Camera(width, height, matrix, mount)}, {"camera": Images(times, tuple(paths))}
