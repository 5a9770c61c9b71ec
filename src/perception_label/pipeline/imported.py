"""Take the boxes of any detector or tool in as one more source of a log."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.errors import MissingPosesError, SettingError, SourceError
from perception_label.export.kitti_camera import CAMERA_FROM_LIDAR
from perception_label.export.kitti_images import forward_camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.workspace import COORDINATE_FRAMES, Workspace
from perception_label.readers.kitti import camera_boxes
from perception_label.readers.predictions import Predictions, lidar_from_camera, read_predictions
from perception_label.storage.logs import Log
from perception_label.tables import labels_to_table
from perception_label.tracking.association import track_cuboids

PREFIX = "imported."  # of the machine result's name; the source of its boxes is `imported:NAME`
NEAR_NS = 5_000_000  # a box this near a sweep is of it: tools round to milliseconds


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken in, and what was left out and why."""

    log_id: str
    name: str
    n_tracks: int
    n_boxes: int
    left_out: tuple[str, ...]


def import_predictions(
    workspace: Workspace,
    path: Path,
    log: Log | str | None = None,
    *,
    format: str = "auto",
    name: str | None = None,
    coordinate_frame: str = "world",
    calibration: Path | None = None,
) -> ImportReport:
    """Read boxes of a log into the machine result `imported.NAME`.

    Parameters
    ----------
    workspace : Workspace
        Holds the log.
    path : Path
        The file; see `readers.predictions.read_predictions`.
    log : Log or str, optional
        Whose boxes they are; None takes the only one.
    format : str
        `auto` goes by the suffix.
    name : str, optional
        Of the source; None takes the file's.
    coordinate_frame : str
        `world`, or `ego` or `sensor` at each box's sweep; KITTI text is in the camera.
    calibration : Path, optional
        KITTI's calibration file; None takes the log's forward camera, or if it has none, one
        at the LiDAR that looks along its x axis.

    Raises
    ------
    SourceError
        If the file cannot be read or none of its boxes is at a sweep of the log.
    MissingPosesError
        If the log has no ego poses.

    Notes
    -----
    Boxes without tracks are linked. Points are counted. Boxes that are not finite, have no
    size or are at no sweep are left out and told.
    """
    opened = log if isinstance(log, Log) else workspace.log(log)
    called = _name(path.stem if name is None else name)
    if coordinate_frame not in COORDINATE_FRAMES:
        names = ", ".join(COORDINATE_FRAMES)
        raise SettingError(f"coordinate_frame: expected one of {names}, got {coordinate_frame!r}")
    if opened.ego_poses is None:
        raise MissingPosesError(f"log {opened.id}: expected ego poses, got none")
    given = read_predictions(path, format)
    sweeps = _sweeps(opened, given)
    sound: Mask = given.is_sound()
    known: Mask = sweeps >= 0
    left_out = [
        f"{n} boxes {why}"
        for n, why in (
            (int((~sound).sum()), "not finite or without size"),
            (int((sound & ~known).sum()), "at no sweep of the log"),
        )
        if n
    ]
    if len(sweeps) and not known.any():
        raise SourceError(f"{path}: expected boxes at sweeps of log {opened.id}, got none")
    rows = np.flatnonzero(sound & known)
    cuboids = _in_world(opened, given, rows, sweeps[rows], coordinate_frame, calibration)
    times = opened.timestamps_ns[sweeps[rows]]
    # With the source's name: ids of different sources never meet in the edit log.
    tracks = np.char.add(f"{called}:", _tracks(given, rows, cuboids, times))
    labels = Labels.from_columns(
        times, tracks, given.class_names[rows], cuboids, scores=given.scores[rows]
    )
    labels = with_counts(opened, labels, np.ones(len(labels), dtype=np.bool_))
    opened.write_machine(PREFIX + called, labels_to_table(labels, f"imported:{called}"))
    n_tracks = len(np.unique(labels.tracks))
    return ImportReport(opened.id, called, n_tracks, len(labels), tuple(left_out))


def imported_names(log: Log) -> list[str]:
    """Return the names of the sources that were imported for a log."""
    return [n.removeprefix(PREFIX) for n in log.machine_names() if n.startswith(PREFIX)]


def _name(given: str) -> str:
    called = re.sub(r"[^A-Za-z0-9._-]+", "-", given).strip("-.")
    if not called:
        raise SettingError(f"name: expected letters, digits, . _ -, got {given!r}")
    return called


def _sweeps(log: Log, given: Predictions) -> Ints:
    """Return the sweep of each box, -1 where there is none."""
    times = log.timestamps_ns
    if given.by_number:
        return np.where(given.at < len(times), given.at, -1)
    if not len(times):
        return np.full(len(given.at), -1, dtype=np.int64)
    after = np.clip(np.searchsorted(times, given.at), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times[before] - given.at) < np.abs(times[after] - given.at)
    found = np.where(nearer, before, after)
    return np.where(np.abs(times[found] - given.at) <= NEAR_NS, found, -1)


def _in_world(
    log: Log,
    given: Predictions,
    rows: Ints,
    sweeps: Ints,
    coordinate_frame: str,
    calibration: Path | None,
) -> Cuboids:
    if log.ego_poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    world_from_ego = interpolate_poses(log.ego_poses, log.timestamps_ns)[sweeps]
    world_from_sensor: Floats = world_from_ego @ log.info.ego_from_lidar
    if given.in_camera is not None:
        boxes = camera_boxes(_lidar_from_camera(log, calibration), given.in_camera[rows])
        return boxes.moved(world_from_sensor)
    boxes = given.cuboids[rows]
    if coordinate_frame == "world":
        return boxes
    return boxes.moved(world_from_ego if coordinate_frame == "ego" else world_from_sensor)


def _lidar_from_camera(log: Log, calibration: Path | None) -> Pose:
    if calibration is not None:
        return lidar_from_camera(calibration)
    camera = forward_camera(log.cameras)[1]
    if camera is None:
        return np.asarray(inverse(CAMERA_FROM_LIDAR))
    return np.asarray(inverse(log.info.ego_from_lidar) @ np.asarray(camera.ego_from_camera))


def _tracks(given: Predictions, rows: Ints, cuboids: Cuboids, times: Ints) -> NDArray[np.str_]:
    """Return the track of each box: as given, else linked; unlinked boxes stay alone."""
    if given.track_ids is not None:
        return given.track_ids[rows]
    ids = track_cuboids(cuboids, times, class_names=given.class_names[rows])
    alone = np.flatnonzero(ids < 0)
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(len(alone))
    return np.array([f"i{k:05d}" for k in ids.tolist()], dtype=str)
