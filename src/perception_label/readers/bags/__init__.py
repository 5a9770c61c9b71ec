"""Bags of messages: ROS 1 (`.bag`), ROS 2 (`.db3`, `.mcap`, or the folder of them), and MCAP.

Clouds are PointCloud2 or foxglove.PointCloud; a sweep's instant is its header's stamp. Pictures
are Image, CompressedImage, foxglove.RawImage or foxglove.CompressedImage, with CameraInfo or
CameraCalibration; they are copied out of the bag. Ego poses come from the tree of transforms, or
from odometry. Which topics these are is guessed, told, and may be said: see `choice`.
Conventions are those of REP 103 and 105: the ego frame x ahead, y left, z up; a camera's optical
frame x right, y down, z ahead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from perception_label.arrays import Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import LabelError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.bags import decode
from perception_label.readers.bags.choice import Choice, choose
from perception_label.readers.bags.contents import camera_of, cloud_of, picture_of
from perception_label.readers.bags.coordinate_tree import Tree, grown
from perception_label.readers.bags.db3 import Db3File
from perception_label.readers.bags.mcap import MAGIC as MCAP_MAGIC
from perception_label.readers.bags.mcap import McapFile
from perception_label.readers.bags.packed import Message, Messages
from perception_label.readers.bags.ros1 import MAGIC as ROS1_MAGIC
from perception_label.readers.bags.ros1 import Ros1File
from perception_label.readers.bags.survey import Survey, Topic, survey
from perception_label.readers.files import read_bytes, refuse
from perception_label.readers.logs import only_log, time_warnings
from perception_label.readers.recording import Pictures, Recording
from perception_label.readers.several_lidars import Lidar, merge_lidars

SUFFIXES = (".bag", ".db3", ".mcap", ".active")
_MAGIC = {ROS1_MAGIC: "ros1", MCAP_MAGIC: "mcap", b"SQLite format 3\0": "db3"}
_FILES = {"ros1": Ros1File, "mcap": McapFile, "db3": Db3File}
METADATA = "metadata.yaml"


def logs(path: Path) -> list[str]:
    """Return the names of the bags that the path is or holds."""
    return [p.name for p in _logs(path)]


def open_log(path: Path, topics: Mapping[str, str] | None = None) -> Recording:
    """Open a bag: it is walked through once, and nothing but small messages is kept.

    Parameters
    ----------
    path : Path
        A file, a folder of a ROS 2 bag, or a folder that holds one of these.
    topics : mapping of str, optional
        What is to be taken instead of what is guessed: see `choice`.

    Raises
    ------
    SourceError
        If it is no bag, has no cloud, or a file is damaged beyond what can be kept.
    SettingError
        If a topic that is asked for is not there.
    """
    root = only_log(path, _logs(path), "bag")
    kind, files = _files(root)
    found = survey(files)
    tree, strange = grown(s for t in found.of(decode.TRANSFORMS) for s in t.steps)
    choice = choose(root, found, tree, topics or {})
    path_told = _path(found, tree, choice)
    mounts, warnings = _mounts(tree, choice)
    lidars = [
        _lidar(topic, files, mount, len(mounts) == 1)
        for topic, mount in zip(choice.lidars, mounts, strict=True)
    ]
    source, unused, merged = merge_lidars(lidars, path_told)
    warnings = [
        *found.remarks,
        *strange,
        *time_warnings(_stamps(choice.lidars[0])),
        *warnings,
        *merged,
    ]
    cameras, pictures, notes = _cameras(files, tree, choice)
    return Recording(
        log_id=_log_id(root),
        format=kind,
        lidar="lidar",
        timestamps_ns=lidars[0].timestamps_ns,
        ego_from_lidar=mounts[0],
        source=source,
        ego_poses=path_told,
        cameras=cameras,
        pictures=pictures,
        files=[file.path for file in files],
        left_out=[*_left_out(found, choice), *unused],
        warnings=[*warnings, *notes],
        chosen=choice.told(),
    )


@dataclass(frozen=True, slots=True)
class BagSweeps:
    """Reads sweep i of a bag."""

    files: tuple[Messages, ...]
    topic: Topic
    rows: Ints  # of the topic's messages

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the sensor frame."""
        row = int(self.rows[i])
        file, message = _message(self.files, self.topic, row)
        return cloud_of(file.path, message).sweep(self.topic.stamps_ns[row])


@dataclass(frozen=True, slots=True)
class BagPictures:
    """Reads picture i of a bag's camera, as the bytes of a picture file."""

    files: tuple[Messages, ...]
    topic: Topic
    rows: Ints

    def __call__(self, i: int) -> bytes:
        """Return picture i."""
        file, message = _message(self.files, self.topic, int(self.rows[i]))
        return picture_of(file.path, message)


def _message(files: Sequence[Messages], topic: Topic, i: int) -> tuple[Messages, Message]:
    number, place = topic.places[i]
    data = files[number].read(place)
    return files[number], Message(topic.name, topic.kind, topic.encoding, 0, place, data)


def _logs(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if _kind(path) else []
    if not path.is_dir():
        return []
    if (path / METADATA).is_file() and _stored(path):
        return [path]
    inside = sorted(path.iterdir())
    bags = [p for p in inside if p.is_dir() and (p / METADATA).is_file() and _stored(p)]
    return bags or [p for p in inside if p.is_file() and _kind(p)]


def _kind(path: Path) -> str:
    """Return which kind of bag a file is, by its suffix and its first bytes, or ""."""
    if path.suffix.lower() not in SUFFIXES:
        return ""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return ""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")


def _stored(folder: Path) -> dict[str, Any]:
    """Return what a ROS 2 bag's `metadata.yaml` says, or nothing if it is none."""
    import yaml

    try:
        # The same safe loader in C, where it was built: ten times as fast.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data = yaml.load(read_bytes(folder / METADATA, 16 << 20), loader)
        facts = data["rosbag2_bagfile_information"]
        names = [PurePath(str(p)).name for p in facts["relative_file_paths"]]
        return {**facts, "names": names} if names else {}
    except (LabelError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError):
        return {}


def _files(root: Path) -> tuple[str, list[Messages]]:
    """Return the kind of a bag and its files, in the order they were recorded."""
    packing, paths = "", [root]
    if root.is_dir():
        facts = _stored(root)
        paths = [root / name for name in facts["names"]]
        mode = str(facts.get("compression_mode") or "").lower()
        if mode == "file" or any(p.suffix == ".zstd" for p in paths):
            raise refuse(root, "files that are not packed whole", "a bag packed by file: unzstd it")
        packing = str(facts.get("compression_format") or "") if mode == "message" else ""
    missing = [p.name for p in paths if not p.is_file()]
    if missing:
        raise refuse(root, f"the file {missing[0]} its metadata names", "none")
    kinds = {_kind(p) for p in paths}
    if len(kinds) != 1 or not (kind := kinds.pop()):
        raise refuse(root, "files of one kind of bag", "others")
    if kind == "db3":
        return "ros2", [Db3File(p, packing) for p in paths]
    return kind, [_FILES[kind](p) for p in paths]


def _log_id(root: Path) -> str:
    name = root.name if root.is_dir() else root.name.removesuffix(".active").rpartition(".")[0]
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)


def _path(found: Survey, tree: Tree, choice: Choice) -> EgoPoses | None:
    if choice.poses == "tf":
        return tree.path(choice.world, choice.ego)
    if not choice.poses:
        return None
    steps = {s.stamp_ns: s for s in reversed(found.topics[choice.poses].steps)}
    times = np.array(sorted(steps), dtype=np.int64)
    poses = np.array([steps[t].parent_from_child for t in times.tolist()])
    child = next(iter(steps.values())).child
    moved = tree.mount(child, choice.ego) if child and child != choice.ego else None
    return EgoPoses(times, poses if moved is None else poses @ moved)


def _stamps(topic: Topic) -> Ints:
    return np.array(topic.stamps_ns, dtype=np.int64)


def _lidar(topic: Topic, files: Sequence[Messages], mount: Pose, is_one: bool) -> Lidar:
    """Return how a topic's clouds are read: as they were stored, or, to be merged, by time."""
    times, rows = _stamps(topic), np.arange(len(topic.stamps_ns))
    if not is_one:
        times, rows = np.unique(times, return_index=True)
    return Lidar(topic.name, times, mount, BagSweeps(tuple(files), topic, rows))


def _mounts(tree: Tree, choice: Choice) -> tuple[list[Pose], list[str]]:
    """Return where each LiDAR sits, and for which of them nobody tells."""
    mounts, warnings = [], []
    for topic in choice.lidars:
        mount = tree.mount(choice.ego, topic.coordinate_frame)
        if mount is None:
            warnings.append(
                f"no transform from {choice.ego or 'the ego'} to "
                f"{topic.coordinate_frame or 'the LiDAR'}: the LiDAR is taken to be the ego"
            )
        mounts.append(np.eye(4) if mount is None else mount)
    return mounts, warnings


def _cameras(
    files: Sequence[Messages], tree: Tree, choice: Choice
) -> tuple[dict[str, Camera], dict[str, Pictures], list[str]]:
    cameras, pictures, notes = {}, {}, []
    for name, (topic, calibration) in choice.cameras.items():
        stamps, rows = np.unique(np.array(topic.stamps_ns, dtype=np.int64), return_index=True)
        if len(stamps) < len(topic.stamps_ns):
            n_same = len(topic.stamps_ns) - len(stamps)
            notes.append(f"camera {name}: {n_same} pictures of a time another has already")
        pictures[name] = Pictures(stamps, BagPictures(tuple(files), topic, rows))
        first = calibration.first if calibration else None
        if first is None:
            notes.append(f"camera {name}: no calibration ({topic.name})")
            continue
        seen_from = topic.coordinate_frame or (calibration.coordinate_frame if calibration else "")
        mount = tree.mount(choice.ego, seen_from)
        if mount is None:
            notes.append(f"camera {name}: no transform from {choice.ego} to {seen_from or '?'}")
            continue
        try:
            cameras[name] = camera_of(first, mount, "rect" in topic.name.lower())
        except ValueError as error:
            notes.append(f"camera {name}: calibration not taken: {error}")
    return cameras, pictures, notes


def _left_out(found: Survey, choice: Choice) -> list[str]:
    taken = {*(topic.name for topic in choice.lidars), choice.poses}
    taken |= {t.name for pair in choice.cameras.values() for t in pair if t is not None}
    taken |= {t.name for t in found.topics.values() if t.kind in decode.TRANSFORMS and t.is_read}
    return [
        f"topic {t.name}: {t.n_messages} messages of {t.kind or 'no kind'} ({t.encoding})"
        for t in found.topics.values()
        if t.name not in taken
    ]
