"""A drive as nuScenes tables, written apart from the reader."""

import hashlib
import json

import numpy as np
from PIL import Image

from readers.drives import SIZES, YAWS, quaternion

# The LiDAR looks as on the car: x right, y ahead.
EGO_FROM_LIDAR = np.array([[0, 1, 0, 0.9], [-1, 0, 0, 0.1], [0, 0, 1, 1.8], [0, 0, 0, 1.0]])
EGO_FROM_CAMERA = np.array([[0, 0, 1, 1.7], [-1, 0, 0, 0.2], [0, -1, 0, 1.5], [0, 0, 0, 1.0]])
LENS = [[300.0, 0, 159.5], [0, 300.0, 89.5], [0, 0, 1]]
NAMES = ("vehicle.car", "vehicle.truck", "human.pedestrian.adult")
SCENE = "scene-0007"


def token(*parts):
    return hashlib.md5("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def tables(made, keys=None, scene=SCENE):
    """Return the tables of one scene; `keys` are the sweeps that are samples, by default all."""
    keys = range(len(made)) if keys is None else keys
    out = {name: [] for name in ("sample", "sample_data", "ego_pose", "sample_annotation")}
    out["scene"] = [{"token": token(scene), "name": scene, "log_token": "", "nbr_samples": 1}]
    out["sensor"] = [
        {"token": token("s", c), "channel": c, "modality": m}
        for c, m in (("LIDAR_TOP", "lidar"), ("CAM_FRONT", "camera"), ("RADAR_FRONT", "radar"))
    ]
    mounts = {"LIDAR_TOP": (EGO_FROM_LIDAR, []), "CAM_FRONT": (EGO_FROM_CAMERA, LENS)}
    turns = {"LIDAR_TOP": [0.5**0.5, 0, 0, -(0.5**0.5)], "CAM_FRONT": [0.5, -0.5, 0.5, -0.5]}
    out["calibrated_sensor"] = [
        {
            "token": token("c", name),
            "sensor_token": token("s", name),
            "translation": mount[:3, 3].tolist(),
            "rotation": turns[name],
            "camera_intrinsic": lens,
        }
        for name, (mount, lens) in mounts.items()
    ]
    out["category"] = [{"token": token(n), "name": n, "description": ""} for n in NAMES]
    out["attribute"] = [{"token": token("moving"), "name": "pedestrian.moving"}]
    out["instance"] = [
        {"token": token("i", k), "category_token": token(n)} for k, n in enumerate(NAMES)
    ]
    for i, time in enumerate((made.times_ns // 1000).tolist()):
        sample = token(scene, "sample", max([k for k in keys if k <= i], default=0))
        if i in keys:
            out["sample"].append({"token": sample, "timestamp": time, "scene_token": token(scene)})
            out["sample_annotation"] += _boxes(made, i, sample)
        for channel, suffix in (("LIDAR_TOP", "pcd.bin"), ("CAM_FRONT", "jpg")):
            kind = "samples" if i in keys else "sweeps"
            out["ego_pose"].append(
                {
                    "token": token(channel, i),
                    "timestamp": time,
                    "translation": made.world_from_ego[i, :3, 3].tolist(),
                    "rotation": quaternion(made.world_from_ego[i]),
                }
            )
            out["sample_data"].append(
                {
                    "token": token(channel, i),
                    "sample_token": sample,
                    "ego_pose_token": token(channel, i),
                    "calibrated_sensor_token": token("c", channel),
                    "timestamp": time,
                    "is_key_frame": i in keys,
                    "height": 180,
                    "width": 320,
                    "filename": f"{kind}/{channel}/{time}.{suffix}",
                }
            )
    return out


def _boxes(made, i, sample):
    out = []
    for k in range(3):
        length, width, height = SIZES[k].tolist()
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(YAWS[k]), -np.sin(YAWS[k])], [np.sin(YAWS[k]), np.cos(YAWS[k])]]
        out.append(
            {
                "token": token("a", i, k),
                "sample_token": sample,
                "instance_token": token("i", k),
                "attribute_tokens": [token("moving")] if k == 2 else [],
                "translation": made.centers_m[i, k].tolist(),
                "size": [width, length, height],
                "rotation": quaternion(turn),
            }
        )
    return out


def nuscenes(folder, made, keys=None):
    """Write a dataset of one scene and return its root."""
    root = folder / "nuscenes"
    lidar_from_ego = np.linalg.inv(EGO_FROM_LIDAR)
    found = tables(made, keys)
    for name, rows in found.items():
        path = root / "v1.0-tiny" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=0))
    for row in found["sample_data"]:
        path = root / row["filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        i = (made.times_ns // 1000).tolist().index(row["timestamp"])
        if path.suffix == ".jpg":
            Image.new("RGB", (320, 180), (i * 40, 90, 90)).save(path)
            continue
        points = made.points_m[i] @ lidar_from_ego[:3, :3].T + lidar_from_ego[:3, 3]
        n = len(points)
        columns = [points, np.arange(n) % 256, np.arange(n) % 32]
        path.write_bytes(np.column_stack(columns).astype("<f4").tobytes())
    return root
