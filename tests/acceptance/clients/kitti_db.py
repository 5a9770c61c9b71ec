"""KITTI object, read by nuScenes' KittiDB, which gives boxes back in the LiDAR's frame."""

import json

import numpy as np
from checks import client, heading, turn


@client("nuscenes-devkit")
def check(checks):
    from nuscenes.utils.geometry_utils import points_in_box
    from nuscenes.utils.kitti import KittiDB

    root = checks.folder / "kitti-object"
    db = KittiDB(root=str(root), splits=("training",))
    n_sweeps = len(checks.truth["timestamps_ns"])
    checks.that("every sweep is a sample", len(db.tokens) == n_sweeps, len(db.tokens))
    side = json.loads((root / "side/hill-1.json").read_text(encoding="utf-8"))
    back = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])  # KittiDB turns boxes by a quarter
    centers, sizes, yaws, counts = [], [], [], []
    for sweep, token in enumerate(db.tokens):
        rows = checks.rows(sweep)
        boxes = db.get_boxes(token)
        points = back.T @ db.get_pointcloud(token, root=str(root)).points[:3]
        tracks = [side["tracks"][k]["track_id"] for k in side["lines"][sweep]]
        for track, box in zip(tracks, boxes, strict=True):
            row = rows[track]
            centers += list(back @ box.center - row["lidar_center_m"])
            sizes += list(box.wlh[[1, 0, 2]] - row["size_m"])
            world_from_lidar = np.array(checks.truth["world_from_ego"][sweep]) @ np.array(
                checks.truth["ego_from_lidar"]
            )
            ahead = back @ box.orientation.rotation_matrix[:, 0]
            level = world_from_lidar[:3, :3] @ [ahead[0], ahead[1], 0]
            yaws.append(turn(heading(level), row["yaw_rad"]))
            counts.append(int(points_in_box(box, points).sum()) - row["n_points"])
    checks.near("centres in the LiDAR frame of a moving ego", centers)
    checks.near("sizes", sizes)
    checks.near("headings, back in the world", yaws)
    checks.near("points in each box, by points_in_box", counts, 0)
