"""nuScenes: JSON tables, sweeps as `.pcd.bin`, cameras; a scene is a log.

ROOT holds a folder of tables (`v1.0-mini`, `v1.0-trainval`, …) and the files they name. A scene
is named as ROOT:scene-0061 or ROOT/scene-0061. Datasets of the same tables with several LiDARs
(Lyft, TruckScenes) are read too; their LiDARs are merged: see `several_lidars`.

Coordinate frames. Points are in the LiDAR's own frame (x right, y ahead), already compensated
for the ego's motion; boxes in the world. Ego is FLU. All sweeps are taken; labels exist at the
samples (2 Hz), so truth is at those sweeps only.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from perception_label.arrays import Ints
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import LabelError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.readers.clouds import read_cloud
from perception_label.readers.files import floats, listed, refuse
from perception_label.readers.flat import NUSCENES_COLUMNS
from perception_label.readers.json_tables import Record, field, records
from perception_label.readers.logs import empty_warnings, only_log, path_of, safe_name
from perception_label.readers.nuscenes_labels import read_labels
from perception_label.readers.nuscenes_tables import SceneTables, poses_of, read_scene
from perception_label.readers.recording import Recording
from perception_label.readers.several_lidars import Lidar, merge_lidars

NEEDED = ("scene.json", "sample.json", "sample_data.json")
REFERENCE = "LIDAR_TOP"


def logs(path: Path) -> list[str]:
    """Return the names of the nuScenes scenes that the path is or holds."""
    return list(scenes_of(path))


def open_log(path: Path) -> Recording:
    """Open one nuScenes scene.

    Raises
    ------
    SourceError
        If it is not there or not whole, or several are and none is named.
    """
    found = scenes_of(path)
    chosen = only_log(path, [Path(name) for name in found], "nuScenes scene")
    folder, scene = found[chosen.name]
    tables = read_scene(folder, scene)
    lidars, files, notes = _lidars(tables)
    first = lidars[0]
    poses_file = folder / "ego_pose.json"
    stamps, poses = poses_of(poses_file, tables.ego_poses.values())
    ego_poses = path_of(stamps, poses)
    source, left_out, warnings = merge_lidars(lidars, ego_poses)
    cameras, images, missing = _cameras(tables)
    truth, not_labels = _truth(tables, first)
    kept = [p for p in files if p is not None]
    return Recording(
        log_id=f"nuscenes-{safe_name(chosen.name)}",
        format="nuscenes",
        lidar=safe_name(first.name),
        timestamps_ns=first.timestamps_ns,
        ego_from_lidar=first.ego_from_lidar,
        source=source,
        ego_poses=ego_poses,
        truth=truth,
        cameras=cameras,
        images=images,
        files=[*tables.files, *kept],
        left_out=[*notes, *left_out, *missing, *not_labels],
        warnings=[*warnings, *empty_warnings(files)],
        is_deskewed=True,
    )


@dataclass(frozen=True, slots=True)
class NuScenesSweeps:
    """Reads sweep i of one LiDAR; a sample without a file is an empty sweep."""

    paths: tuple[Path | None, ...]
    timestamps_ns: Ints

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the LiDAR's frame."""
        path, at_ns = self.paths[i], int(self.timestamps_ns[i])
        if path is None:
            return Sweep(np.empty((0, 3), np.float32), at_ns)
        return read_cloud(path, NUSCENES_COLUMNS).sweep(at_ns)


def scenes_of(path: Path) -> dict[str, tuple[Path, Record]]:
    """Return each scene's table folder and record, by name; a small version comes first."""
    for root, name in ((path, ""), (path.parent, path.name), (path.parent.parent, path.name)):
        found: dict[str, tuple[Path, Record]] = {}
        for folder in sorted(_versions(root), key=_size):
            try:
                for scene in records(folder / "scene.json"):
                    key = str(scene.get("name")).replace("/", "-")
                    if name in ("", key, folder.name):
                        found.setdefault(key, (folder, scene))
            except LabelError:
                continue
        if found:
            return found
    return {}


def _versions(root: Path) -> list[Path]:
    try:
        folders = [root, *root.iterdir()] if root.is_dir() else []
    except OSError:
        return []
    return [f for f in folders if all((f / name).is_file() for name in NEEDED)]


def _size(folder: Path) -> int:
    return (folder / "sample_data.json").stat().st_size


def _lidars(tables: SceneTables) -> tuple[list[Lidar], list[Path | None], list[str]]:
    """Return the LiDARs, the reference first, its files, and what was left out."""
    lidars, files, notes = [], [], []
    for channel, rows in tables.channels("lidar").items():
        paths = [_there(tables, row) for row in rows]
        # What a person labelled stays even without its points; between samples it is nothing.
        kept = [k for k, p in enumerate(paths) if p is not None or rows[k]["is_key_frame"]]
        if len(kept) < len(rows):
            notes.append(f"{len(rows) - len(kept)} sweeps of {channel} whose files are not here")
        if not kept:
            continue
        times = tables.times([rows[k] for k in kept])
        here = tuple(paths[k] for k in kept)
        mount = tables.mount(rows[0])
        lidars.append(Lidar(channel, times, mount, NuScenesSweeps(here, times)))
        files.append(here)
    if not lidars:
        raise refuse(tables.folder / "sample_data.json", "sweeps of a LiDAR", "none")
    first = next((k for k, part in enumerate(lidars) if part.name == REFERENCE), None)
    if first is None:
        first = max(range(len(lidars)), key=lambda k: len(lidars[k].timestamps_ns))
    order = [first, *(k for k in range(len(lidars)) if k != first)]
    others = [p for k in order[1:] for p in files[k] if p is not None]
    return [lidars[k] for k in order], [*files[first], *others], notes


def _there(tables: SceneTables, row: Record) -> Path | None:
    name = field(tables.folder / "sample_data.json", row, "filename")
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
        raise refuse(tables.folder / "sample_data.json", "files below the dataset", repr(name))
    for root in (tables.folder.parent, tables.folder):
        if (root / parts).is_file():
            return root / parts
    return None


def _cameras(
    tables: SceneTables,
) -> tuple[dict[str, Camera], dict[str, Images], list[str]]:
    cameras, images, left_out = {}, {}, []
    for channel, rows in tables.channels("camera").items():
        paths = [_there(tables, row) for row in rows]
        kept = [k for k, p in enumerate(paths) if p is not None]
        if len(kept) < len(rows):
            left_out.append(f"{len(rows) - len(kept)} images of {channel} whose files are not here")
        if not kept:
            continue
        name, first = safe_name(channel), rows[kept[0]]
        where = tables.folder / "calibrated_sensor.json"
        calibration = tables.calibrated[first["calibrated_sensor_token"]]
        lens = floats(where, calibration.get("camera_intrinsic"), (3, 3), "camera_intrinsic")
        size = [field(tables.folder / "sample_data.json", first, k, int)
                for k in ("width", "height")]  # fmt: skip
        matrix = tuple(tuple(row) for row in lens.tolist())
        cameras[name] = Camera(size[0], size[1], matrix, tables.mount(first))
        times = tables.times([rows[k] for k in kept])
        images[name] = Images(times, tuple(p for p in paths if p is not None))
    radars = sum(map(len, tables.channels("radar").values()))
    if radars:
        left_out.append(f"{radars} sweeps of radars ({listed(tables.channels('radar'))})")
    return cameras, images, left_out


def _truth(tables: SceneTables, lidar: Lidar) -> tuple[Labels | None, list[str]]:
    """Return the labels at the reference LiDAR's sweeps of their samples."""
    if not tables.annotations:
        return None, []
    at = {}
    for row in tables.channels("lidar")[lidar.name]:
        if row["is_key_frame"]:
            at[row["sample_token"]] = row["timestamp"] * 1000
    return read_labels(tables, at)
