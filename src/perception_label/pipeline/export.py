"""Write the labels of logs in another tool's format: the whole folder or nothing of it."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perception_label import schema
from perception_label.arrays import Ints
from perception_label.errors import WorkspaceError
from perception_label.export import Labelled, Plan, TrackFacts, is_dataset, plan_logs
from perception_label.export.labelled import Pictures
from perception_label.geometry.image_labels import ImageLabels
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.propose import Progress
from perception_label.pipeline.seen_by_camera import drawn_cameras, labels_on_images
from perception_label.pipeline.workspace import Workspace
from perception_label.storage.logs import Log
from perception_label.storage.target import write_folder

TRUTH = "truth"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Attributes
    ----------
    n_tracks, n_boxes : int
        Written, over all logs.
    files : tuple of Path
        In the order they were written, the manifest last.
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
    points: bool | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Write labels into a folder, which is made if it is not there.

    Parameters
    ----------
    workspace : Workspace
        Where the logs are.
    out : Path
        The folder: empty, or with an earlier export of the format, whose files are replaced.
    format : str
        One of `perception_label.export.FORMATS`.
    log : Log or str, optional
        One log; all of the workspace by default.
    source : str, optional
        Which machine result, or `truth`; by default the best there is. Then tracks that people
        changed since the boxes were written are solved first, so that no edit is left out.
    points : bool, optional
        Whether to write point clouds and pictures; None: where the format's readers need them.
    progress : callable, optional
        Called with how many of how many files are written.

    Raises
    ------
    SettingError
        If the format is unknown.
    WorkspaceError
        If a log has no such boxes, the folder holds anything else, or cannot be written. The
        folder is as it was then.
    MissingPosesError
        If the format needs ego poses and a log has none.
    """
    logs = [workspace.log(i) for i in workspace.logs()] if log is None else [_open(workspace, log)]
    if not logs:
        raise WorkspaceError(f"{workspace.path}: expected a log, got none")
    for one in logs if source is None else ():
        _solve_what_changed(workspace, one)
    # All are planned before the first file is written, so that a log that cannot be leaves none.
    whole = is_dataset(format)
    tables = [_boxes(one, source) for one in logs]
    given = [labelled(workspace, one, t, points) for one, t in zip(logs, tables, strict=True)]
    plans = plan_logs(given, format)
    files = {name: fill for planned in plans for name, fill in planned.files.items()}
    facts = {
        "format": format,
        "is_dataset": whole,
        "versions": {"perception_label": _version(), "schema": schema.VERSION},
        "logs": _told(given, plans, whole),
    }
    written = write_folder(out, files, facts, progress)
    return ExportReport(
        n_tracks=sum(_n_tracks(table) for table in tables),
        n_boxes=sum(map(len, tables)) - sum(p.n_left_out for p in plans),
        files=tuple(written),
        left_out=tuple(line for p in plans for line in p.left_out),
    )


def labelled(
    workspace: Workspace, log: Log, boxes: pa.Table, points: bool | None = None
) -> Labelled:
    """Return a log with boxes as exporters are given it; nothing more of it is read yet."""
    return Labelled(
        log_id=log.id,
        boxes=boxes,
        timestamps_ns=log.timestamps_ns,
        ego_poses=log.ego_poses,
        ego_from_lidar=log.info.ego_from_lidar,
        cameras=log.cameras,
        origin_m=log.info.origin_m,
        lidar=log.info.lidar,
        sweep=log.sweep,
        images=log.images,
        pictures=partial(_pictures, log),
        write_video=partial(_write_video, log),
        image_labels=partial(_image_labels, log, boxes),
        drawn_cameras=partial(drawn_cameras, log),
        track_facts=partial(_track_facts, workspace, log),
        points=points,
    )


def _pictures(log: Log, camera: str) -> Pictures:
    return open_camera(log, camera)


def _write_video(log: Log, camera: str, timestamps_ns: Ints, path: Path) -> None:
    # PyAV takes its time to import.
    from perception_label.video.write import write_video

    images = open_camera(log, camera)
    write_video(path, (images.image(i) for i in range(len(images))), timestamps_ns)


def _image_labels(log: Log, boxes: pa.Table, camera: str) -> ImageLabels:
    return labels_on_images(log, camera, boxes)


def _track_facts(workspace: Workspace, log: Log) -> dict[str, TrackFacts]:
    tracks = workspace.edits(log).state().live()
    return {
        name: TrackFacts(track.attributes, track.sweep_attributes)
        for name, track in tracks.items()
        if track.attributes or track.sweep_attributes
    }


def _told(given: list[Labelled], plans: list[Plan], whole: bool) -> dict[str, Any]:
    """Return what the manifest says of each log."""
    return {
        one.log_id: {
            "n_boxes": len(one.boxes),
            "n_tracks": _n_tracks(one.boxes),
            "n_sweeps": len(one.timestamps_ns),
            **({} if whole else {"files": list(planned.files)}),
        }
        for one, planned in zip(given, plans * (len(given) if whole else 1), strict=True)
    }


def _version() -> str:
    try:
        return version("perception-label")
    except PackageNotFoundError:
        return "unknown"


def _solve_what_changed(workspace: Workspace, log: Log) -> None:
    state = workspace.edits(log).state()
    if not state.tracks:
        return
    # The solver takes seconds to import.
    from perception_label.pipeline.solve import solve
    from perception_label.pipeline.unsolved import unsolved

    if unsolved(log, state):
        solve(workspace, log)


def _open(workspace: Workspace, log: Log | str) -> Log:
    return log if isinstance(log, Log) else workspace.log(log)


def _boxes(log: Log, source: str | None) -> pa.Table:
    if source != TRUTH:
        return log.dense_boxes(source)
    table = log.truth_table()
    if table is None:
        raise WorkspaceError(f"log {log.id}: expected truth that came with the log, got none")
    return table


def _n_tracks(table: pa.Table) -> int:
    ids = table.column("track_id").unify_dictionaries()
    used = [np.unique(chunk.indices.to_numpy()) for chunk in ids.chunks]
    return len(np.unique(np.concatenate(used))) if used else 0
