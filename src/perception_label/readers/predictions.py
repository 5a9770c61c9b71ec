"""Boxes that a detector or another tool made for a log: Parquet, CSV, JSON Lines, KITTI text."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.readers import kitti
from perception_label.readers.classes import own_names
from perception_label.readers.files import floats, read_text, refuse

FORMATS = ("parquet", "csv", "jsonl", "kitti-tracking")
SUFFIXES = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "kitti-tracking",
}
BOX = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")
NEEDED = ("timestamp_ns", "class_name", *BOX)
LABEL_COLUMNS, SCORE_COLUMN = 17, 17


@dataclass(frozen=True, slots=True)
class Predictions:
    """M boxes as a file gives them.

    Attributes
    ----------
    at : (M,) int64
        Timestamps in ns, or the sweeps' numbers if `by_number`.
    by_number : bool
        Whether `at` counts sweeps from 0.
    class_names : (M,) str
        As in the file; KITTI's own in our words.
    cuboids : Cuboids
        M boxes; in KITTI's rectified camera if `in_camera` is given instead.
    in_camera : (M, 7) float64 or None
        KITTI's h w l x y z rotation_y; `cuboids` are empty then.
    scores : (M,) float64
        1 where the file has none.
    track_ids : (M,) str or None
        None if the boxes are not linked.
    """

    at: Ints
    by_number: bool
    class_names: NDArray[np.str_]
    cuboids: Cuboids
    in_camera: Floats | None
    scores: Floats
    track_ids: NDArray[np.str_] | None

    def is_sound(self) -> Mask:
        """Tell which boxes have only finite numbers and a positive size, (M,)."""
        if self.in_camera is not None:
            numbers, size = self.in_camera, self.in_camera[:, :3]
        else:
            numbers, size = self.cuboids.packed(), self.cuboids.size_m
        return np.asarray(
            np.isfinite(numbers).all(axis=1) & (size > 0).all(axis=1) & np.isfinite(self.scores)
        )


def format_of(path: Path, format: str = "auto") -> str:
    """Return the format of a file: as asked for, or by its suffix.

    Raises
    ------
    SourceError
        If it is unknown.
    """
    found = SUFFIXES.get(path.suffix.lower()) if format == "auto" else format
    if found not in FORMATS:
        raise refuse(path, f"a format of {', '.join(FORMATS)}", found or path.suffix or "none")
    return found


def read_predictions(path: Path, format: str = "auto") -> Predictions:
    """Read a file of boxes.

    Parquet, CSV and JSON Lines have the columns `timestamp_ns class_name x_m y_m z_m length_m
    width_m height_m yaw_rad` and may have `track_id` and `score`; other columns are passed over.
    KITTI tracking text has 17 columns, or 18 with a score.

    Raises
    ------
    SourceError
        If it is no such file.
    """
    kind = format_of(path, format)
    if kind == "kitti-tracking":
        return _kitti(path)
    try:
        if kind == "parquet":
            table = pq.read_table(path)
        elif kind == "csv":
            table = pa.csv.read_csv(path)
        else:
            table = pa.json.read_json(path)
        return _columns(path, table)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise refuse(path, f"a {kind} file of boxes", error) from None


def _columns(path: Path, table: pa.Table) -> Predictions:
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise refuse(path, f"columns {', '.join(missing)}", ", ".join(table.column_names))
    times = table.column("timestamp_ns")
    # A float has lost nanoseconds already.
    if not pa.types.is_integer(times.type) or times.null_count:
        raise refuse(path, "whole numbers in timestamp_ns", times.type)

    def number(name: str) -> Floats:
        return np.asarray(table.column(name).cast(pa.float64()).to_numpy())

    def text(name: str) -> NDArray[np.str_]:
        return np.array(table.column(name).cast(pa.string()).fill_null("").to_pylist(), dtype=str)

    names = text("class_name")
    return Predictions(
        at=times.cast(pa.int64()).to_numpy(),
        by_number=False,
        class_names=names if len(names) else np.empty(0, dtype="<U1"),
        cuboids=Cuboids.unpack(np.column_stack([number(name) for name in BOX])),
        in_camera=None,
        scores=number("score") if "score" in table.column_names else np.ones(len(table)),
        track_ids=text("track_id") if "track_id" in table.column_names else None,
    )


def _kitti(path: Path) -> Predictions:
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    for i, line in enumerate(lines):
        if len(line) < LABEL_COLUMNS:
            raise refuse(path, f"{LABEL_COLUMNS} columns in line {i + 1}", len(line))
    kept = [line for line in lines if line[2] != "DontCare"]
    rows = [
        [line[0], *line[10:17], line[SCORE_COLUMN] if len(line) > SCORE_COLUMN else "1"]
        for line in kept
    ]
    table = floats(path, rows or np.empty((0, 9)), (-1, 9), "boxes")
    at = table[:, 0].astype(np.int64)
    if (at != table[:, 0]).any() or (at < 0).any():
        raise refuse(path, "whole sweep numbers in the first column", "others")
    tracks = np.array([line[1] for line in kept], dtype=str)
    return Predictions(
        at=at,
        by_number=True,
        class_names=np.array(own_names([line[2] for line in kept], kitti.CLASSES), dtype=str),
        cuboids=Cuboids.unpack(np.empty((0, 7))),
        in_camera=table[:, 1:8],
        scores=table[:, 8],
        # Detections without tracks are written with -1.
        track_ids=None if (tracks == "-1").any() else tracks,
    )


def lidar_from_camera(path: Path) -> NDArray[np.float64]:
    """Return the (4, 4) transform out of KITTI's rectified camera, from a calibration file."""
    return kitti.lidar_from_rect(path, kitti.read_calibration(path))
