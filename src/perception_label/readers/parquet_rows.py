"""Rows of a Parquet file by number, without holding the file.

Rows of range images and pictures are megabytes each and row groups may span a whole log, so
batches are read as they are asked for, a few are kept, and reading goes on from where it was.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from perception_label.errors import SourceError
from perception_label.readers.files import refuse

BATCH_ROWS = 4
KEPT_BYTES = 192 << 20
MOST_READS = 8  # going on at once: a file sorted by sensor is read in that many places
LARGEST_ROW = 1 << 28
MOST_ROWS, MOST_PACKED = 2, 2000  # for each byte of a file


@dataclass
class _Read:
    """A read going on: the row it gives next, and where its row group ends."""

    row: int
    end: int
    batches: Iterator[pa.RecordBatch]


class ParquetRows:
    """Columns of a Parquet file, a row at a time; may be shared by threads and pickled."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self.columns = path, columns
        self._open()

    def __reduce__(self) -> tuple[type["ParquetRows"], tuple[Path, tuple[str, ...]]]:
        return ParquetRows, (self.path, self.columns)

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._file: parquet.ParquetFile | None = None
        self._kept: OrderedDict[int, pa.RecordBatch] = OrderedDict()
        self._reads: list[_Read] = []

    def row(self, i: int) -> dict[str, Any]:
        """Return row i: each column as a scalar, or an array where it is a list.

        Raises
        ------
        SourceError
            If the file cannot be read there.
        """
        with self._lock:
            try:
                batch, at = self._batch(i)
            except SourceError:
                raise
            except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
                raise refuse(self.path, f"a readable row {i}", error) from None
        return {name: batch.column(name)[at] for name in self.columns}

    def _batch(self, i: int) -> tuple[pa.RecordBatch, int]:
        for first, batch in self._kept.items():
            if first <= i < first + len(batch):
                self._kept.move_to_end(first)
                return batch, i - first
        read = self._read_before(i)
        while True:
            batch = next(read.batches, None)
            if batch is None or not len(batch):
                raise refuse(self.path, f"a row {i}", "fewer")
            first, read.row = read.row, read.row + len(batch)
            if i < read.row:
                self._keep(first, batch)
                return batch, i - first

    def _read_before(self, i: int) -> _Read:
        """Return a read that comes to row i, as near before it as there is."""
        near = [r for r in self._reads if r.row <= i < r.end]
        if near:
            read = max(near, key=lambda r: r.row)
            self._reads.remove(read)
        else:
            if self._file is None:
                self._file = open_parquet(self.path)
                check_columns(self.path, self._file, self.columns)
            first = group = 0
            sizes = [
                self._file.metadata.row_group(g).num_rows
                for g in range(self._file.metadata.num_row_groups)
            ]
            while group < len(sizes) and first + sizes[group] <= i:
                first, group = first + sizes[group], group + 1
            if group == len(sizes):
                raise refuse(self.path, f"a row {i}", f"{first} rows")
            batches = self._file.iter_batches(
                BATCH_ROWS, row_groups=[group], columns=list(self.columns), use_threads=False
            )
            read = _Read(first, first + sizes[group], batches)
        self._reads = [*self._reads[-MOST_READS + 1 :], read]
        return read

    def _keep(self, first: int, batch: pa.RecordBatch) -> None:
        if batch.nbytes > BATCH_ROWS * LARGEST_ROW:
            raise refuse(self.path, f"rows of at most {LARGEST_ROW} bytes", batch.nbytes)
        self._kept[first] = batch
        while len(self._kept) > 1 and sum(b.nbytes for b in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)


def open_parquet(path: Path) -> parquet.ParquetFile:
    """Return an opened Parquet file, whose counts its size can hold.

    Raises
    ------
    SourceError
        If it is none, or would grow to what no real one does.
    """
    try:
        file = parquet.ParquetFile(path, pre_buffer=False)
        about, size = file.metadata, path.stat().st_size
        # Only what the file's head says: asking a broken file for its columns ends the process.
        n_bytes = sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise refuse(path, "a Parquet file", error) from None
    # Run lengths make a value repeated a milliard times a few bytes.
    if about.num_rows > MOST_ROWS * size or n_bytes > MOST_PACKED * size:
        told = f"{about.num_rows} rows, {n_bytes} bytes"
        raise refuse(path, f"what {size} bytes can hold", told)
    return file


def check_columns(path: Path, file: parquet.ParquetFile, columns: tuple[str, ...]) -> None:
    """Refuse a file that lacks one of these columns."""
    there = file.schema_arrow.names
    missing = [name for name in columns if name not in there]
    if missing:
        raise refuse(path, f"a column {missing[0]}", ", ".join(there))


def read_columns(path: Path, columns: tuple[str, ...]) -> pa.Table:
    """Return columns of a Parquet file, all there.

    Raises
    ------
    SourceError
        If it is none, cannot be read or lacks a column.
    """
    file = open_parquet(path)
    try:
        check_columns(path, file, columns)
        table = file.read(columns=list(columns), use_threads=False)
        table.validate(full=True)
    except SourceError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
        raise refuse(path, "a readable Parquet file", error) from None
    return table
