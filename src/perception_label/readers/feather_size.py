"""How large a feather file (Arrow's IPC format) becomes, told by its metadata alone.

Arrow allots what each compressed buffer says of itself before it unpacks a byte, so a small file
can ask for all memory there is. The few tables that say it are FlatBuffers, read here by offset.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from perception_label.readers.files import refuse

MAGIC = b"ARROW1"
LEAST_BYTES = 1 << 26  # whatever its size a file may become so large
MOST_PACKED = 300
CONTINUES = 0xFFFFFFFF
DICTIONARY_BATCH, RECORD_BATCH = 2, 3


def check_size(path: Path, data: bytes) -> None:
    """Refuse a feather file that would grow to what no real one does.

    Raises
    ------
    SourceError
        If it would, or its metadata cannot be followed; files of the first feather format, which
        packs nothing, are not looked at.
    """
    if not data.startswith(MAGIC):
        return
    try:
        total = sum(_batch_bytes(data, at, metadata) for at, metadata in _blocks(data))
    except (struct.error, IndexError, OverflowError) as error:
        raise refuse(path, "a whole feather file", error) from None
    limit = max(LEAST_BYTES, MOST_PACKED * len(data))
    if total > limit:
        raise refuse(path, f"at most {limit} bytes unpacked", total)


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each batch begins, and how long its metadata is."""
    size = struct.unpack_from("<i", data, len(data) - 10)[0]
    start = len(data) - 10 - size
    if size <= 0 or start < 0:
        raise IndexError("a footer that is not there")
    footer = start + _u32(data, start)
    for number in (2, 3):  # dictionaries, record batches
        place, n = _vector(data, footer, number)
        if n > len(data):
            raise IndexError(f"{n} batches")
        for k in range(n):
            at, metadata = struct.unpack_from("<qi", data, place + 24 * k)
            yield at, metadata


def _batch_bytes(data: bytes, at: int, metadata: int) -> int:
    if at < 0 or metadata < 0:
        raise IndexError("a batch before the file")
    start = at + (8 if _u32(data, at) == CONTINUES else 4)
    message = start + _u32(data, start)
    kind = _field(data, message, 1)
    header = _table(data, message, 2)
    if kind is None or header is None:
        raise IndexError("a message without a batch")
    if data[kind] == DICTIONARY_BATCH:
        header = _table(data, header, 1)
    if header is None or data[kind] not in (DICTIONARY_BATCH, RECORD_BATCH):
        raise IndexError("a message without a batch")
    is_packed = _field(data, header, 3) is not None
    place, n = _vector(data, header, 2)
    total = 0
    for k in range(min(n, len(data))):
        offset, length = struct.unpack_from("<qq", data, place + 16 * k)
        unpacked = length
        if is_packed and length >= 8:
            said = struct.unpack_from("<q", data, at + metadata + offset)[0]
            unpacked = length if said == -1 else said
        if unpacked < 0 or offset < 0:
            raise IndexError("a buffer of less than nothing")
        total += unpacked
    return total


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int | None:
    """Return where a table's field lies; None if it is left out."""
    if table < 0:
        raise IndexError("a table before the file")
    listed = table - int(struct.unpack_from("<i", data, table)[0])
    if listed < 0:
        raise IndexError("a list of fields before the file")
    if 4 + 2 * number >= struct.unpack_from("<H", data, listed)[0]:
        return None
    offset = struct.unpack_from("<H", data, listed + 4 + 2 * number)[0]
    return table + offset if offset else None


def _table(data: bytes, table: int, number: int) -> int | None:
    at = _field(data, table, number)
    return None if at is None else at + _u32(data, at)


def _vector(data: bytes, table: int, number: int) -> tuple[int, int]:
    """Return where a list's entries begin, and how many there are."""
    at = _table(data, table, number)
    return (0, 0) if at is None else (at + 4, _u32(data, at))
