"""Messages inside packed parts of a file: found once, read again one at a time.

Nothing is unpacked beyond what the file's size allows: a part may grow to 250 times its packed
size and 64 MiB more, which LiDAR and pictures never do.
"""

import bz2
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import lz4.frame
import zstandard

from perception_label.readers.files import refuse

SPARE_BYTES = 64 << 20
MOST_GROWTH = 250
PLAIN = ("", "none")


class Place(NamedTuple):
    """Where a message lies: in a part of the file, and inside of it once it is unpacked."""

    start: int
    n_packed: int
    packing: str
    at: int
    size: int


class Message(NamedTuple):
    """One message as it lies in a file, not decoded; `log_ns` is when it was recorded."""

    topic: str
    kind: str
    encoding: str
    log_ns: int
    place: Any
    data: bytes


class Messages(Protocol):
    """A file of messages; `remarks` are complete once `scan` is."""

    path: Path
    remarks: list[str]

    def scan(self) -> Iterator[Message]:
        """Yield every message, in the file's order."""
        ...

    def read(self, place: Any) -> bytes:
        """Return the bytes of one message; safe to call from several threads."""
        ...


class PackedFile:
    """Reads messages of one file by their places; the part read last is kept unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._last: tuple[int, bytes] = (-1, b"")

    def __reduce__(self) -> tuple[type["PackedFile"], tuple[Path]]:
        return PackedFile, (self.path,)

    def read(self, place: Place) -> bytes:
        """Return the bytes of a message.

        Raises
        ------
        SourceError
            If the file is no longer what it was.
        """
        try:
            if place.packing in PLAIN:
                with self.path.open("rb") as file:
                    file.seek(place.start + place.at)
                    data = file.read(place.size)
            else:
                data = self._part(place)[place.at : place.at + place.size]
        except (OSError, ValueError) as error:
            raise refuse(self.path, f"a message at byte {place.start}", error) from None
        if len(data) != place.size:
            raise refuse(self.path, f"{place.size} bytes of a message", len(data))
        return data

    def _part(self, place: Place) -> bytes:
        with self._lock:
            if self._last[0] != place.start:
                with self.path.open("rb") as file:
                    file.seek(place.start)
                    packed = file.read(place.n_packed)
                self._last = (place.start, unpack(place.packing, packed))
            return self._last[1]


def unpack(packing: str, data: bytes, declared: int | None = None) -> bytes:
    """Return what packed bytes hold.

    Raises
    ------
    ValueError
        If they are cut short, broken, of an unknown packing, or grow beyond bounds.
    """
    if packing in PLAIN:
        return data
    most = MOST_GROWTH * len(data) + SPARE_BYTES
    if declared is not None and declared > most:
        raise ValueError(f"{len(data)} packed bytes that claim to be {declared}")
    most = most if declared is None else declared
    try:
        out = _UNPACKERS[packing](data, most + 1)
    except KeyError:
        raise ValueError(f"unknown packing {packing[:20]!r}") from None
    except (OSError, EOFError, RuntimeError, zstandard.ZstdError, MemoryError) as error:
        raise ValueError(f"broken {packing} data: {error}") from None
    if len(out) > most or (declared is not None and len(out) != declared):
        raise ValueError(f"{packing} data of another length than declared, or far too long")
    return out


def _bz2(data: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, most)


def _lz4(data: bytes, most: int) -> bytes:
    return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, most))


def _zstd(data: bytes, most: int) -> bytes:
    return bytes(zstandard.ZstdDecompressor().stream_reader(data).read(most))


_UNPACKERS = {"bz2": _bz2, "lz4": _lz4, "zstd": _zstd}
