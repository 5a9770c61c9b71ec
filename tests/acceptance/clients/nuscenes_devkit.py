"""nuScenes tables and result files, opened and scored by the devkit."""

import contextlib
import io
import json

import numpy as np
from checks import client, heading, turn


def _evaluate(checks, tables, root, version):
    """Score results made from truth by code of this script, and those of the export."""
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.evaluate import DetectionEval
    from nuscenes.eval.tracking.evaluate import TrackingEval

    for name, path in (
        ("truth", _results(checks, tables)),
        ("the export", root / "results/detection.json"),
    ):
        with contextlib.redirect_stdout(io.StringIO()):
            said = DetectionEval(
                tables,
                config_factory("detection_cvpr_2019"),
                str(path),
                "all",
                "det",
                verbose=False,
            ).main(plot_examples=0, render_curves=False)
        errors = said["label_tp_errors"]["car"]
        held = [errors[k] for k in ("trans_err", "scale_err", "orient_err", "vel_err")]
        checks.near(f"detection errors of cars, results from {name}", held, 1e-3)
        ap = said["mean_dist_aps"]
        checks.that(
            f"AP of cars, trucks, pedestrians, results from {name}",
            min(ap[k] for k in ("car", "truck", "pedestrian")) > 0.999,
            ap,
        )
    with contextlib.redirect_stdout(io.StringIO()):
        said = TrackingEval(
            config_factory("tracking_nips_2019"), str(root / "results/tracking.json"), "all",
            "trk", version, str(root), verbose=False,
        ).main(render_curves=False)  # fmt: skip
    told = {k: said["label_metrics"][k]["car"] for k in ("mota", "amotp", "ids")}
    checks.that(
        "tracking of cars",
        told["mota"] > 0.999 and told["amotp"] < 1e-3 and told["ids"] == 0,
        told,
    )


def _results(checks, tables):
    names = {"cyclist": "bicycle"}
    results = {}
    for sweep, sample in enumerate(tables.sample):
        rows = results.setdefault(sample["token"], [])
        for row in checks.rows(sweep).values():
            length, width, height = row["size_m"]
            yaw = row["yaw_rad"]
            kind = row["class_name"]
            first, last = max(sweep - 1, 0), min(sweep + 1, len(tables.sample) - 1)
            ends = [checks.rows(k)[row["track_id"]]["world_center_m"] for k in (first, last)]
            rows.append(
                {
                    "sample_token": sample["token"],
                    "translation": row["world_center_m"],
                    "size": [width, length, height],
                    "rotation": [float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))],
                    "velocity": (np.subtract(*ends[::-1])[:2] / (0.1 * (last - first))).tolist(),
                    "detection_name": names.get(kind, kind),
                    "detection_score": 0.5 + 0.05 * sweep,
                    "attribute_name": "",
                }
            )
    meta = {f"use_{k}": k == "lidar" for k in ("camera", "lidar", "radar", "map", "external")}
    path = checks.folder.parent / "nuscenes truth.json"
    path.write_text(json.dumps({"meta": meta, "results": results}), encoding="utf-8")
    return path


@client("nuscenes-devkit")
def check(checks):
    from nuscenes.nuscenes import NuScenes
    from nuscenes.utils.data_classes import LidarPointCloud
    from nuscenes.utils.geometry_utils import points_in_box

    root, version = checks.folder / "nuscenes", "v1.0-labels"
    tables = NuScenes(version=version, dataroot=str(root), verbose=False)
    side = json.loads((root / "side/hill-1.json").read_text(encoding="utf-8"))
    n_sweeps = len(checks.truth["timestamps_ns"])
    checks.that("every sweep is a sample", len(tables.sample) == n_sweeps, len(tables.sample))
    world, moving, sizes, yaws, counts, speeds = [], [], [], [], [], []
    for sweep, sample in enumerate(tables.sample):
        rows = checks.rows(sweep)
        checks.that(
            f"sweep {sweep}: its time and boxes",
            sample["timestamp"] == checks.truth["timestamps_ns"][sweep] // 1000
            and len(sample["anns"]) == len(rows),
        )
        path, boxes, _ = tables.get_sample_data(sample["data"]["LIDAR_TOP"])
        points = LidarPointCloud.from_file(path).points[:3]
        for box in boxes:  # in the LiDAR's frame
            annotation = tables.get("sample_annotation", box.token)
            row = rows[side["instances"][annotation["instance_token"]]]
            moving += list(box.center - row["lidar_center_m"])
            moving += list(box.orientation.rotation_matrix[:, 0] - row["lidar_heading"])
            counts.append(int(points_in_box(box, points).sum()) - row["n_points"])
            counts.append(annotation["num_lidar_pts"] - row["n_points"])
            there = tables.get_box(box.token)
            world += list(there.center - row["world_center_m"])
            sizes += list(there.wlh[[1, 0, 2]] - row["size_m"])
            yaws.append(turn(heading(there.orientation.rotation_matrix[:, 0]), row["yaw_rad"]))
            others = [
                checks.rows(k)[row["track_id"]]["world_center_m"]
                for k in (max(sweep - 1, 0), min(sweep + 1, n_sweeps - 1))
            ]
            gap_s = 0.1 * (min(sweep + 1, n_sweeps - 1) - max(sweep - 1, 0))
            speeds += list(tables.box_velocity(box.token) - np.subtract(*others[::-1]) / gap_s)
    checks.near("centres in the world", world)
    checks.near("centres and headings in the LiDAR frame of a moving ego", moving)
    checks.near("sizes", sizes)
    checks.near("headings in the world", yaws)
    checks.near("points in each box, by points_in_box and as written", counts, 0)
    checks.near("speeds, by box_velocity", speeds, 1e-3)
    _, seen, matrix = tables.get_sample_data(tables.sample[0]["data"]["CAM_FRONT"])
    checks.that("the camera sees boxes ahead", 0 < len(seen) < 5 and matrix.shape == (3, 3))
    _evaluate(checks, tables, root, version)
