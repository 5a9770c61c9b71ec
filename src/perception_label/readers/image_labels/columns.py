"""CSV, JSON Lines and Parquet with one row per label, columns by name.

Our own tables (`schema.BOXES_2D`) carry every kind of geometry. Of other tools' columns the
usual names of a box are known: corners, or a corner with width and height.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

from perception_label import schema
from perception_label.arrays import Floats, Ints
from perception_label.errors import LabelError
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.readers.files import refuse
from perception_label.readers.image_labels.file import ImageLabelFile
from perception_label.readers.parquet_rows import open_parquet
from perception_label.tables import image_labels_from_table

IMAGE = ("image", "image_index", "image_number", "image_id", "frame", "frame_index", "frame_id",
         "frame_number", "at")  # fmt: skip
TRACK = ("track_id", "track", "object_id", "object", "id")
CLASS = ("class_name", "class", "label", "category")
CORNERS = (
    ("x0_px", "y0_px", "x1_px", "y1_px"),
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("xtl", "ytl", "xbr", "ybr"),
    ("left", "top", "right", "bottom"),
)
SIZES = (
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("left", "top", "width", "height"),
    ("bb_left", "bb_top", "bb_width", "bb_height"),
)
# In CSV these are JSON in a cell.
NESTED = ("points_px", "keypoint_visibility", "mask_size_px")
UNKNOWN: Mapping[str, object] = {
    "camera": "", "image": -1, "timestamp_ns": -1, "class_name": "other", "is_key": True,
    "visible": True, "score": 1.0, "source": "human", "revision": -1,
}  # fmt: skip


def read(path: Path) -> ImageLabelFile:
    """Read a table of labels; see the module for its columns."""
    try:
        table = _table(path)
        if "geometry" in table.column_names:
            labels = image_labels_from_table(_completed(table))
        else:
            labels = labels_of(path, table)
    except LabelError as error:
        if str(path) in str(error):
            raise
        raise refuse(path, "a table of 2-D labels", error) from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, pa.ArrowException) as error:
        raise refuse(path, "a table of 2-D labels", error) from None
    return ImageLabelFile(path, labels)


def labels_of(path: Path, table: pa.Table) -> ImageLabels:
    """Return the boxes of a table with columns of any of the known names."""
    names = table.column_names
    boxes = _boxes(path, table)
    m = len(boxes)
    image, track = _first(IMAGE, names), _first(TRACK, names)
    if image is None and "timestamp_ns" not in names:
        raise refuse(path, "a column image or timestamp_ns", ", ".join(names))
    if track is None:
        raise refuse(path, f"a column of {', '.join(TRACK)}", ", ".join(names))
    named = _first(CLASS, names)
    unknown = np.full(m, -1, dtype=np.int64)
    visible = np.ones(m, dtype=np.bool_)
    if "outside" in names:
        visible = ~_flags(table, "outside")
    if "visible" in names:
        visible = _flags(table, "visible")
    return ImageLabels(
        images=unknown if image is None else _whole(path, table, image),
        timestamps_ns=(_whole(path, table, "timestamp_ns") if "timestamp_ns" in names else unknown),
        track_ids=texts(table.column(track).to_pylist()),
        class_names=texts(["other"] * m if named is None else table.column(named).to_pylist()),
        boxes_px=boxes,
        visible=visible,
        is_key=_flags(table, "is_key") if "is_key" in names else np.ones(m, dtype=np.bool_),
    )


def _table(path: Path) -> pa.Table:
    kind = path.suffix.lower()
    if kind == ".parquet":
        return open_parquet(path).read()
    if kind in (".jsonl", ".ndjson"):
        if not path.stat().st_size:
            return schema.BOXES_2D.empty_table()
        return pa.json.read_json(path)
    text = {name: pa.string() for name in (*NESTED, *TRACK, *CLASS, "mask_counts", "source")}
    options = pa.csv.ConvertOptions(column_types=text, strings_can_be_null=True)
    return pa.csv.read_csv(path, convert_options=options)


def _completed(table: pa.Table) -> pa.Table:
    """Return a table of ours with the columns left out, and lists where CSV has text."""
    columns: list[Any] = []
    for wanted in schema.BOXES_2D:
        kind = wanted.type
        if wanted.name not in table.column_names:
            given = pa.repeat(pa.scalar(UNKNOWN.get(wanted.name), _plain(kind)), len(table))
        else:
            given = table.column(wanted.name)
            if wanted.name in NESTED and (
                pa.types.is_string(given.type) or pa.types.is_null(given.type)
            ):
                cells = [json.loads(cell) if cell else None for cell in given.to_pylist()]
                given = pa.array(cells, kind)
        columns.append(given.cast(_plain(kind)))
    return pa.Table.from_arrays(columns, names=schema.BOXES_2D.names)


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind


def _boxes(path: Path, table: pa.Table) -> Floats:
    names = set(table.column_names)
    for known in CORNERS:
        if names.issuperset(known):
            return _numbers(path, table, known)
    for known in SIZES:
        if names.issuperset(known):
            boxes = _numbers(path, table, known)
            boxes[:, 2:] += boxes[:, :2]
            return boxes
    wanted = "columns x0_px y0_px x1_px y1_px (or x y w h)"
    raise refuse(path, wanted, ", ".join(table.column_names))


def _numbers(path: Path, table: pa.Table, names: tuple[str, ...]) -> Floats:
    columns = [table.column(name).cast(pa.float64()).to_numpy() for name in names]
    boxes = np.column_stack(columns)
    if not (np.abs(boxes) < 1e7).all():
        row = int(np.flatnonzero(~(np.abs(boxes) < 1e7).all(axis=1))[0])
        raise refuse(path, f"finite pixels in row {row + 1}", boxes[row].tolist())
    return boxes


def _whole(path: Path, table: pa.Table, name: str) -> Ints:
    column = table.column(name)
    # A float has lost nanoseconds already.
    if not pa.types.is_integer(column.type) or column.null_count:
        if len(column) == 0:
            return np.empty(0, dtype=np.int64)
        raise refuse(path, f"whole numbers in {name}", column.type)
    return np.asarray(column.cast(pa.int64()).to_numpy())


def _flags(table: pa.Table, name: str) -> np.ndarray:
    column = table.column(name)
    if pa.types.is_string(column.type):
        said = [str(cell).lower() in ("1", "true", "yes") for cell in column.to_pylist()]
        return np.array(said, dtype=np.bool_)
    return np.asarray(column.cast(pa.bool_()).to_numpy(zero_copy_only=False))


def _first(known: tuple[str, ...], names: list[str]) -> str | None:
    return next((name for name in known if name in names), None)
