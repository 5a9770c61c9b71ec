"""Waymo v2 components, opened by Waymo's own classes, range images decoded by its functions."""

import os
from pathlib import Path

import numpy as np
from checks import client, heading, turn

SEGMENT = "hill-1"
TYPES = {"car": 1, "truck": 1, "pedestrian": 2, "cyclist": 4}


def _inside(points, center, size, yaw):
    """Count points in a box that is upright in the vehicle frame."""
    c, s = np.cos(yaw), np.sin(yaw)
    local = (points - center) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return int((np.abs(local) <= np.array(size) / 2).all(axis=1).sum())


def _clouds(v2, each, poses):
    laser = each("lidar_calibration", v2.LiDARCalibrationComponent)[0]
    pixels = each("lidar_pose", v2.LiDARPoseComponent)
    out = []
    for k, sweep in enumerate(each("lidar", v2.LiDARComponent)):
        points = v2.convert_range_image_to_point_cloud(
            sweep.range_image_return1, laser, pixels[k].range_image_return1, poses[k]
        )
        out.append(points.numpy().astype(float))
    return out


def _score(checks, given):
    """Score truth, turned into detections by this script, by Waymo's own metrics."""
    from waymo_open_dataset.metrics.python.wod_detection_evaluator import WODDetectionEvaluator

    name = "[LiDARBoxComponent].box."
    numbers = [f"{name}{k}" for k in ("center.x", "center.y", "center.z", "size.x", "size.y",
                                      "size.z", "heading")]  # fmt: skip
    stamps = [at // 1000 for at in checks.truth["timestamps_ns"]]
    frames = np.array(
        [stamps.index(at) for at in given["key.frame_timestamp_micros"]], dtype=np.int64
    )
    rows = [
        [*row["ego_center_m"], *row["size_m"], heading(row["ego_heading"])]
        for row in checks.truth["rows"]
    ]
    n = len(rows)
    evaluator = WODDetectionEvaluator()
    evaluator.update_state(
        {
            "ground_truth_frame_id": frames,
            "ground_truth_bbox": given[numbers].to_numpy(np.float32),
            "ground_truth_type": given["[LiDARBoxComponent].type"].to_numpy(np.uint8),
            "ground_truth_difficulty": given[
                "[LiDARBoxComponent].difficulty_level.detection"
            ].to_numpy(np.uint8),
        },
        {
            "prediction_frame_id": np.array(
                [row["sweep"] for row in checks.truth["rows"]], dtype=np.int64
            ),
            "prediction_bbox": np.array(rows, dtype=np.float32),
            "prediction_type": np.array(
                [TYPES[row["class_name"]] for row in checks.truth["rows"]], dtype=np.uint8
            ),
            "prediction_score": np.full(n, 0.9, dtype=np.float32),
            "prediction_overlap_nlz": np.zeros(n, dtype=bool),
        },
    )
    said = evaluator.evaluate()
    names = [str(k) for k in said.breakdown] if hasattr(said, "breakdown") else []
    ap = np.array(said.average_precision, dtype=float)
    ha = np.array(said.average_precision_ha_weighted, dtype=float)
    checks.that(
        "AP, and AP weighted by heading, of what is there, by WODDetectionEvaluator",
        (ap > 0).any() and ap[ap > 0].min() > 0.999 and ha[ha > 0].min() > 0.99,
        f"{ap.tolist()} {names}",
    )


@client("waymo-open-dataset-tf-2-12-0")
def check(checks):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import pandas as pd
    from waymo_open_dataset import v2

    root = Path(checks.folder, "waymo/training")

    def read(component):
        return pd.read_parquet(root / component / f"{SEGMENT}.parquet")

    def each(component, kind):
        return [kind.from_dict(row) for row in read(component).to_dict("records")]

    for name, kind in (
        ("lidar_box", v2.LiDARBoxComponent),
        ("vehicle_pose", v2.VehiclePoseComponent),
        ("lidar", v2.LiDARComponent),
        ("lidar_pose", v2.LiDARPoseComponent),
        ("lidar_calibration", v2.LiDARCalibrationComponent),
        ("camera_image", v2.CameraImageComponent),
        ("camera_calibration", v2.CameraCalibrationComponent),
    ):
        import pyarrow.parquet as pq

        ours = pq.read_schema(root / name / f"{SEGMENT}.parquet")
        alike = [(f.name, f.type) for f in ours] == [(f.name, f.type) for f in kind.schema()]
        checks.that(f"{name}: its columns and types", alike)
    poses = each("vehicle_pose", v2.VehiclePoseComponent)
    stamps = [at // 1000 for at in checks.truth["timestamps_ns"]]
    checks.that("a pose for each sweep", [p.key.frame_timestamp_micros for p in poses] == stamps)
    frames = [np.array(p.world_from_vehicle.transform).reshape(4, 4) for p in poses]
    checks.near("ego poses", np.subtract(frames, checks.truth["world_from_ego"]).ravel())
    clouds = _clouds(v2, each, poses)
    moving, sizes, yaws, counts, kinds = [], [], [], [], []
    for box in each("lidar_box", v2.LiDARBoxComponent):
        sweep = stamps.index(box.key.frame_timestamp_micros)
        row = checks.rows(sweep)[box.key.laser_object_id]
        center = [box.box.center.x, box.box.center.y, box.box.center.z]
        size = [box.box.size.x, box.box.size.y, box.box.size.z]
        moving += list(np.subtract(center, row["ego_center_m"]))
        sizes += list(np.subtract(size, row["size_m"]))
        ahead = frames[sweep][:3, :3] @ [np.cos(box.box.heading), np.sin(box.box.heading), 0]
        yaws.append(turn(heading(ahead), row["yaw_rad"]))
        counts.append(_inside(clouds[sweep], center, size, box.box.heading) - row["n_points"])
        counts.append(box.num_lidar_points_in_box - row["n_points"])
        kinds.append(box.type == TYPES[row["class_name"]])
    checks.near("centres in the vehicle frame of a moving ego", moving)
    checks.near("sizes", sizes)
    checks.near("headings, back in the world", yaws)
    checks.near("points in each box, decoded by convert_range_image_to_point_cloud", counts, 0)
    checks.that("types", kinds and all(kinds))
    cameras = each("camera_calibration", v2.CameraCalibrationComponent)
    images = each("camera_image", v2.CameraImageComponent)
    checks.that(
        "pictures of two cameras for each sweep",
        len(images) == 2 * len(stamps) and all(i.image[:2] == b"\xff\xd8" for i in images),
        len(images),
    )
    checks.that("two cameras", sorted(c.key.camera_name for c in cameras) == [1, 2])
    try:
        from waymo_open_dataset.metrics.ops import py_metrics_ops  # noqa: F401
    except Exception:  # built for one release of TensorFlow
        return
    _score(checks, read("lidar_box"))
