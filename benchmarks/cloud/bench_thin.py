"""Voxel thinning against Open3D and NumPy's unique, one sweep, voxels of 0.1 m."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import labelled_sweeps

from perception_label.cloud.open3d_library import load_open3d
from perception_label.cloud.thin import thin

VOXEL_M = 0.1


@pytest.fixture(scope="module")
def points():
    return labelled_sweeps.a_sweep()


@pytest.mark.parametrize("keep", ["first", "central"])
@pytest.mark.benchmark(group="thin, one sweep")
def test_ours(benchmark, points, keep):
    benchmark(thin, points, VOXEL_M, keep=keep)


@pytest.mark.benchmark(group="thin, one sweep")
def test_open3d(benchmark, points):
    open3d = load_open3d()
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.astype(np.float64)))
    benchmark(cloud.voxel_down_sample, VOXEL_M)


@pytest.mark.benchmark(group="thin, one sweep")
def test_numpy_unique(benchmark, points):
    def unique():
        cells = np.floor(points / VOXEL_M).astype(np.int64) + 2**20
        keys = cells[:, 0] << 42 | cells[:, 1] << 21 | cells[:, 2]
        return np.unique(keys, return_index=True)[1]

    assert np.sort(unique()).tolist() == thin(points, VOXEL_M).tolist()
    benchmark(unique)
