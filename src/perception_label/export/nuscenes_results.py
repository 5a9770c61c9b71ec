"""Boxes as nuScenes' result files have them, for its detection and tracking evaluation."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
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

# Parts of a record; all texts are tokens and names of these tables, which need no escapes.
PLACE = (
    '{"sample_token":"%s","translation":[%r,%r,%r],"size":[%r,%r,%r],'
    '"rotation":[%r,0.0,0.0,%r],"velocity":[%r,%r],'
)
DETECTED = '"detection_name":"%s","detection_score":%r,"attribute_name":"%s"}'
TRACKED = '"tracking_id":"%s","tracking_name":"%s","tracking_score":%r}'

Facts = Mapping[str, TrackFacts]
Tail = Callable[[int, int, int, float], str]


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

    def tail(scene: Scene, facts: Facts) -> Tail:
        _, kinds, tracks, _ = _of(scene)

        def end(at_ns: int, track: int, kind: int, score: float) -> str:
            told = facts.get(tracks[track], UNTOLD)
            attribute = attribute_of(kinds[kind], told, at_ns)
            name = DETECTION[kinds[kind]]
            return DETECTED % (name, score, attribute)

        return end

    _fill(scenes, DETECTION, tail, path)


def fill_tracking(scenes: Sequence[Scene], path: Path) -> None:
    """Write the boxes as tracks; every sample is there, also an empty one."""

    def tail(scene: Scene, _facts: Facts) -> Tail:
        _, kinds, _, tokens = _of(scene)

        def end(_at_ns: int, track: int, kind: int, score: float) -> str:
            return TRACKED % (tokens[track], TRACKING[kinds[kind]], score)

        return end

    _fill(scenes, TRACKING, tail, path)


def _of(scene: Scene) -> tuple[SweepBoxes, tuple[str, ...], tuple[str, ...], list[str]]:
    boxes = sweep_boxes(scene.labelled)
    tracks = boxes.labels.track_names
    tokens = [scene.token("track", track) for track in tracks]
    return boxes, boxes.labels.class_names, tracks, tokens


def _fill(
    scenes: Sequence[Scene],
    names: Mapping[str, str],
    tail: Callable[[Scene, Facts], Tail],
    path: Path,
) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write(f'{{"meta":{json.dumps(META)},"results":{{\n')
        mark = ""
        for scene in scenes:
            boxes, end = sweep_boxes(scene.labelled), tail(scene, scene.labelled.track_facts())
            known = np.array([n in names for n in boxes.labels.class_names], dtype=np.bool_)
            speed = np.nan_to_num(boxes.velocity_mps()[:, :2])
            for i, at in enumerate(scene.labelled.timestamps_ns.tolist()):
                sample = scene.sample(i)
                rows = _chosen(boxes, i, known)
                place = _places(boxes, rows, speed).tolist()
                part = boxes.labels[rows]
                columns = zip(place, part.tracks.tolist(), part.classes.tolist(),
                              part.scores.tolist(), strict=True)  # fmt: skip
                said = ",".join(PLACE % (sample, *p) + end(at, t, c, s) for p, t, c, s in columns)
                out.write(f'{mark}"{sample}":[{said}]')
                mark = ",\n"
        out.write("\n}}\n")


def _chosen(boxes: SweepBoxes, i: int, known: Mask) -> Ints:
    """Return the rows of a sweep's boxes that its result may hold, the surest first."""
    span = boxes.rows(i)
    rows = np.arange(span.start, span.stop)[known[boxes.labels.classes[span]]]
    return rows[np.argsort(-boxes.labels.scores[rows], kind="stable")][:MOST_BOXES]


def _places(boxes: SweepBoxes, rows: Ints, speed: Floats) -> Floats:
    cuboids = boxes.labels.cuboids[rows]
    half = cuboids.yaw_rad / 2
    parts = [cuboids.center_m, cuboids.size_m[:, [1, 0, 2]], np.cos(half), np.sin(half)]
    return np.column_stack([*parts, speed[rows]])
