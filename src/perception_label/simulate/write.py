"""A synthetic log as files in layouts that real recordings come in."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import MissingPosesError, SettingError
from perception_label.geometry.cameras import VIDEO_SUFFIXES, Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.readers.recording import Recording

_KITTI_NAMES = {"car": "Car", "truck": "Truck", "pedestrian": "Pedestrian", "cyclist": "Cyclist"}
_LATITUDE_RAD, _LONGITUDE_RAD = np.radians(48.0), np.radians(9.0)  # of where the drive starts
_EARTH_M = 6378137.0
_PROJECTION = "721.5377 0 609.5593 0 0 721.5377 172.854 0 0 0 1 0"
# The camera of the KITTI layout sits at the LiDAR: x right, y down, z ahead.
_CAMERA_FROM_LIDAR: Pose = np.array(
    [[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)


def write_log(recording: Recording, folder: Path, format: str = "folder") -> Path:
    """Write a recording as files that a reader of real recordings reads.

    Parameters
    ----------
    recording : Recording
        With ego poses at each sweep's timestamp, as `simulate_log` gives.
    folder : Path
        Made if it is not there.
    format : str
        `folder`: binary PCD files (x, y, z, intensity, ring, time_offset_ns) named by their
        timestamp, `poses.csv`, `calibration.json`, `images/<camera>`; exact, without labels.
        `kitti_tracking`: one sequence 0000 of `velodyne`, `oxts`, `calib`, `label_02`, with
        labels all round; classes that KITTI has no name for become Misc; the layout has no
        times, so only logs of 10 Hz keep theirs, counted from 0.

    Returns
    -------
    Path
        What to hand to the reader.

    Raises
    ------
    SettingError
        If the format is not known.
    MissingPosesError
        If the recording has no ego poses.
    """
    writers = {"folder": _write_folder, "kitti_tracking": _write_kitti}
    if format not in writers:
        raise SettingError(f"format: expected one of {sorted(writers)}, got {format!r}")
    if recording.ego_poses is None:
        raise MissingPosesError(f"{recording.log_id}: expected ego poses, got none")
    writers[format](recording, recording.ego_poses, folder)
    return folder


def _write_folder(recording: Recording, ego_poses: EgoPoses, folder: Path) -> None:
    points = folder / "lidar"
    points.mkdir(parents=True, exist_ok=True)
    for sweep in _sweeps(recording):
        (points / f"{sweep.timestamp_ns}.pcd").write_bytes(_pcd(sweep))
    lines = ["timestamp_ns,x,y,z,qw,qx,qy,qz"]
    turns = Rotation.from_matrix(ego_poses.world_from_ego[:, :3, :3])
    turn = turns.as_quat(scalar_first=True)
    place = ego_poses.world_from_ego[:, :3, 3]
    for time, xyz, q in zip(ego_poses.timestamps_ns, place, turn, strict=True):
        lines.append(",".join([str(time), *(repr(float(n)) for n in (*xyz, *q))]))
    (folder / "poses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    calibration = {
        "ego_from_lidar": recording.ego_from_lidar.tolist(),
        "points_in": "lidar",
        "cameras": {name: _entry(recording.cameras[name]) for name in recording.images},
    }
    for name, images in recording.images.items():
        _copy_images(images, folder / "images" / name)
    text = json.dumps(calibration, indent=1)
    (folder / "calibration.json").write_text(text, encoding="utf-8")


def _copy_images(images: Images, place: Path) -> None:
    """Copy pictures into a folder, or a video and its times beside where it would be."""
    is_video = len(set(images.paths)) == 1 and images.paths[0].suffix in VIDEO_SUFFIXES
    where = place.parent if is_video else place
    where.mkdir(parents=True, exist_ok=True)
    for path in sorted(set(images.paths)):
        shutil.copyfile(path, where / (place.name + path.suffix if is_video else path.name))
    if is_video:
        lines = "".join(f"{time}\n" for time in images.timestamps_ns.tolist())
        times = place.with_name(place.name + ".timestamps.txt")
        times.write_text(lines, encoding="utf-8")


def _entry(camera: Camera) -> dict[str, Any]:
    """Return a camera as `calibration.json` has it."""
    plain = asdict(camera)
    return {**plain, "ego_from_camera": np.asarray(camera.ego_from_camera).tolist()}


def _write_kitti(recording: Recording, ego_poses: EgoPoses, folder: Path) -> None:
    points = folder / "velodyne" / "0000"
    for part in (points, folder / "oxts", folder / "calib", folder / "label_02"):
        part.mkdir(parents=True, exist_ok=True)
    for i, sweep in enumerate(_sweeps(recording)):
        shine = np.zeros(len(sweep)) if sweep.intensity is None else sweep.intensity / 255
        rows = np.column_stack([sweep.points_m, shine]).astype("<f4")
        (points / f"{i:06d}.bin").write_bytes(rows.tobytes())
    at = np.searchsorted(ego_poses.timestamps_ns, recording.timestamps_ns)
    poses = ego_poses.world_from_ego[np.minimum(at, len(ego_poses) - 1)]
    packets = "\n".join(_packets(poses)) + "\n"
    (folder / "oxts" / "0000.txt").write_text(packets, encoding="utf-8")
    entries = [f"P{k}: {_PROJECTION}" for k in range(4)]
    entries += [
        "R_rect 1 0 0 0 1 0 0 0 1",
        f"Tr_velo_cam {_row(_CAMERA_FROM_LIDAR)}",
        f"Tr_imu_velo {_row(inverse(recording.ego_from_lidar))}",
    ]
    calibration = "\n".join(entries) + "\n"
    (folder / "calib" / "0000.txt").write_text(calibration, encoding="utf-8")
    lines = (
        [] if recording.truth is None else list(_kitti_labels(recording, recording.truth, poses))
    )
    labels = "\n".join(lines) + "\n" if lines else ""
    (folder / "label_02" / "0000.txt").write_text(labels, encoding="utf-8")


def _sweeps(recording: Recording) -> Iterator[Sweep]:
    for i in range(len(recording.timestamps_ns)):
        yield recording.source(i)


def _pcd(sweep: Sweep) -> bytes:
    """Return a binary PCD 0.7 file of one sweep."""
    n = len(sweep)
    kinds = [(axis, "<f4") for axis in ("x", "y", "z", "intensity")]
    rows = np.zeros(n, dtype=[*kinds, ("ring", "<u2"), ("time_offset_ns", "<i4")])
    for k, axis in enumerate("xyz"):
        rows[axis] = sweep.points_m[:, k]
    for name in ("intensity", "ring", "time_offset_ns"):
        values = getattr(sweep, name)
        if values is not None:
            rows[name] = values
    header = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z intensity ring time_offset_ns\n"
        "SIZE 4 4 4 4 2 4\nTYPE F F F F U I\nCOUNT 1 1 1 1 1 1\n"
        f"WIDTH {n}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {n}\nDATA binary\n"
    )
    return header.encode("ascii") + rows.tobytes()


def _packets(world_from_ego: Floats) -> Iterator[str]:
    """Yield GPS/IMU packets: the Mercator projection of the KITTI kit, undone."""
    scale = np.cos(_LATITUDE_RAD)
    place = world_from_ego[:, :3, 3] - world_from_ego[0, :3, 3]
    east = place[:, 0] + scale * _EARTH_M * _LONGITUDE_RAD
    north = place[:, 1] + scale * _EARTH_M * np.log(np.tan(np.pi / 4 + _LATITUDE_RAD / 2))
    longitude = np.degrees(east / (scale * _EARTH_M))
    latitude = np.degrees(2 * np.arctan(np.exp(north / (scale * _EARTH_M))) - np.pi / 2)
    turns = Rotation.from_matrix(world_from_ego[:, :3, :3]).as_euler("ZYX")
    for k in range(len(place)):
        yaw, pitch, roll = turns[k]
        numbers = [latitude[k], longitude[k], world_from_ego[k, 2, 3], roll, pitch, yaw]
        yield " ".join(f"{x:.15g}" for x in (*numbers, *np.zeros(24)))


def _kitti_labels(recording: Recording, truth: Labels, world_from_ego: Floats) -> Iterator[str]:
    """Yield the rows of `label_02`: boxes in the camera's frame, the middle of their floor."""
    sweep = np.searchsorted(recording.timestamps_ns, truth.timestamps_ns)
    camera_from_ego = _CAMERA_FROM_LIDAR @ inverse(recording.ego_from_lidar)
    camera_from_world = (camera_from_ego @ inverse(world_from_ego))[sweep]
    cuboids = truth.cuboids
    center = np.einsum("mij,mj->mi", camera_from_world[:, :3, :3], cuboids.center_m)
    center += camera_from_world[:, :3, 3]
    ahead = np.column_stack(
        [np.cos(cuboids.yaw_rad), np.sin(cuboids.yaw_rad), np.zeros(len(cuboids))]
    )
    ahead = np.einsum("mij,mj->mi", camera_from_world[:, :3, :3], ahead)
    turn = np.arctan2(-ahead[:, 2], ahead[:, 0])
    for k in np.argsort(sweep, kind="stable"):
        name = _KITTI_NAMES.get(truth.class_names[truth.classes[k]], "Misc")
        length, width, height = cuboids.size_m[k]
        x, y, z = center[k]
        numbers = [height, width, length, x, y + height / 2, z, turn[k]]
        text = " ".join(f"{n:.9g}" for n in numbers)
        yield f"{sweep[k]} {truth.tracks[k]} {name} 0 0 -10 0 0 50 50 {text}"


def _row(transform: Pose) -> str:
    return " ".join(f"{x:.15g}" for x in transform[:3].ravel())
