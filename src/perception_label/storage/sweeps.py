"""Sweeps at rest: one record batch each in an Arrow IPC file that is memory-mapped.

Each batch carries its own time, counts and checksum, so a file whose writing was cut off
tells exactly which sweeps it still holds whole.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from perception_label import schema
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import WorkspaceError

MAGIC_BYTES = 8  # an Arrow IPC file is this many bytes, then an Arrow IPC stream


@dataclass(frozen=True, slots=True)
class StoredSweep:
    """One sweep as a record batch, and what is known of it.

    `n_not_finite` points were left out of it; `is_even` is False if the source gave it other
    channels than the log has; `remarks` are its reader's (`Sweep.remarks`).
    """

    batch: pa.RecordBatch
    timestamp_ns: int
    n_not_finite: int = 0
    is_even: bool = True
    remarks: tuple[str, ...] = ()


def sweep_to_batch(sweep: Sweep, channels: Sequence[str]) -> pa.RecordBatch:
    """Return the record batch of a sweep with these channels; all must be there."""
    flat = pa.array(np.ascontiguousarray(sweep.points_m, dtype=np.float32).reshape(-1))
    columns: list[pa.Array] = [
        pa.FixedSizeListArray.from_arrays(flat, type=schema.SWEEP_POINTS.type)
    ]
    kinds = schema.sweep_schema(tuple(channels))
    for field in list(kinds)[1:]:
        values = np.ascontiguousarray(getattr(sweep, field.name))
        columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=kinds)


def batch_to_sweep(
    batch: pa.RecordBatch, timestamp_ns: int, world_from_sensor: NDArray[np.float64] | None
) -> Sweep:
    """Return read-only views on a batch; nothing is copied."""
    parts: dict[str, Any] = {}
    for k, name in enumerate(batch.schema.names):
        column = batch.column(k)
        if name == schema.SWEEP_POINTS.name:
            parts[name] = column.flatten().to_numpy(zero_copy_only=True).reshape(-1, 3)
        else:
            parts[name] = column.to_numpy(zero_copy_only=True)
    return Sweep(timestamp_ns=timestamp_ns, world_from_sensor=world_from_sensor, **parts)


class SweepWriter:
    """Writes sweeps in order; close it, then put the file in place.

    `timestamps_ns`, `n_points` and `n_not_finite` grow with each sweep; `remarks` holds each
    different remark with how many sweeps have it.
    """

    def __init__(self, path: Path, channels: Sequence[str]) -> None:
        self.channels = tuple(channels)
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, schema.sweep_schema(tuple(channels)))
        self.timestamps_ns: list[int] = []
        self.n_points: list[int] = []
        self.n_not_finite: list[int] = []
        self.n_uneven = 0
        self.remarks: Counter[str] = Counter()

    def write(self, stored: StoredSweep) -> None:
        """Append one sweep."""
        facts = {
            "timestamp_ns": str(stored.timestamp_ns),
            "n_not_finite": str(stored.n_not_finite),
            "is_even": str(int(stored.is_even)),
            "remarks": json.dumps(stored.remarks),
            "crc32": str(_checksum(stored.batch)),
        }
        self._writer.write_batch(stored.batch, custom_metadata=facts)
        self.timestamps_ns.append(stored.timestamp_ns)
        self.n_points.append(stored.batch.num_rows)
        self.n_not_finite.append(stored.n_not_finite)
        self.n_uneven += not stored.is_even
        self.remarks.update(dict.fromkeys(stored.remarks, 1))

    def index(self) -> pa.Table:
        """Return what was written, one row per sweep (`schema.SWEEPS`)."""
        rows = [self.timestamps_ns, self.n_points, self.n_not_finite]
        return pa.Table.from_arrays([pa.array(r, pa.int64()) for r in rows], schema=schema.SWEEPS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._writer.close()
            self._sink.close()
            return
        try:
            self._writer.close()
            self._sink.close()
        except OSError:
            pass  # the first error is the one to tell; a full disk fails here again


def whole_sweeps(path: Path, channels: Sequence[str]) -> Iterator[StoredSweep]:
    """Yield the sweeps a cut-off file holds whole, in order, up to the first damaged one.

    A file that is absent, empty or of other channels holds none.
    """
    if not path.exists() or path.stat().st_size <= MAGIC_BYTES:
        return
    with pa.memory_map(str(path)) as source:
        source.seek(MAGIC_BYTES)
        try:
            stream = pa.ipc.open_stream(source)
        except (OSError, pa.ArrowInvalid):
            return
        if not stream.schema.equals(schema.sweep_schema(tuple(channels)), check_metadata=True):
            return
        while True:
            try:
                batch, facts = stream.read_next_batch_with_custom_metadata()
                numbers = [int(facts[k]) for k in ("timestamp_ns", "n_not_finite", "is_even")]
                remarks = tuple(json.loads(facts["remarks"]))
                stored = StoredSweep(batch, numbers[0], numbers[1], bool(numbers[2]), remarks)
                is_sound = _checksum(batch) == int(facts["crc32"])
            except (StopIteration, OSError, KeyError, TypeError, ValueError):
                return
            if not is_sound:
                return
            yield stored


class SweepFile:
    """The sweeps of a log, memory-mapped; it may be pickled and shared between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # The mapping stays valid if the file is replaced: readers keep what they opened.
            self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        except (OSError, pa.ArrowInvalid) as error:
            raise WorkspaceError(f"{path}: expected an Arrow file, got: {error}") from None

    def __len__(self) -> int:
        return int(self._reader.num_record_batches)

    def __reduce__(self) -> tuple[type["SweepFile"], tuple[Path]]:
        return SweepFile, (self._path,)

    def batch(self, i: int) -> pa.RecordBatch:
        """Return record batch i, a view on the file; WorkspaceError where it is damaged."""
        try:
            return self._reader.get_batch(i)
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(
                f"{self._path}: expected record batch {i} whole, got: {error}"
            ) from None


def _checksum(batch: pa.RecordBatch) -> int:
    crc = 0
    for column in batch.columns:
        flat = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
        crc = zlib.crc32(flat.to_numpy(zero_copy_only=True), crc)
    return crc
