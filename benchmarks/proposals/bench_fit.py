"""Cuboids of clusters: time for each, and BEV IoU with real truth beside the rivals'.

`python benchmarks/proposals/bench_fit.py` prints the table, of another log with its path and its
number of sweeps; `pytest` on this file checks that ours wins. Clusters are the points above ground
inside each labelled vehicle within 60 m that holds at least 20, in ten sweeps of the log: what a
perfect clustering would give.
"""

import os
import sys
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import shapely

from perception_label import fit_cuboids, split_ground
from perception_label.cloud.ground import ground_surface
from perception_label.cloud.open3d_library import load_open3d
from perception_label.geometry.inside import assign_points

sys.path.insert(0, str(Path(__file__).parent))

from training_data import VEHICLE, recorded

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data"))
LOG = DATA / "pandaset/002"


@lru_cache
def clusters(log=LOG, n_sweeps=40):
    """A list of (points, labels, height of the ground under each cluster, truth)."""
    found = []
    for sweep, truth, group, _ in recorded(log, range(0, n_sweeps, max(1, n_sweeps // 10))):
        near = np.linalg.norm(truth.center_m[:, :2], axis=1) < 60
        boxes = truth[(group == VEHICLE) & near]
        above = sweep[~split_ground(sweep)]
        labels = assign_points(above, boxes)
        counts = np.bincount(labels[labels >= 0], minlength=len(boxes))
        number = np.append(np.where(counts >= 20, np.cumsum(counts >= 20) - 1, -1), -1)
        labels = number[labels].astype(np.int32)
        rows = np.flatnonzero(labels >= 0)
        if len(rows) == 0:
            continue
        points, labels = above[rows], labels[rows]
        base = points[:, 2] - ground_surface(sweep).height_above(points)
        ground = np.bincount(labels, base) / np.bincount(labels)
        found.append((points, labels, ground, boxes[counts >= 20]))
    return found


def ours(points, labels, ground):
    return fit_cuboids(points, labels, ground_z_m=ground).corners_m()[:, :4, :2]


def as_seen(points, labels, ground):
    return fit_cuboids(points, labels, ground_z_m=ground, complete=False).corners_m()[:, :4, :2]


def min_area(points, labels, _ground):
    groups = np.split(points[np.argsort(labels, kind="stable"), :2], ends(labels))
    rectangles = [shapely.minimum_rotated_rectangle(shapely.MultiPoint(g)) for g in groups]
    return np.array([shapely.get_coordinates(r)[:4] for r in rectangles])


def open3d_minimal(points, labels, _ground):
    """The box may lean: its footprint is what its eight corners span."""
    cloud = load_open3d().geometry.PointCloud()
    vector = load_open3d().utility.Vector3dVector
    groups = np.split(points[np.argsort(labels, kind="stable")], ends(labels))
    corners = []
    for group in groups:
        cloud.points = vector(group.astype(np.float64))
        box = cloud.get_minimal_oriented_bounding_box(robust=True)
        corners.append(np.asarray(box.get_box_points())[:, :2])
    return corners


def ends(labels):
    return np.cumsum(np.bincount(labels))[:-1]


METHODS = {
    "ours": ours,
    "ours, not completed": as_seen,
    "min-area rectangle (Shapely)": min_area,
    "minimal oriented box (Open3D)": open3d_minimal,
}


def measured(method, found, rounds=3):
    """BEV IoU of every cluster, and seconds for each."""
    iou, best_s = [], 0.0
    for points, labels, ground, truth in found:
        spent = []
        for _ in range(rounds):
            start = time.perf_counter()
            corners = method(points, labels, ground)
            spent.append(time.perf_counter() - start)
        best_s += min(spent)
        # MultiPoint and hull: Open3D gives eight corners, the others four.
        mine = shapely.convex_hull([shapely.MultiPoint(c) for c in corners])
        real = shapely.polygons(truth.corners_m()[:, :4, :2])
        iou.append(
            shapely.area(shapely.intersection(mine, real)) / shapely.area(shapely.union(mine, real))
        )
    every = np.concatenate(iou)
    return every, best_s / len(every)


@pytest.mark.skipif(not LOG.exists(), reason="needs PandaSet 002")
@pytest.mark.parametrize("rival", list(METHODS)[1:])
def test_ours_wins(rival):
    mine, mine_s = measured(ours, clusters())
    other, other_s = measured(METHODS[rival], clusters(), rounds=1)
    assert mine.mean() > other.mean() + 0.05
    assert rival.startswith("ours") or mine_s < other_s


@pytest.mark.benchmark(group="cuboids of the clusters of one sweep")
@pytest.mark.skipif(not LOG.exists(), reason="needs PandaSet 002")
@pytest.mark.parametrize("name", METHODS)
def test_speed(benchmark, name):
    points, labels, ground, _ = clusters()[0]
    benchmark(METHODS[name], points, labels, ground)


def main() -> None:
    found = clusters(Path(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else clusters()
    points = sum(len(c[0]) for c in found)
    number = sum(len(c[3]) for c in found)
    print(f"{number} clusters of {points / number:.0f} points")
    for name, method in METHODS.items():
        iou, spent_s = measured(method, found)
        print(
            f"{name:30} mean {iou.mean():.3f}, at 0.5 {(iou >= 0.5).mean():.3f}, "
            f"at 0.7 {(iou >= 0.7).mean():.3f}, {spent_s * 1e3:.3f} ms each"
        )


if __name__ == "__main__":
    main()
