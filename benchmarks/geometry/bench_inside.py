"""Points in cuboids: 120,000 points, 150 cuboids, and the same by NumPy masks."""

import numpy as np
import pytest

from perception_label import Cuboids, points_inside
from perception_label.geometry.inside import assign_points


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(0)
    points = (rng.uniform(-80, 80, (120_000, 3)) * [1, 1, 0.03]).astype(np.float32)
    center = rng.uniform(-80, 80, (150, 3)) * [1, 1, 0.01]
    size = rng.uniform(0.5, 5, (150, 3))
    return points, Cuboids(center, size, rng.uniform(-4, 4, 150))


def by_numpy(points, cuboids):
    counts = []
    for center, size, yaw in zip(cuboids.center_m, cuboids.size_m, cuboids.yaw_rad, strict=True):
        d = points - center
        x = np.cos(yaw) * d[:, 0] + np.sin(yaw) * d[:, 1]
        y = np.cos(yaw) * d[:, 1] - np.sin(yaw) * d[:, 0]
        local = np.abs(np.column_stack([x, y, d[:, 2]]))
        counts.append(int((local <= size / 2 + 1e-9).all(axis=1).sum()))
    return counts


@pytest.mark.benchmark(group="points in cuboids")
def test_ours(benchmark, scene):
    assert benchmark(points_inside, *scene).tolist() == by_numpy(*scene)


@pytest.mark.benchmark(group="points in cuboids")
def test_ours_assigned(benchmark, scene):
    benchmark(assign_points, *scene)


@pytest.mark.benchmark(group="points in cuboids")
def test_numpy(benchmark, scene):
    benchmark.pedantic(by_numpy, scene, rounds=3)
