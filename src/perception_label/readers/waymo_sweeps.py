"""The sweeps of a Waymo segment: range images of five LiDARs, decoded when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.poses import EgoPoses, interpolate_poses
from perception_label.readers.files import floats, refuse, single
from perception_label.readers.parquet_rows import ParquetRows, read_columns
from perception_label.readers.range_images import inclinations, points_of
from perception_label.readers.several_lidars import join_sweeps
from perception_label.readers.waymo_tables import TIME, numbers_of, rigid, times_of, whole_numbers

LASERS = {1: "TOP", 2: "FRONT", 3: "SIDE_LEFT", 4: "SIDE_RIGHT", 5: "REAR"}
LASER = "key.laser_name"
RETURNS = tuple(f"[LiDARComponent].range_image_return{k}" for k in (1, 2))
PIXEL_POSES = "[LiDARPoseComponent].range_image_return1"
CALIBRATION = "[LiDARCalibrationComponent]."
MOST_PIXELS = 1 << 24
EULER_AND_PLACE = 6


@dataclass(frozen=True, slots=True)
class Laser:
    """One LiDAR: its mount, and its beams' inclinations, lowest first, or their bounds."""

    ego_from_lidar: Pose
    low_rad: float
    high_rad: float
    inclination_rad: Floats | None

    def rows(self, n: int) -> Floats | None:
        """Return the inclinations of n rows, or None if the list has another length."""
        if self.inclination_rad is None:
            return inclinations(self.low_rad, self.high_rad, n)
        return self.inclination_rad if len(self.inclination_rad) == n else None


@dataclass(frozen=True, slots=True)
class WaymoSweeps:
    """Reads sweep i of a segment: every LiDAR, both returns, in the sensor frame."""

    path: Path | None
    pose_path: Path
    lasers: Mapping[int, Laser]
    rows: Mapping[tuple[int, int], int]  # of (time, laser) in the file
    timestamps_ns: Ints
    ego_poses: EgoPoses
    ego_from_lidar: Pose
    files: dict[str, ParquetRows] = field(default_factory=dict)
    pose_rows: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path is None or self.files:
            return
        columns = [f"{r}.{part}" for r in RETURNS for part in ("values", "shape")]
        self.files["points"] = ParquetRows(self.path, tuple(columns))
        if self.pose_path.is_file():
            columns = [f"{PIXEL_POSES}.{part}" for part in ("values", "shape")]
            self.files["poses"] = ParquetRows(self.pose_path, tuple(columns))
            self.pose_rows.update(row_numbers(self.pose_path))

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        at_ns = int(self.timestamps_ns[i])
        parts, numbers = [], []
        for laser in sorted(self.lasers):
            if (at_ns, laser) in self.rows:
                for part in self._returns(at_ns, laser):
                    parts.append(part)
                    numbers.append(laser - 1)
        if not parts:
            none = np.empty(0, np.float32)
            empty = Sweep(np.empty((0, 3), np.float32), at_ns, intensity=none)
            parts, numbers = [_with_ring(empty, np.empty(0, np.int64))], [0]
        return join_sweeps(parts, numbers)

    def _returns(self, at_ns: int, laser: int) -> list[Sweep]:
        path, mount = self.files["points"].path, self.lasers[laser]
        row = self.files["points"].row(self.rows[at_ns, laser])
        poses = self._pixel_poses(at_ns, laser)
        frame = None
        if poses is not None:
            times = np.array([at_ns], dtype=np.int64)
            frame = interpolate_poses(self.ego_poses, times, outside="hold")[0]
        out = []
        for name in RETURNS:
            image = _image(path, row, name, None)
            if image is None:
                continue
            beams = mount.rows(image.shape[0])
            if beams is None:
                raise refuse(path, f"{image.shape[0]} inclinations of laser {laser}", "others")
            if poses is not None and poses.shape[:2] != image.shape[:2]:
                raise refuse(self.pose_path, f"poses of {image.shape[:2]}", poses.shape)
            points, is_hit = points_of(image[..., 0], mount.ego_from_lidar, beams, poses, frame)
            intensity = image[..., 1][is_hit]
            sweep = Sweep(
                single(points - self.ego_from_lidar[:3, 3]), at_ns, intensity=single(intensity)
            )
            out.append(_with_ring(sweep, np.nonzero(is_hit)[0]))
        return out

    def _pixel_poses(self, at_ns: int, laser: int) -> NDArray[Any] | None:
        if (at_ns, laser) not in self.pose_rows:
            return None
        row = self.files["poses"].row(self.pose_rows[at_ns, laser])
        return _image(self.pose_path, row, PIXEL_POSES, EULER_AND_PLACE)


def row_numbers(path: Path) -> dict[tuple[int, int], int]:
    """Return where the row of each instant and LiDAR lies in a file of range images."""
    table = read_columns(path, (TIME, LASER))
    times, lasers = times_of(path, table), whole_numbers(path, table, LASER)
    return {(t, k): i for i, (t, k) in enumerate(zip(times.tolist(), lasers.tolist(), strict=True))}


def read_lasers(path: Path) -> dict[int, Laser]:
    """Return the LiDARs of a segment by their number."""
    parts = ("extrinsic.transform", "beam_inclination.min", "beam_inclination.max",
             "beam_inclination.values")  # fmt: skip
    table = read_columns(path, (LASER, *(CALIBRATION + p for p in parts)))
    mounts = rigid(path, table, CALIBRATION + parts[0])
    low, high, each = (table.column(CALIBRATION + p).to_pylist() for p in parts[1:])
    found = {}
    for i, number in enumerate(whole_numbers(path, table, LASER).tolist()):
        if number not in LASERS:
            raise refuse(path, f"LiDARs {', '.join(map(str, LASERS))}", number)
        ends = floats(path, [low[i], high[i]], (2,), "beam_inclination")
        listed = None
        if each[i]:
            listed = floats(path, each[i], (-1,), "beam_inclination.values")
        found[number] = Laser(mounts[i], float(ends[0]), float(ends[1]), listed)
    return found


def _image(
    path: Path, row: Mapping[str, object], name: str, depth: int | None
) -> NDArray[Any] | None:
    """Return (H, W, C) of one row; None where the source has none."""
    shape = [int(v) for v in numbers_of(path, row[f"{name}.shape"], f"{name}.shape")]
    if not shape:
        return None
    values = numbers_of(path, row[f"{name}.values"], f"{name}.values")
    is_shape = len(shape) == 3 and min(shape) > 0 and shape[2] >= (depth or 2)
    if not is_shape or shape[0] * shape[1] > MOST_PIXELS or len(values) != np.prod(shape):
        raise refuse(path, f"{name}: values of a shape (H, W, C)", f"{len(values)} of {shape}")
    return values.reshape(shape)


def _with_ring(sweep: Sweep, rows: Ints) -> Sweep:
    return Sweep(
        points_m=sweep.points_m,
        timestamp_ns=sweep.timestamp_ns,
        intensity=sweep.intensity,
        ring=rows.astype(np.uint16),
    )
