"""Boxes as nuScenes' result files have them, for its detection and tracking evaluation."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.export.labelled import TrackFacts
from perception_label.export.nuscenes_scene import UNTOLD, Scene, attribute_of
from perception_label.export.sweep_boxes import SweepBoxes, sweep_boxes

DETECTION = {
    name: name
    for name in (
        "car", "truck", "bus", "trailer", "construction_vehicle", "pedestrian", "motorcycle",
        "bicycle",
    )
} | {"cyclist": "bicycle"}  # fmt: skip
TRACKING = {k: v for k, v in DETECTION.items() if v != "construction_vehicle"}
MOST_BOXES = 500  # of a sample; the evaluation refuses more
META = {
    "use_camera": False,
    "use_lidar": True,
    "use_radar": False,
    "use_map": False,
    "use_external": False,
}

Row = dict[str, Any]
Facts = Mapping[str, TrackFacts]


def not_in_results(scene: Scene) -> list[str]:
    """Say which boxes the tables hold and the result files do not."""
    boxes = sweep_boxes(scene.labelled)
    names = boxes.labels.class_names
    known = np.array([n in DETECTION for n in names], dtype=np.bool_)[boxes.labels.classes]
    out = []
    if not known.all():
        strange = sorted({n for n in names if n not in DETECTION})
        n = int((~known).sum())
        out.append(f"{n} boxes of {', '.join(strange)} in results/, which knows no such class")
    counts = np.bincount(boxes.sweeps[known], minlength=1)
    beyond = int((counts - MOST_BOXES).clip(0).sum())
    if beyond:
        out.append(f"{beyond} boxes in results/, those of least score beyond {MOST_BOXES} a sweep")
    return out


def fill_detection(scenes: Sequence[Scene], path: Path) -> None:
    """Write the boxes as detections; every sample is there, also an empty one."""

    def row(scene: Scene, facts: Facts, boxes: SweepBoxes, k: int, name: str) -> Row:
        track, at = boxes.labels.track_names[boxes.labels.tracks[k]], boxes.labels.timestamps_ns[k]
        told = facts.get(track, UNTOLD)
        kind = boxes.labels.class_names[boxes.labels.classes[k]]
        return {
            "detection_name": name,
            "detection_score": float(boxes.labels.scores[k]),
            "attribute_name": attribute_of(kind, told, int(at)),
        }

    _fill(scenes, DETECTION, row, path)


def fill_tracking(scenes: Sequence[Scene], path: Path) -> None:
    """Write the boxes as tracks; every sample is there, also an empty one."""

    def row(scene: Scene, _facts: Facts, boxes: SweepBoxes, k: int, name: str) -> Row:
        track = boxes.labels.track_names[boxes.labels.tracks[k]]
        return {
            "tracking_id": scene.token("track", track),
            "tracking_name": name,
            "tracking_score": float(boxes.labels.scores[k]),
        }

    _fill(scenes, TRACKING, row, path)


def _fill(
    scenes: Sequence[Scene],
    names: Mapping[str, str],
    row: Callable[[Scene, Facts, SweepBoxes, int, str], Row],
    path: Path,
) -> None:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    with path.open("w", encoding="utf-8") as out:
        out.write(f'{{"meta":{encode(META)},"results":{{\n')
        mark = ""
        for scene in scenes:
            boxes = sweep_boxes(scene.labelled)
            velocity, facts = boxes.velocity_mps(), scene.labelled.track_facts()
            for i in range(scene.n_samples):
                sample = scene.sample(i)
                said = [
                    {**_place(sample, boxes, velocity, k), **row(scene, facts, boxes, k, name)}
                    for k, name in _chosen(boxes, i, names)
                ]
                out.write(f"{mark}{encode(sample)}:{encode(said)}")
                mark = ",\n"
        out.write("\n}}\n")


def _chosen(boxes: SweepBoxes, i: int, names: Mapping[str, str]) -> list[tuple[int, str]]:
    rows = boxes.rows(i)
    kinds = boxes.labels.class_names
    numbers = np.arange(rows.start, rows.stop)
    numbers = numbers[np.argsort(-boxes.labels.scores[rows], kind="stable")]
    named = [(int(k), names.get(kinds[boxes.labels.classes[k]])) for k in numbers]
    return [(k, name) for k, name in named if name is not None][:MOST_BOXES]


def _place(sample: str, boxes: SweepBoxes, velocity: np.ndarray, k: int) -> Row:
    cuboids = boxes.labels.cuboids
    yaw, size = float(cuboids.yaw_rad[k]), cuboids.size_m[k]
    speed = [float(v) for v in velocity[k, :2]]
    return {
        "sample_token": sample,
        "translation": cuboids.center_m[k].tolist(),
        "size": [float(size[1]), float(size[0]), float(size[2])],
        "rotation": [math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)],
        "velocity": speed if all(map(math.isfinite, speed)) else [0.0, 0.0],
    }
