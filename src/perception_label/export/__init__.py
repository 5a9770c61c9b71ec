"""Labels out: one module per target format, one registry; mirrors `readers`.

A format module has `plan(labelled) -> Plan`, which checks that the log can be written so
and writes nothing; one whose files hold several logs has `plan_logs(labelleds) -> Plan`
instead. Adding a format means adding a module, one line to `FORMATS` and one entry to
`conventions.CONVENTIONS`.
"""

from collections.abc import Sequence
from importlib import import_module

from perception_label.errors import SettingError
from perception_label.export.labelled import Labelled, Plan, TrackFacts

__all__ = ["FORMATS", "Labelled", "Plan", "TrackFacts", "is_dataset", "plan", "plan_logs"]

FORMATS: dict[str, str] = {
    "parquet": "perception_label.export.parquet",
    "csv": "perception_label.export.csv",
    "jsonl": "perception_label.export.jsonl",
    "kitti-tracking": "perception_label.export.kitti_tracking",
    "kitti-object": "perception_label.export.kitti_object",
    "kitti-raw": "perception_label.export.kitti_raw",
    "nuscenes": "perception_label.export.nuscenes",
    "openlabel": "perception_label.export.openlabel",
    "argoverse2": "perception_label.export.argoverse2",
    "waymo": "perception_label.export.waymo",
    "coco": "perception_label.export.coco",
    "mot": "perception_label.export.mot",
    "cvat": "perception_label.export.cvat",
    "voc": "perception_label.export.voc",
    "yolo": "perception_label.export.yolo",
    "mcap": "perception_label.export.mcap",
    "huggingface": "perception_label.export.huggingface",
    "croissant": "perception_label.export.croissant",
    "supervisely": "perception_label.export.supervisely",
    "sustech": "perception_label.export.sustech",
    "tfrecord": "perception_label.export.tfrecord",
    "rerun": "perception_label.export.rerun",
    "datumaro": "perception_label.export.datumaro",
    "label-studio": "perception_label.export.label_studio",
}


def is_dataset(format: str) -> bool:
    """Tell whether a format keeps all its logs in one set of files.

    Raises
    ------
    SettingError
        If the format is unknown; the message lists the known ones.
    """
    if format not in FORMATS:
        raise SettingError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    return hasattr(import_module(FORMATS[format]), "plan_logs")


def plan(labelled: Labelled, format: str) -> Plan:
    """Return the files of an export of one log, each with the function that fills it.

    Raises
    ------
    SettingError
        If the format is unknown; the message lists the known ones.
    MissingPosesError
        If the format needs ego poses and the log has none.
    """
    return plan_logs([labelled], format)[0]


def plan_logs(logs: Sequence[Labelled], format: str) -> list[Plan]:
    """Return the plans of an export of several logs: one for each, or one for all of them.

    Raises
    ------
    SettingError
        If the format is unknown.
    MissingPosesError
        If the format needs ego poses and a log has none.
    """
    whole = is_dataset(format)
    module = import_module(FORMATS[format])
    return [module.plan_logs(logs)] if whole else [module.plan(one) for one in logs]
