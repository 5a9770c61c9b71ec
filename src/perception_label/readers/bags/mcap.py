"""MCAP files: the records are walked, so a file that was cut short gives what is whole in it.

Layout: https://mcap.dev/spec. The sum of each chunk is checked where the file has one.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from perception_label.readers.bags.packed import Message, PackedFile, Place, unpack
from perception_label.readers.files import refuse

MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END, _FOOTER = 3, 4, 5, 6, 15, 2
_HEAD = struct.Struct("<BQ")
_STAMP = struct.Struct("<HIQQ")


class McapFile(PackedFile):
    """One `.mcap`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.remarks: list[str] = []
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str, str]] = {}

    def scan(self) -> Iterator[Message]:
        """Yield every message; what is damaged or cut off is told in `remarks`.

        Raises
        ------
        SourceError
            If it is no MCAP file.
        """
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise refuse(self.path, "an MCAP file", "another file")
                yield from self._records(file, size)
        except OSError as error:
            raise refuse(self.path, "a readable file", error) from None

    def _records(self, file: BinaryIO, size: int) -> Iterator[Message]:
        while True:
            at = file.tell()
            head = file.read(_HEAD.size)
            op, n_bytes = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, size)
            if op in (_DATA_END, _FOOTER):
                return
            start = file.tell()
            if n_bytes > size - start:
                self.remarks.append(f"cut short at byte {at} of {size}: what is before is kept")
                return
            if op in (_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK):
                try:
                    data = file.read(n_bytes)
                    if op == _CHUNK:
                        yield from self._chunk(data, start)
                    else:
                        yield from self._record(op, data, Place(start, 0, "", 0, n_bytes))
                except (ValueError, KeyError, struct.error) as error:
                    told = " ".join(str(error).split())
                    self.remarks.append(f"damaged at byte {at}, skipped: {told}")
            file.seek(start + n_bytes)

    def _chunk(self, data: bytes, start: int) -> Iterator[Message]:
        declared, crc = struct.unpack_from("<QI", data, 16)
        packing, at = _text(data, 28)
        (n_packed,) = struct.unpack_from("<Q", data, at)
        at += 8
        if at + n_packed > len(data):
            raise ValueError("a chunk shorter than it says")
        part = unpack(packing, data[at : at + n_packed], declared)
        if crc and zlib.crc32(part) != crc:
            raise ValueError("a chunk whose sum is wrong")
        start, at = start + at, 0
        while at < len(part):
            op, n_bytes = _HEAD.unpack_from(part, at)
            at += _HEAD.size
            if at + n_bytes > len(part):
                raise ValueError("a record longer than its chunk")
            place = Place(start, n_packed, packing, at, n_bytes)
            yield from self._record(op, part[at : at + n_bytes], place)
            at += n_bytes

    def _record(self, op: int, data: bytes, place: Place) -> Iterator[Message]:
        if op == _SCHEMA:
            self._schemas[struct.unpack_from("<H", data)[0]] = _text(data, 2)[0]
        elif op == _CHANNEL:
            number, schema = struct.unpack_from("<HH", data)
            topic, at = _text(data, 4)
            encoding, _ = _text(data, at)
            kind = self._schemas.get(schema, "")
            if encoding in ("ros1", "cdr") and kind.count("/") == 1:
                kind = kind.replace("/", "/msg/")
            self._channels[number] = (topic, kind, encoding)
        elif op == _MESSAGE:
            number, _, log_ns, _ = _STAMP.unpack_from(data)
            n = _STAMP.size
            inner = place._replace(at=place.at + n, size=place.size - n)
            yield Message(*self._channels[number], log_ns, inner, data[n:])


def _text(data: bytes, at: int) -> tuple[str, int]:
    (size,) = struct.unpack_from("<I", data, at)
    if at + 4 + size > len(data):
        raise ValueError("a text longer than its record")
    return data[at + 4 : at + 4 + size].decode("utf-8", "replace"), at + 4 + size
