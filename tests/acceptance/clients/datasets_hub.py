"""A Hugging Face dataset, loaded by `datasets`, whole and streamed."""

import numpy as np
from checks import client, turn


def matrix(wxyz):
    w, x, y, z = wxyz
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@client("datasets")
def check(checks):
    import datasets

    datasets.disable_progress_bars()
    root = str(checks.folder / "huggingface")
    boxes, sweeps, images = (
        datasets.load_dataset(root, name, split="train") for name in ("boxes", "sweeps", "images")
    )
    rows = {(r["track_id"], r["timestamp_ns"]): r for r in checks.truth["rows"]}
    checks.that("every box is a row", len(boxes) == len(rows), len(boxes))
    centers, yaws, keys = [], [], []
    for box in boxes:
        row = rows[box["track_id"], box["timestamp_ns"]]
        centers += list(np.subtract([box["x_m"], box["y_m"], box["z_m"]], row["world_center_m"]))
        yaws.append(turn(box["yaw_rad"], row["yaw_rad"]))
        keys.append(box["is_key"] != row["is_key"])
    checks.near("centres in the world", centers)
    checks.near("headings in the world", yaws)
    checks.near("keyframes told from the rest", keys, 0)
    centers, ahead, counts = [], [], []
    n_sweeps = len(checks.truth["timestamps_ns"])
    checks.that("every sweep is a row", len(sweeps) == n_sweeps, len(sweeps))
    for sweep in sweeps:
        points = np.array(sweep["points_m"])
        for box in sweep["objects"]:
            row = rows[box["track_id"], sweep["timestamp_ns"]]
            turned = matrix(box["rotation_wxyz"])
            centers += list(np.subtract(box["center_m"], row["lidar_center_m"]))
            ahead += list(turned[:, 0] - row["lidar_heading"])
            local = np.abs((points - box["center_m"]) @ turned)
            inside = (local <= np.array(box["size_m"]) / 2).all(axis=1).sum()
            counts.append(int(inside) - row["n_points"])
    checks.near("centres in the LiDAR frame of a moving ego", centers)
    checks.near("headings in that frame", ahead)
    checks.near("points in each box", counts, 0)
    checks.that(
        "every picture opens",
        all(i["image"].size == (i["width_px"], i["height_px"]) for i in images),
        len(images),
    )
    streamed = datasets.load_dataset(root, "boxes", split="train", streaming=True)
    checks.that("it streams", sum(1 for _ in streamed) == len(rows))
    kept = str(sweeps.features["objects"])
    checks.that("nested features survive", "rotation_wxyz" in kept, kept)
