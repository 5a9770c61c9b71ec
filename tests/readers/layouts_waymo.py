"""A drive over hills as Waymo v2 Parquet files, written apart from the reader.

Every beam ends on the plane z = 0 of the world, which the vehicle drives over with roll and
pitch, while the TOP LiDAR turns: points that are read right lie on that plane.
"""

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from oracles.range_images import pose_matrix

SEGMENT = "1005081002024129653_5313_150_5333_150"
START_US = 1_550_083_467_346_370
PERIOD_US = 100_000
ROWS, COLUMNS = 6, 40
INCLINATIONS = np.array([-0.42, -0.31, -0.22, -0.17, -0.12, -0.08])
TOP = pose_matrix([0.01, -0.02, 2.6, 1.43, 0.02, 2.18])
FRONT = pose_matrix([0.0, 0.0, 0.1, 4.07, 0.0, 0.69])
CAMERA = pose_matrix([0.0, 0.0, 0.0, 1.5, 0.1, 2.1])  # x ahead, y left, z up


@dataclass(frozen=True)
class Drive:
    """S instants: the vehicle's pose, and the boxes (centre, size, heading) in its frame."""

    times_us: np.ndarray
    world_from_ego: np.ndarray
    boxes: tuple


def vehicle(at_s):
    """Return roll, pitch, yaw, x, y, z of the vehicle at a time."""
    return [
        0.02 * np.sin(at_s),
        0.03 * np.cos(2 * at_s),
        0.4 + 0.3 * at_s,
        120.0 + 9 * at_s,
        -40.0 + 3 * at_s,
        0.3 * np.sin(at_s),
    ]


def drive(n=3):
    times = START_US + PERIOD_US * np.arange(n)
    poses = np.array([pose_matrix(vehicle(k * PERIOD_US * 1e-6)) for k in range(n)])
    boxes = tuple(
        (np.array([12.0 - k, 3.0, 1.0]), np.array([4.6, 1.9, 1.7]), 0.3 - 0.1 * k) for k in range(n)
    )
    return Drive(times, poses, boxes)


def top_image(k):
    """Return (H, W, 4) ranges and (H, W, 6) poses of the TOP LiDAR's turn k."""
    image, poses = np.zeros((ROWS, COLUMNS, 4)), np.zeros((ROWS, COLUMNS, 6))
    for column in range(COLUMNS):
        at_s = (k + (column / COLUMNS - 0.5)) * PERIOD_US * 1e-6
        poses[:, column] = vehicle(at_s)
        for row in range(ROWS):
            # float32, as the file holds it: the beam starts where the reader will think it does.
            then = pose_matrix(poses[row, column].astype(np.float32).astype(float))
            image[row, column, 0] = reach(then @ TOP, INCLINATIONS[ROWS - 1 - row], column, TOP)
            image[row, column, 1:] = [0.25 * row, 0.1, -1]
    return image, poses


def reach(world_from_lidar, rise, column, mount, columns=COLUMNS):
    """Return how far a beam goes before it meets z = 0, or -1 for more than 75 m."""
    azimuth = np.pi - 2 * np.pi * (column + 0.5) / columns - np.arctan2(mount[1, 0], mount[0, 0])
    beam = [np.cos(rise) * np.cos(azimuth), np.cos(rise) * np.sin(azimuth), np.sin(rise)]
    slope = world_from_lidar[2, :3] @ beam
    far = -world_from_lidar[2, 3] / slope if slope < 0 else np.inf
    return far if far < 75 else -1


def front_image(world_from_ego):
    image = np.full((4, 12, 4), -1.0)
    rises = (np.arange(4) + 0.5) / 4 * (0.5 - -1.4) - 1.4
    for row in range(4):
        for column in range(12):
            image[row, column, 0] = reach(world_from_ego @ FRONT, rises[3 - row], column, FRONT, 12)
    return image


def save(root, component, rows, split="training", segment=SEGMENT, **options):
    path = root / split / component / f"{segment}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"key.segment_context_name": segment, **r} for r in rows]
    # With the types of the dataset's own files.
    kinds = {".transform": pa.list_(pa.float64(), 16), ".shape": pa.list_(pa.int32(), 3)}
    kinds |= {"1.values": pa.list_(pa.float32()), "2.values": pa.list_(pa.float32())}
    kinds |= {"laser_name": pa.int8(), "camera_name": pa.int8(), ".type": pa.int8()}
    fields = [
        pa.field(f.name, next((k for end, k in kinds.items() if f.name.endswith(end)), f.type))
        for f in pa.Table.from_pylist(rows).schema
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    parquet.write_table(table, path, **options)


def flat(name, image):
    values = [] if image is None else image.astype(np.float32).ravel().tolist()
    return {
        f"{name}.values": values or None,
        f"{name}.shape": list(image.shape) if values else None,
    }


def waymo(folder, made=None, *, pictures=True, row_group_size=5):
    """Write a segment and return the dataset's root."""
    made = drive() if made is None else made
    root = folder / "waymo"
    lidar, poses, vehicles, boxes, images = [], [], [], [], []
    for k, at in enumerate(made.times_us.tolist()):
        key = {"key.frame_timestamp_micros": at}
        top, pixel_poses = top_image(k)
        second = np.where(np.arange(COLUMNS)[None, :, None] % 5 == 0, top, -1.0)
        one, two = (f"[LiDARComponent].range_image_return{n}" for n in (1, 2))
        lidar.append({**key, "key.laser_name": 1, **flat(one, top), **flat(two, second)})
        front = front_image(made.world_from_ego[k])
        lidar.insert(0, {**key, "key.laser_name": 2, **flat(one, front), **flat(two, None)})
        name = "[LiDARPoseComponent].range_image_return1"
        poses.append({**key, "key.laser_name": 1, **flat(name, pixel_poses)})
        name = "[VehiclePoseComponent].world_from_vehicle.transform"
        vehicles.append({**key, name: made.world_from_ego[k].ravel().tolist()})
        boxes += [{**key, **row} for row in _boxes(made.boxes[k])]
        data = io.BytesIO()
        Image.new("RGB", (64, 48), (40 * k, 9, 9)).save(data, "JPEG")
        name = "[CameraImageComponent]"
        images.append(
            {
                **key,
                "key.camera_name": 1,
                f"{name}.image": data.getvalue(),
                f"{name}.pose_timestamp": (at + 20_000) * 1e-6,
            }
        )
    save(root, "lidar", lidar, row_group_size=row_group_size)
    save(root, "lidar_pose", poses)
    save(root, "vehicle_pose", vehicles)
    save(root, "lidar_box", boxes)
    save(root, "lidar_calibration", [_laser(1, TOP, INCLINATIONS), _laser(2, FRONT, None)])
    if pictures:
        save(root, "camera_image", images)
        save(root, "camera_calibration", [_camera()])
    save(root, "stats", [{"key.frame_timestamp_micros": START_US}])
    return root


def _laser(number, mount, inclinations):
    name = "[LiDARCalibrationComponent]"
    low, high = (-1.4, 0.5) if inclinations is None else (INCLINATIONS[0], INCLINATIONS[-1])
    return {
        "key.laser_name": number,
        f"{name}.extrinsic.transform": mount.ravel().tolist(),
        f"{name}.beam_inclination.min": float(low),
        f"{name}.beam_inclination.max": float(high),
        f"{name}.beam_inclination.values": None if inclinations is None else inclinations.tolist(),
    }


def _camera():
    name = "[CameraCalibrationComponent]"
    lens = {"f_u": 60.0, "f_v": 61.0, "c_u": 32.0, "c_v": 24.0, "k1": 0.01, "k2": 0.0}
    lens |= {"p1": 0.001, "p2": 0.0, "k3": 0.0}
    return {
        "key.camera_name": 1,
        **{f"{name}.intrinsic.{k}": v for k, v in lens.items()},
        f"{name}.extrinsic.transform": CAMERA.ravel().tolist(),
        f"{name}.width": 64,
        f"{name}.height": 48,
    }


def _boxes(box):
    center, size, heading = box
    name = "[LiDARBoxComponent]"
    for kind, track in ((1, "car"), (2, "walker"), (3, "sign"), (4, "rider")):
        yield {
            "key.laser_object_id": f"{track}-Ä b",
            **{f"{name}.box.center.{a}": v for a, v in zip("xyz", center, strict=True)},
            **{f"{name}.box.size.{a}": v for a, v in zip("xyz", size, strict=True)},
            f"{name}.box.heading": heading,
            f"{name}.type": kind,
        }
