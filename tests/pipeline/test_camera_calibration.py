from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cards import camera, drive
from perception_label.pipeline.camera_calibration import Looks, check_calibration
from perception_label.pipeline.workspace import open_workspace

RIG = {"front": camera(), "left": camera(1.2)}


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return drive(tmp_path_factory.mktemp("pictures"), RIG)


def findings(recording, folder):
    workspace = open_workspace(folder / "workspace", create=True)
    workspace.ingest(recording)
    return {(f.kind, f.where): f.evidence for f in check_calibration(workspace.log())}


def with_front(recording, **changes):
    front = replace(RIG["front"], **changes)
    return replace(recording, cameras={**recording.cameras, "front": front})


def test_a_good_log_has_no_finding(recording, tmp_path):
    assert findings(recording, tmp_path) == {}


@pytest.mark.parametrize("shift", [(5, 0), (0, -5)])
def test_a_shifted_picture_is_named(recording, tmp_path, shift):
    matrix = np.array(RIG["front"].intrinsics)
    matrix[:2, 2] += np.array(shift)
    found = findings(with_front(recording, intrinsics=tuple(map(tuple, matrix))), tmp_path)
    assert set(found) == {("camera_shift", "camera front")}
    evidence = found[("camera_shift", "camera front")]
    assert evidence["right_px"] == pytest.approx(-shift[0], abs=0.8)
    assert evidence["down_px"] == pytest.approx(-shift[1], abs=0.8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turned_camera_is_named(recording, tmp_path, axis):
    angles = np.eye(3)[axis] * 0.0175 * (2.0 if axis == 2 else 1.0)
    pose = RIG["front"].ego_from_camera.copy()
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_rotvec(angles).as_matrix().T
    found = findings(with_front(recording, ego_from_camera=pose), tmp_path)
    assert set(found) == {("camera_rotation", "camera front")}
    evidence = found[("camera_rotation", "camera front")]
    told = [evidence[name] for name in ("right_rad", "down_rad", "ahead_rad")]
    np.testing.assert_allclose(told, -angles, atol=0.004)


@pytest.mark.parametrize("late_s", [0.1, -0.1])
def test_a_late_clock_is_named(recording, tmp_path, late_s):
    front = recording.images["front"]
    shifted = replace(front, timestamps_ns=front.timestamps_ns - int(late_s * 1e9))
    faulty = replace(recording, images={**recording.images, "front": shifted})
    found = findings(faulty, tmp_path)
    assert set(found) == {("camera_late", "camera front")}
    assert found[("camera_late", "camera front")]["late_s"] == pytest.approx(late_s, abs=0.015)


def test_swapped_cameras_are_named(recording, tmp_path):
    images = {"front": recording.images["left"], "left": recording.images["front"]}
    found = findings(replace(recording, images=images), tmp_path)
    assert set(found) == {("camera_swapped", "cameras front and left")}


def test_without_poses_or_pictures_nothing_is_said(recording, tmp_path):
    assert findings(replace(recording, ego_poses=None), tmp_path / "a") == {}
    assert findings(replace(recording, images={}), tmp_path / "b") == {}


def test_pictures_of_another_size_are_not_looked_at(recording, tmp_path):
    faulty = with_front(recording, width_px=800)
    workspace = open_workspace(tmp_path / "workspace", create=True)
    workspace.ingest(faulty)
    assert Looks(workspace.log()).views("front", "front") == []
    assert check_calibration(workspace.log()) == []
