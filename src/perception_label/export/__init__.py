"""Labels out: one module per target format, one registry; mirrors `readers`.

A format module has `plan(labelled) -> Plan`, which checks that the log can be written so
and writes nothing. Adding a format means adding a module, one line to `FORMATS` and one
entry to `conventions.CONVENTIONS`.
"""

from importlib import import_module

from perception_label.errors import SettingError
from perception_label.export.labelled import Labelled, Plan

__all__ = ["FORMATS", "Labelled", "Plan", "plan"]

FORMATS: dict[str, str] = {
    "parquet": "perception_label.export.parquet",
    "csv": "perception_label.export.csv",
    "jsonl": "perception_label.export.jsonl",
    "kitti-tracking": "perception_label.export.kitti_tracking",
}


def plan(labelled: Labelled, format: str) -> Plan:
    """Return the files of an export, each with the function that fills it.

    Raises
    ------
    SettingError
        If the format is unknown; the message lists the known ones.
    MissingPosesError
        If the format needs ego poses and the log has none.
    """
    if format not in FORMATS:
        raise SettingError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    planned: Plan = import_module(FORMATS[format]).plan(labelled)
    return planned
