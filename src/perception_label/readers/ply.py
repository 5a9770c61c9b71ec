"""PLY point files: ascii, binary little- and big-endian, any scalar vertex properties."""

import re
from pathlib import Path

import numpy as np

from perception_label.readers.clouds import Cloud, Fields, from_fields
from perception_label.readers.files import read_bytes, refuse

LIMIT_HEADER_BYTES = 1 << 16
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}


def read(path: Path) -> Cloud:
    """Read the vertices of a PLY file.

    Raises
    ------
    SourceError
        If the header is not whole, vertices do not come first, or data are missing.
    """
    data = read_bytes(path)
    found = re.search(rb"^end_header[ \t]*\r?\n", data[:LIMIT_HEADER_BYTES], flags=re.M)
    if found is None or not data.startswith(b"ply"):
        raise refuse(path, "a PLY header up to end_header", f"{data[:40]!r}")
    kind, n_points, properties = _header(path, data[: found.start()].decode("latin-1"))
    body = data[found.end() :]
    record = np.dtype([(name, _ORDER[kind] + code) for name, code in properties])
    if kind == "ascii":
        return from_fields(path, _ascii(path, body, n_points, properties))
    need = n_points * record.itemsize
    if len(body) < need:
        raise refuse(path, f"{need} bytes of {n_points} points", f"{len(body)}: cut short")
    rows = np.frombuffer(body, dtype=record, count=n_points)
    native = {name: rows[name].astype(code) for name, code in properties}
    return from_fields(path, native)


def _header(path: Path, text: str) -> tuple[str, int, list[tuple[str, str]]]:
    kind, element, n_points = "", "", -1
    properties: list[tuple[str, str]] = []
    for words in (line.split() for line in text.splitlines()):
        if words[:1] == ["format"] and len(words) == 3:
            kind = words[1]
        elif words[:1] == ["element"] and len(words) == 3:
            if n_points < 0 and words[1] != "vertex":
                raise refuse(path, "vertices as the first element", words[1])
            element = words[1]
            if element == "vertex":
                is_count = words[2].isdecimal() and len(words[2]) < 13
                n_points = int(words[2]) if is_count else -1
        elif words[:1] == ["property"] and element == "vertex":
            if len(words) != 3 or words[1] not in _TYPES:
                raise refuse(path, "scalar vertex properties", " ".join(words))
            properties.append((words[2], _TYPES[words[1]]))
    names = [name for name, _ in properties]
    if kind not in _ORDER or n_points < 0 or not names or len(set(names)) != len(names):
        raise refuse(path, "a format, a vertex count and properties of different names", text[:60])
    return kind, n_points, properties


def _ascii(path: Path, body: bytes, n_points: int, properties: list[tuple[str, str]]) -> Fields:
    columns = len(properties)
    # Lines, not numbers: faces may follow the vertices.
    lines = body.split(b"\n", n_points)[:n_points]
    try:
        values = np.array(b" ".join(lines).split(), dtype=np.float64)
    except ValueError as error:
        raise refuse(path, "numbers", error) from None
    if len(values) != n_points * columns:
        expected = f"{n_points} points of {columns} numbers"
        raise refuse(path, expected, f"{len(values)} numbers: cut short?")
    table = values.reshape(n_points, columns)
    with np.errstate(invalid="ignore", over="ignore"):
        return {name: table[:, k].astype(code) for k, (name, code) in enumerate(properties)}
