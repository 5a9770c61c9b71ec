"""Points into a picture and back: ours beside OpenCV's; the boxes of cuboids."""

import numpy as np
import pytest

from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.projection import project_points, unproject_pixels
from perception_label.geometry.sight import occluded_shares, outlines

MATRIX = ((930.0, 0.0, 960.0), (0.0, 930.0, 540.0), (0.0, 0.0, 1.0))
BROWN = Camera(1920, 1080, MATRIX, np.eye(4), (-0.16, 0.01, -0.0003, -8e-5, 0.007))
FISHEYE = Camera(1920, 1080, MATRIX, np.eye(4), (-0.02, 0.003, -0.001, 0.0002), "fisheye")
N, PIXELS, M = 100_000, 10_000, 60


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)) * [8, 3, 8] + [0, 0, 25]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).uniform([0, 0], [1919, 1079], (PIXELS, 2))


@pytest.mark.benchmark(group="project 100k, Brown-Conrady")
def test_ours_brown(benchmark, points):
    benchmark(project_points, BROWN, points)


@pytest.mark.benchmark(group="project 100k, Brown-Conrady")
def test_opencv_brown(benchmark, points):
    cv2 = pytest.importorskip("cv2")
    none, k = np.zeros(3), np.array(BROWN.distortion)
    benchmark(cv2.projectPoints, points, none, none, np.array(MATRIX), k)


@pytest.mark.benchmark(group="project 100k, fisheye")
def test_ours_fisheye(benchmark, points):
    benchmark(project_points, FISHEYE, points)


@pytest.mark.benchmark(group="project 100k, fisheye")
def test_opencv_fisheye(benchmark, points):
    cv2 = pytest.importorskip("cv2")
    none, k = np.zeros(3), np.array(FISHEYE.distortion)
    benchmark(cv2.fisheye.projectPoints, points[:, None], none, none, np.array(MATRIX), k)


@pytest.mark.benchmark(group="unproject 10k, Brown-Conrady")
def test_ours_back(benchmark, pixels):
    rays, _ = benchmark(unproject_pixels, BROWN, pixels)
    again = project_points(BROWN, rays).pixels
    assert np.abs(again - pixels).max() < 1e-6


@pytest.mark.benchmark(group="unproject 10k, Brown-Conrady")
def test_opencv_back(benchmark, pixels):
    cv2 = pytest.importorskip("cv2")
    k = np.array(BROWN.distortion)
    benchmark(cv2.undistortPoints, pixels[:, None], np.array(MATRIX), k)


@pytest.mark.benchmark(group="60 cuboids: boxes, hulls, what hides them, 100k points")
def test_cuboids(benchmark, points):
    rng = np.random.default_rng(2)
    pose = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])
    boxes = Cuboids(
        np.column_stack([rng.uniform(5, 70, M), rng.uniform(-20, 20, M), np.full(M, 0.8)]),
        np.tile([4.5, 1.9, 1.6], (M, 1)),
        rng.uniform(-3, 3, M),
    )
    cloud = points @ pose[:3, :3].T

    def whole():
        return occluded_shares(BROWN, pose, boxes, outlines(BROWN, pose, boxes), cloud)

    assert np.isfinite(benchmark(whole)).any()
