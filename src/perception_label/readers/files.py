"""Files of a source: read whole, or refused in one line that names the path."""

import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints
from perception_label.errors import SourceError

LARGEST = 1e15  # of any length, angle or time a source can mean; squares of it are finite
LIMIT_BYTES = 2 << 30  # one sweep or one table; nothing real comes near


def refuse(path: Path, expected: str, got: object) -> SourceError:
    """Return the error for a file that is not what it should be, on one line."""
    found = " ".join(str(got).split())[:200] or type(got).__name__
    return SourceError(f"{path}: expected {expected}, got {found}")


def read_bytes(path: Path, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    SourceError
        If it is not there, cannot be read or is larger than `limit_bytes`.
    """
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise refuse(path, f"at most {limit_bytes} bytes", f"{size} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise refuse(path, "a readable file", getattr(error, "strerror", None) or error) from None


def file_in(path: Path, *places: str) -> Path:
    """Return the path itself, or of a folder the first of these places that is a file there.

    Raises
    ------
    SourceError
        If a folder has none of them.
    """
    if not path.is_dir():
        return path
    found = [path / place for place in places if (path / place).is_file()]
    if not found:
        raise refuse(path, f"a file {' or '.join(places)}", "none")
    return found[0]


def read_gzip(path: Path, limit_bytes: int) -> bytes:
    """Return what a gzip file holds, and never more than `limit_bytes` of it.

    Raises
    ------
    SourceError
        If it is not gzip, is cut short, has a wrong checksum or would grow too large.
    """
    packed = read_bytes(path, limit_bytes)
    inflater = zlib.decompressobj(wbits=31)
    try:
        data = inflater.decompress(packed, limit_bytes)
    except zlib.error as error:
        raise refuse(path, "gzip data", error) from None
    if inflater.eof:
        return data
    if len(data) >= limit_bytes:
        raise refuse(path, f"at most {limit_bytes} bytes unpacked", "more")
    raise refuse(path, "a whole gzip file", f"one cut short after {len(packed)} bytes")


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file."""
    try:
        return read_bytes(path, 1 << 30).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse(path, "text", f"bytes that are no UTF-8 at {error.start}") from None


def read_json(path: Path, kind: type = object) -> Any:
    """Return the value of a JSON file, which must be of this type (dict, list)."""
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise refuse(path, "JSON", error) from None
    if not isinstance(value, kind):
        raise refuse(path, f"a JSON {kind.__name__}", f"a {type(value).__name__}")
    return value


def floats(
    path: Path, value: object, shape: tuple[int, ...], what: str, *, finite: bool = True
) -> Floats:
    """Return a value as a float64 array, finite if so asked; -1 in `shape` is any length."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise refuse(path, f"{what}: numbers", error) from None
    fits = array.ndim == len(shape) and all(
        want in (-1, got) for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise refuse(path, f"{what}: shape {shape}", array.shape)
    if finite and not (np.abs(array) < LARGEST).all():
        raise refuse(path, f"{what}: finite numbers", "NaN, infinity or beyond 1e15")
    return array


def whole(
    path: Path, values: NDArray[Any], dtype: type[np.integer[Any]], what: str
) -> NDArray[Any]:
    """Return values as integers of a type, which must hold every one of them."""
    limits = np.iinfo(dtype)
    if values.size and not ((values >= limits.min) & (values <= limits.max)).all():
        raise refuse(path, f"{what} from {limits.min} to {limits.max}", "others")
    return values.astype(dtype)


def single(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return values as contiguous float32; what it cannot hold becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def to_ns(path: Path, seconds: object, what: str = "timestamps") -> Ints:
    """Return (S,) int64 nanoseconds from seconds, rounded to the microsecond a float holds."""
    times = floats(path, seconds, (-1,), what)
    if times.size and np.abs(times).max() > 9e9:
        raise refuse(path, f"{what} in seconds", times[np.abs(times).argmax()])
    return np.round(times * 1e6).astype(np.int64) * 1000


def numbered(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the files of a folder with these suffixes, ordered as a person would count."""
    try:
        found = [p for p in folder.iterdir() if p.name.lower().endswith(tuple(suffixes))]
    except OSError:
        return []
    found = [p for p in found if p.name[0] != "." and p.is_file()]
    return sorted(found, key=lambda p: (natural(p.name), p.name))


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sorting key in which 9 comes before 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


def listed(names: Iterable[object], at_most: int = 8) -> str:
    """Return names for a message: the first few and how many more."""
    every = [str(n) for n in names]
    more = f" and {len(every) - at_most} more" if len(every) > at_most else ""
    return ", ".join(every[:at_most]) + more
