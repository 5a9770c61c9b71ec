"""KITTI raw: one drive, `velodyne_points/`, `oxts/`, `image_0X/`, `tracklet_labels.xml`.

The calibration (`calib_velo_to_cam.txt`, `calib_imu_to_velo.txt`, `calib_cam_to_cam.txt`) lies
in the folder of the date, above the drive, or in the drive itself. Times are those of
`timestamps.txt`, read as UTC; without them 10 Hz is assumed and said. Coordinate frames and
poses are those of `kitti`: ego is the IMU, the world is local Mercator.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, outside_span
from perception_label.readers import kitti
from perception_label.readers.classes import own_names
from perception_label.readers.clouds import Cloud, read_cloud
from perception_label.readers.files import numbered, read_text, refuse
from perception_label.readers.flat import KITTI_COLUMNS
from perception_label.readers.logs import (
    at_least_one,
    empty_warnings,
    only_log,
    path_of,
    time_warnings,
)
from perception_label.readers.recording import Recording
from perception_label.readers.tracklets import read_tracklets

CLOCK = "no velodyne_points/timestamps.txt: 10 Hz from 0 is assumed"
NO_MOUNT = "no calib_imu_to_velo.txt: the Velodyne is taken as the ego frame"
VIEW = "tracklets cover only what the front camera saw"
SUFFIXES = (".bin", ".pcd")
TIME = re.compile(r"(19|20)\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?")


def logs(path: Path) -> list[str]:
    """Return the names of the KITTI raw drives that the path is or holds."""
    return [p.name for p in _drives(path)]


def open_log(path: Path) -> Recording:
    """Open one drive.

    Raises
    ------
    SourceError
        If the drive is not there or not whole, or `path` holds several.
    """
    root = only_log(path, _drives(path), "KITTI raw drive")
    folder = root / "velodyne_points"
    files = at_least_one(folder / "data", numbered(folder / "data", SUFFIXES), "*.bin")
    numbers = [_number(f) for f in files]
    clock = _times(folder / "timestamps.txt")
    if clock is not None and max(numbers) >= len(clock):
        expected = f"a time for sweep {max(numbers)}"
        raise refuse(folder / "timestamps.txt", expected, f"{len(clock)} lines")
    every = np.arange(max(numbers) + 1) * kitti.PERIOD_NS if clock is None else clock
    ego_from_lidar, warnings = _mount(root)
    ego_poses, origin = _ego_poses(root, every)
    truth, left_out = _truth(root, every, ego_poses, ego_from_lidar)
    found = dict(zip(numbers, files, strict=True))
    labelled = [] if truth is None else np.flatnonzero(np.isin(every, truth.timestamps_ns)).tolist()
    instants = sorted({*numbers, *labelled})
    times, paths = every[instants], [found.get(i) for i in instants]
    cameras, images, view = _cameras(root, ego_from_lidar, every)
    packets = numbered(root / "oxts/data", [".txt"])
    return Recording(
        log_id=f"kitti-raw-{root.name}",
        format="kitti_raw",
        lidar="velodyne",
        timestamps_ns=times,
        ego_from_lidar=ego_from_lidar,
        source=RawSweeps(tuple(paths), times),
        ego_poses=ego_poses,
        truth=truth,
        cameras=cameras,
        images=images,
        files=[*files, *packets, *(p for p in [root / "tracklet_labels.xml"] if p.is_file())],
        left_out=left_out,
        warnings=[
            *([CLOCK] if clock is None else []),
            *([VIEW] if truth is not None else []),
            *warnings,
            *empty_warnings(paths),
            *time_warnings(times),
        ],
        is_deskewed=False,
        truth_view_rad=view,
        origin_m=origin,
    )


@dataclass(frozen=True, slots=True)
class RawSweeps:
    """Reads sweep i of one drive, `.bin` or, as other tools write the layout, `.pcd`."""

    paths: tuple[Path | None, ...]
    timestamps_ns: Ints

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the Velodyne's frame; an instant without a file is empty."""
        path, none = self.paths[i], np.empty((0, 3), dtype=np.float32)
        cloud = Cloud(none, none[:, 0]) if path is None else read_cloud(path, KITTI_COLUMNS)
        return cloud.sweep(int(self.timestamps_ns[i]))


def _drives(path: Path) -> list[Path]:
    def is_one(folder: Path) -> bool:
        return bool(numbered(folder / "velodyne_points/data", SUFFIXES))

    if is_one(path) or not path.is_dir():
        return [path] if is_one(path) else []
    return [p for p in sorted(path.iterdir()) if is_one(p)]


def _number(path: Path) -> int:
    if not path.stem.isdecimal():
        raise refuse(path, "a number as the file's name", path.stem)
    return int(path.stem)


def _times(path: Path) -> Ints | None:
    if not path.is_file():
        return None
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    wrong = [line for line in lines if not TIME.fullmatch(line)]
    try:
        if not wrong:
            return np.array(lines, dtype="datetime64[ns]").astype(np.int64)
    except ValueError as error:
        wrong = [str(error)]
    raise refuse(path, "times such as 2011-09-26 13:02:25.967790592", wrong[0])


def _calibration(root: Path, name: str) -> tuple[Path, dict[str, Floats]]:
    path = next((p for p in (root.parent / name, root / name) if p.is_file()), root.parent / name)
    return path, kitti.read_calibration(path) if path.is_file() else {}


def _rigid(path: Path, entries: dict[str, Floats]) -> Pose:
    """Return the transform of a raw calibration file, which has R and T apart."""
    out = kitti.rigid(path, entries, "R")
    if "T" not in entries:
        raise refuse(path, "an entry T", ", ".join(entries))
    out[:3, 3] = entries["T"]
    return out


def _mount(root: Path) -> tuple[Pose, list[str]]:
    path, entries = _calibration(root, "calib_imu_to_velo.txt")
    return (inverse(_rigid(path, entries)), []) if entries else (np.eye(4), [NO_MOUNT])


def _ego_poses(root: Path, clock: Ints) -> tuple[EgoPoses | None, tuple[float, float, float]]:
    packets = numbered(root / "oxts/data", [".txt"])
    if not packets:
        return None, (0.0, 0.0, 0.0)
    times = _times(root / "oxts/timestamps.txt")
    numbers = [_number(p) for p in packets]
    times = clock if times is None else times
    if max(numbers) >= len(times):
        raise refuse(root / "oxts/timestamps.txt", f"a time for packet {max(numbers)}", len(times))
    world_from_ego, origin = kitti.oxts_poses(
        np.concatenate([kitti.read_oxts(p)[:1] for p in packets])
    )
    return path_of(times[numbers], world_from_ego), origin


def _truth(
    root: Path, clock: Ints, ego_poses: EgoPoses | None, ego_from_lidar: Pose
) -> tuple[Labels | None, list[str]]:
    path = root / "tracklet_labels.xml"
    if not path.is_file():
        return None, []
    found = read_tracklets(path)
    n = len(found.sweeps)
    if ego_poses is None:
        return None, [f"{n} labels: without ego poses they have no place in the world"]
    known = found.sweeps < len(clock)
    times = clock[found.sweeps[known]]
    # A packet is a few milliseconds off its sweep, so the last sweep may be after the last one.
    gap_ns = np.maximum(ego_poses.timestamps_ns[0] - times, times - ego_poses.timestamps_ns[-1])
    near = ~outside_span(ego_poses, times) | (gap_ns <= kitti.PERIOD_NS)
    rows = np.flatnonzero(known)[near]
    left_out = [f"{n - len(rows)} labels of sweeps that are not there"] if len(rows) < n else []
    if not len(rows):
        return None, left_out
    order, back = np.unique(times[near], return_inverse=True)
    world_from_ego = interpolate_poses(ego_poses, order, outside="hold")[back]
    names = own_names([found.names[i] for i in rows], kitti.CLASSES)
    truth = Labels.from_columns(
        times[near],
        [found.tracks[i] for i in rows],
        names,
        found.cuboids[rows].moved(world_from_ego @ ego_from_lidar),
    )
    return truth, left_out


def _cameras(
    root: Path, ego_from_lidar: Pose, clock: Ints
) -> tuple[dict[str, Camera], dict[str, Images], tuple[float, float] | None]:
    velo_path, velo = _calibration(root, "calib_velo_to_cam.txt")
    cam_path, cam = _calibration(root, "calib_cam_to_cam.txt")
    cameras: dict[str, Camera] = {}
    images: dict[str, Images] = {}
    if not velo or "R_rect_00" not in cam:
        return cameras, images, None
    rect_from_lidar = kitti.rigid(cam_path, cam, "R_rect_00") @ _rigid(velo_path, velo)
    ego_from_rect = ego_from_lidar @ inverse(rect_from_lidar)
    for folder in sorted(root.glob("image_0[0-9]")):
        paths = numbered(folder / "data", [".png", ".jpg"])
        projection = cam.get(f"P_rect_{folder.name[-2:]}")
        times = _times(folder / "timestamps.txt")
        times = clock if times is None else times
        numbers = [_number(p) for p in paths]
        if projection is None or projection.shape != (3, 4):
            continue
        if not numbers or max(numbers) >= len(times):
            continue
        size = kitti.image_size_px(paths[0])
        cameras[folder.name] = kitti.rectified_camera(cam_path, projection, ego_from_rect, size)
        images[folder.name] = Images(times[numbers], tuple(paths))
    width = cameras["image_02"].width_px if "image_02" in cameras else kitti.WIDTH_PX
    return cameras, images, kitti.truth_view_rad(cam.get("P_rect_02"), width)
