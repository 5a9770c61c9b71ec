import sys
from dataclasses import replace

import numpy as np
import pytest

from perception_label.cloud.odometry import estimate_path
from perception_label.errors import MissingExtraError, SettingError
from perception_label.geometry.poses import inverse
from recordings import MOUNT, path, recording

GIVEN = recording(6, 8000)


def along(method, read=GIVEN.source, **options):
    return estimate_path(read, GIVEN.timestamps_ns, method, **options).world_from_ego


def true_path():
    poses = path(GIVEN.timestamps_ns).world_from_ego @ MOUNT
    return inverse(poses[0]) @ poses


def test_open3d_finds_the_path_and_the_same_one_twice():
    found = along("open3d", is_deskewed=True)
    assert np.abs(found[:, :3, 3] - true_path()[:, :3, 3]).max() < 0.15
    assert np.abs(found[:, :3, :3] - true_path()[:, :3, :3]).max() < 0.02
    assert np.array_equal(found, along("open3d", is_deskewed=True))


def test_kiss_icp_finds_the_path():
    pytest.importorskip("kiss_icp", reason="the extra `odometry` (kiss-icp) is not installed")
    assert np.abs(along("kiss-icp", is_deskewed=True) - true_path())[:, :3, 3].max() < 0.3


def test_kiss_icp_that_is_not_installed_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "kiss_icp.kiss_icp", None)
    monkeypatch.setitem(sys.modules, "kiss_icp.config", None)
    with pytest.raises(MissingExtraError, match=r"^odometry kiss-icp: expected .*\[odometry\].*$"):
        along("kiss-icp")


def test_a_sweep_without_points_keeps_the_speed():
    def read(i):
        sweep = GIVEN.source(i)
        return replace(sweep, points_m=sweep.points_m[:0]) if i == 3 else sweep

    assert np.abs(along("open3d", read, is_deskewed=True) - true_path())[:, :3, 3].max() < 0.3


def test_an_unknown_method_lists_the_known_ones():
    with pytest.raises(SettingError, match="expected one of open3d, kiss-icp, got 'slam'"):
        along("slam")
