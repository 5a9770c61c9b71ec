"""Overlaps of M x K rotated cuboids, and Shapely on the same pairs."""

import numpy as np
import pytest
import shapely

from perception_label import Cuboids, overlap_3d, overlap_bev
from perception_label.geometry.overlap import keep_best

GROUPS = {"dense: a quarter overlaps": 5.0, "a street: 1 in 100 overlaps": 40.0}


def boxes(seed, m, reach_m):
    rng = np.random.default_rng(seed)
    center = rng.uniform(-reach_m, reach_m, (m, 3)) * [1, 1, 0.02]
    return Cuboids(center, rng.uniform(0.5, 5, (m, 3)), rng.uniform(-4, 4, m))


def by_shapely(a, b):
    p, q = (shapely.polygons(c.corners_m()[:, :4, :2]) for c in (a, b))
    shared = shapely.area(shapely.intersection(p[:, None], q[None]))
    return shared / (shapely.area(p)[:, None] + shapely.area(q) - shared)


@pytest.fixture(params=GROUPS)
def pair(request, benchmark):
    benchmark.group = f"BEV IoU, 200 x 200, {request.param}"
    return tuple(boxes(seed, 200, GROUPS[request.param]) for seed in (0, 1))


def test_ours(benchmark, pair):
    got = benchmark(overlap_bev, *pair)
    np.testing.assert_allclose(got, by_shapely(*pair), rtol=0, atol=1e-9)


def test_ours_3d(benchmark, pair):
    benchmark(overlap_3d, *pair)


def test_shapely(benchmark, pair):
    benchmark.pedantic(by_shapely, pair, rounds=5)


@pytest.mark.benchmark(group="greedy suppression of 10,000 cuboids")
def test_keep_best(benchmark):
    cuboids, scores = boxes(2, 10_000, 80.0), np.random.default_rng(3).random(10_000)
    assert len(benchmark(keep_best, cuboids, scores, 0.1)) > 1000
