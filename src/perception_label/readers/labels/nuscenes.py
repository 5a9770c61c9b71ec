"""nuScenes: the tables' boxes, or a result file of detections or tracks; and side/ if ours.

Boxes are in the dataset's world. A result file names samples, whose times are in the tables: it
lies in the dataset (its folder or the one below), or the user names the tables' folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.geometry.poses import pose
from perception_label.readers.files import floats, listed, read_json, refuse
from perception_label.readers.json_tables import Record, field, records
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.side import Side, read_side
from perception_label.readers.logs import safe_name
from perception_label.readers.nuscenes import scenes_of
from perception_label.readers.nuscenes_labels import CLASSES as NAMES
from perception_label.readers.nuscenes_labels import boxes_of, is_ridden
from perception_label.readers.nuscenes_tables import read_scene

CLASSES = {**NAMES, "cyclist": "cyclist"}
MICRO_NS = 1000
RESULTS = "results"


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where a scene's tables lie, its record, and what we keep beside them."""

    folder: Path
    record: Record
    side: Side | None

    @property
    def frame(self) -> str:
        return "source" if self.side is None else "world"


def read(path: Path, facts: Facts) -> Given:
    """Return the boxes of a scene.

    Parameters
    ----------
    path : Path
        The dataset or its folder of tables, of which the log's scene is taken, or the only one; or
        a result file.
    facts : Facts
        The log; `calibration` may name the folder of tables for a result file.

    Raises
    ------
    SourceError
        If there are no such tables or results, or they are broken.
    """
    if path.is_file():
        return _results(path, facts)
    scene = _scene(path, path, facts.log_id)
    tables = read_scene(scene.folder, scene.record)
    file = scene.folder / "sample_annotation.json"
    rows = tables.annotations
    cuboids, n_leaning = boxes_of(file, rows)
    at = np.array([_at(scene, tables.samples[r["sample_token"]]) for r in rows], dtype=np.int64)
    tracks = [row["instance_token"] for row in rows]
    kinds = {
        token: field(scene.folder / "category.json", tables.categories[r["category_token"]], "name")
        for token, r in tables.instances.items()
    }
    ridden = is_ridden(tables)
    names = [
        "cyclist" if t in ridden and CLASSES.get(kinds[t].lower()) in ("bicycle", "motorcycle")
        else kinds[t] for t in tracks
    ]  # fmt: skip
    left_out = [f"the lean of {n_leaning} boxes: they are stored upright"] if n_leaning else []
    return _given(scene, cuboids, at, tracks, names, None, left_out)


def _given(
    scene: _Scene,
    cuboids: Cuboids,
    at: Ints,
    tracks: Sequence[str] | None,
    names: Sequence[str],
    scores: Floats | None,
    left_out: Sequence[str],
) -> Given:
    side = scene.side
    if side is not None:
        at = side.exact(at, MICRO_NS)
    if side is not None and tracks is not None:
        known: Mapping[str, Any] = side.facts.get("instances", {})
        tracks = [str(known.get(t, t)) for t in tracks]
        pairs = zip(tracks, names, strict=True)
        names = [side.class_names.get(track, name) for track, name in pairs]
    is_ours = side is not None and tracks is not None and scores is None
    return Given(
        cuboids=cuboids,
        coordinate_frame=scene.frame,
        at=at,
        class_names=texts(names),
        track_ids=None if tracks is None else texts(tracks),
        scores=np.ones(len(at)) if scores is None else scores,
        is_key=side.is_key(tracks, at) if is_ours and side and tracks else None,
        attributes=side.attributes if is_ours and side else {},
        sweep_attributes=side.sweep_attributes if is_ours and side else {},
        left_out=tuple(left_out),
    )


def _scene(path: Path, root: Path, log_id: str) -> _Scene:
    found = scenes_of(root)
    for name, (folder, record) in found.items():
        if log_id in (name, f"nuscenes-{safe_name(name)}"):
            return _Scene(folder, record, read_side(folder.parent, log_id))
    if len(found) != 1:
        raise refuse(path, f"nuScenes tables with scene {log_id}", listed(found) or "none")
    folder, record = next(iter(found.values()))
    # Another log's name: what lies beside is of that log.
    return _Scene(folder, record, None)


def _at(scene: _Scene, sample: Record) -> int:
    return int(field(scene.folder / "sample.json", sample, "timestamp", int)) * MICRO_NS


def _results(path: Path, facts: Facts) -> Given:
    said = read_json(path, dict)
    results = said.get(RESULTS)
    if not isinstance(results, dict):
        raise refuse(path, "results by sample token", type(results).__name__)
    places = [path.parent, path.parent.parent]
    if facts.calibration is not None:
        places = [facts.calibration, facts.calibration.parent]
    root = next((p for p in places if scenes_of(p)), None)
    if root is None:
        raise refuse(path, "the dataset's tables around it, or --calibration FOLDER", "none")
    scene = _scene(path, root, facts.log_id)
    token = field(scene.folder / "scene.json", scene.record, "token")
    samples = scene.folder / "sample.json"
    times = {
        field(samples, r, "token"): _at(scene, r)
        for r in records(samples)
        if field(samples, r, "scene_token") == token
    }
    rows: list[Record] = []
    at: list[int] = []
    n_others = 0
    for sample, boxes in results.items():
        if not isinstance(boxes, list) or not all(isinstance(b, dict) for b in boxes):
            raise refuse(path, f"a list of boxes for sample {sample}", type(boxes).__name__)
        if sample not in times:
            n_others += len(boxes)
            continue
        rows += boxes
        at += [times[sample]] * len(boxes)
    if n_others and not rows:
        raise refuse(path, f"boxes of scene {facts.log_id}", f"{n_others} of other scenes")
    return _of_results(path, scene, rows, np.array(at, dtype=np.int64), n_others)


def _of_results(path: Path, scene: _Scene, rows: list[Record], at: Ints, n_others: int) -> Given:
    is_tracked = bool(rows) and "tracking_id" in rows[0]
    kind = "tracking" if is_tracked else "detection"
    if any(f"{kind}_name" not in row for row in rows):
        raise refuse(path, f"{kind}_name in each box", "none")
    sizes = floats(path, [r.get("size") for r in rows] or np.empty((0, 3)), (-1, 3), "size")
    places = floats(
        path, [r.get("translation") for r in rows] or np.empty((0, 3)), (-1, 3), "translation"
    )
    turns = floats(path, [r.get("rotation") for r in rows] or np.empty((0, 4)), (-1, 4), "rotation")
    if len(turns) and np.abs(np.linalg.norm(turns, axis=1) - 1).max() > 0.01:
        raise refuse(path, "unit quaternions", "others")
    matrices = pose(places, turns)
    yaw = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    scores = floats(path, [r.get(f"{kind}_score", 1) for r in rows], (-1,), f"{kind}_score")
    names = [str(row[f"{kind}_name"]) for row in rows]
    tracks = [str(row.get("tracking_id", "")) for row in rows] if is_tracked else None
    left_out = [f"{n_others} boxes of other scenes"] if n_others else []
    told = sum(bool(row.get("attribute_name")) for row in rows)
    if told:
        left_out.append(f"{told} attributes of boxes (attribute_name)")
    cuboids = Cuboids(places, sizes[:, [1, 0, 2]], yaw)
    return _given(scene, cuboids, at, tracks, names, scores, left_out)
