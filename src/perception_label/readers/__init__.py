"""Recordings in: one module per source format, one registry.

A format module has `logs(path) -> list[str]`, the names of the logs of its format that the
path is or holds, told by content, never raising; and `open_log(path) -> Recording`, which
reads the index and, to see what is in it, at most one sweep. Adding a format means adding a
module and one line to `FORMATS`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from perception_label.errors import SettingError, SourceError
from perception_label.readers.files import listed
from perception_label.readers.recording import Recording

# In the order they are tried: the stricter a layout, the earlier.
FORMATS: dict[str, str] = {
    "pandaset": "perception_label.readers.pandaset",
    "nuscenes": "perception_label.readers.nuscenes",
    "waymo": "perception_label.readers.waymo",
    "argoverse2": "perception_label.readers.argoverse2",
    "boreas": "perception_label.readers.boreas",
    "kitti_raw": "perception_label.readers.kitti_raw",
    "kitti_tracking": "perception_label.readers.kitti_tracking",
    "kitti_object": "perception_label.readers.kitti_object",
    "bag": "perception_label.readers.bags",
    "e57": "perception_label.readers.e57",
    "folder": "perception_label.readers.folder",
}


# Formats that leave open what is what, whose `open_log` is told `topics`.
WITH_TOPICS = ("bag",)


def open_log(
    path: Path | str, format: str = "auto", topics: Mapping[str, str] | None = None
) -> Recording:
    """Open a recording; nothing but its index, and perhaps its first sweep, is read yet.

    Parameters
    ----------
    path : path
        The log's folder or file. Where a folder holds several logs, ROOT:NAME or ROOT/NAME is
        the log NAME of ROOT.
    format : str
        One of `FORMATS`, or "auto": told by content.
    topics : mapping of str, optional
        Of a bag: which topics and coordinate frames are what; see `readers.bags.choice`.

    Raises
    ------
    SettingError
        If the format is unknown; the message lists the known ones. If topics are told of a
        format without, or are not there.
    SourceError
        If the path is not there, no format knows what lies there, or it holds several logs;
        the message lists them.
    """
    path = _one_of_several(Path(path))
    if format == "auto":
        format = sniff(path)
    if format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise SettingError(f"format: expected one of auto, {known}, got {format!r}")
    module, recording = import_module(FORMATS[format]), None
    if topics and format not in WITH_TOPICS:
        raise SettingError(f"topics: expected a {' or '.join(WITH_TOPICS)}, got {path}, {format}")
    recording = module.open_log(path, topics) if topics else module.open_log(path)
    return recording  # type: ignore[no-any-return]


def sniff(path: Path) -> str:
    """Return the format whose layout the path has, by content."""
    for name, module in FORMATS.items():
        if import_module(module).logs(path):
            return name
    if not path.exists():
        names = _logs(path.parent)
        if names:
            raise SourceError(f"{path.parent}: expected a log {listed(names)}, got {path.name!r}")
        raise SourceError(f"{path}: expected a recording, got no such file or folder")
    known = ", ".join(FORMATS)
    raise SourceError(f"{path}: expected a recording in one of {known}, got none of these layouts")


def _logs(root: Path) -> list[str]:
    found = (import_module(module).logs(root) for module in FORMATS.values())
    return next((names for names in found if names), []) if root.is_dir() else []


def _one_of_several(path: Path) -> Path:
    """Return the path of a log; ROOT:NAME is the log NAME of those that ROOT holds."""
    root, colon, name = str(path).rpartition(":")
    if not path.exists() and colon and name and Path(root).exists():
        return Path(root) / name
    return path
