"""nuScenes: the 13 tables of all logs, sweeps and images, and result files of the same boxes.

`v1.0-labels/*.json`, `samples/LIDAR_TOP/*.pcd.bin`, `samples/<camera>/*.jpg`, `maps/none.png`,
`results/{detection,tracking}.json`, and `side/<log>.json` with what the tables have no place
for. A log is a scene, and every sweep a sample, so that every box is held; the split `all` names
every scene. The image nearest to a sweep is its sample's; others are between samples.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.nuscenes_results import fill_detection, fill_tracking, not_in_results
from perception_label.export.nuscenes_scene import LIDAR, Scene, token
from perception_label.export.pictures import picture_file
from perception_label.export.sweep_boxes import side_facts, sweep_boxes

VERSION = "v1.0-labels"
SPLIT = "all"
MAP = "maps/none.png"
VISIBILITY = ("v0-40", "v40-60", "v60-80", "v80-100")
INTENSITY_TO = 255.0

Row = Mapping[str, Any]  # a box's is text already


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan one dataset of all logs; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If a log has no ego poses.
    """
    scenes = [Scene(labelled) for labelled in logs]
    files: dict[str, Callable[[Path], None]] = {MAP: _fill_map}
    left_out: list[str] = []
    n_left_out = 0
    for scene in scenes:
        boxes = sweep_boxes(scene.labelled)
        n_left_out += len(scene.labelled.boxes) - len(boxes.labels)
        said = [*boxes.left_out, *scene.bent_lenses(), *not_in_results(scene)]
        left_out += [f"log {scene.labelled.log_id}: {text}" for text in said]
        files |= _sensor_files(scene)
        log_id = scene.labelled.log_id
        files[f"side/{log_id}.json"] = partial(_fill_side, scene)
    for name, rows in _tables(scenes).items():
        files[f"{VERSION}/{name}.json"] = partial(_fill_rows, rows)
    names = {SPLIT: [scene.labelled.log_id for scene in scenes]}
    files[f"{VERSION}/splits.json"] = json_file(names)
    files["results/detection.json"] = partial(fill_detection, scenes)
    files["results/tracking.json"] = partial(fill_tracking, scenes)
    return Plan(files, tuple(left_out), n_left_out)


def _sensor_files(scene: Scene) -> dict[str, Callable[[Path], None]]:
    files: dict[str, Callable[[Path], None]] = {}
    labelled = scene.labelled
    if labelled.points is False:
        return files
    for record in scene.records(LIDAR):
        files[record.filename] = partial(_fill_points, labelled, record.number)
    for camera in labelled.images:
        for record in scene.records(camera):
            files[record.filename] = picture_file(labelled, camera, record.number, ".jpg")
    return files


def _fill_points(labelled: Labelled, i: int, path: Path) -> None:
    sweep = labelled.sweep(i)
    out = np.zeros((len(sweep), 5), dtype="<f4")
    out[:, :3] = sweep.points_m
    if sweep.intensity is not None and len(sweep):
        scale = INTENSITY_TO if float(sweep.intensity.max()) <= 1 else 1.0
        out[:, 3] = sweep.intensity * scale
    if sweep.ring is not None:
        out[:, 4] = sweep.ring
    out.tofile(path)


def _fill_map(path: Path) -> None:
    Image.new("L", (10, 10)).save(path, format="PNG")


def _fill_side(scene: Scene, path: Path) -> None:
    # Sums of names stand for them in the tables: who reads those needs the way back.
    facts = dict(side_facts(scene.labelled, "nuscenes"))
    facts["instances"] = {scene.token("track", track): track for track in facts["tracks"]}
    facts["samples"] = [scene.sample(i) for i in range(scene.n_samples)]
    json_file(facts)(path)


def _fill_rows(rows: Callable[[], Iterable[Row | str]], path: Path) -> None:
    """Write a table record by record: a long log's does not fit in memory as text."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    with path.open("w", encoding="utf-8") as out:
        mark = "[\n"
        for row in rows():
            out.write(mark + (row if isinstance(row, str) else encode(row)))
            mark = ",\n"
        out.write("\n]\n" if mark != "[\n" else "[]\n")


def _tables(scenes: Sequence[Scene]) -> dict[str, Callable[[], Iterable[Row | str]]]:
    def each(what: Callable[[Scene], Iterable[Row | str]]) -> Callable[[], Iterator[Row | str]]:
        return lambda: (row for scene in scenes for row in what(scene))

    def once(rows: Callable[[Scene], Iterable[Row]]) -> Callable[[], list[Row]]:
        return lambda: list({r["token"]: r for s in scenes for r in rows(s)}.values())

    return {
        "category": once(Scene.categories),
        "attribute": once(Scene.attributes),
        "visibility": lambda: [
            {"token": str(k + 1), "level": level, "description": ""}
            for k, level in enumerate(VISIBILITY)
        ],
        "sensor": once(Scene.sensors),
        "calibrated_sensor": each(Scene.calibrated_sensors),
        "log": each(Scene.log),
        "scene": each(Scene.scene),
        "map": lambda: [
            {
                "token": token("map"),
                "log_tokens": [scene.token("log") for scene in scenes],
                "category": "semantic_prior",
                "filename": MAP,
            }
        ],
        "sample": each(Scene.samples),
        "sample_data": each(Scene.sample_data),
        "ego_pose": each(Scene.ego_poses),
        "instance": each(Scene.instances),
        "sample_annotation": each(Scene.annotations),
    }
