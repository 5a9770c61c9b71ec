"""Supervisely point cloud episodes: a project with a dataset of each log.

`meta.json`, `key_id_map.json`, and per log `<log>/annotation.json`,
`<log>/frame_pointcloud_map.json`, `<log>/pointcloud/<timestamp_ns>.pcd` and
`<log>/related_images/` (the images nearest to each sweep, with calibration). An object is a
track; its tag `track_id` has our id, other tags its attributes, with the span of sweeps where they
do not hold for the whole track. `nnCreated` marks boxes that nobody set.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.export.labelled import Labelled, Plan, TrackFacts, json_file
from perception_label.export.pictures import half_period_ns, nearest_images, picture_file
from perception_label.export.sensor_boxes import SensorBoxes, fill_pcd, sensor_boxes
from perception_label.geometry.poses import inverse

TRACK = "track_id"
WHEN = "2026-01-01T00:00:00.000Z"  # the same bytes for the same labels
WHOSE = {"labelerLogin": "", "createdAt": WHEN, "updatedAt": WHEN}


def key_of(*parts: object) -> str:
    """Return the key of an object or figure: always the same for the same names."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "perception-label/" + "/".join(map(str, parts))).hex


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the project of all logs; `meta.json` comes last.

    Raises
    ------
    MissingPosesError
        If a log has no ego poses.
    """
    files: dict[str, Any] = {}
    left_out: list[str] = []
    n_left_out = 0
    classes: set[str] = set()
    keys: dict[str, dict[str, int]] = {"tags": {}, "objects": {}, "figures": {}, "videos": {}}
    values: dict[str, set[bool]] = {TRACK: {False}}
    for labelled in logs:
        boxes, said = sensor_boxes(labelled)
        left_out += [f"log {labelled.log_id}: {text}" for text in said]
        n_left_out += len(labelled.boxes) - len(boxes.labels)
        facts = labelled.track_facts()
        for name, value in _said(facts):
            values.setdefault(name, set()).add(_is_number(value))
        used = np.unique(boxes.labels.classes).tolist()
        classes |= {boxes.labels.class_names[k] for k in used}
        for track in np.unique(boxes.labels.tracks).tolist():
            key = key_of(labelled.log_id, boxes.labels.track_names[track])
            keys["objects"][key] = len(keys["objects"]) + 1
        keys["videos"][key_of(labelled.log_id)] = len(keys["videos"]) + 1
        files |= _cloud_files(labelled)
        files[f"{labelled.log_id}/annotation.json"] = partial(_fill, labelled, boxes, facts)
    files["key_id_map.json"] = json_file(keys)
    files["meta.json"] = json_file(_meta(sorted(classes), values))
    return Plan(files, tuple(left_out), n_left_out)


def _said(facts: Mapping[str, TrackFacts]) -> list[tuple[str, Any]]:
    whole = [pair for track in facts.values() for pair in track.attributes.items()]
    return whole + [
        (name, value)
        for track in facts.values()
        for name, values in track.sweep_attributes.items()
        for value in values.values()
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _meta(classes: Sequence[str], values: Mapping[str, set[bool]]) -> dict[str, Any]:
    return {
        "classes": [
            {
                "title": name, "shape": "cuboid_3d", "color": _colour(name),
                "geometry_config": {}, "id": k + 1, "hotkey": "",
            }
            for k, name in enumerate(classes)
        ],
        "tags": [
            {
                "name": name, "value_type": "any_number" if kinds == {True} else "any_string",
                "color": _colour(name), "id": k + 1, "hotkey": "",
                "applicable_type": "all", "classes": [],
            }
            for k, (name, kinds) in enumerate(sorted(values.items()))
        ],
        "projectType": "point_cloud_episodes",
    }  # fmt: skip


def _colour(name: str) -> str:
    number = uuid.uuid5(uuid.NAMESPACE_URL, name).int
    return "#" + "".join(f"{64 + (number >> (8 * k)) % 192:02X}" for k in range(3))


def _cloud_files(labelled: Labelled) -> dict[str, Any]:
    root, times = labelled.log_id, labelled.timestamps_ns.tolist()
    names = [f"{at}.pcd" for at in times]
    files: dict[str, Any] = {
        f"{root}/frame_pointcloud_map.json": json_file({str(i): n for i, n in enumerate(names)})
    }
    if labelled.points is False:
        return files
    for i, name in enumerate(names):
        files[f"{root}/pointcloud/{name}"] = partial(fill_pcd, labelled, i)
    for camera, seen in labelled.cameras.items():
        near = nearest_images(labelled, camera, half_period_ns(labelled.timestamps_ns))
        camera_from_lidar = inverse(np.asarray(seen.ego_from_camera)) @ labelled.ego_from_lidar
        facts = {
            "sensorsData": {
                "extrinsicMatrix": camera_from_lidar[:3].ravel().tolist(),
                "intrinsicMatrix": np.asarray(seen.intrinsics).ravel().tolist(),
            }
        }
        for i in np.flatnonzero(near >= 0).tolist():
            place = f"{root}/related_images/{times[i]}_pcd/{camera}.jpg"
            files[place] = picture_file(labelled, camera, int(near[i]), ".jpg")
            files[f"{place}.json"] = json_file({"name": f"{camera}.jpg", "meta": facts})
    return files


def _fill(
    labelled: Labelled, boxes: SensorBoxes, facts: Mapping[str, TrackFacts], path: Path
) -> None:
    log, n = labelled.log_id, len(labelled.timestamps_ns)
    head = {
        "key": key_of(log),
        "description": "",
        "tags": [],
        "objects": _objects(labelled, boxes, facts),
        "framesCount": n,
    }
    with path.open("w", encoding="utf-8") as out:
        out.write(_text(head)[:-1] + ', "frames": [\n')
        for i in range(n):
            figures = _figures(log, boxes, i)
            out.write(_text({"index": i, "figures": figures}) + (",\n" if i + 1 < n else "\n"))
        out.write("]}\n")


def _objects(
    labelled: Labelled, boxes: SensorBoxes, facts: Mapping[str, TrackFacts]
) -> list[dict[str, Any]]:
    labels = boxes.labels
    used, first = np.unique(labels.tracks, return_index=True)
    out = []
    for track, row in zip(used.tolist(), first.tolist(), strict=True):
        name = labels.track_names[track]
        told = facts.get(name, TrackFacts())
        tags = [_tag(labelled.log_id, name, TRACK, name)]
        tags += [_tag(labelled.log_id, name, k, v) for k, v in told.attributes.items()]
        for what, values in told.sweep_attributes.items():
            times = sorted(values)
            starts = np.searchsorted(labelled.timestamps_ns, times).tolist()
            ends = [*starts, len(labelled.timestamps_ns)][1:]
            for at, start, end in zip(times, starts, ends, strict=True):
                if start < end:
                    tag = _tag(labelled.log_id, name, what, values[at], start)
                    tags.append({**tag, "frameRange": [start, end - 1]})
        class_name = labels.class_names[labels.classes[row]]
        key = key_of(labelled.log_id, name)
        out.append({"key": key, "classTitle": class_name, "tags": tags, **WHOSE})
    return out


def _tag(log: str, track: str, name: str, value: object, start: int = -1) -> dict[str, Any]:
    is_plain = isinstance(value, str) and value not in ("true", "false") and value[:1] != '"'
    said = value if is_plain or _is_number(value) else json.dumps(value, ensure_ascii=False)
    return {"key": key_of(log, track, "tag", name, start), "name": name, "value": said, **WHOSE}


def _figures(log: str, boxes: SensorBoxes, i: int) -> list[dict[str, Any]]:
    rows = slice(boxes.rows(i).start, boxes.rows(i).stop)
    labels = boxes.labels[rows]
    columns = (
        labels.tracks.tolist(), boxes.center_m[rows].tolist(), boxes.euler_rad[rows].tolist(),
        labels.cuboids.size_m.tolist(), boxes.is_key[rows].tolist(),
    )  # fmt: skip
    out = []
    for track, center, turn, size, is_key in zip(*columns, strict=True):
        name = labels.track_names[track]
        geometry = {
            "position": dict(zip("xyz", center, strict=True)),
            "rotation": dict(zip("xyz", turn, strict=True)),
            "dimensions": dict(zip("xyz", size, strict=True)),
        }
        out.append(
            {
                "key": key_of(log, name, i),
                "objectKey": key_of(log, name),
                "geometryType": "cuboid_3d",
                "geometry": geometry,
                "nnCreated": not is_key,
                **WHOSE,
            }
        )
    return out


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
