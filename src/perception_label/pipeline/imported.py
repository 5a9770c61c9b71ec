"""Take the labels of any tool or detector in: as one more source of a log, or as edits."""

import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perception_label import schema
from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import MissingPosesError, SettingError, SourceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses
from perception_label.pipeline.class_mapping import own_classes
from perception_label.pipeline.import_evidence import misread
from perception_label.pipeline.imported_edits import Attributed, track_edits
from perception_label.pipeline.imported_images import image_edits, placed_images, store_images
from perception_label.pipeline.score import with_counts
from perception_label.pipeline.workspace import Workspace
from perception_label.readers.labels import Facts, Given, format_of, read_labels
from perception_label.readers.labels.given import COORDINATE_FRAMES
from perception_label.storage.logs import Log
from perception_label.tables import labels_to_table
from perception_label.tracking.association import track_cuboids

PREFIX = "imported."  # of the machine result's name; the source of its boxes is `imported:NAME`
NEAR_NS = 5_000_000  # a box this near a sweep is of it: tools round to milliseconds
WAYS = ("source", "edits")
TABLES = ("parquet", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was taken in, and what was left out and why.

    `n_edits` counts the edits that are new to the log; an import that was there already has 0.
    `warnings` say what looks wrong: boxes that would hold more points if read another way.
    """

    log_id: str
    name: str
    n_tracks: int
    n_boxes: int
    left_out: tuple[str, ...]
    n_image_labels: int = 0
    n_edits: int = 0
    warnings: tuple[str, ...] = ()


def import_labels(
    workspace: Workspace,
    path: Path,
    log: Log | str | None = None,
    *,
    format: str = "auto",
    name: str | None = None,
    way: str = "source",
    classes: Path | None = None,
    coordinate_frame: str | None = None,
    calibration: Path | None = None,
    columns: Path | None = None,
    camera: str | None = None,
) -> ImportReport:
    """Read labels of a log: boxes into the machine result `imported.NAME`, or into the edit log.

    Parameters
    ----------
    workspace : Workspace
        Holds the log.
    path : Path
        The file or folder; see `readers.labels.FORMATS`.
    log : Log or str, optional
        Whose labels they are; None takes the only one.
    format : str
        `auto` goes by the suffix.
    name : str, optional
        Of the source; None takes the file's.
    way : {"source", "edits"}
        One more source beside the labels; or tracks and keyframes of the edit log, where boxes
        that the file calls worked out are left to `solve`, and where it does not tell, every
        few become hints. The same file makes the same edits: twice is once.
    classes : Path, optional
        YAML that says which of our classes each class of the file is, null to leave it out.
    coordinate_frame : str, optional
        `world`, `source`, `ego` or `sensor` at each box's sweep, for formats that do not say.
    calibration : Path, optional
        KITTI's calibration file; None takes the one beside the labels, else the log's forward
        camera, or if it has none, one at the LiDAR that looks along its x axis.
    columns : Path, optional
        YAML that says which columns of a table are ours, and in what unit, for Parquet, CSV and
        JSON Lines; see `readers.labels.column_mapping`.
    camera : str, optional
        Whose images 2-D labels are on; None takes the log's only camera.

    Raises
    ------
    SourceError
        If the file cannot be read, none of its boxes is at a sweep of the log, a track has two
        boxes at one sweep, or a class is unknown; the message shows what to write for it.
    SettingError
        If a name, way or coordinate frame is unknown.
    MissingPosesError
        If the log has no ego poses.
    EditError
        If the edit log refuses, as it does where another track has the id.

    Notes
    -----
    Boxes without tracks are linked. Points are counted. Boxes that are not finite, have no
    size or are at no sweep are left out and told.
    """
    opened = log if isinstance(log, Log) else workspace.log(log)
    called = _name(path.stem if name is None else name)
    if way not in WAYS:
        raise SettingError(f"as: expected one of {', '.join(WAYS)}, got {way!r}")
    if coordinate_frame is not None and coordinate_frame not in COORDINATE_FRAMES:
        names = ", ".join(COORDINATE_FRAMES)
        raise SettingError(f"coordinate_frame: expected one of {names}, got {coordinate_frame!r}")
    kind = format_of(path, format)
    if columns is not None and kind not in TABLES:
        raise SettingError(f"columns: expected a format of {', '.join(TABLES)}, got {kind}")
    facts = replace(
        facts_of(opened),
        coordinate_frame=coordinate_frame,
        calibration=calibration,
        columns=columns,
        camera=camera,
    )
    given = read_labels(path, kind, facts)
    known = workspace.edits(opened).ontology.classes
    given, dropped = own_classes(path, given, kind, known, classes)
    labels, keyed, left_out, warnings = _placed(path, opened, given, called)
    images = placed_images(opened, given, called, camera)
    left_out = (*given.left_out, *dropped, *left_out)
    n_edits = 0
    if way == "edits":
        told = Attributed(given.attributes, _at_times(opened, given), called)
        log_edits = workspace.edits(opened)
        edits, lines = track_edits(opened, labels, keyed, told, log_edits.ontology)
        made = {edit.track_id for edit in edits}
        on_images, more = image_edits(images, called, made)
        outcomes = log_edits.append([*edits, *on_images])
        n_edits = sum(outcome.status == "appended" for outcome in outcomes)
        left_out += (*lines, *more)
    else:
        _store(opened, labels, keyed, called, bool(images))
        if images:
            store_images(opened, images, called)
    n_tracks = len(np.unique(labels.tracks))
    n_flat = sum(map(len, images.values()))
    return ImportReport(
        opened.id, called, n_tracks, len(labels), left_out, n_flat, n_edits, warnings
    )


def imported_names(log: Log) -> list[str]:
    """Return the names of the sources that were imported for a log."""
    return [n.removeprefix(PREFIX) for n in log.machine_names() if n.startswith(PREFIX)]


def facts_of(log: Log) -> Facts:
    """Return what a reader of labels may need to know of a log."""
    return Facts(
        log_id=log.id,
        timestamps_ns=log.timestamps_ns,
        ego_poses=log.ego_poses,
        ego_from_lidar=log.info.ego_from_lidar,
        cameras=log.cameras,
        image_timestamps_ns=log.image_timestamps_ns,
        image_names={
            name: tuple(path.name for path in images.paths) for name, images in log.images.items()
        },
        origin_m=log.info.origin_m,
    )


def _store(log: Log, labels: Labels, keyed: Mask | None, called: str, has_images: bool) -> None:
    if has_images and not len(labels):
        return
    labels = with_counts(log, labels, np.ones(len(labels), dtype=np.bool_))
    source = f"imported:{called}"
    sources = source if keyed is None else np.where(keyed, source + schema.KEY, source).tolist()
    log.write_machine(PREFIX + called, labels_to_table(labels, sources))


def _placed(
    path: Path, log: Log, given: Given, called: str
) -> tuple[Labels, Mask | None, tuple[str, ...], tuple[str, ...]]:
    """Return the boxes in the world, which are keyframes, what is left out and what is odd."""
    if len(given.cuboids) and log.ego_poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    sweeps = _sweeps(log, given.at, given.by_number)
    sound, known = given.is_sound(), sweeps >= 0
    left_out = tuple(
        f"{n} boxes {why}"
        for n, why in (
            (int((~sound).sum()), "not finite or without size"),
            (int((sound & ~known).sum()), "at no sweep of the log"),
        )
        if n
    )
    if len(sweeps) and not known.any():
        raise SourceError(f"{path}: expected boxes at sweeps of log {log.id}, got none")
    rows = np.flatnonzero(sound & known)
    cuboids = _in_world(log, given, rows, sweeps[rows])
    times = log.timestamps_ns[sweeps[rows]]
    # With the source's name: ids of different sources never meet in the edit log.
    tracks = np.char.add(f"{called}:", _tracks(given, rows, cuboids, times).astype(str))
    _check_once(path, tracks, sweeps[rows])
    labels = Labels.from_columns(
        times, tracks, given.class_names[rows], cuboids, scores=given.scores[rows]
    )
    keyed = None if given.is_key is None else given.is_key[rows]
    odd = misread(log, given, rows, sweeps[rows], partial(_in_world, log))
    return labels, keyed, left_out, odd


def _check_once(path: Path, tracks: NDArray[np.str_], sweeps: Ints) -> None:
    order = np.lexsort((sweeps, tracks))
    twice = (tracks[order][1:] == tracks[order][:-1]) & (np.diff(sweeps[order]) == 0)
    if twice.any():
        row = order[int(np.flatnonzero(twice)[0])]
        track = str(tracks[row]).partition(":")[2]
        raise SourceError(
            f"{path}: expected one box of track {track!r} at sweep {sweeps[row]}, got several: "
            "are ids used twice?"
        )


def _name(given: str) -> str:
    called = re.sub(r"[^A-Za-z0-9._-]+", "-", given).strip("-.")
    if not called:
        raise SettingError(f"name: expected letters, digits, . _ -, got {given!r}")
    return called


def _sweeps(log: Log, at: Ints, by_number: bool) -> Ints:
    """Return the sweep of each instant, -1 where there is none."""
    times = log.timestamps_ns
    if by_number:
        return np.where((at >= 0) & (at < len(times)), at, -1)
    if not len(times):
        return np.full(len(at), -1, dtype=np.int64)
    after = np.clip(np.searchsorted(times, at), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times[before] - at) < np.abs(times[after] - at)
    found = np.where(nearer, before, after)
    return np.where(np.abs(times[found] - at) <= NEAR_NS, found, -1)


def _at_times(log: Log, given: Given) -> dict[str, dict[str, dict[int, object]]]:
    """Return the attributes that hold from an instant on, each at a sweep of the log."""
    found: dict[str, dict[str, dict[int, object]]] = {}
    for track, by_name in given.sweep_attributes.items():
        for name, values in by_name.items():
            sweeps = _sweeps(log, np.array(list(values), dtype=np.int64), given.by_number)
            found.setdefault(track, {})[name] = {
                int(log.timestamps_ns[sweep]): value
                for sweep, value in zip(sweeps.tolist(), values.values(), strict=True)
                if sweep >= 0
            }
    return found


def _in_world(log: Log, given: Given, rows: Ints, sweeps: Ints) -> Cuboids:
    boxes = given.cuboids[rows]
    if given.coordinate_frame == "world" or log.ego_poses is None:
        return boxes
    if given.coordinate_frame == "source":
        return Cuboids(boxes.center_m - log.info.origin_m, boxes.size_m, boxes.yaw_rad)
    world_from_ego = interpolate_poses(log.ego_poses, log.timestamps_ns)[sweeps]
    world_from_sensor: Floats = world_from_ego @ log.info.ego_from_lidar
    return boxes.moved(world_from_ego if given.coordinate_frame == "ego" else world_from_sensor)


def _tracks(given: Given, rows: Ints, cuboids: Cuboids, times: Ints) -> NDArray[np.object_]:
    """Return the track of each box: as given, else linked; unlinked boxes stay alone."""
    if given.track_ids is not None:
        return given.track_ids[rows]
    ids = track_cuboids(cuboids, times, class_names=given.class_names[rows].astype(str))
    alone = np.flatnonzero(ids < 0)
    ids[alone] = ids.max(initial=-1) + 1 + np.arange(len(alone))
    return texts([f"i{k:05d}" for k in ids.tolist()])
