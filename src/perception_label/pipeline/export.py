"""Write the labels of logs in another tool's format, each file whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from perception_label.errors import WorkspaceError
from perception_label.export import Labelled, plan
from perception_label.pipeline.workspace import Workspace
from perception_label.storage.logs import Log
from perception_label.storage.whole import write_whole

TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Attributes
    ----------
    n_tracks, n_boxes : int
        Written, over all logs.
    files : tuple of Path
        In the order they were written.
    left_out : tuple of str
        What the format has no place for, one line each.
    """

    n_tracks: int
    n_boxes: int
    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def export(
    workspace: Workspace,
    out: Path,
    format: str,
    *,
    log: Log | str | None = None,
    source: str | None = None,
) -> ExportReport:
    """Write labels into a folder, which is made if it is not there.

    Parameters
    ----------
    workspace : Workspace
        Where the logs are.
    out : Path
        The folder; files of the same names are replaced, others are left alone.
    format : str
        One of `perception_label.export.FORMATS`.
    log : Log or str, optional
        One log; all of the workspace by default.
    source : str, optional
        Which machine result, or `truth`; by default the best there is.

    Raises
    ------
    SettingError
        If the format is unknown.
    WorkspaceError
        If a log has no such boxes, or a file cannot be written.
    MissingPosesError
        If the format needs ego poses and a log has none.
    """
    logs = [workspace.log(i) for i in workspace.logs()] if log is None else [_open(workspace, log)]
    if not logs:
        raise WorkspaceError(f"{workspace.path}: expected a log, got none")
    # All are planned before the first file is written, so that a log that cannot be leaves none.
    tables = [_boxes(one, source) for one in logs]
    plans = [plan(_labelled(one, t), format) for one, t in zip(logs, tables, strict=True)]
    files = []
    for planned in plans:
        for name, fill in planned.files.items():
            write_whole(out / name, fill)
            files.append(out / name)
    return ExportReport(
        n_tracks=sum(_n_tracks(table) for table in tables),
        n_boxes=sum(map(len, tables)) - sum(p.n_left_out for p in plans),
        files=tuple(files),
        left_out=tuple(line for p in plans for line in p.left_out),
    )


def _open(workspace: Workspace, log: Log | str) -> Log:
    return log if isinstance(log, Log) else workspace.log(log)


def _boxes(log: Log, source: str | None) -> pa.Table:
    if source != TRUTH:
        return log.dense_boxes(source)
    table = log.truth_table()
    if table is None:
        raise WorkspaceError(f"log {log.id}: expected truth that came with the log, got none")
    return table


def _labelled(log: Log, boxes: pa.Table) -> Labelled:
    return Labelled(
        log_id=log.id,
        boxes=boxes,
        timestamps_ns=log.timestamps_ns,
        ego_poses=log.ego_poses,
        ego_from_lidar=log.info.ego_from_lidar,
        cameras=log.cameras,
        origin_m=log.info.origin_m,
    )


def _n_tracks(table: pa.Table) -> int:
    ids = table.column("track_id").unify_dictionaries()
    used = [np.unique(chunk.indices.to_numpy()) for chunk in ids.chunks]
    return len(np.unique(np.concatenate(used))) if used else 0
