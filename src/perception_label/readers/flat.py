"""Flat point files: `.bin` of float32 rows (KITTI, nuScenes), `.npy` and `.npz`."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception_label.errors import SourceError
from perception_label.readers.files import LIMIT_BYTES, read_bytes, refuse

KITTI_COLUMNS = 4  # x y z reflectance
NUSCENES_COLUMNS = 5  # x y z intensity ring
MOST_PACKED = 200  # points never pack so well
FARTHEST_M = 1000.0  # no LiDAR sees farther; a misread row almost always does


def read_bin(path: Path, columns: int | None = None) -> NDArray[np.float32]:
    """Return the (N, columns) float32 rows of a .bin file, 4 or 5 columns if not told.

    Raises
    ------
    SourceError
        If the file is not a whole number of rows, or its columns cannot be told.
    """
    data = read_bytes(path)
    if len(data) % 4:
        raise refuse(path, "whole float32 numbers", f"{len(data)} bytes: cut short?")
    values = np.frombuffer(data, dtype="<f4")
    columns = columns or infer_columns(path, values)
    if len(values) % columns:
        raise refuse(path, f"whole rows of {columns} float32", f"{len(data)} bytes: cut short?")
    return values.reshape(-1, columns)


def infer_columns(path: Path, values: NDArray[np.float32]) -> int:
    """Return whether rows have 4 (KITTI) or 5 (nuScenes) columns, by size and value ranges.

    A width fits if it divides the file, no point is farther than a LiDAR sees, and the
    fourth column is never negative; the fifth of nuScenes is a whole number, the ring. The
    wrong width mixes coordinates into those columns, which shows after a few rows.
    """
    if not len(values):
        return KITTI_COLUMNS
    fits = [w for w in (NUSCENES_COLUMNS, KITTI_COLUMNS) if _fits(values, w)]
    if not fits:
        raise refuse(
            path, "rows of 4 (KITTI) or 5 (nuScenes) float32", f"{len(values)} numbers of neither"
        )
    return fits[0]


def _fits(values: NDArray[np.float32], columns: int) -> bool:
    if len(values) % columns:
        return False
    rows = values.reshape(-1, columns)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return columns == KITTI_COLUMNS
    is_near = bool((np.abs(rows[:, :3]) < FARTHEST_M).all())
    is_intensity = bool((rows[:, 3] >= 0).all() and (rows[:, 3] < 65536).all())
    if columns == KITTI_COLUMNS:
        return is_near and is_intensity
    ring = rows[:, 4]
    is_ring = bool(((ring >= 0) & (ring < 1024) & (ring == np.floor(ring))).all())
    return is_near and is_intensity and is_ring


def read_npy(path: Path) -> NDArray[np.generic]:
    """Return the array of a .npy file, or of the only or the `points` entry of a .npz.

    A table (N, 3 or more) of numbers or a structured array is wanted; pickled objects are
    refused.
    """
    data = read_bytes(path)
    try:
        if data[:2] == b"PK":
            size = sum(info.file_size for info in zipfile.ZipFile(io.BytesIO(data)).infolist())
            limit = min(LIMIT_BYTES, MOST_PACKED * len(data))
            if size > limit:
                raise refuse(path, f"at most {limit} bytes unpacked", size)
        else:
            _check_size(path, data)
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            names = loaded.files
            name = "points" if "points" in names else names[0] if len(names) == 1 else ""
            if not name:
                raise refuse(path, "one array, or one called points", ", ".join(names))
            loaded = loaded[name]
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - the header is parsed as Python: any error may come
        raise refuse(path, "a NumPy array of numbers", f"{type(error).__name__}: {error}") from None
    return np.asarray(loaded)


def _check_size(path: Path, data: bytes) -> None:
    """Refuse a .npy whose header promises more than the file holds: NumPy allots it first."""
    source = io.BytesIO(data)
    version = np.lib.format.read_magic(source)
    reads = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in reads:
        raise refuse(path, "a NumPy array of version 1 or 2", version)
    shape, _, dtype = reads[version](source)
    need = math.prod(shape) * dtype.itemsize
    if need > len(data):
        raise refuse(path, f"{need} bytes of {shape} {dtype}", f"{len(data)}: cut short?")
