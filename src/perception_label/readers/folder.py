"""A folder of point files: PCD, PLY, BIN, NPY, LAS/LAZ, one per sweep.

Points. The files lie in the folder itself or in one of `POINT_FOLDERS`; a single file is a log
of one sweep. Order is by name, as a person counts.
Times. A `timestamps.txt` or `times.txt` with one line per sweep (s, ms, us or ns of an epoch,
or seconds), or names that are such times, or the times of as many TUM or CSV poses; else 10 Hz
is assumed and said.
Poses. `poses.txt`, `poses.csv`, `poses.tum`, `trajectory.txt`, `trajectory.csv` or `ego_poses.csv`:
see `poses_text`. Coordinates of a map (UTM) are stored from a local origin. With KITTI
odometry's `calib.txt` (an entry Tr) KITTI rows are poses of the camera, and are turned into
the LiDAR's.
Calibration. `calibration.json`: see `calibration`.
Several LiDARs. `lidar/<name>/` (or another of `POINT_FOLDERS`) for each, with `lidars` in
`calibration.json`: their sweeps are merged around those of the first, see `several_lidars`. Names
are times, or each has a `timestamps.txt`, or all have as many files as the first.
Images. `images/<camera>/` or `camera/<camera>/`, named by time, or as many as there are sweeps;
or a video `images/<camera>.mp4` (…) with `<camera>.timestamps.txt`: see `folder_cameras`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.poses import inverse
from perception_label.readers import kitti
from perception_label.readers.calibration import Calibration, read_calibration
from perception_label.readers.clouds import SUFFIXES, Cloud, read_cloud
from perception_label.readers.files import listed, numbered, refuse
from perception_label.readers.flat import KITTI_COLUMNS, NUSCENES_COLUMNS
from perception_label.readers.folder_cameras import TIME_NAME, camera_images, time_lines
from perception_label.readers.logs import only_log, safe_name, time_warnings
from perception_label.readers.places import FAR_M, origin_of, place_points
from perception_label.readers.poses_text import PoseTable, read_poses, times_ns
from perception_label.readers.recording import Recording
from perception_label.readers.several_lidars import Lidar, merge_lidars

POINT_FOLDERS = (
    "lidar", "velodyne", "points", "pointcloud", "pointclouds", "point_cloud", "pcd", "clouds",
    "scans", "LIDAR_TOP", "velodyne_points/data",
)  # fmt: skip
POSE_FILES = (
    "poses.txt", "poses.csv", "poses.tum", "trajectory.txt", "trajectory.csv", "trajectory.tum",
    "ego_poses.csv", "ego_poses.txt",
)  # fmt: skip
TIME_FILES = ("timestamps.txt", "times.txt", "timestamps.csv")
CLOCK = "no sweep times: 10 Hz from 0 is assumed"


def logs(path: Path) -> list[str]:
    """Return the names of the folders of point files that the path is or holds."""
    return [p.name for p in _logs(path)]


def open_log(path: Path) -> Recording:
    """Open a folder of point files, or one file.

    Raises
    ------
    SourceError
        If it has no point files, or times, poses, calibration do not fit them.
    """
    root = only_log(path, _logs(path), "folder of point files")
    if not root.is_file() and not _points(root):
        return _open_several(root)
    files = [root] if root.is_file() else _points(root)
    folder = root.parent if root.is_file() else root
    beside = Path() if root.is_file() else folder
    calibration_file = beside / "calibration.json"
    has_calibration = not root.is_file() and calibration_file.is_file()
    calibration = read_calibration(calibration_file) if has_calibration else Calibration()
    table = None if root.is_file() else _pose_table(folder, len(files))
    times, warnings = _times(root, files, table)
    first = read_cloud(files[0])
    place = place_points(root, table, times, first, calibration)
    source = FolderSweeps(tuple(files), times, place.lidar_from_points, _columns(files[0], first))
    images, image_notes = (
        camera_images(folder, calibration, times) if not root.is_file() else ({}, [])
    )
    return Recording(
        log_id=root.stem if root.is_file() else root.name,
        format="folder",
        lidar="lidar",
        timestamps_ns=times,
        ego_from_lidar=calibration.ego_from_lidar,
        source=source,
        ego_poses=place.ego_poses,
        cameras={k: v for k, v in calibration.cameras.items() if k in images},
        images=images,
        files=[*files, *([calibration_file] if has_calibration else [])],
        left_out=[*_left_out(root, files), *image_notes],
        warnings=[*warnings, *place.warnings, *time_warnings(times)],
        origin_m=place.origin_m,
    )


def _open_several(root: Path) -> Recording:
    """Open a log of several LiDARs, each with a folder of its own."""
    folders, calibration_file = _lidar_folders(root), root / "calibration.json"
    if not calibration_file.is_file():
        expected = f"calibration.json with lidars: where {listed(folders)} sit"
        raise refuse(root, expected, "none")
    calibration = read_calibration(calibration_file)
    names = [name for name in calibration.lidars if name in folders]
    if not names:
        raise refuse(calibration_file, f"lidars: some of {listed(folders)}", "none of them")
    lidars: list[Lidar] = []
    every: list[Path] = []
    warnings: list[str] = []
    for name in names:
        files = numbered(folders[name], SUFFIXES)
        reference = lidars[0].timestamps_ns if lidars else None
        times, notes = _lidar_times(folders[name], files, reference)
        order = np.argsort(times, kind="stable")
        columns = _columns(files[0], read_cloud(files[0]))
        here = tuple(files[k] for k in order)
        source = FolderSweeps(here, times[order], np.eye(4)[None], columns)
        lidars.append(Lidar(name, times[order], calibration.lidars[name], source))
        every += files
        warnings += [*notes, *(f"{name}: {text}" for text in time_warnings(times))]
    first = lidars[0]
    table = _pose_table(root, len(first.timestamps_ns))
    alone = replace(calibration, ego_from_lidar=first.ego_from_lidar)
    cloud = read_cloud(numbered(folders[names[0]], SUFFIXES)[0])
    place = place_points(root, table, first.timestamps_ns, cloud, alone)
    merged, left_out, said = merge_lidars(lidars, place.ego_poses)
    images, image_notes = camera_images(root, calibration, first.timestamps_ns)
    strange = [name for name in folders if name not in names]
    if strange:
        left_out.append(f"points of {listed(strange)}: calibration.json has no such lidar")
    return Recording(
        log_id=root.name,
        format="folder",
        lidar=safe_name(first.name),
        timestamps_ns=first.timestamps_ns,
        ego_from_lidar=first.ego_from_lidar,
        source=merged,
        ego_poses=place.ego_poses,
        cameras={k: v for k, v in calibration.cameras.items() if k in images},
        images=images,
        files=[*every, calibration_file],
        left_out=[*left_out, *image_notes],
        warnings=[*warnings, *place.warnings, *said],
        origin_m=place.origin_m,
    )


@dataclass(frozen=True, slots=True)
class FolderSweeps:
    """Reads sweep i of a folder and brings its points into the sensor frame."""

    paths: tuple[Path, ...]
    timestamps_ns: Ints
    lidar_from_points: Floats  # (S, 4, 4), or (1, 4, 4) for all
    columns: int | None  # of a .bin's rows

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        cloud = read_cloud(self.paths[i], self.columns)
        move = self.lidar_from_points[min(i, len(self.lidar_from_points) - 1)]
        if not np.array_equal(move, np.eye(4)):
            cloud = cloud.moved(move)
        if origin_of(cloud.points_m).any():
            note = f"points lie {FAR_M / 1000:.0f} km or more from the log's origin"
            cloud = replace(cloud, remarks=(*cloud.remarks, note))
        return cloud.sweep(int(self.timestamps_ns[i]))


def _logs(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() in SUFFIXES else []
    if not path.is_dir():
        return []
    if _points(path) or _lidar_folders(path):
        return [path]
    return [p for p in sorted(path.iterdir()) if p.is_dir() and (_points(p) or _lidar_folders(p))]


def _lidar_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each LiDAR, where there are several below one of `POINT_FOLDERS`."""
    for place in (root / name for name in POINT_FOLDERS):
        try:
            found = {p.name: p for p in sorted(place.iterdir()) if numbered(p, SUFFIXES)}
        except OSError:
            continue
        if found:
            return found
    return {}


def _lidar_times(folder: Path, files: list[Path], reference: Ints | None) -> tuple[Ints, list[str]]:
    """Return the times of one of several LiDARs; `reference` are those of the first."""
    times, notes = _times(folder, files, None)
    if notes and reference is not None:
        if len(files) != len(reference):
            expected = f"times (timestamps.txt, or as names), or {len(reference)} files"
            raise refuse(folder, expected, f"{len(files)} files without")
        return reference, []
    return times, notes


def _points(folder: Path) -> list[Path]:
    places = (folder, *(folder / name for name in POINT_FOLDERS))
    return next((files for place in places if (files := numbered(place, SUFFIXES))), [])


def _columns(path: Path, first: Cloud) -> int | None:
    """Return the width of a .bin's rows for the whole log: one rule for all of its files."""
    if path.suffix.lower() != ".bin" or not len(first.points_m):
        return None
    return NUSCENES_COLUMNS if first.ring is not None else KITTI_COLUMNS


def _pose_table(folder: Path, n_sweeps: int) -> PoseTable | None:
    path = next((folder / n for n in POSE_FILES if (folder / n).is_file()), None)
    if path is None:
        return None
    table = read_poses(path)
    if table.timestamps_ns is not None:
        return table
    if len(table.world_from_ego) != n_sweeps:
        raise refuse(path, f"a pose for each of {n_sweeps} sweeps", len(table.world_from_ego))
    calib = folder / "calib.txt"
    entries = kitti.read_calibration(calib) if calib.is_file() else {}
    if "Tr" not in entries:
        return table
    camera_from_lidar = kitti.rigid(calib, entries, "Tr")
    world_from_lidar = inverse(camera_from_lidar) @ table.world_from_ego @ camera_from_lidar
    return PoseTable(world_from_lidar, None)


def _times(root: Path, files: list[Path], table: PoseTable | None) -> tuple[Ints, list[str]]:
    path = next((root / n for n in TIME_FILES if (root / n).is_file()), None)
    if path is not None and not root.is_file():
        lines = time_lines(path)
        if len(lines) != len(files):
            raise refuse(path, f"a time for each of {len(files)} sweeps", f"{len(lines)} lines")
        return times_ns(path, lines), []
    stems = [_stem(f) for f in files]
    if all(TIME_NAME.fullmatch(stem) for stem in stems):
        return times_ns(root, stems), []
    if table is not None and table.timestamps_ns is not None:
        if len(table.timestamps_ns) == len(files):
            return table.timestamps_ns, ["sweep times are those of as many poses, in their order"]
        raise refuse(
            root, "sweep times (timestamps.txt, or times as names) to go with timed poses", "none"
        )
    return np.arange(len(files), dtype=np.int64) * kitti.PERIOD_NS, [CLOCK]


def _stem(path: Path) -> str:
    return path.name.removesuffix("".join(path.suffixes[-1:])).removesuffix(".pcd")


def _left_out(root: Path, files: list[Path]) -> list[str]:
    if root.is_file():
        return []
    taken = {f.suffix.lower() for f in files} | {".txt", ".json", ".csv", ".tum"}
    try:
        others = [p for p in files[0].parent.iterdir() if p.is_file() and p not in set(files)]
    except OSError:
        return []
    strange = sorted({p.suffix for p in others if p.suffix.lower() not in taken})
    if not strange:
        return []
    n = sum(p.suffix in strange for p in others)
    return [f"{n} files that are no points: {listed(strange)}"]
