"""Datumaro: a dataset of point clouds below `lidar/`, one of pictures below `cameras/`.

`lidar/annotations/<log>.json` has an item per sweep with its cuboids, in the LiDAR's frame;
`lidar/point_clouds/<log>/<number>.pcd` the clouds. `cameras/annotations/<log>__<camera>.json` has
an item per picture, `cameras/images/<log>__<camera>/<number>.png` (or `.jpg`) the pictures.
Annotations carry `track_id`, `keyframe` as CVAT has them, and `source` and `score`; attributes
that people gave stand beside these.

The numbers are written in full: Datumaro itself rounds cuboids to a centimetre.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.export.by_sweep import BySweep, SweepBoxes
from perception_label.export.camera_sets import CameraSet, camera_sets
from perception_label.export.labelled import Labelled, Plan, TrackFacts, json_file
from perception_label.export.sensor_boxes import fill_pcd
from perception_label.geometry.shapes import Shape

VERSION = "1.0"
IMAGE, POINT_CLOUD = 2, 6  # Datumaro's kinds of media
# Names of an annotation's own attributes; what people called so is kept as `attribute.NAME`.
OWN = ("track_id", "keyframe", "outside", "occluded", "source", "score")
PREFIX = "attribute."


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan both datasets of all logs; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If a log has no ego poses.
    """
    # All files of a dataset must have the same list of classes.
    clouds = [BySweep.of(one) for one in logs]
    words = {w for one in logs for w in one.boxes.column("class_name").unique().to_pylist()}
    sets: list[CameraSet] = []
    left_out: list[str] = []
    for labelled, by_sweep in zip(logs, clouds, strict=True):
        theirs, said = camera_sets(labelled, only=False)
        sets += theirs
        left_out += [*said, *(f"log {labelled.log_id}: {t}" for t in by_sweep.left_out())]
    words |= {str(name) for one in sets for name in set(one.labels.class_names.tolist())}
    classes = sorted(words)
    facts = {one.log_id: one.facts("datumaro") for one in logs}
    files: dict[str, Callable[[Path], None]] = {"conventions.json": json_file(facts)}
    for labelled in logs:
        if labelled.points is not False:
            for i in range(len(labelled.timestamps_ns)):
                place = f"lidar/point_clouds/{labelled.log_id}/{i:06d}.pcd"
                files[place] = partial(fill_pcd, labelled, i)
    for one in sets:
        if one.labelled.points is not False:
            for i in range(len(one.timestamps_ns)):
                files[f"cameras/images/{one.name}/{i:06d}{one.suffix}"] = one.picture(i)
    for one in sets:
        files[f"cameras/annotations/{one.name}.json"] = partial(
            _fill, IMAGE, classes, partial(_pictures, one, classes)
        )
    for by_sweep in clouds:
        files[f"lidar/annotations/{by_sweep.labelled.log_id}.json"] = partial(
            _fill, POINT_CLOUD, classes, partial(_sweeps, by_sweep, classes)
        )
    return Plan(files, tuple(left_out), sum(by_sweep.n_between for by_sweep in clouds))


def _fill(
    media: int,
    classes: Sequence[str],
    items: Callable[[], Iterator[dict[str, Any]]],
    path: Path,
) -> None:
    labels = [{"name": name, "parent": "", "attributes": []} for name in classes]
    head = {
        "dm_format_version": VERSION,
        "media_type": media,
        "infos": {},
        "categories": {"label": {"labels": labels, "label_groups": [], "attributes": []}},
    }
    with path.open("w", encoding="utf-8") as out:
        out.write(_text(head)[:-1] + ', "items": [')
        mark = "\n"
        for item in items():
            out.write(mark + _text(item))
            mark = ",\n"
        out.write("\n]}\n")


def _sweeps(by_sweep: BySweep, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    labelled = by_sweep.labelled
    facts = labelled.track_facts()
    number = {name: k for k, name in enumerate(classes)}
    for boxes in by_sweep.sweeps():
        yield {
            "id": f"{boxes.number:06d}",
            "annotations": list(_cuboids(boxes, number, facts)),
            "attr": {
                "frame": boxes.number,
                "timestamp_ns": boxes.timestamp_ns,
                "log_id": labelled.log_id,
            },
            "point_cloud": {"path": f"{boxes.number:06d}.pcd"},
        }


def _cuboids(
    boxes: SweepBoxes, number: Mapping[str, int], facts: Mapping[str, TrackFacts]
) -> Iterator[dict[str, Any]]:
    if not len(boxes.labels):
        return
    center, rotation = boxes.in_lidar()
    columns = (
        boxes.track_ids(), boxes.class_names(), boxes.is_key.tolist(), boxes.sources,
        boxes.labels.scores.tolist(), center.tolist(), rotation.as_euler("XYZ").tolist(),
        boxes.labels.cuboids.size_m.tolist(),
    )  # fmt: skip
    for k, row in enumerate(zip(*columns, strict=True)):
        track, name, is_key, source, score, position, turns, size = row
        told = facts[track].at(boxes.timestamp_ns) if track in facts else {}
        yield {
            "id": k,
            "type": "cuboid_3d",
            "attributes": _attributes(track, is_key, source, score, told),
            "group": 0,
            "object_id": -1,
            "label_id": number[name],
            "position": position,
            "rotation": turns,
            "scale": size,
        }


def _attributes(
    track: str, is_key: bool, source: str, score: float, told: Mapping[str, Any]
) -> dict[str, Any]:
    own = {
        "occluded": False,
        "outside": False,
        "track_id": track,
        "keyframe": is_key,
        "source": source,
        "score": score,
    }
    named = {PREFIX + k if k in OWN or k.startswith(PREFIX) else k: v for k, v in told.items()}
    return {**own, **named}


def _pictures(one: CameraSet, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    number = {name: k for k, name in enumerate(classes)}
    for i, rows in enumerate(one.by_image()):
        annotations: list[dict[str, Any]] = []
        for row in rows.tolist():
            annotations += _shapes(one, row, number, len(annotations))
        yield {
            "id": f"{i:06d}",
            "annotations": annotations,
            "attr": {
                "frame": i,
                "timestamp_ns": int(one.timestamps_ns[i]),
                "log_id": one.labelled.log_id,
                "camera": one.camera,
            },
            "image": {
                "path": f"{i:06d}{one.suffix}",
                "size": [one.height_px, one.width_px],
            },
        }


def _shapes(
    one: CameraSet, row: int, number: Mapping[str, int], first: int
) -> list[dict[str, Any]]:
    """Return what says one label; a polygon of several parts is a group of polygons."""
    labels = one.labels
    said = {
        "attributes": _attributes(
            str(labels.track_ids[row]),
            bool(labels.is_key[row]),
            str(labels.sources[row]),
            float(labels.scores[row]),
            {},
        ),
        "group": 0,
        "object_id": -1,
        "label_id": number[str(labels.class_names[row])],
        "z_order": 0,
    }
    parts = _parts(labels.shape(row))
    if len(parts) > 1:
        said["group"] = first + 1
    return [{"id": first + k, **said, **part} for k, part in enumerate(parts)]


def _parts(shape: Shape) -> list[dict[str, Any]]:
    match shape.kind:
        case "box":
            x0, y0, x1, y1 = shape.box_px.tolist()
            return [{"type": "bbox", "bbox": [x0, y0, x1 - x0, y1 - y0]}]
        case "polygon":
            return [{"type": "polygon", "points": _points(part)} for part in shape.parts_px]
        case "mask":
            return [{"type": "mask", "rle": {"counts": shape.counts, "size": list(shape.size_px)}}]
        case "keypoints":
            seen = list(shape.visibility)
            return [{"type": "points", "points": _points(shape.points_px), "visibility": seen}]
    return [{"type": "polyline", "points": _points(shape.points_px)}]


def _points(points_px: np.ndarray) -> list[float]:
    """Return x, y, x, y …: edges of pixels there, centres here."""
    flat: list[float] = (points_px + 0.5).reshape(-1).tolist()
    return flat


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
