"""ASAM OpenLABEL 1.0.0: one file per log, cuboids in the ego frame, every transform named.

A sweep is one of OpenLABEL's instants, numbered from 0. Cuboids have the form with a quaternion
(x, y, z, qx, qy, qz, qw, sx, sy, sz) in `ego`; each instant's `ego_to_world` takes ego
coordinates to the world's (X_world = transform_src_to_dst · X_ego), and sensors hang on `ego` by
`pose_wrt_parent`. 2-D labels that people drew are `bbox` (middle, width, height) and `poly2d` in
their camera, at the sweep nearest to the image.

The file is written instant by instant: memory does not grow with the number of boxes.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints
from perception_label.errors import SchemaError
from perception_label.export.by_sweep import BySweep, SweepBoxes
from perception_label.export.labelled import Labelled, Plan, TrackFacts, json_file
from perception_label.export.openlabel_images import DrawnLabels, drawn_labels
from perception_label.export.openlabel_sensors import coordinate_systems, streams
from perception_label.geometry.poses import interpolate_poses, inverse, transform

EXPORTER = "perception-label"
SHAPE = "shape3D"
POINTERS = {"n_points": "num", "score": "num", "expected_iou": "num"}
POINTERS |= {"source": "text", "is_key": "boolean"}
# Of a box: 1e-6 m and 1e-9 of the quaternion.
CUBOID = (
    '"%s": {"object_data": {"cuboid": [{"name": "shape3D", "val": [%.6f, %.6f, %.6f, %.9f, %.9f, '
    '%.9f, %.9f, %.6f, %.6f, %.6f], "coordinate_system": "ego", "attributes": {"num": '
    '[{"name": "score", "val": %.9g}, {"name": "n_points", "val": %d}%s], "text": '
    '[{"name": "source", "val": %s}], "boolean": [{"name": "is_key", "val": %s}]}}]}}'
)
EXPECTED = ', {"name": "expected_iou", "val": %.9g}'


@dataclass(frozen=True, slots=True)
class _Objects:
    """The tracks in the file: the key of each, and when it is there.

    Attributes
    ----------
    keys : dict of str
        By our id: the file's, whole numbers from 0 as text.
    classes : dict of str
        By our id.
    cuboids, drawn : dict of (n,) int64
        By our id: the sweeps with a cuboid, or a 2-D label, ascending.
    """

    keys: Mapping[str, str]
    classes: Mapping[str, str]
    cuboids: Mapping[str, Ints]
    drawn: Mapping[str, Ints]


def plan(labelled: Labelled) -> Plan:
    """Plan `<log>.conventions.json` and `<log>.openlabel.json`; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    boxes = BySweep.of(labelled)
    drawn, said = drawn_labels(labelled)
    name = labelled.log_id
    files: dict[str, Callable[[Path], None]] = {
        f"{name}.conventions.json": json_file(labelled.facts("openlabel")),
        f"{name}.openlabel.json": partial(_fill, boxes, drawn),
    }
    return Plan(files, (*boxes.left_out(), *said), boxes.n_between)


def _fill(boxes: BySweep, drawn: DrawnLabels, path: Path) -> None:
    labelled = boxes.labelled
    objects = _objects(boxes, drawn)
    facts = dict(labelled.track_facts())
    n = len(labelled.timestamps_ns)
    whole = [{"frame_start": 0, "frame_end": n - 1}] if n else []
    with path.open("w", encoding="utf-8") as out:
        out.write('{"openlabel": {\n"metadata": ' + _json(_metadata(labelled)))
        out.write(',\n"coordinate_systems": ' + _json(coordinate_systems(labelled)))
        out.write(',\n"streams": ' + _json(streams(labelled)))
        out.write(',\n"frame_intervals": ' + _json(whole))
        out.write(',\n"objects": {\n')
        _join(out, _object_lines(objects, drawn, facts))
        out.write('\n},\n"frames": {\n')
        _join(out, _instants(boxes, drawn, objects, facts))
        out.write("\n}\n}}\n")


def _metadata(labelled: Labelled) -> dict[str, Any]:
    # Only what the standard names: libraries drop the rest. The conventions lie beside.
    return {
        "schema_version": "1.0.0",
        "file_version": "1",
        "name": labelled.log_id,
        "annotator": EXPORTER,
        "comment": "cuboids: middle, quaternion x y z w, length width height, metres, in ego; "
        "timestamps are seconds with nine decimals",
    }


def _objects(boxes: BySweep, drawn: DrawnLabels) -> _Objects:
    """Gather every track's sweeps: two numbers per box are in memory, and no text."""
    table = boxes.labelled.boxes
    sweeps = np.repeat(np.arange(len(boxes.start) - 1), np.diff(boxes.start))
    tracks, names = _indices(table.column("track_id"))
    kinds, class_names = _indices(table.column("class_name"))
    tracks, kinds = tracks[boxes.order], kinds[boxes.order]
    order = np.argsort(tracks, kind="stable")  # sweeps are ascending already
    cuts = np.flatnonzero(np.diff(tracks[order])) + 1
    cuboids, classes = {}, {}
    for rows in np.split(order, cuts) if len(order) else []:
        cuboids[names[tracks[rows[0]]]] = sweeps[rows]
        classes[names[tracks[rows[0]]]] = class_names[kinds[rows[0]]]
    flat: dict[str, list[int]] = {}
    for track, name, at in drawn.places():
        flat.setdefault(track, []).append(at)
        classes.setdefault(track, name)
    keys = {track: str(k) for k, track in enumerate(sorted(classes))}
    return _Objects(keys, classes, cuboids, {k: np.unique(v) for k, v in flat.items()})


def _indices(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    parts = [np.asarray(chunk.indices) for chunk in column.chunks]
    names: list[str] = column.chunk(0).dictionary.to_pylist() if parts else []
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64), names


def _intervals(sweeps: Ints) -> list[dict[str, int]]:
    runs = np.split(sweeps, np.flatnonzero(np.diff(sweeps) > 1) + 1) if len(sweeps) else []
    return [{"frame_start": int(run[0]), "frame_end": int(run[-1])} for run in runs]


def _object_lines(
    objects: _Objects, drawn: DrawnLabels, facts: Mapping[str, TrackFacts]
) -> Iterator[str]:
    flat = drawn.pointers()
    for track, key in objects.keys.items():
        every = [of[track] for of in (objects.cuboids, objects.drawn) if track in of]
        said: dict[str, Any] = {
            "name": track,
            "type": objects.classes[track],
            "frame_intervals": _intervals(np.unique(np.concatenate(every))),
            "object_data_pointers": dict(flat.get(track, {})),
        }
        if track in objects.cuboids:
            said["object_data_pointers"][SHAPE] = {
                "type": "cuboid",
                "frame_intervals": _intervals(objects.cuboids[track]),
                "attribute_pointers": POINTERS,
            }
        if track in facts and facts[track].attributes:
            said["object_data"] = object_data(facts[track].attributes)
        yield f'"{key}": {_json(said)}'


def object_data(values: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return attributes by OpenLABEL's kind of value."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for name, value in values.items():
        kind = "boolean" if isinstance(value, bool) else "num"
        if not isinstance(value, bool | int | float):
            kind, value = "text", str(value)  # noqa: PLW2901  # the same value, as text
        kinds.setdefault(kind, []).append({"name": name, "val": value})
    return kinds


def _instants(
    boxes: BySweep, drawn: DrawnLabels, objects: _Objects, facts: Mapping[str, TrackFacts]
) -> Iterator[str]:
    labelled = boxes.labelled
    if labelled.ego_poses is None:
        return
    poses = interpolate_poses(labelled.ego_poses, labelled.timestamps_ns)
    # Of all sweeps at once: SciPy's checks cost more than a sweep's boxes.
    turned = Rotation.from_matrix(poses[:, :3, :3]).as_quat(canonical=True).reshape(-1, 4)
    changing = {track: said for track, said in facts.items() if said.sweep_attributes}
    for sweep in boxes.sweeps():
        world_from_ego, quaternion = poses[sweep.number], turned[sweep.number]
        lines = _cuboid_lines(sweep, world_from_ego, quaternion, objects)
        if changing or drawn.labels:
            more = (_more(track, sweep, drawn, changing) for track in sweep.track_ids())
            lines = [line[:-2] + said + "}}" for line, said in zip(lines, more, strict=True)]
        lines += [
            f'"{objects.keys[track]}": {{"object_data": {_json(data)}}}'
            for track, data in drawn.alone(sweep.number, set(sweep.track_ids())).items()
        ]
        properties = {
            "timestamp": _seconds(sweep.timestamp_ns),
            "transforms": {
                "ego_to_world": {
                    "src": "ego",
                    "dst": "world",
                    "transform_src_to_dst": {
                        "quaternion": quaternion.tolist(),
                        "translation": world_from_ego[:3, 3].tolist(),
                    },
                }
            },
            "streams": {
                labelled.lidar: _stream(sweep.timestamp_ns),
                **{camera: _stream(at) for camera, at in drawn.times(sweep.number).items()},
            },
        }
        head = f'"{sweep.number}": {{"frame_properties": {_json(properties)}, "objects": {{'
        yield head + "\n" + ",\n".join(lines) + "}}"


def _cuboid_lines(
    sweep: SweepBoxes,
    world_from_ego: Floats,
    quaternion: Floats,
    objects: _Objects,
) -> list[str]:
    labels = sweep.labels
    if not len(labels):
        return []
    if not (np.isfinite(labels.cuboids.packed()).all() and np.isfinite(labels.scores).all()):
        raise SchemaError(f"sweep {sweep.number}: expected finite numbers, all that JSON has")
    ego_from_world = inverse(world_from_ego)
    center = transform(ego_from_world, labels.cuboids.center_m)
    tracks = sweep.track_ids()
    iou = labels.expected_iou
    extra = ["" if math.isnan(value) else EXPECTED % value for value in iou.tolist()]
    sources = {name: _json(name) for name in set(sweep.sources)}
    columns = [
        [objects.keys[track] for track in tracks],
        *center.T.tolist(),
        *_seen_from(quaternion, labels.cuboids.yaw_rad).tolist(),
        *labels.cuboids.size_m.T.tolist(),
        labels.scores.tolist(),
        labels.n_points.tolist(),
        extra,
        [sources[name] for name in sweep.sources],
        ["true" if key else "false" for key in sweep.is_key.tolist()],
    ]
    return list(map(CUBOID.__mod__, zip(*columns, strict=True)))


def _seen_from(quaternion: Floats, yaw_rad: Floats) -> Floats:
    """Return (4, M) x, y, z, w: turns about z by `yaw_rad`, seen from what `quaternion` turns."""
    x, y, z, w = (quaternion * [-1, -1, -1, 1]).tolist()
    s, c = np.sin(yaw_rad / 2), np.cos(yaw_rad / 2)
    return np.array([x * c + y * s, y * c - x * s, z * c + w * s, w * c - z * s])


def _more(
    track: str, sweep: SweepBoxes, drawn: DrawnLabels, changing: Mapping[str, TrackFacts]
) -> str:
    """Return what else is said of a track at a sweep: 2-D labels, attributes that change."""
    data: dict[str, Any] = dict(drawn.at(track, sweep.number))
    if track in changing:
        now = changing[track].at(sweep.timestamp_ns)
        data |= object_data({k: now[k] for k in changing[track].sweep_attributes if k in now})
    return "".join(f', "{kind}": {_json(values)}' for kind, values in data.items())


def _stream(timestamp_ns: int) -> dict[str, Any]:
    return {"stream_properties": {"sync": {"timestamp": _seconds(timestamp_ns)}}}


def _seconds(timestamp_ns: int) -> str:
    whole, rest = divmod(timestamp_ns, 1_000_000_000)
    return f"{whole}.{rest:09d}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _join(out: TextIO, lines: Iterator[str]) -> None:
    for k, line in enumerate(lines):
        out.write(line if k == 0 else ",\n" + line)
