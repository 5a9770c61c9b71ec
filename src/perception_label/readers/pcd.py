"""PCD point files: ascii, binary, binary_compressed, any fields.

The header says FIELDS, SIZE, TYPE, COUNT (0 is allowed, and means nothing is stored), WIDTH,
HEIGHT, POINTS and DATA. Some writers of padded structs tell the padding wrongly: the point
step is right and the fields are where a C compiler puts them. So where time or ring make no
sense at the header's offsets, the natural ones are tried.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lzf
import numpy as np
from numpy.typing import NDArray

from perception_label.readers.clouds import Cloud, Fields, from_fields, implausible
from perception_label.readers.files import LIMIT_BYTES, read_bytes, refuse

LIMIT_HEADER_BYTES = 1 << 16
_TYPES = {"F": (4, 8), "I": (1, 2, 4, 8), "U": (1, 2, 4, 8)}
_PADDING = ("_", "padding")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    dtype: np.dtype[Any]
    count: int
    offset: int

    @property
    def n_bytes(self) -> int:
        return self.dtype.itemsize * self.count

    @property
    def is_kept(self) -> bool:
        return self.count == 1 and self.name not in _PADDING


@dataclass(frozen=True, slots=True)
class _Header:
    fields: tuple[_Field, ...]
    n_points: int
    step: int
    kind: str
    end: int
    viewpoint: str


def read(path: Path) -> Cloud:
    """Read a PCD file.

    Raises
    ------
    SourceError
        If the header is not whole, or the data are fewer than it says.
    """
    data = read_bytes(path)
    header = _header(path, data)
    body = data[header.end :]
    notes = []
    if header.viewpoint not in ("", "0 0 0 1 0 0 0"):
        notes.append(f"VIEWPOINT {header.viewpoint} is not applied")
    if header.kind == "ascii":
        return from_fields(path, _ascii(path, header, body), tuple(notes))
    if header.kind == "binary_compressed":
        return from_fields(path, _compressed(path, header, body), tuple(notes))
    need = header.n_points * header.step
    if len(body) < need:
        raise refuse(path, f"{need} bytes of {header.n_points} points", f"{len(body)}: cut short")
    fields = _rows(header, body, [f.offset for f in header.fields])
    wrong = implausible(fields)
    if wrong:
        natural = _natural(header)
        repaired = _rows(header, body, natural) if natural else {}
        if repaired and not implausible(repaired):
            fields = repaired
            notes.append(f"{', '.join(wrong)}: header's offsets are wrong, natural ones are used")
    return from_fields(path, fields, tuple(notes))


def _header(path: Path, data: bytes) -> _Header:
    head = data[:LIMIT_HEADER_BYTES]
    found = re.search(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", head, flags=re.M)
    if found is None:
        raise refuse(path, "a PCD header up to DATA", f"{head[:40]!r}")
    lines = head[: found.start()].decode("latin-1").splitlines()
    entries = {line.split()[0]: line.split()[1:] for line in lines if line.split()}
    kind = found.group(1).decode("latin-1")
    if kind not in ("ascii", "binary", "binary_compressed"):
        raise refuse(path, "DATA ascii, binary or binary_compressed", kind)
    names = entries.get("FIELDS") or entries.get("COLUMNS") or []
    sizes, types = entries.get("SIZE", []), entries.get("TYPE", [])
    counts = entries.get("COUNT") or ["1"] * len(names)
    if not names or not len(names) == len(sizes) == len(types) == len(counts):
        lengths = f"{len(names)}, {len(sizes)}, {len(types)}, {len(counts)}"
        raise refuse(path, "FIELDS, SIZE, TYPE and COUNT of one length", lengths)
    fields, step = [], 0
    for name, size, letter, count in zip(names, sizes, types, counts, strict=True):
        if not (size.isdecimal() and count.isdecimal() and int(size) in _TYPES.get(letter, ())):
            raise refuse(path, f"a size, type and count of {name}", f"{size} {letter} {count}")
        dtype = np.dtype(f"<{letter.lower()}{size}")
        fields.append(_Field(name, dtype, int(count), step))
        step += fields[-1].n_bytes
    return _Header(
        tuple(fields), _n_points(path, entries), step, kind, found.end(),
        " ".join(entries.get("VIEWPOINT", [])),
    )  # fmt: skip


def _n_points(path: Path, entries: dict[str, list[str]]) -> int:
    values = {}
    for name in ("WIDTH", "HEIGHT", "POINTS"):
        value = (entries.get(name) or ["1" if name == "HEIGHT" else ""])[0]
        if value and not value.isdecimal():
            raise refuse(path, f"a whole number as {name}", value)
        values[name] = int(value) if value else None
    width, height, points = values["WIDTH"], values["HEIGHT"], values["POINTS"]
    area = None if width is None or height is None else width * height
    n = points if points is not None else area
    if n is None or (area is not None and area != n):
        raise refuse(path, "POINTS = WIDTH x HEIGHT", f"{points}, {width} x {height}")
    return n


def _rows(header: _Header, body: bytes, offsets: list[int]) -> Fields:
    placed = [(f, o) for f, o in zip(header.fields, offsets, strict=True) if f.is_kept]
    last = {field.name: (field, offset) for field, offset in placed}
    record = np.dtype(
        {
            "names": list(last),
            "formats": [field.dtype for field, _ in last.values()],
            "offsets": [offset for _, offset in last.values()],
            "itemsize": header.step,
        }
    )
    if not header.step:
        return {}
    rows = np.frombuffer(body, dtype=record, count=header.n_points)
    return {name: np.ascontiguousarray(rows[name]) for name in last}


def _natural(header: _Header) -> list[int] | None:
    """Return where a C compiler puts the fields, or None if that is longer than the step.

    x, y, z keep the padding that makes them 16 bytes, where the header tells of it (PCL's
    structs); all other padding is the compiler's.
    """
    offsets, at = [], 0
    for i, field in enumerate(header.fields):
        if field.name in _PADDING or field.count == 0:
            is_after_xyz = i > 0 and header.fields[i - 1].name == "z"
            at += field.n_bytes if is_after_xyz else 0
            offsets.append(0)
            continue
        at += -at % field.dtype.itemsize
        offsets.append(at)
        at += field.n_bytes
    return offsets if at <= header.step else None


def _ascii(path: Path, header: _Header, body: bytes) -> Fields:
    columns = sum(f.count for f in header.fields)
    try:
        values = np.array(body.split(), dtype=np.float64)
    except ValueError as error:
        raise refuse(path, "numbers", error) from None
    if len(values) != header.n_points * columns:
        expected = f"{header.n_points} points of {columns} numbers"
        raise refuse(path, expected, f"{len(values)} numbers: cut short?")
    table, out, at = values.reshape(header.n_points, columns), {}, 0
    for field in header.fields:
        if field.is_kept:
            out[field.name] = _as(path, field, table[:, at])
        at += field.count
    return out


def _as(path: Path, field: _Field, values: NDArray[np.float64]) -> NDArray[Any]:
    if field.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(field.dtype)
    limits = np.iinfo(field.dtype)
    if not ((values >= limits.min) & (values <= limits.max)).all():
        raise refuse(path, f"{field.dtype} numbers in {field.name}", "others")
    return values.astype(field.dtype)


def _compressed(path: Path, header: _Header, body: bytes) -> Fields:
    need = header.n_points * header.step
    if len(body) < 8:
        raise refuse(path, "compressed data", f"{len(body)} bytes")
    packed, unpacked = struct.unpack("<II", body[:8])
    if unpacked != need or need > LIMIT_BYTES:
        raise refuse(path, f"{need} bytes of {header.n_points} points", f"{unpacked} unpacked")
    if len(body) < 8 + packed:
        raise refuse(path, f"{packed} compressed bytes", f"{len(body) - 8}: cut short")
    try:
        flat = lzf.decompress(body[8 : 8 + packed], unpacked) if unpacked else b""
    except (ValueError, MemoryError) as error:
        raise refuse(path, "LZF data", error) from None
    if flat is None or len(flat) != need:
        raise refuse(path, f"{need} bytes of {header.n_points} points", "broken LZF data")
    out, at = {}, 0
    for field in header.fields:
        size = field.n_bytes * header.n_points
        if field.is_kept:
            out[field.name] = np.frombuffer(flat, field.dtype, header.n_points, at)
        at += size
    return out
