"""Labels in: boxes that a person, a tool or a detector made for a log, one module per format.

A format module has `read(path, facts) -> Given`, and may have `CLASSES`, its own class names
(lower case) in our words. Adding a format means adding a module, one line to `FORMATS`, and to
`telling` how to tell it. Nothing here knows a workspace: `pipeline.imported` places
what was read in the log's sweeps and its world.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from perception_label.readers.files import refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.telling import told

__all__ = ["FORMATS", "Facts", "Given", "class_names_of", "format_of", "read_labels"]

_HERE = "perception_label.readers.labels"
FORMATS: dict[str, str] = {
    "parquet": f"{_HERE}.columns",
    "csv": f"{_HERE}.columns",
    "jsonl": f"{_HERE}.columns",
    "kitti-tracking": f"{_HERE}.kitti_tracking",
    "kitti-object": f"{_HERE}.kitti_object",
    "coco": f"{_HERE}.coco",
    "cvat": f"{_HERE}.cvat",
    "mot": f"{_HERE}.mot",
    "mcap": f"{_HERE}.mcap",
    "supervisely": f"{_HERE}.supervisely",
    "sustech": f"{_HERE}.sustech",
    "xtreme1": f"{_HERE}.xtreme1",
    "datumaro": f"{_HERE}.datumaro",
    "label-studio": f"{_HERE}.label_studio",
    "kitti-raw": f"{_HERE}.kitti_raw",
    "nuscenes": f"{_HERE}.nuscenes",
    "argoverse2": f"{_HERE}.argoverse2",
    "waymo": f"{_HERE}.waymo",
    "openlabel": f"{_HERE}.openlabel",
}


def format_of(path: Path, format: str = "auto") -> str:
    """Return the format of a file or folder: as asked for, or told by name and content.

    Raises
    ------
    SourceError
        If it is unknown.
    """
    found = told(path) if format == "auto" else format
    if found not in FORMATS:
        got = found or path.suffix or "none that name or content tells"
        raise refuse(path, f"a format of {', '.join(FORMATS)}", got)
    return found


def read_labels(path: Path, format: str, facts: Facts) -> Given:
    """Read labels of a log from a file or a folder.

    Parameters
    ----------
    path : Path
        The file or folder.
    format : str
        One of `FORMATS`, or `auto`: by name and content.
    facts : Facts
        What a reader may need to know of the log.

    Raises
    ------
    SourceError
        If it cannot be read or is not of that format.
    """
    given: Given = import_module(FORMATS[format_of(path, format)]).read(path, facts)
    return given


def class_names_of(format: str) -> Mapping[str, str]:
    """Return a format's own class names, in lower case, in our words; empty if it has none."""
    names: Mapping[str, str] = getattr(import_module(FORMATS[format]), "CLASSES", {})
    return names
