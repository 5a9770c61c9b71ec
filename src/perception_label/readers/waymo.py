"""Waymo Open Dataset, perception, version 2: Parquet files by component, a segment is a log.

ROOT (or ROOT/training, /validation, /testing) holds `lidar/<segment>.parquet`, `lidar_pose`,
`lidar_calibration`, `vehicle_pose`, `lidar_box`, `camera_image`, `camera_calibration`; a segment
is named as ROOT:SEGMENT. Without `lidar` the log has labels and poses, and its sweeps are empty.

Coordinate frames. Points and boxes are in the vehicle frame (FLU) at the sweep's instant, already
compensated for the vehicle's motion: the TOP LiDAR's by a pose for each pixel. The sensor frame
has ego's axes and its origin in the TOP LiDAR. All five LiDARs share a sweep, both returns of
each: `lidar` is 0 TOP, 1 FRONT, 2 SIDE_LEFT, 3 SIDE_RIGHT, 4 REAR; `ring` is the image's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, outside_span
from perception_label.readers.files import floats, numbered, refuse
from perception_label.readers.logs import only_log, path_of, safe_name, time_warnings
from perception_label.readers.parquet_rows import read_columns
from perception_label.readers.recording import Recording
from perception_label.readers.waymo_cameras import read_cameras
from perception_label.readers.waymo_sweeps import (
    LASERS,
    Laser,
    WaymoSweeps,
    read_lasers,
    row_numbers,
)
from perception_label.readers.waymo_tables import TIME, rigid, times_of

SPLITS = ("training", "validation", "testing", "domain_adaptation")
TYPES = {1: "car", 2: "pedestrian", 3: "other", 4: "cyclist"}
BOX = "[LiDARBoxComponent].box."
BOX_NUMBERS = tuple(
    f"{BOX}{n}" for n in ("center.x", "center.y", "center.z", "size.x", "size.y", "size.z",
                          "heading")
)  # fmt: skip
OBJECT, TYPE = "key.laser_object_id", "[LiDARBoxComponent].type"
POSE = "[VehiclePoseComponent].world_from_vehicle.transform"


@dataclass(frozen=True, slots=True)
class _Segment:
    root: Path
    name: str

    def file(self, component: str) -> Path:
        return self.root / component / f"{self.name}.parquet"


@dataclass(frozen=True, slots=True)
class Boxes:
    """M boxes of a segment: when, which track, which type, and where in the vehicle frame."""

    timestamps_ns: Ints
    track_ids: list[str]
    kinds: Ints
    cuboids: Cuboids


def logs(path: Path) -> list[str]:
    """Return the names of the Waymo segments that the path is or holds."""
    return [s.name for s in _segments(path)]


def open_log(path: Path) -> Recording:
    """Open one segment.

    Raises
    ------
    SourceError
        If it is not there or not whole, or several are and none is named.
    """
    found = _segments(path)
    chosen = only_log(path, [Path(s.name) for s in found], "Waymo segment")
    segment = next(s for s in found if s.name == chosen.name)
    pose_file, points_file = segment.file("vehicle_pose"), segment.file("lidar")
    table = read_columns(pose_file, (TIME, POSE))
    ego_poses = path_of(times_of(pose_file, table), rigid(pose_file, table, POSE))
    has_points = points_file.is_file()
    numbers = row_numbers(points_file) if has_points else {}
    known = sorted(set(ego_poses.timestamps_ns.tolist()) | {at for at, _ in numbers})
    times = np.array(known, dtype=np.int64)
    lasers = read_lasers(segment.file("lidar_calibration")) if has_points else {}
    lidar_m = lasers[1].ego_from_lidar[:3, 3] if 1 in lasers else np.zeros(3)
    ego_from_lidar = np.eye(4)
    ego_from_lidar[:3, 3] = lidar_m
    truth, left_out = _truth(segment.file("lidar_box"), ego_poses)
    cameras, pictures, not_taken = read_cameras(
        segment.file("camera_calibration"), segment.file("camera_image")
    )
    source = WaymoSweeps(
        points_file if has_points else None,
        segment.file("lidar_pose"),
        lasers,
        numbers,
        times,
        ego_poses,
        ego_from_lidar,
    )
    parts = ("vehicle_pose", "lidar", "lidar_pose", "lidar_calibration", "lidar_box",
             "camera_image", "camera_calibration")  # fmt: skip
    return Recording(
        log_id=f"waymo-{safe_name(segment.name)}",
        format="waymo",
        lidar="TOP",
        timestamps_ns=times,
        ego_from_lidar=ego_from_lidar,
        source=source,
        ego_poses=ego_poses,
        truth=truth,
        cameras=cameras,
        pictures=pictures,
        files=[f for part in parts if (f := segment.file(part)).is_file()],
        left_out=[*left_out, *not_taken, *_other_parts(segment, parts)],
        warnings=[*time_warnings(times), *_warnings(truth, has_points, lasers, len(times))],
        is_deskewed=True,
    )


def _segments(path: Path) -> list[_Segment]:
    for root, name in ((path, ""), (path.parent, path.name), (path.parent.parent, path.name)):
        found = []
        for split in (root, *(root / s for s in SPLITS)):
            for file in numbered(split / "vehicle_pose", [".parquet"]):
                if name in ("", file.stem, file.name):
                    found.append(_Segment(split, file.stem))
        if found:
            return found
    return []


def read_boxes(path: Path) -> Boxes:
    """Read the boxes of a segment, as its file has them.

    Raises
    ------
    SourceError
        If the file is none, or has not the columns it must have.
    """
    table = read_columns(path, (TIME, OBJECT, TYPE, *BOX_NUMBERS))
    numbers = np.column_stack([_column(path, table, name) for name in BOX_NUMBERS])
    if len(numbers) and numbers[:, 3:6].min() < 0:
        raise refuse(path, "sizes above 0", numbers[:, 3:6].min())
    return Boxes(
        times_of(path, table),
        [str(v) for v in table.column(OBJECT).to_pylist()],
        _column(path, table, TYPE).astype(np.int64),
        Cuboids(numbers[:, :3], numbers[:, 3:6], numbers[:, 6]),
    )


def _truth(path: Path, ego_poses: EgoPoses) -> tuple[Labels | None, list[str]]:
    if not path.is_file():
        return None, []
    boxes = read_boxes(path)
    beyond = outside_span(ego_poses, boxes.timestamps_ns)
    left_out = [f"{beyond.sum()} labels before or after all ego poses"] if beyond.any() else []
    kept = np.flatnonzero(~beyond)
    times, cuboids = boxes.timestamps_ns[kept], boxes.cuboids[kept]
    if len(kept):
        order, back = np.unique(times, return_inverse=True)
        cuboids = cuboids.moved(interpolate_poses(ego_poses, order)[back])
    names = [TYPES.get(int(k), "other") for k in boxes.kinds[kept]]
    ids = [boxes.track_ids[k] for k in kept]
    return Labels.from_columns(times, ids, names, cuboids), left_out


def _column(path: Path, table: pa.Table, name: str) -> Floats:
    column = table.column(name)
    return floats(path, column.to_numpy(zero_copy_only=False), (-1,), name)


def _other_parts(segment: _Segment, taken: tuple[str, ...]) -> list[str]:
    """Return a line that names what else the dataset has of this segment."""
    try:
        folders = [p.name for p in segment.root.iterdir() if p.is_dir() and p.name not in taken]
    except OSError:
        return []
    there = sorted(name for name in folders if segment.file(name).is_file())
    return [f"components that are not taken: {', '.join(there)}"] if there else []


def _warnings(
    truth: Labels | None, has_points: bool, lasers: Mapping[int, Laser], n: int
) -> list[str]:
    out = []
    if not has_points:
        out.append(f"{n} of {n} instants have no LiDAR file and are kept as empty sweeps")
    elif len(lasers) > 1:
        names = ", ".join(f"{k - 1} {LASERS[k]}" for k in sorted(lasers))
        out.append(f"LiDARs merged, told apart by the channel lidar: {names}")
    if truth is not None and "car" in truth.class_names:
        out.append("the source tells no cars from other vehicles: all of them are car")
    return out
