"""Which format labels are of, by name and content; nothing is parsed, and nothing raises."""

import json
from pathlib import Path

SUFFIXES = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".feather": "argoverse2",
    ".mcap": "mcap",
}
MANIFEST = "perception-label-export.json"  # of our own exports
# What only a folder of that format has.
FOLDERS = (
    ("training/label_2", "kitti-object"),
    ("label_2", "kitti-object"),
    ("tracklet_labels.xml", "kitti-raw"),
    ("annotations.feather", "argoverse2"),
    ("meta.json", "supervisely"),
    ("tasks.json", "label-studio"),
)
LOOKED_AT = 65_536  # bytes at each end of a file


def told(path: Path) -> str | None:
    """Return the format of a file or folder, None if neither name nor content tells it.

    Parameters
    ----------
    path : Path
        A file, or the folder that the format is; one that we exported says so itself.
    """
    try:
        if path.is_dir():
            return _of_folder(path)
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            return SUFFIXES[suffix]
        return _of_content(path, suffix) if suffix in (".json", ".xml", ".txt") else None
    except OSError:
        return None


def _of_folder(path: Path) -> str | None:
    try:
        said = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(said, dict) and isinstance(said.get("format"), str):
            return str(said["format"])
    except (OSError, ValueError, RecursionError):
        pass
    if (path.name, path.is_dir()) == ("label_2", True):
        return "kitti-object"
    return next((name for place, name in FOLDERS if (path / place).exists()), None)


def _of_content(path: Path, suffix: str) -> str | None:
    head, tail = _ends(path)
    both = head + tail
    if suffix == ".xml":
        if b"<boost_serialization" in head:
            return "kitti-raw"
        return "cvat" if b"<annotations" in head else None
    if suffix == ".txt":
        return "mot" if b"," in head.split(b"\n", 1)[0] else "kitti-tracking"
    if b'"openlabel"' in head:
        return "openlabel"
    for keys, name in (
        ((b'"results"', b'"meta"', b'"sample_token"'), "nuscenes"),
        ((b'"items"', b'"categories"'), "datumaro"),
        ((b'"images"', b'"categories"'), "coco"),
        ((b'"annotations"', b'"result"'), "label-studio"),
    ):
        if all(key in both for key in keys):
            return name
    return None


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as source:
        head = source.read(LOOKED_AT)
        size = source.seek(0, 2)
        source.seek(max(size - LOOKED_AT, len(head)))
        return head, source.read(LOOKED_AT)
