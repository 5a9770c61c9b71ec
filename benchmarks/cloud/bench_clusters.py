"""Clustering against Open3D, scikit-learn and the parallel `dbscan` package.

`python benchmarks/cloud/bench_clusters.py` prints how well the adaptive clusters cut real
objects out, against exact DBSCAN over a grid of settings, on the same points above ground:
under- and over-segmentation entropy (mean over objects: of the objects in the cluster that holds
most of an object, and of the clusters in an object; nats) and the share of objects that some
cluster overlaps (intersection over union of points) by half or by 0.7. Objects: truth boxes of
PandaSet, instances of SemanticKITTI, with at least 10 points within 60 m.
"""

import sys
from pathlib import Path

import dbscan
import numpy as np
import pytest
from sklearn.cluster import DBSCAN

sys.path.insert(0, str(Path(__file__).parent))
import labelled_sweeps

from perception_label import cluster, split_ground
from perception_label.cloud.open3d_library import load_open3d

RADIUS_M, MIN_POINTS = 0.5, 5
GRID = [(r, n) for r in (0.3, 0.4, 0.5, 0.6, 0.7, 0.9) for n in (3, 5, 10)]


@pytest.fixture(scope="module")
def points():
    return labelled_sweeps.above_ground(labelled_sweeps.a_sweep())


@pytest.fixture(scope="module")
def dense_points():
    """About 85,000 points above ground: a PandaSet sweep's nearest."""
    if not labelled_sweeps.PANDASET.exists():
        pytest.skip("no PandaSet recording")
    found = labelled_sweeps.above_ground(labelled_sweeps.pandaset_sweeps([0])[0].points_m)
    order = np.argsort(np.hypot(found[:, 0], found[:, 1]), kind="stable")[:85_000]
    return np.ascontiguousarray(found[np.sort(order)])


def open3d_cloud(points):
    open3d = load_open3d()
    return open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.astype(np.float64)))


@pytest.mark.parametrize("method", ["dbscan", "euclidean", "adaptive"])
@pytest.mark.benchmark(group="cluster, one sweep above ground")
def test_ours(benchmark, points, method):
    benchmark(cluster, points, radius_m=RADIUS_M, min_points=MIN_POINTS, method=method)


@pytest.mark.benchmark(group="cluster, one sweep above ground")
def test_dbscan_package(benchmark, points):
    given = points.astype(np.float64)
    benchmark(dbscan.DBSCAN, given, eps=RADIUS_M, min_samples=MIN_POINTS)


@pytest.mark.benchmark(group="cluster, one sweep above ground")
def test_open3d(benchmark, points):
    benchmark.pedantic(open3d_cloud(points).cluster_dbscan, (RADIUS_M, MIN_POINTS), rounds=3)


@pytest.mark.benchmark(group="cluster, one sweep above ground")
def test_scikit_learn(benchmark, points):
    rival = DBSCAN(eps=RADIUS_M, min_samples=MIN_POINTS)
    benchmark.pedantic(rival.fit, (points.astype(np.float64),), rounds=2)


@pytest.mark.benchmark(group="cluster, 85k points above ground")
def test_ours_85k(benchmark, dense_points):
    benchmark(cluster, dense_points, radius_m=RADIUS_M, min_points=MIN_POINTS)


@pytest.mark.benchmark(group="cluster, 85k points above ground")
def test_dbscan_package_85k(benchmark, dense_points):
    given = dense_points.astype(np.float64)
    benchmark(dbscan.DBSCAN, given, eps=RADIUS_M, min_samples=MIN_POINTS)


@pytest.mark.benchmark(group="cluster, 85k points above ground")
def test_open3d_85k(benchmark, dense_points):
    benchmark.pedantic(open3d_cloud(dense_points).cluster_dbscan, (RADIUS_M, MIN_POINTS), rounds=3)


def entropy(counts):
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def counted(sweep, objects):
    """Return the objects that are scored: at least 10 points above ground, within 60 m."""
    range_m = np.hypot(sweep.points_m[:, 0], sweep.points_m[:, 1])
    ids, sizes = np.unique(objects[objects >= 0], return_counts=True)
    return [i for i in ids[sizes >= 10] if np.median(range_m[sweep.objects == i]) < 60]


def segmentation(labels, objects, ids):
    """Return sums over the objects: USE, OSE, overlapped by half, by 0.7; and their number."""
    alone = labels < 0
    labels = np.where(alone, labels.max() + np.cumsum(alone), labels)
    sizes, sums = np.bincount(labels), np.zeros(5)
    for i in ids:
        mine, shared = np.unique(labels[objects == i], return_counts=True)
        overlap = (shared / ((objects == i).sum() + sizes[mine] - shared)).max()
        others = np.unique(objects[labels == mine[shared.argmax()]], return_counts=True)[1]
        sums += [entropy(others), entropy(shared), overlap >= 0.5, overlap >= 0.7, 1]
    return sums


def main():
    scenes = []
    for sweep in labelled_sweeps.everything():
        above = ~split_ground(sweep.points_m)
        objects = sweep.objects[above]
        points = np.ascontiguousarray(sweep.points_m[above])
        scenes.append((points, objects, counted(sweep, objects)))
    methods = {"adaptive": {"method": "adaptive"}} | {
        f"DBSCAN {r} m, {n} points": {"radius_m": r, "min_points": n} for r, n in GRID
    }
    for name, settings in methods.items():
        parts = [segmentation(cluster(p, **settings), o, ids) for p, o, ids in scenes]
        sums = np.sum(parts, axis=0)
        use, ose, half, most = sums[:4] / sums[4]
        print(
            f"{name:24} USE {use:.3f}  OSE {ose:.3f}  sum {use + ose:.3f}  "
            f"recall {half:.3f} at 0.5, {most:.3f} at 0.7  ({sums[4]:.0f} objects)"
        )


if __name__ == "__main__":
    main()
