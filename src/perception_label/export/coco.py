"""COCO of all cameras of all logs: `annotations/instances_train.json` and `images/`.

`images/<log>/<camera>/<number>.jpg` (or `.png`). Boxes are x, y, width, height of edges, from 0;
masks are run lengths, polygons and keypoints COCO's own. `attributes` of an annotation has the
track, whether a person set it, and its source; an image has its log, camera, number and time.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.export.camera_sets import CameraSet, sets_of_logs
from perception_label.export.image_labels_coco import annotations
from perception_label.export.labelled import Labelled, Plan

FILE = "annotations/instances_train.json"
_KINDS = ("box", "polygon", "mask", "keypoints", "polyline")


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan one file of annotations for all logs, after the pictures."""
    sets, left_out, n_left_out = sets_of_logs(logs, _KINDS)
    files = {
        f"images/{_name(one, i)}": one.picture(i)
        for one in sets
        if one.labelled.points is not False
        for i in range(len(one.timestamps_ns))
    }
    return Plan({**files, FILE: partial(_fill, sets)}, tuple(left_out), n_left_out)


def _name(one: CameraSet, i: int) -> str:
    return f"{one.labelled.log_id}/{one.camera}/{i:06d}{one.suffix}"


def _fill(sets: Sequence[CameraSet], path: Path) -> None:
    names = sorted({str(name) for one in sets for name in set(one.labels.class_names.tolist())})
    first = [0, *accumulate(len(one.timestamps_ns) for one in sets)]
    with path.open("w", encoding="utf-8") as out:
        out.write('{"info": {"description": "perception-label"},\n"categories": ')
        out.write(_text([{"id": k + 1, "name": name} for k, name in enumerate(names)]))
        out.write(',\n"images": [\n')
        every = (image for one, k in zip(sets, first, strict=False) for image in _images(one, k))
        _listed(out, every)
        out.write('],\n"annotations": [\n')
        _listed(out, _annotations(sets, names, first))
        out.write("]}\n")


def _images(one: CameraSet, first: int) -> Iterator[dict[str, Any]]:
    for i, at in enumerate(one.timestamps_ns.tolist()):
        yield {
            "id": first + i + 1,
            "file_name": _name(one, i),
            "width": one.width_px,
            "height": one.height_px,
            "log_id": one.labelled.log_id,
            "camera": one.camera,
            "frame_index": i,
            "timestamp_ns": at,
        }


def _annotations(
    sets: Sequence[CameraSet], names: Sequence[str], first: Sequence[int]
) -> Iterator[dict[str, Any]]:
    number = {name: k + 1 for k, name in enumerate(names)}
    n_before = n_tracks = 0
    for one, k in zip(sets, first, strict=False):
        tracks = {
            t: n_tracks + i + 1 for i, t in enumerate(np.unique(one.labels.track_ids.astype(str)))
        }
        yield from annotations(one.labels, number, tracks, k + 1, n_before + 1)
        n_before += len(one.labels)
        n_tracks += len(tracks)


def _listed(out: Any, items: Iterator[dict[str, Any]]) -> None:
    mark = ""
    for item in items:
        out.write(mark + _text(item))
        mark = ",\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
