"""Recordings in: one module per source format, one registry.

A format module has `sniff(path) -> bool`, which looks at content and never raises, and
`open_log(path) -> Recording`, which reads the index and no sweep. Adding a format means
adding a module and one line to `FORMATS`.
"""

from importlib import import_module
from pathlib import Path

from perception_label.errors import SettingError, SourceError
from perception_label.readers.recording import Recording

# In the order they are tried: the stricter a layout, the earlier.
FORMATS: dict[str, str] = {
    "pandaset": "perception_label.readers.pandaset",
}


def open_log(path: Path, format: str = "auto") -> Recording:
    """Open a recording; nothing but its index is read yet.

    Raises
    ------
    SettingError
        If the format is unknown; the message lists the known ones.
    SourceError
        If the path is not there, or no format knows what lies there.
    """
    path = _one_of_several(Path(path))
    if format == "auto":
        format = sniff(path)
    if format not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise SettingError(f"format: expected one of auto, {known}, got {format!r}")
    recording: Recording = import_module(FORMATS[format]).open_log(path)
    return recording


def _one_of_several(path: Path) -> Path:
    """Return the path of a log; ROOT:NAME is the log NAME of those that ROOT holds."""
    if path.exists():
        return path
    root, colon, name = str(path).rpartition(":")
    if colon and name and Path(root).exists():
        return Path(root) / name
    if path.parent.is_dir():  # ROOT/NAME, where a layout has no folder for each log
        return path
    raise SourceError(f"{path}: expected a recording, got no such file or folder")


def sniff(path: Path) -> str:
    """Return the format whose layout the path has, by content."""
    for name, module in FORMATS.items():
        if import_module(module).sniff(path):
            return name
    known = ", ".join(FORMATS)
    raise SourceError(f"{path}: expected a recording in one of {known}, got none of these layouts")
