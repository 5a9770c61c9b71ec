"""Boxes as columns: Parquet, CSV, JSON Lines, our own exports or any tool's."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
from numpy.typing import NDArray

from perception_label import schema
from perception_label.arrays import Floats, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.readers.files import file_in, refuse
from perception_label.readers.labels.column_mapping import read_columns
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.parquet_rows import open_parquet

SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
BOX = ("x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad")
NEEDED = ("class_name", *BOX)
SWEEP = "sweep"  # its number, in place of `timestamp_ns`
TEXTS = ("track_id", "class_name", "source")
TOLD = "is_key"  # a column of other tools; ours say it by `source`


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a table.

    Needed are `timestamp_ns` (or `sweep`, its number from 0) and `class_name x_m y_m z_m
    length_m width_m height_m yaw_rad`; it may have `track_id`, `score`, and `is_key` or our own
    `source`, which tell keyframes; other columns are passed over and named. `facts.columns` says
    which columns these are in tables of others, and in what unit; see `column_mapping`.

    Raises
    ------
    SourceError
        If it is no such file.
    SettingError
        If the mapping of columns cannot be used.
    """
    mapping = None if facts.columns is None else read_columns(facts.columns)
    path = file_in(path, *(f"{facts.log_id}{suffix}" for suffix in SUFFIXES))
    kind = SUFFIXES.get(path.suffix.lower(), "parquet")
    try:
        if kind == "parquet":
            table = open_parquet(path).read()
        elif kind == "csv":
            options = pa.csv.ParseOptions(newlines_in_values=True)
            # Ids stay texts: 007 is not 7.
            stay = {*TEXTS, *(mapping.texts() if mapping else ())}
            convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(stay, pa.string()))
            table = pa.csv.read_csv(path, parse_options=options, convert_options=convert)
        elif path.stat().st_size == 0:
            return Given(track_ids=texts([]))
        else:
            table = pa.json.read_json(path)
        if mapping is not None:
            table = mapping.applied(path, table)
        return _given(path, table, facts.coordinate_frame or "world")
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise refuse(path, f"a {kind} file of boxes", error) from None


def _given(path: Path, table: pa.Table, coordinate_frame: str) -> Given:
    by_number = SWEEP in table.column_names and "timestamp_ns" not in table.column_names
    at = SWEEP if by_number else "timestamp_ns"
    missing = [name for name in (at, *NEEDED) if name not in table.column_names]
    if missing:
        wanted = f"columns {', '.join(missing)}, or --columns FILE.yaml that says which they are"
        raise refuse(path, wanted, ", ".join(table.column_names))
    times = table.column(at)
    # A float has lost nanoseconds already.
    if len(times) and (not pa.types.is_integer(times.type) or times.null_count):
        raise refuse(path, f"whole numbers in {at}", times.type)

    def number(name: str) -> Floats:
        return np.asarray(table.column(name).cast(pa.float64()).to_numpy())

    names = table.column_names
    own = {*schema.CUBOIDS.names, TOLD, SWEEP}
    others = [name for name in names if name not in own]
    return Given(
        cuboids=Cuboids.unpack(np.column_stack([number(name) for name in BOX])),
        coordinate_frame=coordinate_frame,
        at=times.cast(pa.int64()).to_numpy(),
        by_number=by_number,
        class_names=_text(table, "class_name"),
        track_ids=_text(table, "track_id") if "track_id" in names else None,
        scores=number("score") if "score" in names else np.ones(len(table)),
        is_key=_keys(table),
        left_out=(f"columns {', '.join(others)}",) if others else (),
    )


def _text(table: pa.Table, name: str) -> NDArray[np.object_]:
    return texts(table.column(name).cast(pa.string()).fill_null("").to_pylist())


def _keys(table: pa.Table) -> Mask | None:
    if TOLD in table.column_names:
        return np.asarray(table.column(TOLD).cast(pa.bool_()).fill_null(False).to_numpy())
    if "source" not in table.column_names:
        return None
    told = [schema.is_key_source(text) for text in _text(table, "source").tolist()]
    # Without any keyframe it is a machine's, and nothing is told apart.
    return np.array(told, dtype=np.bool_) if any(told) else None
