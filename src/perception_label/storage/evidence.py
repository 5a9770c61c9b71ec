"""What the sweeps of a log say of objects, at rest: derived, made again when it is missing."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from perception_label import schema
from perception_label.arrays import Points
from perception_label.cloud.evidence import Evidence, GroundMap
from perception_label.cloud.sweeps import Sweep
from perception_label.storage.logs import Log
from perception_label.storage.sweeps import (
    StoredSweep,
    SweepFile,
    SweepWriter,
    batch_to_sweep,
    sweep_to_batch,
)
from perception_label.storage.whole import BESIDE, lock, read_table, write_table, write_whole

METHOD = 1  # goes up when the same sweeps would give other evidence

WAIT_S = 3600.0  # as long as a long log takes


class EvidenceFile:
    """The evidence of S sweeps, memory-mapped, and the ground of the log."""

    def __init__(self, points: Path, ground: Path) -> None:
        self._file = SweepFile(points)
        table = read_table(ground)
        self.ground = GroundMap(
            table.column("cell").to_numpy(), table.column("height_m").to_numpy()
        )

    def __len__(self) -> int:
        return len(self._file)

    def points(self, i: int) -> Points:
        """Return the points above ground of sweep i, (N, 3), a view on the file."""
        return batch_to_sweep(self._file.batch(i), 0, None).points_m


def open_evidence(log: Log) -> EvidenceFile | None:
    """Return the stored evidence of a log, or None if there is none of its present sweeps."""
    points, ground = _paths(log)
    # The ground is written last: where it is, the points are whole.
    return EvidenceFile(points, ground) if ground.exists() and points.exists() else None


def write_evidence(log: Log, parts: Iterator[Evidence]) -> EvidenceFile:
    """Store the evidence of a log, given sweep by sweep in order; that of other sweeps goes.

    Raises
    ------
    WorkspaceError
        If the workspace cannot be written.
    """
    points, ground = _paths(log)
    # The app's threads and other processes may ask for it at the same time.
    with lock(points.parent / ".evidence.lock", WAIT_S):
        found = open_evidence(log)
        return _write(log, parts, points, ground) if found is None else found


def _write(log: Log, parts: Iterator[Evidence], points: Path, ground: Path) -> EvidenceFile:
    cells: list[Evidence] = []
    write_whole(points, lambda beside: _fill(beside, log, parts, cells))
    table = GroundMap.of(cells)
    columns = [pa.array(table.cells), pa.array(table.heights_m)]
    write_table(ground, pa.Table.from_arrays(columns, schema=schema.GROUND))
    for old in points.parent.glob("evidence-*"):
        if old not in (points, ground):
            old.unlink(missing_ok=True)
    for left in points.parent.glob(f".evidence-*{BESIDE}"):
        left.unlink(missing_ok=True)
    return EvidenceFile(points, ground)


def _fill(path: Path, log: Log, parts: Iterator[Evidence], cells: list[Evidence]) -> None:
    none = np.empty((0, 3), dtype=np.float32)
    with SweepWriter(path, ()) as writer:
        for when, part in zip(log.timestamps_ns.tolist(), parts, strict=True):
            batch = sweep_to_batch(Sweep(part.points_m, when), ())
            writer.write(StoredSweep(batch, when))
            cells.append(Evidence(none, part.cells, part.heights_m))


def _paths(log: Log) -> tuple[Path, Path]:
    """Return where a log's evidence lies; the name tells which sweeps, poses and method."""
    mark = zlib.crc32(f"{METHOD}".encode())
    poses = log.world_from_sensor
    for array in (log.timestamps_ns, log.n_points, poses):
        if array is not None:
            mark = zlib.crc32(np.ascontiguousarray(array).tobytes(), mark)
    name = f"evidence-{mark:08x}"
    return log.machine_file(name), log.machine_file(f"{name}-ground")
