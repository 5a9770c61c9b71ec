"""2-D labels of a video from files: one module per format, one registry.

A format module has `read(path) -> ImageLabelFile`. Adding a format means adding a module and
one line to `FORMATS`, and to `format_of` how to tell it.
"""

from importlib import import_module
from pathlib import Path

from perception_label.errors import SettingError
from perception_label.readers.files import read_bytes, refuse
from perception_label.readers.image_labels.file import ImageLabelFile

__all__ = ["FORMATS", "ImageLabelFile", "format_of", "read_image_labels"]

_HERE = "perception_label.readers.image_labels"
FORMATS: dict[str, str] = {
    "csv": f"{_HERE}.columns",
    "jsonl": f"{_HERE}.columns",
    "parquet": f"{_HERE}.columns",
    "json": f"{_HERE}.plain_json",
    "coco": f"{_HERE}.coco",
    "mot": f"{_HERE}.mot",
    "cvat": f"{_HERE}.cvat",
    "pets": f"{_HERE}.pets",
}
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".txt": "mot"}
_LIMIT_BYTES = 512 << 20  # a day of boxes is less


def read_image_labels(path: Path, format: str = "auto") -> ImageLabelFile:
    """Read 2-D labels of a video or an image folder.

    Parameters
    ----------
    path : Path
        The file.
    format : str
        One of `FORMATS`, or `auto`: by suffix and content.

    Raises
    ------
    SettingError
        If the format is unknown.
    SourceError
        If the file cannot be read or is not of that format.
    """
    found = format_of(path, format)
    read: ImageLabelFile = import_module(FORMATS[found]).read(path)
    return read


def format_of(path: Path, format: str = "auto") -> str:
    """Return the format of a file: as asked for, or by suffix and first bytes.

    Raises
    ------
    SettingError, SourceError
        If it is none of `FORMATS`.
    """
    if format != "auto":
        if format not in FORMATS:
            raise SettingError(
                f"format: expected one of auto, {', '.join(FORMATS)}, got {format!r}"
            )
        return format
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix not in (".csv", ".json", ".xml"):
        raise refuse(
            path, "a file of .csv, .jsonl, .json, .parquet, .txt or .xml", suffix or "none"
        )
    begin = read_bytes(path, _LIMIT_BYTES)
    if suffix == ".csv":
        first = begin[:1000].decode("utf-8-sig", "replace").split("\n")[0]
        return "mot" if _is_number(first.split(",")[0]) else "csv"
    if suffix == ".json":
        return "coco" if b'"annotations"' in begin and b'"images"' in begin else "json"
    return "cvat" if b"<annotations" in begin[:4000] else "pets"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
