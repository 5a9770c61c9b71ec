"""Columns of Waymo's Parquet components."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perception_label.arrays import Floats, Ints
from perception_label.readers.files import floats, refuse

TIME = "key.frame_timestamp_micros"
LATEST_US = 9_000_000_000_000_000  # the year 2255


def times_of(path: Path, table: pa.Table) -> Ints:
    """Return the instants of a component's rows, (n,) int64 nanoseconds."""
    column = table.column(TIME)
    if not pa.types.is_integer(column.type) or column.null_count:
        raise refuse(path, f"whole {TIME}", f"{column.type}, {column.null_count} nulls")
    times = column.to_numpy().astype(np.int64)
    if len(times) and not (times.min() >= 0 and times.max() < LATEST_US):
        raise refuse(path, "times in microseconds", times[np.abs(times).argmax()])
    out: Ints = times * 1000
    return out


def rigid(path: Path, table: pa.Table, name: str) -> Floats:
    """Return a column of rigid transforms, (n, 4, 4), stored as 16 numbers by row."""
    rows = table.column(name).to_pylist()
    if not rows:
        return np.empty((0, 4, 4))
    if any(row is None or len(row) != 16 for row in rows):
        raise refuse(path, f"{name}: 16 numbers", "others")
    out = floats(path, rows, (-1, 16), name).reshape(-1, 4, 4)
    turns = out[:, :3, :3]
    error = np.abs(turns @ np.swapaxes(turns, 1, 2) - np.eye(3)).max()
    if not (error < 1e-3 and (np.linalg.det(turns) > 0).all() and np.allclose(out[:, 3], _LAST)):
        raise refuse(path, f"{name}: rigid transforms", "another matrix")
    return out


def whole_numbers(path: Path, table: pa.Table, name: str) -> Ints:
    """Return a column of integers without nulls."""
    column = table.column(name)
    if not pa.types.is_integer(column.type) or column.null_count:
        raise refuse(path, f"whole {name}", f"{column.type}, {column.null_count} nulls")
    numbers: Ints = column.to_numpy().astype(np.int64)
    return numbers


def numbers_of(path: Path, value: Any, what: str) -> np.ndarray:
    """Return a list of numbers of one row as an array, without a copy where Arrow allows."""
    values = getattr(value, "values", None)
    if values is None:
        return np.empty(0)
    if values.null_count or not (
        pa.types.is_floating(values.type) or pa.types.is_integer(values.type)
    ):
        raise refuse(path, f"{what}: numbers", values.type)
    out: np.ndarray = values.to_numpy(zero_copy_only=False)
    return out


_LAST = (0.0, 0.0, 0.0, 1.0)
