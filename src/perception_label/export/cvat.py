"""CVAT for video 1.1: a task of each camera of each log, `<log>__<camera>/annotations.xml`.

Every box is a keyframe there, since CVAT would draw straight lines between; its attribute
`made_by` tells people's from others. Pictures are written with `--points`, as
`images/frame_000000.jpg`: CVAT has its own.
"""

from functools import partial
from pathlib import Path

from perception_label.export.camera_sets import CameraSet, camera_sets, n_not_written
from perception_label.export.image_labels_cvat import cvat_document
from perception_label.export.labelled import Labelled, Plan


def plan(labelled: Labelled) -> Plan:
    """Plan the tasks of a log."""
    sets, left_out = camera_sets(labelled)
    files = {}
    for one in sets if labelled.points else ():
        for i in range(len(one.timestamps_ns)):
            files[f"{one.name}/images/frame_{i:06d}{one.suffix}"] = one.picture(i)
    for one in sets:
        files[f"{one.name}/annotations.xml"] = partial(_fill, one)
        left_out += [f"log {labelled.log_id}: {text} ({one.camera})" for text in _document(one)[1]]
    n_written = sum(len(one.labels) for one in sets)
    return Plan(files, tuple(left_out), n_not_written(labelled, n_written))


def _document(one: CameraSet) -> tuple[str, tuple[str, ...]]:
    size_px = (one.height_px, one.width_px)
    return cvat_document(one.labels, one.name, size_px, len(one.timestamps_ns))


def _fill(one: CameraSet, path: Path) -> None:
    path.write_text(_document(one)[0], encoding="utf-8")
