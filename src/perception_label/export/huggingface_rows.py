"""Rows of sweeps and of images for Hugging Face: points and pictures with their labels."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from perception_label.cloud.sweeps import Sweep
from perception_label.export.by_sweep import BySweep, SweepBoxes, path_of
from perception_label.export.labelled import Labelled, TrackFacts
from perception_label.export.pictures import PictureBytes
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.geometry.shapes import KINDS

IMAGES_AT_ONCE = 16  # a row group: 16 pictures are a few MB
_POSE = pa.list_(pa.list_(pa.float64(), 4), 4)
_WHO = [
    ("track_id", pa.string()),
    ("class_name", pa.string()),
    ("is_key", pa.bool_()),
    ("source", pa.string()),
    ("score", pa.float64()),
]
CUBOID = pa.struct(
    [
        *_WHO,
        ("center_m", pa.list_(pa.float64(), 3)),
        ("size_m", pa.list_(pa.float64(), 3)),
        ("rotation_wxyz", pa.list_(pa.float64(), 4)),
        ("n_points", pa.int64()),
        ("attributes", pa.string()),
    ]
)
LABEL = pa.struct(
    [*_WHO, ("kind", pa.string()), ("box_px", pa.list_(pa.float64(), 4)), ("shape", pa.string())]
)
SWEEPS = pa.schema(
    [
        ("log_id", pa.string()),
        ("sweep", pa.int64()),
        ("timestamp_ns", pa.int64()),
        ("lidar", pa.string()),
        ("world_from_lidar", _POSE),
        ("world_from_ego", _POSE),
        ("points_m", pa.list_(pa.list_(pa.float32(), 3))),
        ("intensity", pa.list_(pa.float32())),
        ("ring", pa.list_(pa.uint16())),
        ("time_offset_ns", pa.list_(pa.int32())),
        ("lidar_number", pa.list_(pa.uint8())),
        ("objects", pa.list_(CUBOID)),
    ]
)
IMAGES = pa.schema(
    [
        ("log_id", pa.string()),
        ("camera", pa.string()),
        ("image_number", pa.int64()),
        ("timestamp_ns", pa.int64()),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("width_px", pa.int64()),
        ("height_px", pa.int64()),
        ("intrinsics", pa.list_(pa.list_(pa.float64(), 3), 3)),
        ("distortion", pa.list_(pa.float64())),
        ("lens_model", pa.string()),
        ("ego_from_camera", _POSE),
        ("world_from_ego", _POSE),
        ("objects", pa.list_(LABEL)),
    ]
)


def fill_sweeps(
    boxes_of: Callable[[], BySweep], numbers: range, path: Path, target: pa.Schema
) -> None:
    """Write some sweeps of a log, one row group each."""
    by_sweep = boxes_of()
    labelled = by_sweep.labelled
    lidar_from_ego = inverse(labelled.ego_from_lidar)
    facts = labelled.track_facts()
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for boxes in by_sweep.sweeps(numbers.start, numbers.stop):
            row = {
                "log_id": labelled.log_id,
                "lidar": labelled.lidar,
                "world_from_ego": (boxes.world_from_lidar @ lidar_from_ego).tolist(),
                "objects": _cuboids(boxes, facts),
            }
            writer.write_table(_sweep(labelled.sweep(boxes.number), boxes, row, target))


def _sweep(sweep: Sweep, boxes: SweepBoxes, more: Mapping[str, Any], target: pa.Schema) -> pa.Table:
    row = {
        **more,
        "sweep": boxes.number,
        "timestamp_ns": boxes.timestamp_ns,
        "world_from_lidar": boxes.world_from_lidar.tolist(),
    }
    points = np.ascontiguousarray(sweep.points_m, dtype=np.float32).reshape(-1)
    channels = {"points_m": pa.FixedSizeListArray.from_arrays(pa.array(points), 3)}
    for name in ("intensity", "ring", "time_offset_ns", "lidar_number"):
        values = getattr(sweep, "lidar" if name == "lidar_number" else name)
        if values is not None:
            channels[name] = pa.array(values)
    columns = []
    for field in target:
        if field.name in channels:
            values = channels[field.name]
            ends = pa.array([0, len(values)], pa.int32())
            columns.append(pa.ListArray.from_arrays(ends, values).cast(field.type))
        else:
            columns.append(pa.array([row.get(field.name)], field.type))
    return pa.Table.from_arrays(columns, schema=target)


def _cuboids(boxes: SweepBoxes, facts: Mapping[str, TrackFacts]) -> list[dict[str, Any]]:
    if not len(boxes.labels):
        return []
    center, rotation = boxes.in_lidar()
    columns = {
        "track_id": boxes.track_ids(),
        "class_name": boxes.class_names(),
        "is_key": boxes.is_key.tolist(),
        "source": boxes.sources,
        "score": boxes.labels.scores.tolist(),
        "center_m": center.tolist(),
        "size_m": boxes.labels.cuboids.size_m.tolist(),
        "rotation_wxyz": rotation.as_quat(canonical=True, scalar_first=True).tolist(),
        "n_points": boxes.labels.n_points.tolist(),
        "attributes": [
            facts[t].as_json(boxes.timestamp_ns) if t in facts else None for t in boxes.track_ids()
        ],
    }
    return _rows(columns)


def fill_images(
    labelled: Labelled,
    labels_of: Callable[[str], ImageLabels],
    camera: str,
    numbers: range,
    path: Path,
    target: pa.Schema,
) -> None:
    """Write some pictures of a camera with their labels."""
    pictures = PictureBytes(labelled, camera)
    labels = labels_of(camera)
    order = np.argsort(labels.images, kind="stable")
    start = np.searchsorted(labels.images[order], np.arange(numbers.start, numbers.stop + 1))
    poses = _ego_poses(labelled, camera, numbers)
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for first in range(0, len(numbers), IMAGES_AT_ONCE):
            some = range(first, min(first + IMAGES_AT_ONCE, len(numbers)))
            rows = []
            for k in some:
                at = labels[order[start[k] : start[k + 1]]]
                rows.append(_image(pictures, numbers[k], at))
                rows[-1]["world_from_ego"] = poses[k]
            writer.write_table(pa.Table.from_pylist(rows, schema=target))


def _ego_poses(labelled: Labelled, camera: str, numbers: range) -> list[list[list[float]]]:
    times = labelled.images[camera].timestamps_ns[numbers.start : numbers.stop]
    poses: list[list[list[float]]] = interpolate_poses(
        path_of(labelled), times, outside="hold"
    ).tolist()
    return poses


def _image(pictures: PictureBytes, number: int, labels: ImageLabels) -> dict[str, Any]:
    labelled, name = pictures.labelled, pictures.camera
    data, suffix, (width, height) = pictures.read(number)
    row: dict[str, Any] = {
        "log_id": labelled.log_id,
        "camera": name,
        "image_number": number,
        "timestamp_ns": int(labelled.images[name].timestamps_ns[number]),
        "image": {"bytes": data, "path": f"{name}-{number:06d}{suffix}"},
        "width_px": width,
        "height_px": height,
        "objects": _labels(labels),
    }
    camera = labelled.cameras.get(name)
    if camera is not None:
        row |= {
            "intrinsics": np.asarray(camera.intrinsics, dtype=np.float64).tolist(),
            "distortion": list(camera.distortion),
            "lens_model": camera.model,
            "ego_from_camera": np.asarray(camera.ego_from_camera).tolist(),
        }
    return row


def _labels(labels: ImageLabels) -> list[dict[str, Any]]:
    kept = labels[labels.visible]
    boxes = [box if np.isfinite(box).all() else None for box in kept.boxes_px]
    columns = {
        "track_id": kept.track_ids.tolist(),
        "class_name": kept.class_names.tolist(),
        "is_key": kept.is_key.tolist(),
        "source": kept.sources.tolist(),
        "score": kept.scores.tolist(),
        "kind": [KINDS[k] for k in kept.kinds.tolist()],
        "box_px": [None if box is None else box.tolist() for box in boxes],
        "shape": [None if s is None else json.dumps(s.plain()) for s in kept.shapes.tolist()],
    }
    return _rows(columns)


def _rows(columns: dict[str, Iterable[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
