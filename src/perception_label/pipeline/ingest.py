"""A recording from outside becomes a log of the workspace.

Everything is written aside, under `logs/.ingest`, and put in place by one rename at the
end; a killed ingest leaves its sweeps there and the next one takes them over. Nothing
written depends on the clock, the machine or the number of workers.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perception_label import schema
from perception_label.cloud.odometry import METHODS, estimate_path
from perception_label.errors import LabelError, SettingError, SourceError, WorkspaceError
from perception_label.geometry.poses import EgoPoses, inverse
from perception_label.pipeline import intake
from perception_label.pipeline.camera_images import placed_all
from perception_label.pipeline.held_pictures import copy_pictures
from perception_label.pipeline.intake import Notes
from perception_label.pipeline.parallel import n_workers
from perception_label.pipeline.stage_sweeps import StagedSweeps, stage_sweeps
from perception_label.readers import open_log
from perception_label.readers.recording import Recording
from perception_label.storage import folders
from perception_label.storage.log_info import LogInfo
from perception_label.storage.logs import Log
from perception_label.storage.whole import (
    lock,
    remove_folder,
    sync,
    write_table,
    write_text,
)
from perception_label.tables import ego_poses_to_table, images_to_table, labels_to_table

Progress = Callable[[int, int], None]
NO_POSES = (
    "no ego poses in the source, so the world frame is unknown and nothing can be tracked in it: "
    "estimate them with --odometry kiss-icp or --odometry open3d"
)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did.

    Attributes
    ----------
    log_id, format : str
        The log, and the format it was read as.
    n_sweeps, n_points : int
        What is stored.
    left_out, warnings : tuple of str
        What of the source was not taken, and what looked wrong; one line each.
    poses_from : str
        `source`, `odometry:<method>` or `none`.
    is_new : bool
        False if the workspace had this very log already and nothing was written.
    n_resumed : int
        Sweeps taken over from an ingest that was cut off.
    chosen : mapping of str
        What was taken for what where the source leaves that open: a bag's topics.
    """

    log_id: str
    format: str
    n_sweeps: int
    n_points: int
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]
    poses_from: str
    is_new: bool
    n_resumed: int = 0
    chosen: Mapping[str, str] = field(default_factory=dict)


def ingest(
    root: Path,
    source: str | Path | Recording,
    format: str = "auto",
    *,
    topics: Mapping[str, str] | None = None,
    odometry: str | None = None,
    deskew: bool = False,
    replace: bool = False,
    workers: int | None = None,
    wait_s: float = 600.0,
    progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> IngestReport:
    """Take a recording into the workspace at `root`, which is made if it is not there.

    Parameters
    ----------
    root : Path
        The workspace.
    source : Path or Recording
        The recording: a folder or file, or one already opened.
    format : str
        Source format; `auto` looks at the content.
    topics : mapping of str, optional
        Of a bag: which topics are what, instead of what is guessed; see `readers.bags`.
    odometry : str, optional
        `open3d` or `kiss-icp`: estimate the ego poses from the points, for a source
        without. Never done unasked.
    deskew : bool
        Move each point to its sweep's instant by its own time.
    replace : bool
        Take the place of a log of the same id that came from other files.
    workers : int, optional
        Threads; one per core by default. The result does not depend on it.
    wait_s : float
        How long to wait for another process that writes the same log.
    progress, on_wait : callable, optional
        Told `(sweeps done, sweeps in all)`; told once if another process is waited for.

    Returns
    -------
    IngestReport
        What is stored, what was left out, what looked wrong.

    Raises
    ------
    SourceError
        If the recording cannot be read, or has no sweep.
    WorkspaceError
        If the workspace cannot be written, or has another log of this id.
    SettingError
        If an option is unknown or does not fit the source.
    """
    recording, base = _open(source, format, topics)
    _check(recording, odometry, deskew)
    folders.create(root)
    files = hash_files(recording, base, n_workers(workers))
    fingerprint = _fingerprint(recording, base, files, odometry, deskew)
    lock_file = root / "logs" / ".ingest" / f"{recording.log_id}.lock"
    with lock(lock_file, wait_s, on_wait):
        folders.finish_replacing(root, recording.log_id)
        if recording.log_id in folders.log_ids(root):
            present = folders.open_log(root, recording.log_id)
            if files and present.info.fingerprint == fingerprint:
                return _report(present, is_new=False)
            if dict(present.info.files) != files and not replace:
                raise WorkspaceError(
                    f"{root}: expected no log {recording.log_id!r} or one from the same files, "
                    "got one from others: ingest with --replace to have this one in its place"
                )
        job = _Job(root, recording, base, files, fingerprint, odometry, deskew)
        try:
            staged = job.write(n_workers(workers), progress)
        except LabelError:
            remove_folder(job.stage)
            raise
        folders.put_in_place(root, recording.log_id)
    return _report(folders.open_log(root, recording.log_id), True, staged.n_resumed)


@dataclass(frozen=True, slots=True)
class _Job:
    root: Path
    recording: Recording
    base: Path | None
    files: dict[str, str]
    fingerprint: str
    odometry: str | None
    deskew: bool

    @property
    def stage(self) -> Path:
        return folders.staging_folder(self.root, self.recording.log_id)

    def write(self, workers: int, progress: Progress | None) -> StagedSweeps:
        """Write the whole log aside; sweeps an earlier try left there are taken over."""
        recording, notes = self.recording, Notes()
        notes.left_out.extend(recording.left_out)
        notes.warnings.extend(recording.warnings)
        self._open_stage()
        order = intake.order_sweeps(recording.timestamps_ns, recording.log_id, notes)
        path = intake.sound_path(recording.ego_poses, recording.log_id, notes)
        self._tell_of_poses(path, notes)
        order, path = intake.within_path(order, path, notes)
        if path is None and self.odometry is not None:
            path = self._odometry(order, progress)
        origin_m = intake.local_origin(path, notes)
        path = None if path is None else intake.shift_path(path, origin_m)
        staged = stage_sweeps(
            self.stage / "sweeps",
            recording,
            order,
            intake.beyond_ends(path, order) if self.deskew and path else None,
            workers,
            progress,
        )
        notes.left_out.extend(staged.left_out)
        notes.warnings.extend(staged.warnings)
        self._write_small(path, origin_m, notes)
        info = self._info(path, origin_m, order, staged, notes)
        write_text(self.stage / "log.json", info.to_json())
        (self.stage / ".fingerprint").unlink()
        sync(self.stage)
        return staged

    def _tell_of_poses(self, path: EgoPoses | None, notes: Notes) -> None:
        if path is not None:
            return
        # A reader may have said so already, in words that no longer hold with odometry.
        notes.warnings[:] = [text for text in notes.warnings if "--odometry" not in text]
        if self.odometry is None:
            notes.warnings.append(NO_POSES)
        else:
            notes.warnings.append(
                f"ego poses estimated from the points ({self.odometry}): drift is not corrected"
            )

    def _open_stage(self) -> None:
        mark = self.stage / ".fingerprint"
        is_ours = mark.exists() and mark.read_text(encoding="utf-8") == self.fingerprint
        # Without source files nothing says that a cut-off ingest was of the same recording.
        if not (is_ours and self.files):
            remove_folder(self.stage)
            write_text(mark, self.fingerprint)

    def _odometry(self, order: intake.SweepOrder, progress: Progress | None) -> EgoPoses:
        """Return the ego's path, told by the points; the world is the first ego frame."""
        recording = self.recording
        sensor = estimate_path(
            lambda k: intake.read_sweep(recording, int(order.rows[k])),
            order.timestamps_ns,
            str(self.odometry),
            is_deskewed=recording.is_deskewed is True,
            progress=progress,
        )
        mount = np.asarray(recording.ego_from_lidar, dtype=np.float64)
        return EgoPoses(sensor.timestamps_ns, mount @ sensor.world_from_ego @ inverse(mount))

    def _write_small(
        self, path: EgoPoses | None, origin_m: tuple[float, float, float], notes: Notes
    ) -> None:
        recording = self.recording
        if path is not None:
            write_table(self.stage / "ego_poses.arrow", ego_poses_to_table(path))
        if recording.truth is not None and path is not None and self.odometry is None:
            truth = intake.shift_labels(recording.truth, origin_m)
            table = labels_to_table(truth, f"imported:{recording.format}")
            write_table(self.stage / "truth.arrow", table)
        elif recording.truth is not None:
            notes.left_out.append(
                f"{len(recording.truth)} labelled boxes: without the source's ego poses nobody "
                "knows their world frame"
            )
        cameras = placed_all(dict(recording.images), notes.warnings, notes.left_out)
        for name, images in cameras.items():
            below = {path: _below(path, self.base) for path in set(images.paths)}
            paths = [below[path] for path in images.paths]
            table = images_to_table(images.timestamps_ns, paths, images.presentation_ns)
            write_table(self.stage / "images" / f"{name}.arrow", table)
        for name, held in recording.pictures.items():
            copy_pictures(self.stage, name, held, notes)

    def _info(
        self,
        path: EgoPoses | None,
        origin_m: tuple[float, float, float],
        order: intake.SweepOrder,
        staged: StagedSweeps,
        notes: Notes,
    ) -> LogInfo:
        recording, theirs = self.recording, self.recording.origin_m
        x, y, z = origin_m
        told = {True: "source", False: "no", None: "unknown"}[recording.is_deskewed]
        from_odometry = f"odometry:{self.odometry}" if self.odometry else "source"
        return LogInfo(
            log_id=recording.log_id,
            format=recording.format,
            lidar=recording.lidar,
            fingerprint=self.fingerprint,
            source="" if self.base is None else self.base.as_posix(),
            files=self.files,
            ego_from_lidar=np.asarray(recording.ego_from_lidar, dtype=np.float64),
            cameras=recording.cameras,
            channels=staged.channels,
            poses_from="none" if path is None else from_odometry,
            deskewed="ingest" if self.deskew else told,
            # Of ours and of the reader's, which may have taken one off already.
            origin_m=(theirs[0] + x, theirs[1] + y, theirs[2] + z),
            truth_view_rad=recording.truth_view_rad,
            n_out_of_order=order.n_out_of_order,
            n_duplicates=order.n_duplicates,
            left_out=tuple(notes.left_out),
            warnings=tuple(notes.warnings),
            chosen=dict(recording.chosen),
        )


def hash_files(recording: Recording, base: Path | None, workers: int) -> dict[str, str]:
    """Return the sha256 of each source file, by its path below the source, sorted."""
    with ThreadPoolExecutor(workers) as pool:
        hashes = pool.map(_sha256, recording.files)
        found = {_below(p, base): h for p, h in zip(recording.files, hashes, strict=True)}
    return dict(sorted(found.items()))


def _open(
    source: str | Path | Recording, format: str, topics: Mapping[str, str] | None
) -> tuple[Recording, Path | None]:
    if isinstance(source, Recording):
        return source, None
    path = Path(source).expanduser().absolute()
    recording = open_log(path, format, topics)
    if not path.exists():  # ROOT:NAME or ROOT/NAME, one of several logs
        root = Path(str(path).rpartition(":")[0])
        path = root if root.is_absolute() else path.parent
    return recording, path if path.is_dir() else path.parent


def _check(recording: Recording, odometry: str | None, deskew: bool) -> None:
    if not len(recording.timestamps_ns):
        raise SourceError(f"{recording.log_id}: expected at least one sweep, got none")
    if deskew and odometry is None and recording.ego_poses is None:
        raise SettingError(
            f"deskew: expected ego poses, got {recording.log_id} without: add --odometry"
        )
    names = [("log id", recording.log_id), ("lidar", recording.lidar)]
    for what, name in [*names, *(("camera", c) for c in (*recording.images, *recording.pictures))]:
        if not folders.is_name(name):
            raise SourceError(f"{what}: expected letters, digits and . _ + = @ -, got {name!r}")
    if odometry is not None and odometry not in METHODS:
        raise SettingError(f"odometry: expected one of {', '.join(METHODS)}, got {odometry!r}")
    if odometry is not None and recording.ego_poses is not None and len(recording.ego_poses):
        raise SettingError(
            f"odometry: expected a source without ego poses, got {recording.log_id} with "
            f"{len(recording.ego_poses)}"
        )
    if deskew and recording.is_deskewed:
        raise SettingError(
            f"deskew: expected points as the sensor took them, got {recording.log_id} whose "
            "source has already moved each point to its sweep's instant"
        )


def _fingerprint(
    recording: Recording,
    base: Path | None,
    files: dict[str, str],
    odometry: str | None,
    deskew: bool,
) -> str:
    decides = {
        "version": schema.VERSION,
        "format": recording.format,
        "log_id": recording.log_id,
        "source": None if base is None else base.as_posix(),
        "files": files,
        "odometry": odometry,
        "deskew": deskew,
        # Logs of formats that leave nothing open keep the sum they had.
        **({"chosen": dict(recording.chosen)} if recording.chosen else {}),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path}: expected a readable file, got: {error}") from None


def _below(path: Path, base: Path | None) -> str:
    full = path.expanduser().absolute()
    if base is None:
        return full.as_posix()
    return Path(os.path.relpath(full, base)).as_posix()


def _report(log: Log, is_new: bool, n_resumed: int = 0) -> IngestReport:
    info = log.info
    return IngestReport(
        log_id=info.log_id,
        format=info.format,
        n_sweeps=len(log.sweeps),
        n_points=int(log.n_points.sum()),
        left_out=info.left_out,
        warnings=info.warnings,
        poses_from=info.poses_from,
        is_new=is_new,
        n_resumed=n_resumed,
        chosen=info.chosen,
    )
