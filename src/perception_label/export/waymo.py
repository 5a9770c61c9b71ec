"""Waymo Open Dataset v2: a segment of Parquet components for each log.

`training/<component>/<log>.parquet` for vehicle_pose, lidar, lidar_pose, lidar_calibration,
camera_image, camera_calibration and lidar_box, and `side/<log>.json` with what has no place there.
Points are range images of the TOP LiDAR, see `waymo_ranges`. The layout has five cameras by
number: the forward one is FRONT, others keep a number that their name tells, or get a free one.
"""

import math
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from perception_label.arrays import Floats, Ints
from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.pictures import half_period_ns, nearest_images, picture_file
from perception_label.export.sweep_boxes import (
    SweepBoxes,
    side_facts,
    sweep_boxes,
    with_points,
    world_from_ego,
)
from perception_label.export.waymo_ranges import NO_RETURN, TOP, images_of, inclinations_of
from perception_label.export.waymo_schema import COMPONENTS
from perception_label.geometry.cameras import Camera, forward_camera
from perception_label.geometry.cuboids import wrap

SPLIT = "training"
VEHICLE, PEDESTRIAN, CYCLIST = 1, 2, 4
TYPES = {
    **dict.fromkeys(
        ("car", "truck", "bus", "trailer", "motorcycle", "construction_vehicle"), VEHICLE
    ),
    "pedestrian": PEDESTRIAN,
    "cyclist": CYCLIST,
}
CAMERAS = {"FRONT": 1, "FRONT_LEFT": 2, "FRONT_RIGHT": 3, "SIDE_LEFT": 4, "SIDE_RIGHT": 5}
# The layout's camera looks along x, with y left and z up.
OPTICAL_FROM_CAMERA = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
GLOBAL_SHUTTER = 5
FEW_POINTS = 5  # so few make a box one of LEVEL_2
BATCH_ROWS = 65_536
SWEEPS_PER_GROUP = 4

SECOND = "[LiDARComponent].range_image_return2"

Row = dict[str, Any]


def plan(labelled: Labelled) -> Plan:
    """Plan the log's segment; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    boxes = sweep_boxes(labelled)
    numbers, left_out = _camera_numbers(labelled)
    files: dict[str, Callable[[Path], None]] = {}

    def put(component: str, fill: Callable[[Labelled, Path], None]) -> None:
        files[f"{SPLIT}/{component}/{labelled.log_id}.parquet"] = partial(fill, labelled)

    if labelled.points is not False:
        put("lidar", partial(_fill_images, "lidar"))
        put("lidar_pose", partial(_fill_images, "lidar_pose"))
        put("lidar_calibration", _fill_laser)
        if numbers:
            put("camera_image", partial(_fill_pictures, numbers))
            put("camera_calibration", partial(_fill_lenses, numbers))
    put("vehicle_pose", _fill_poses)
    files[f"side/{labelled.log_id}.json"] = partial(_fill_side, labelled, numbers)
    put("lidar_box", _fill_boxes)
    said = [*boxes.left_out, *left_out]
    return Plan(files, tuple(said), len(labelled.boxes) - len(boxes.labels))


def _write(component: str, tables: Iterator[pa.Table], path: Path) -> None:
    """Write a component, a row group for each table, so that one at a time is held."""
    with parquet.ParquetWriter(path, COMPONENTS[component], compression="zstd") as out:
        for table in tables:
            out.write_table(table)


def _rows(component: str, labelled: Labelled, rows: list[Row]) -> pa.Table:
    told = [{"key.segment_context_name": labelled.log_id, **row} for row in rows]
    return pa.Table.from_pylist(told, schema=COMPONENTS[component])


def _micros(timestamps_ns: Ints) -> Ints:
    out: Ints = timestamps_ns // 1000
    return out


def _fill_poses(labelled: Labelled, path: Path) -> None:
    name = "[VehiclePoseComponent].world_from_vehicle.transform"
    poses = world_from_ego(labelled, labelled.timestamps_ns)
    rows = [
        {"key.frame_timestamp_micros": at, name: pose.ravel().tolist()}
        for at, pose in zip(_micros(labelled.timestamps_ns).tolist(), poses, strict=True)
    ]
    _write("vehicle_pose", iter([_rows("vehicle_pose", labelled, rows)]), path)


def _fill_boxes(labelled: Labelled, path: Path) -> None:
    boxes = with_points(labelled, sweep_boxes(labelled))
    n = len(boxes.labels)
    starts = range(0, max(n, 1), BATCH_ROWS)
    poses = world_from_ego(labelled, labelled.timestamps_ns)
    parts = (_boxes(labelled, boxes, poses, slice(k, min(k + BATCH_ROWS, n))) for k in starts)
    _write("lidar_box", parts, path)


def _boxes(labelled: Labelled, boxes: SweepBoxes, poses: Floats, rows: slice) -> pa.Table:
    labels, n = boxes.labels[rows], rows.stop - rows.start
    turned = poses[boxes.sweeps[rows]]
    shift = labels.cuboids.center_m - turned[:, :3, 3]
    center = np.einsum("mji,mj->mi", turned[:, :3, :3], shift)
    ahead = np.column_stack([np.cos(labels.cuboids.yaw_rad), np.sin(labels.cuboids.yaw_rad)])
    # The heading whose projection to the world is the box's: who reads it turns it about ego's z.
    level = np.linalg.solve(turned[:, :2, :2], ahead[..., None])[..., 0] if n else ahead
    name, schema = "[LiDARBoxComponent]", COMPONENTS["lidar_box"]
    counts = labels.n_points.clip(0)
    hard = np.where(counts > FEW_POINTS, 1, 2).astype(np.int8)
    kinds = np.array([TYPES.get(c, 0) for c in labels.class_names], dtype=np.int8)
    ids = pa.array(labels.track_names, pa.string())
    columns: dict[str, Any] = {
        "key.segment_context_name": pa.array([labelled.log_id] * n, pa.string()),
        "key.frame_timestamp_micros": _micros(labels.timestamps_ns),
        "key.laser_object_id": ids.take(pa.array(labels.tracks.astype(np.int64))),
        f"{name}.box.heading": wrap(np.arctan2(level[:, 1], level[:, 0])),
        f"{name}.type": kinds[labels.classes],
        f"{name}.num_lidar_points_in_box": counts,
        f"{name}.num_top_lidar_points_in_box": counts,
        f"{name}.difficulty_level.detection": hard,
        f"{name}.difficulty_level.tracking": hard,
    }
    for k, axis in enumerate("xyz"):
        columns[f"{name}.box.center.{axis}"] = center[:, k]
        columns[f"{name}.box.size.{axis}"] = np.ascontiguousarray(labels.cuboids.size_m[:, k])
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _fill_images(component: str, labelled: Labelled, path: Path) -> None:
    """Write range images, or the poses of their pixels, a few sweeps at a time."""
    poses = world_from_ego(labelled, labelled.timestamps_ns)
    rises = inclinations_of(labelled)
    which = 0 if component == "lidar" else 1
    name = ("[LiDARComponent]", "[LiDARPoseComponent]")[which] + ".range_image_return1"
    stamps = _micros(labelled.timestamps_ns).tolist()

    def tables() -> Iterator[pa.Table]:
        for first in range(0, max(len(stamps), 1), SWEEPS_PER_GROUP):
            rows = []
            for i in range(first, min(first + SWEEPS_PER_GROUP, len(stamps))):
                image = images_of(labelled, i, rises, poses[i])[which]
                told = {f"{name}.values": image.ravel(), f"{name}.shape": list(image.shape)}
                if component == "lidar":
                    # Without second returns, but not null: Waymo's release of Arrow reads no
                    # null in a list of fixed size.
                    none = np.full(image.size, NO_RETURN, dtype=np.float32)
                    told |= {f"{SECOND}.values": none, f"{SECOND}.shape": list(image.shape)}
                key = {"key.frame_timestamp_micros": stamps[i], "key.laser_name": TOP}
                rows.append({**key, **told})
            yield _rows(component, labelled, rows)

    _write(component, tables(), path)


def _fill_laser(labelled: Labelled, path: Path) -> None:
    name, rises = "[LiDARCalibrationComponent]", inclinations_of(labelled)
    row = {
        "key.laser_name": TOP,
        f"{name}.extrinsic.transform": labelled.ego_from_lidar.ravel().tolist(),
        f"{name}.beam_inclination.min": float(rises.min()),
        f"{name}.beam_inclination.max": float(rises.max()),
        f"{name}.beam_inclination.values": rises.tolist(),
    }
    _write("lidar_calibration", iter([_rows("lidar_calibration", labelled, [row])]), path)


def _camera_numbers(labelled: Labelled) -> tuple[dict[str, int], list[str]]:
    """Return the number of each camera with pictures, and which pictures have no place."""
    if labelled.points is False:
        return {}, []
    names = [name for name in labelled.images if name in labelled.cameras]
    numbers = {name: CAMERAS[name.upper()] for name in names if name.upper() in CAMERAS}
    forward = forward_camera(labelled.cameras)[0]
    free = [k for k in CAMERAS.values() if k not in numbers.values()]
    for name in sorted(names, key=lambda name: name != forward):
        if name not in numbers and free:
            numbers[name] = free.pop(0)
    out = []
    beyond = [name for name in names if name not in numbers]
    if beyond:
        out.append(f"the pictures of {', '.join(beyond)}: the layout has five cameras")
    within_ns = half_period_ns(labelled.timestamps_ns)
    for name in numbers:
        near = nearest_images(labelled, name, within_ns)
        n = len(labelled.images[name].timestamps_ns) - len(np.unique(near[near >= 0]))
        if n:
            out.append(f"{n} pictures of {name}: the layout has one for each sweep")
    fisheye = [name for name in numbers if labelled.cameras[name].model != "pinhole"]
    if fisheye:
        out.append(f"the lens distortion of {', '.join(fisheye)}")
    return numbers, out


def _fill_lenses(numbers: dict[str, int], labelled: Labelled, path: Path) -> None:
    name = "[CameraCalibrationComponent]"
    rows = []
    for camera_name, number in numbers.items():
        camera = labelled.cameras[camera_name]
        mount = np.asarray(camera.ego_from_camera) @ OPTICAL_FROM_CAMERA
        rows.append(
            {
                "key.camera_name": number,
                **{f"{name}.intrinsic.{k}": v for k, v in _lens(camera).items()},
                f"{name}.extrinsic.transform": mount.ravel().tolist(),
                f"{name}.width": camera.width_px,
                f"{name}.height": camera.height_px,
                f"{name}.rolling_shutter_direction": GLOBAL_SHUTTER,
            }
        )
    _write("camera_calibration", iter([_rows("camera_calibration", labelled, rows)]), path)


def _lens(camera: Camera) -> dict[str, float]:
    matrix, bend = np.asarray(camera.intrinsics, dtype=np.float64), np.zeros(5)
    if camera.model == "pinhole":
        bend[: min(len(camera.distortion), 5)] = camera.distortion[:5]
    # Pixels are counted from the first one's edge, ours from its centre.
    focal = {"f_u": matrix[0, 0], "f_v": matrix[1, 1]}
    middle = {"c_u": matrix[0, 2] + 0.5, "c_v": matrix[1, 2] + 0.5}
    names = ("k1", "k2", "p1", "p2", "k3")
    every = focal | middle | dict(zip(names, bend, strict=True))
    return {k: float(v) for k, v in every.items()}


def _fill_pictures(numbers: dict[str, int], labelled: Labelled, path: Path) -> None:
    within_ns = half_period_ns(labelled.timestamps_ns)
    stamps = _micros(labelled.timestamps_ns).tolist()

    def tables() -> Iterator[pa.Table]:
        for name, number in numbers.items():
            taken = labelled.images[name].timestamps_ns
            near = nearest_images(labelled, name, within_ns)
            poses = world_from_ego(labelled, taken)
            with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
                for i, k in enumerate(near.tolist()):
                    if k < 0:
                        continue
                    file = Path(scratch, "picture.jpg")
                    picture_file(labelled, name, k, ".jpg")(file)
                    row = _picture(int(taken[k]), poses[k], file.read_bytes())
                    row |= {"key.frame_timestamp_micros": stamps[i], "key.camera_name": number}
                    yield _rows("camera_image", labelled, [row])

    _write("camera_image", tables(), path)


def _picture(at_ns: int, pose: Floats, data: bytes) -> Row:
    name, at_s = "[CameraImageComponent]", at_ns * 1e-9
    speeds = (f"{name}.velocity.{kind}_velocity.{axis}" for kind in ("linear", "angular")
              for axis in "xyz")  # fmt: skip
    shutter = f"{name}.rolling_shutter_params"
    return {
        f"{name}.image": data,
        f"{name}.pose.transform": pose.ravel().tolist(),
        f"{name}.pose_timestamp": at_s,
        **dict.fromkeys(speeds, math.nan),
        f"{shutter}.shutter": 0.0,
        f"{shutter}.camera_trigger_time": at_s,
        f"{shutter}.camera_readout_done_time": at_s,
    }


def _fill_side(labelled: Labelled, numbers: dict[str, int], path: Path) -> None:
    json_file({**side_facts(labelled, "waymo"), "cameras": numbers})(path)
