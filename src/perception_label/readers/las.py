"""LAS and LAZ point files, through laspy (extra `las`)."""

import io
import struct
from pathlib import Path

import numpy as np

from perception_label.errors import MissingExtraError, SourceError
from perception_label.readers.clouds import Cloud, from_fields
from perception_label.readers.files import LIMIT_BYTES, read_bytes, refuse

LASZIP, LAYERED = 22204, 3
LAYERS = {10: 9, 11: 1, 12: 2, 13: 1}  # of a packed point, its colours, its wave packet
EXTRA_BYTES = 14  # a layer for each byte
MOST_PACKED = 1000  # LAZ makes points smaller by ten or so


def read(path: Path) -> Cloud:
    """Read a LAS or LAZ file; coordinates are the file's own, in float64.

    Raises
    ------
    SourceError
        If the file is cut short or no LAS.
    MissingExtraError
        If laspy is not installed.
    """
    try:
        import laspy
    except ImportError:
        raise MissingExtraError(f"{path}: needs laspy: install perception-label[las]") from None
    data = read_bytes(path)
    n_points = _check_header(path, data)
    if not n_points:
        return from_fields(path, {axis: np.empty(0) for axis in "xyz"})
    try:
        _check_layers(path, data, n_points)
        # One thread: the parallel decoder allots what the file says, and aborts if it cannot.
        # Records after the points are not asked for: their lengths may be any number.
        backend = laspy.LazBackend.Lazrs
        with laspy.open(path, laz_backend=backend, read_evlrs=False) as reader:
            cloud = reader.read()
        names = set(cloud.point_format.dimension_names)
        fields = {axis: np.asarray(getattr(cloud, axis), dtype=np.float64) for axis in "xyz"}
        for name in names - {"X", "Y", "Z"}:
            values = np.asarray(cloud[name])
            fields[name] = values if values.ndim == 1 else values[:, 0]
    except (KeyboardInterrupt, SystemExit, SourceError):
        raise
    except BaseException as error:  # noqa: BLE001 - decoders raise many kinds, Rust panics too
        raise refuse(path, "a whole LAS file", f"{type(error).__name__}: {error}") from None
    if len(fields["x"]) != n_points:
        raise refuse(path, f"{n_points} points", f"{len(fields['x'])}: cut short")
    return from_fields(path, fields)


def _check_header(path: Path, data: bytes) -> int:
    """Return the number of points; refuse counts that the file cannot hold: laspy would read on."""
    if data[:4] != b"LASF" or len(data) < 227:
        raise refuse(path, "a LAS file", f"{len(data)} bytes that are none")
    start, n_vlrs, kind, step, n_points = struct.unpack_from("<IIBHI", data, 96)
    n_evlrs = 0
    if data[25] >= 4 and len(data) >= 375:
        n_evlrs, n_points = struct.unpack_from("<IQ", data, 243)
    if start > len(data) or n_vlrs * 54 > start or n_evlrs * 60 > len(data):
        raise refuse(
            path, f"records within {len(data)} bytes", "a header that says more: cut short?"
        )
    size = n_points * step
    room = LIMIT_BYTES if kind & 0x80 else len(data) - start  # the high bit: LAZ
    if size > room or size > MOST_PACKED * len(data):
        raise refuse(path, f"{n_points} points of {step} bytes", f"{len(data)} bytes: cut short?")
    if kind & 0x80 and n_points:
        _check_chunks(path, data, start, n_points)
    return int(n_points)


def _check_chunks(path: Path, data: bytes, start: int, n_points: int) -> None:
    """Refuse a LAZ whose table of chunks is not there: its decoder trusts the table's length."""
    at = struct.unpack_from("<q", data, start)[0] if len(data) >= start + 8 else -2
    if at == -1:  # written as a stream: the place of the table comes last
        at = struct.unpack_from("<q", data, len(data) - 8)[0]
    if not start + 8 <= at <= len(data) - 8:
        raise refuse(path, "a table of chunks within the file", f"one at byte {at}: cut short?")
    n_chunks = struct.unpack_from("<I", data, at + 4)[0]
    if n_chunks > min(n_points, len(data)):
        raise refuse(path, f"at most {n_points} chunks", n_chunks)


def _check_layers(path: Path, data: bytes, n_points: int) -> None:
    """Refuse a LAZ chunk whose layers are longer than itself: the decoder allots what they say."""
    packing = _laszip_record(data)
    if not (data[104] & 0x80 and packing) or len(packing) < 34:
        return
    n_items = struct.unpack_from("<H", packing, 32)[0]
    if struct.unpack_from("<H", packing)[0] != LAYERED or len(packing) < 34 + 6 * n_items:
        return
    items = [struct.unpack_from("<HH", packing, 34 + 6 * k) for k in range(n_items)]
    n_layers = sum(size if kind == EXTRA_BYTES else LAYERS.get(kind, 0) for kind, size in items)
    step = sum(size for _, size in items)
    import lazrs

    source = io.BytesIO(data)
    source.seek(struct.unpack_from("<I", data, 96)[0])
    chunks = lazrs.read_chunk_table(source, lazrs.LazVlr(packing))
    at = source.tell()
    if sum(n for n, _ in chunks) < n_points:
        raise refuse(path, "chunks for all points", f"{len(chunks)} chunks: cut short?")
    for _, n_bytes in chunks:
        end = at + n_bytes
        if end > len(data) or step + 4 + 4 * n_layers > n_bytes:
            raise refuse(path, f"a chunk of {n_bytes} bytes", "less: cut short?")
        layers = struct.unpack_from(f"<{n_layers}I", data, at + step + 4)
        if sum(layers) > n_bytes:
            raise refuse(path, f"layers of a chunk within {n_bytes} bytes", f"{sum(layers)} bytes")
        at = end


def _laszip_record(data: bytes) -> bytes:
    """Return the record that says how the points are packed; none if there is none."""
    at, n_vlrs = struct.unpack_from("<H", data, 94)[0], struct.unpack_from("<I", data, 100)[0]
    for _ in range(n_vlrs):
        if at + 54 > len(data):
            break
        record, size = struct.unpack_from("<HH", data, at + 18)
        if record == LASZIP and data[at + 2 : at + 18].startswith(b"laszip encoded"):
            return data[at + 54 : at + 54 + size]
        at += 54 + size
    return b""
