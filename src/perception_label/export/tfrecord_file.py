"""TFRecord files of `tf.train.Example` messages, written without TensorFlow.

A record is its length, the length's checksum, the message and its checksum; checksums are
CRC-32C, turned and moved by a constant as TensorFlow masks them. A message maps names to lists
of bytes, of float32 or of int64.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perception_label._core import checksums

# A feature has one kind of list, and readers want the kind of an empty one, too.
Feature = bytes | int | Sequence[bytes] | NDArray[np.float32] | NDArray[np.int64]
_MASK = 0xA282EAD8
_BYTES, _FLOATS, _WHOLE = 1, 2, 3
_SHORT = [bytes([k]) for k in range(128)]


class RecordWriter:
    """A file of records, written one by one; use it as a context."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._out.close()

    def write(self, features: Mapping[str, Feature]) -> None:
        """Append one example."""
        data = example(features)
        length = struct.pack("<Q", len(data))
        self._out.write(length + _masked(length))
        self._out.write(data)
        self._out.write(_masked(data))


def example(features: Mapping[str, Feature]) -> bytes:
    """Return a `tf.train.Example` as protobuf writes it, features in order of their names.

    Arrays of whole numbers become int64, other arrays float32; one value is a list of one.
    """
    entries = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, _feature(features[name])))
        for name in sorted(features)
    )
    return _field(1, entries)


def _feature(value: Feature) -> bytes:
    if isinstance(value, bytes):
        return _field(_BYTES, _field(1, value))
    if isinstance(value, int):
        return _field(_WHOLE, _field(1, _varint(value)))
    if not isinstance(value, np.ndarray):
        return _field(_BYTES, b"".join(_field(1, text) for text in value))
    if value.dtype.kind == "i":
        numbers = b"".join(map(_varint, value.tolist()))
        return _field(_WHOLE, _field(1, numbers) if numbers else b"")
    packed = np.ascontiguousarray(value, dtype="<f4").tobytes()
    return _field(_FLOATS, _field(1, packed) if packed else b"")


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if 0 <= number <= 0x7F:
        return _SHORT[number]
    rest = number & 0xFFFFFFFFFFFFFFFF  # less than 0 is counted from the top, in ten bytes
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _masked(data: bytes) -> bytes:
    value = checksums.crc32c(data, 0)
    turned = (value >> 15 | value << 17) + _MASK
    return struct.pack("<I", turned & 0xFFFFFFFF)
