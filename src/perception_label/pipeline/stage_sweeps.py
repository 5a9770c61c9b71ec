"""Read, clean and write all sweeps of a recording, taking over what a cut-off try wrote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from perception_label.cloud.deskew import deskew
from perception_label.errors import SettingError, WorkspaceError
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline import intake
from perception_label.pipeline.parallel import in_order
from perception_label.readers.recording import Recording
from perception_label.storage.sweeps import (
    StoredSweep,
    SweepWriter,
    sweep_to_batch,
    whole_sweeps,
)
from perception_label.storage.whole import storage_errors, sync, write_table

MOST_REMARKS = 10  # different ones that are told


@dataclass
class StagedSweeps:
    """What was written."""

    channels: tuple[str, ...]
    n_resumed: int = 0
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def stage_sweeps(
    folder: Path,
    recording: Recording,
    order: intake.SweepOrder,
    deskew_along: EgoPoses | None,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> StagedSweeps:
    """Write the sweeps in `order` to `folder`, and their index beside.

    Raises
    ------
    SourceError
        If a sweep cannot be read.
    WorkspaceError
        If the disk is full or may not be written.
    """
    channels = _channels(recording, order)
    if deskew_along is not None and "time_offset_ns" not in channels:
        raise SettingError(f"deskew: expected a time of each point, got {recording.log_id} without")
    part, before = (folder / f"{recording.lidar}{end}" for end in (".arrow", ".before"))
    staged = StagedSweeps(channels)
    read = partial(_prepare, recording, order, channels, deskew_along)
    with storage_errors(part):
        folder.mkdir(parents=True, exist_ok=True)
        # A `.before` means the last try was killed while taking over: it has more.
        if part.exists() and not before.exists():
            part.rename(before)
        with SweepWriter(part, channels) as writer:
            staged.n_resumed = _take_over(writer, before, order)
            todo = range(staged.n_resumed, len(order.rows))
            for k, stored in zip(todo, in_order(read, todo, workers), strict=True):
                writer.write(stored)
                if progress is not None:
                    progress(k + 1, len(order.rows))
        sync(part)
    write_table(folder / f"{recording.lidar}.index.arrow", writer.index())
    n_bad = sum(writer.n_not_finite)
    if n_bad:
        staged.left_out.append(f"{n_bad} points that are not finite")
    if writer.n_uneven:
        staged.warnings.append(
            f"{writer.n_uneven} sweeps carry other channels than the first "
            f"({', '.join(channels)}): missing ones are zero, further ones are left out"
        )
    staged.warnings.extend(_told(writer.remarks, len(order.rows)))
    return staged


def _told(remarks: Mapping[str, int], n_sweeps: int) -> list[str]:
    """Return a line for each different remark of the sweeps, the first `MOST_REMARKS` of them."""
    lines = [f"{text} ({n} of {n_sweeps} sweeps)" for text, n in remarks.items()]
    if len(lines) > MOST_REMARKS:
        n_more = len(lines) - MOST_REMARKS
        lines[MOST_REMARKS:] = [f"{n_more} further remarks of this kind"]
    return lines


def _channels(recording: Recording, order: intake.SweepOrder) -> tuple[str, ...]:
    for row in order.rows:
        sweep = intake.read_sweep(recording, int(row))
        if len(sweep) or row == order.rows[-1]:
            return intake.channels_of(sweep)
    raise WorkspaceError(f"{recording.log_id}: expected at least one sweep, got none")


def _take_over(writer: SweepWriter, before: Path, order: intake.SweepOrder) -> int:
    n = 0
    for stored in whole_sweeps(before, writer.channels):
        if n == len(order.rows) or stored.timestamp_ns != order.timestamps_ns[n]:
            break
        writer.write(stored)
        n += 1
    before.unlink(missing_ok=True)
    return n


def _prepare(
    recording: Recording,
    order: intake.SweepOrder,
    channels: tuple[str, ...],
    deskew_along: EgoPoses | None,
    k: int,
) -> StoredSweep:
    raw = intake.read_sweep(recording, int(order.rows[k]))
    even, is_even = intake.with_channels(raw, channels)
    sweep, n_bad = intake.drop_not_finite(even)
    if deskew_along is not None:
        at = replace(sweep, timestamp_ns=int(order.timestamps_ns[k]))
        sweep = deskew(at, deskew_along, recording.ego_from_lidar)
    timestamp_ns = int(order.timestamps_ns[k])
    batch = sweep_to_batch(sweep, channels)
    return StoredSweep(batch, timestamp_ns, n_bad, is_even, raw.remarks)
