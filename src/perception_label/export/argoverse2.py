"""Argoverse 2 sensor logs: `val/<log>/` with feather tables, sweeps, pictures and a small map.

`annotations.feather`, `city_SE3_egovehicle.feather` (at every sweep and image), `calibration/`,
`sensors/lidar/<ns>.feather`, `sensors/cameras/<camera>/<ns>.jpg`, `map/` with one drivable area
around the path, without which the official loader opens no log, and `side/<log>.json` with what
has no place there. Points and boxes are in the ego frame at the sweep. The forward camera is named
ring_front_center, as the loader knows it; side/ has its own name.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints
from perception_label.export.labelled import Labelled, Plan, json_file
from perception_label.export.pictures import picture_file
from perception_label.export.sweep_boxes import (
    SweepBoxes,
    side_facts,
    sweep_boxes,
    with_points,
    world_from_ego,
)
from perception_label.geometry.cameras import Camera, forward_camera
from perception_label.geometry.poses import inverse, transform

SPLIT = "val"
FORWARD = "ring_front_center"
LIDARS = ("up_lidar", "down_lidar")
LOWER_LASERS = 32  # laser numbers of a second LiDAR begin here
CATEGORIES = {
    "car": "REGULAR_VEHICLE",
    "truck": "TRUCK",
    "bus": "BUS",
    "trailer": "VEHICULAR_TRAILER",
    "motorcycle": "MOTORCYCLE",
    "bicycle": "BICYCLE",
    "cyclist": "BICYCLIST",
    "pedestrian": "PEDESTRIAN",
    "construction_vehicle": "LARGE_VEHICLE",
}
POSE = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
BATCH_ROWS = 65_536
AROUND_M = 250.0  # the drivable area goes so far beyond the path
PIXEL_M = 2.0  # of the ground surface, which holds no heights


def plan(labelled: Labelled) -> Plan:
    """Plan the log's folder; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    """
    boxes = sweep_boxes(labelled)
    root = f"{SPLIT}/{labelled.log_id}"
    files: dict[str, Callable[[Path], None]] = {}
    cameras = _cameras(labelled)
    if labelled.points is not False:
        for i, at in enumerate(labelled.timestamps_ns.tolist()):
            files[f"{root}/sensors/lidar/{at}.feather"] = partial(_fill_sweep, labelled, i)
        for name, camera in cameras.items():
            for k, at in enumerate(labelled.images[name].timestamps_ns.tolist()):
                fill = picture_file(labelled, name, k, ".jpg")
                files[f"{root}/sensors/cameras/{camera}/{at}.jpg"] = fill
    files |= _map_files(labelled, root)
    files[f"{root}/calibration/egovehicle_SE3_sensor.feather"] = partial(_fill_mounts, labelled)
    files[f"{root}/calibration/intrinsics.feather"] = partial(_fill_lenses, labelled)
    files[f"{root}/city_SE3_egovehicle.feather"] = partial(_fill_poses, labelled)
    files[f"side/{labelled.log_id}.json"] = partial(_fill_side, labelled, cameras)
    files[f"{root}/annotations.feather"] = partial(_fill_boxes, labelled)
    left_out = [*boxes.left_out, *_bent(labelled)]
    return Plan(files, tuple(left_out), len(labelled.boxes) - len(boxes.labels))


def poses_as_columns(poses: Floats) -> dict[str, Floats]:
    """Return (n, 4, 4) transforms as the columns qw qx qy qz tx_m ty_m tz_m."""
    turns = np.empty((0, 4))
    if len(poses):
        turns = Rotation.from_matrix(poses[:, :3, :3]).as_quat(scalar_first=True)
    numbers = np.column_stack([turns, poses[:, :3, 3]])
    return {name: np.ascontiguousarray(numbers[:, k]) for k, name in enumerate(POSE)}


def _cameras(labelled: Labelled) -> dict[str, str]:
    """Return what each camera with pictures is called there."""
    forward = forward_camera(labelled.cameras)[0]
    names = [name for name in labelled.images if name in labelled.cameras]
    if FORWARD in names:
        return {name: name for name in names}
    return {name: FORWARD if name == forward else name for name in names}


def _bent(labelled: Labelled) -> list[str]:
    """Say which cameras' distortion the three radial coefficients cannot hold."""
    bent = [
        name
        for name, camera in labelled.cameras.items()
        if camera.model != "pinhole" or any(camera.distortion[2:4]) or any(camera.distortion[5:])
    ]
    return [f"the lens distortion of {', '.join(bent)}, but k1 k2 k3"] if bent else []


def _write(columns: Mapping[str, Any], path: Path) -> None:
    feather.write_feather(pa.table(dict(columns)), str(path), compression="lz4")


def _fill_sweep(labelled: Labelled, i: int, path: Path) -> None:
    sweep = labelled.sweep(i)
    n = len(sweep)
    ego = transform(labelled.ego_from_lidar, sweep.points_m).astype(np.float32)
    columns: dict[str, Any] = {axis: ego[:, k] for k, axis in enumerate("xyz")}
    intensity = np.zeros(n, np.float32) if sweep.intensity is None else sweep.intensity
    scale = 255.0 if n and float(intensity.max()) <= 1 else 1.0
    columns["intensity"] = np.clip(intensity * scale, 0, 255).astype(np.uint8)
    laser = np.zeros(n, np.int64) if sweep.ring is None else sweep.ring.astype(np.int64)
    if sweep.lidar is not None:
        laser = laser + LOWER_LASERS * (sweep.lidar > 0)
    columns["laser_number"] = np.clip(laser, 0, 255).astype(np.uint8)
    none = np.zeros(n, np.int32)
    columns["offset_ns"] = none if sweep.time_offset_ns is None else sweep.time_offset_ns
    _write(columns, path)


def _fill_boxes(labelled: Labelled, path: Path) -> None:
    """Write the boxes some rows at a time: a feather file is an Arrow file of batches."""
    boxes = with_points(labelled, sweep_boxes(labelled))
    n = len(boxes.labels)
    parts = (
        _box_columns(labelled, boxes, slice(k, min(k + BATCH_ROWS, n)))
        for k in range(0, max(n, 1), BATCH_ROWS)
    )
    first = next(parts)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(str(path), first.schema, options=options) as out:
        out.write_table(first)
        for part in parts:
            out.write_table(part)


def _box_columns(labelled: Labelled, boxes: SweepBoxes, rows: slice) -> pa.Table:
    labels, sweeps = boxes.labels[rows], boxes.sweeps[rows]
    low, high = (int(sweeps[0]), int(sweeps[-1]) + 1) if len(sweeps) else (0, 0)
    times = labelled.timestamps_ns[low:high]
    poses = inverse(world_from_ego(labelled, times))[sweeps - low]
    turn = Rotation.from_euler("Z", labels.cuboids.yaw_rad[:, None]).as_matrix().reshape(-1, 3, 3)
    there = np.tile(np.eye(4), (len(labels), 1, 1))
    there[:, :3, :3] = poses[:, :3, :3] @ turn
    there[:, :3, 3] = np.einsum("mij,mj->mi", poses[:, :3, :3], labels.cuboids.center_m)
    there[:, :3, 3] += poses[:, :3, 3]
    names = [CATEGORIES.get(name, name.upper()) for name in labels.class_names]
    sizes = dict(zip(("length_m", "width_m", "height_m"), labels.cuboids.size_m.T, strict=True))
    columns = {
        "timestamp_ns": labels.timestamps_ns,
        "track_uuid": _words(labels.tracks, labels.track_names),
        "category": _words(labels.classes, names),
        **{name: np.ascontiguousarray(values) for name, values in sizes.items()},
        **poses_as_columns(there),
        "num_interior_pts": labels.n_points.clip(0),
    }
    return pa.table(columns)


def _words(numbers: np.ndarray, names: Any) -> pa.Array:
    words = pa.array(list(names), pa.string())
    return words.take(pa.array(numbers.astype(np.int64)))


def _fill_poses(labelled: Labelled, path: Path) -> None:
    stamps: list[Ints] = [labelled.timestamps_ns]
    stamps += [images.timestamps_ns for images in labelled.images.values()]
    if labelled.ego_poses is not None:
        stamps.append(labelled.ego_poses.timestamps_ns)
    times = np.unique(np.concatenate(stamps))
    poses = world_from_ego(labelled, times)
    _write({"timestamp_ns": times, **poses_as_columns(poses)}, path)


def _fill_mounts(labelled: Labelled, path: Path) -> None:
    names = _cameras(labelled)
    # Both LiDARs of the layout are needed by its reader; a merged sweep has one frame.
    mounts = [labelled.ego_from_lidar] * len(LIDARS)
    mounts += [labelled.cameras[name].ego_from_camera for name in names]
    columns = {"sensor_name": [*LIDARS, *names.values()]}
    _write({**columns, **poses_as_columns(np.array(mounts))}, path)


def _fill_lenses(labelled: Labelled, path: Path) -> None:
    names = _cameras(labelled)
    rows = [_lens(labelled.cameras[name]) for name in names]
    kinds = {"height_px": np.uint32, "width_px": np.uint32}
    columns: dict[str, Any] = {"sensor_name": pa.array(list(names.values()), pa.string())}
    for k, name in enumerate(
        ("fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "k3", "height_px", "width_px")
    ):
        columns[name] = np.array([row[k] for row in rows], dtype=kinds.get(name, np.float64))
    _write(columns, path)


def _lens(camera: Camera) -> tuple[float, ...]:
    matrix, bend = np.asarray(camera.intrinsics), np.zeros(5)
    if camera.model == "pinhole":
        bend[: min(len(camera.distortion), 5)] = camera.distortion[:5]
    focal = (matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])
    return (*focal, bend[0], bend[1], bend[4], camera.height_px, camera.width_px)


def _map_files(labelled: Labelled, root: str) -> dict[str, Callable[[Path], None]]:
    log = labelled.log_id
    places = world_from_ego(labelled, labelled.timestamps_ns)[:, :2, 3]
    low = np.floor(places.min(axis=0) - AROUND_M) if len(places) else np.zeros(2)
    high = np.ceil(places.max(axis=0) + AROUND_M) if len(places) else np.ones(2)
    corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    ring = [{"x": float(x), "y": float(y), "z": 0.0} for x, y in [*corners, corners[0]]]
    area = {"1": {"area_boundary": ring, "id": 1}}
    known = {"pedestrian_crossings": {}, "lane_segments": {}, "drivable_areas": area}
    shape = np.ceil((high - low)[::-1] / PIXEL_M).astype(int)
    place = {"R": [1.0, 0.0, 0.0, 1.0], "t": (-low).tolist(), "s": 1 / PIXEL_M}
    return {
        f"{root}/map/log_map_archive_{log}____XXX_city_00000.json": json_file(known),
        f"{root}/map/{log}_ground_height_surface____XXX.npy": partial(_fill_ground, shape),
        f"{root}/map/{log}___img_Sim2_city.json": json_file(place),
    }


def _fill_ground(shape: Ints, path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, np.full(shape, np.nan, dtype=np.float16))


def _fill_side(labelled: Labelled, cameras: Mapping[str, str], path: Path) -> None:
    facts = {**side_facts(labelled, "argoverse2"), "cameras": {v: k for k, v in cameras.items()}}
    json_file(facts)(path)
