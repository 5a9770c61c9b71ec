"""ROS 1 bags, version 2.0, without ROS: the records are walked, so no index is needed.

A bag that was never closed (`.bag.active`), or was cut short, gives what is whole in it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from perception_label.readers.bags.packed import Message, PackedFile, Place, unpack
from perception_label.readers.files import refuse

MAGIC = b"#ROSBAG V2.0\n"
_MESSAGE, _HEAD, _CHUNK, _CONNECTION = 2, 3, 5, 7
_LARGEST_HEADER = 1 << 20
_U32 = struct.Struct("<I")


class Ros1File(PackedFile):
    """One `.bag`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.remarks: list[str] = []
        self._kinds: dict[int, tuple[str, str]] = {}

    def scan(self) -> Iterator[Message]:
        """Yield every message; what is damaged or cut off is told in `remarks`.

        Raises
        ------
        SourceError
            If it is no bag of version 2.0.
        """
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise refuse(self.path, "a ROS bag of version 2.0", "another file")
                yield from self._records(file, size)
        except OSError as error:
            raise refuse(self.path, "a readable file", error) from None

    def _records(self, file: BinaryIO, size: int) -> Iterator[Message]:
        while (at := file.tell()) < size:
            try:
                header, n_data = _record(file, size)
            except ValueError:
                self.remarks.append(f"cut short at byte {at} of {size}: what is before is kept")
                return
            start = file.tell()
            try:
                match _op(header):
                    case 5:
                        packing = header[b"compression"].decode("latin-1")
                        data = file.read(n_data)
                        part = unpack(packing, data, _U32.unpack(header[b"size"])[0])
                        yield from self._inside(part, start, n_data, packing)
                    case 3 if not struct.unpack("<Q", header[b"index_pos"])[0]:
                        self.remarks.append("was never closed: it has no index, and was walked")
                    case 7:
                        self._connect(header, file.read(n_data))
                    case 2:
                        data = file.read(n_data)
                        yield from self._message(header, data, Place(start, 0, "", 0, n_data))
            except (ValueError, KeyError, struct.error) as error:
                self.remarks.append(
                    f"damaged at byte {at}, skipped: {' '.join(str(error).split())}"
                )
            file.seek(start + n_data)

    def _inside(self, part: bytes, start: int, n_packed: int, packing: str) -> Iterator[Message]:
        at = 0
        while at < len(part):
            (n_header,) = _U32.unpack_from(part, at)
            header = _fields(part[at + 4 : at + 4 + n_header])
            at += 4 + n_header
            (n_data,) = _U32.unpack_from(part, at)
            at += 4
            if at + n_data > len(part):
                raise ValueError("a record longer than its chunk")
            data = part[at : at + n_data]
            if _op(header) == _CONNECTION:
                self._connect(header, data)
            elif _op(header) == _MESSAGE:
                place = Place(start, n_packed, packing, at, n_data)
                yield from self._message(header, data, place)
            at += n_data

    def _connect(self, header: dict[bytes, bytes], data: bytes) -> None:
        told = _fields(data)
        kind = told[b"type"].decode("utf-8", "replace").replace("/", "/msg/", 1)
        topic = header[b"topic"].decode("utf-8", "replace")
        self._kinds[_U32.unpack(header[b"conn"])[0]] = (topic, kind)

    def _message(self, header: dict[bytes, bytes], data: bytes, place: Place) -> Iterator[Message]:
        topic, kind = self._kinds[_U32.unpack(header[b"conn"])[0]]
        seconds, rest = struct.unpack("<II", header[b"time"])
        yield Message(topic, kind, "ros1", seconds * 10**9 + rest, place, data)


def _record(file: BinaryIO, size: int) -> tuple[dict[bytes, bytes], int]:
    """Return a record's header and how many bytes of data follow."""
    head = file.read(4)
    n_header = _U32.unpack(head)[0] if len(head) == 4 else size
    if n_header > min(size - file.tell(), _LARGEST_HEADER):
        raise ValueError("cut short")
    header = _fields(file.read(n_header))
    head = file.read(4)
    n_data = _U32.unpack(head)[0] if len(head) == 4 else size
    if n_data > size - file.tell():
        raise ValueError("cut short")
    return header, n_data


def _fields(data: bytes) -> dict[bytes, bytes]:
    out, at = {}, 0
    while at + 4 <= len(data):
        (size,) = _U32.unpack_from(data, at)
        name, mark, value = data[at + 4 : at + 4 + size].partition(b"=")
        if not mark or at + 4 + size > len(data):
            raise ValueError("a header that is none")
        out[name] = value
        at += 4 + size
    return out


def _op(header: dict[bytes, bytes]) -> int:
    op = header.get(b"op", b"")
    return op[0] if len(op) == 1 else -1
