"""Rerun: its command line verifies the file, its reader gives boxes and poses back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from checks import client


def column(row, name):
    return np.array(next(v for k, v in row.items() if k.split(":")[-1] == name))


def matrix(xyzw):
    x, y, z, w = xyzw
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def pose(row):
    out = np.eye(4)
    out[:3, :3] = matrix(column(row, "quaternion")[0])
    out[:3, 3] = column(row, "translation")[0]
    return out


def rows_of(path):
    from rerun.chunk import RrdReader

    found = {}
    for chunk in RrdReader(str(path)).stream().to_chunks():
        batch = chunk.to_record_batch()
        names = [n for n in batch.schema.names if n != "time"]
        found.setdefault(chunk.entity_path, []).extend(batch.select(names).to_pylist())
    return found


@client("rerun-sdk")
def check(checks):
    path = checks.folder / "rerun/hill-1.rrd"
    rerun = Path(sys.executable).with_name("rerun")
    done = subprocess.run(
        [str(rerun), "rrd", "verify", str(path)], capture_output=True, text=True, check=False
    )
    checks.that("rerun rrd verify", done.returncode == 0, done.returncode)
    found = rows_of(path)
    centers, ahead, sizes, keys = [], [], [], []
    for place, is_key in (("keyframes", True), ("worked_out", False)):
        for row in found[f"/world/boxes/{place}"]:
            truth = checks.rows(row["sweep"])
            for k, track in enumerate(row["track_id"] or []):
                box = truth[track]
                centers += list(column(row, "centers")[k] - box["world_center_m"])
                sizes += list(2 * column(row, "half_sizes")[k] - box["size_m"])
                turned = matrix(column(row, "quaternions")[k])[:, 0]
                ahead += list(turned - box["world_heading"])
                keys.append(box["is_key"] != is_key)
    checks.near("centres in the world", centers)
    checks.near("sizes", sizes)
    checks.near("headings in the world", ahead)
    checks.near("keyframes told from the rest", keys, 0)
    mounted = pose(found["/world/ego/top"][0])
    egos = {r["sweep"]: pose(r) for r in found["/world/ego"] if r.get("sweep") is not None}
    counts = []
    for row in found["/world/ego/top/points"]:
        world_from_lidar = egos[row["sweep"]] @ mounted
        points = column(row, "positions") @ world_from_lidar[:3, :3].T + world_from_lidar[:3, 3]
        for box in checks.rows(row["sweep"]).values():
            ahead_xy = np.array(box["world_heading"])
            left = np.array([-ahead_xy[1], ahead_xy[0], 0])
            axes = np.stack([ahead_xy, left, [0, 0, 1]], axis=1)
            local = np.abs((points - box["world_center_m"]) @ axes)
            inside = (local <= np.array(box["size_m"]) / 2).all(axis=1).sum()
            counts.append(int(inside) - box["n_points"])
    checks.near("points in each box, moved by the recording's transforms", counts, 0)
