"""Cameras whose images are a video, from the folder to the workspace."""

import json

import numpy as np
import pytest
from PIL import Image

from perception_label import open_workspace
from perception_label.errors import SettingError, SourceError
from perception_label.geometry.cameras import Camera, Images
from perception_label.pipeline.camera_clock import check_cameras
from perception_label.pipeline.doctor import examine
from recordings import START_NS, recording
from videos import number_in, numbered, write

N = 30
TIMES = START_NS + np.arange(N) * 33_000_000
LENS = {"width_px": 176, "height_px": 96, "intrinsics": [[90, 0, 88], [0, 90, 48], [0, 0, 1]]}


@pytest.fixture
def folder(tmp_path):
    """A folder of ten sweeps with a camera whose images are a video."""
    root = tmp_path / "drive"
    (root / "lidar").mkdir(parents=True)
    (root / "images").mkdir()
    points = np.random.default_rng(0).normal(0, 10, (200, 4)).astype(np.float32)
    points[:, 3] = 0.5
    for k in range(10):
        points.tofile(root / "lidar" / f"{START_NS + k * 100_000_000}.bin")
    camera = {**LENS, "ego_from_camera": np.eye(4).tolist()}
    (root / "calibration.json").write_text(json.dumps({"cameras": {"front": camera}}))
    write(root / "images" / "front.mp4", 700 + np.arange(N) * 33)
    (root / "images" / "front.timestamps.txt").write_text("\n".join(map(str, TIMES)))
    return root


def test_a_video_beside_its_times_is_a_camera(folder, tmp_path):
    workspace = open_workspace(tmp_path / "ws")
    report = workspace.ingest(folder)
    assert not [t for t in report.left_out if "front" in t]
    images = workspace.images("front")
    assert images.timestamps_ns.tolist() == TIMES.tolist()
    assert [number_in(images.image(i)) for i in (17, 3, 29)] == [17, 3, 29]
    stored = workspace.log().images["front"]
    assert stored.presentation_ns[0] == 700_000_000
    assert set(stored.paths) == {folder / "images" / "front.mp4"}


def test_a_count_that_differs_leaves_the_camera_out(folder, tmp_path):
    (folder / "images" / "front.timestamps.txt").write_text("\n".join(map(str, TIMES[:-1])))
    workspace = open_workspace(tmp_path / "ws")
    report = workspace.ingest(folder)
    assert any("expected 29 images as there are times, got 30" in t for t in report.left_out)
    with pytest.raises(SettingError, match="expected a camera of"):
        workspace.images("front")


def test_times_that_go_back_leave_the_camera_out(folder, tmp_path):
    turned = TIMES.copy()
    turned[7] = turned[5]
    (folder / "images" / "front.timestamps.txt").write_text("\n".join(map(str, turned)))
    report = open_workspace(tmp_path / "ws").ingest(folder)
    assert any("expected ascending times, got image 7" in t for t in report.left_out)


def test_a_video_without_times_is_left_out(folder, tmp_path):
    (folder / "images" / "front.timestamps.txt").unlink()
    report = open_workspace(tmp_path / "ws").ingest(folder)
    assert any("expected front.timestamps.txt beside it" in t for t in report.left_out)


def test_a_damaged_video_is_left_out_and_the_log_is_not(folder, tmp_path):
    (folder / "images" / "front.mp4").write_bytes(b"no video")
    report = open_workspace(tmp_path / "ws").ingest(folder)
    assert report.n_sweeps == 10
    assert any("front" in t and "whole video file" in t for t in report.left_out)


def test_another_video_in_its_place_is_refused(folder, tmp_path):
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(folder)
    write(folder / "images" / "front.mp4", np.arange(N) * 40)
    with pytest.raises(SourceError, match="expected the video that was ingested"):
        workspace.images("front")
    found = {f.kind: f for f in examine(workspace.log())}
    assert found["camera_images"].severity == "error"


def test_the_doctor_reports_the_clock(folder, tmp_path):
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(folder)
    (told,) = [f for f in examine(workspace.log()) if f.kind.startswith("camera")]
    assert (told.kind, told.severity) == ("camera_clock", "info")
    assert told.evidence["n_paired"] == 10
    assert told.evidence["worst_s"] <= 0.0165


def test_a_typed_rate_and_another_size_are_found(folder, tmp_path):
    typed = START_NS + (np.arange(N) * 1e9 / 30).astype(np.int64)
    (folder / "images" / "front.timestamps.txt").write_text("\n".join(map(str, typed)))
    camera = {**LENS, "width_px": 352, "ego_from_camera": np.eye(4).tolist()}
    (folder / "calibration.json").write_text(json.dumps({"cameras": {"front": camera}}))
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(folder)
    found = {f.kind: f for f in examine(workspace.log())}
    assert found["camera_rate"].evidence["drift_ppm"] == pytest.approx(10_100, rel=0.02)
    assert found["camera_size"].evidence["calibrated_width_px"] == 352


def test_files_and_video_give_the_same_images(folder, tmp_path):
    paths = []
    for k in range(N):
        paths.append(tmp_path / f"{k}.png")
        Image.fromarray(numbered(k)).save(paths[-1])
    lens = Camera(176, 96, ((90.0, 0, 88), (0, 90.0, 48), (0, 0, 1.0)), np.eye(4))
    workspace = open_workspace(tmp_path / "ws")
    given = recording(cameras={"front": lens}, images={"front": Images(TIMES, tuple(paths))})
    workspace.ingest(given)
    images = workspace.images("front")
    assert [number_in(g) for g in images.greys()] == list(range(N))
    assert workspace.log().images["front"].presentation_ns is None


@pytest.mark.parametrize("offset_s", [0.0, 0.2])
def test_a_late_camera_is_found_from_the_turns(tmp_path, offset_s):
    from dataclasses import replace

    from perception_label.geometry.poses import EgoPoses

    given = recording(60)
    t = (given.timestamps_ns - START_NS) / 1e9
    rate = lambda t: 0.3 * np.sin(1.1 * t) + 0.25 * np.sin(2.9 * t + 1)  # noqa: E731
    fine = np.arange(0, 8, 0.001)
    yaw = np.cumsum(rate(fine)) * 0.001
    poses = np.tile(np.eye(4), (len(t), 1, 1))
    at = np.interp(t, fine, yaw)
    poses[:, 0, 0] = poses[:, 1, 1] = np.cos(at)
    poses[:, 1, 0], poses[:, 0, 1] = np.sin(at), -np.sin(at)
    rng = np.random.default_rng(0)
    wide = np.repeat(rng.integers(0, 255, (40, 300), dtype=np.uint8), 8, axis=1)
    taken = START_NS + np.arange(118) * 50_000_000
    paths = []
    for k, moment in enumerate((taken - START_NS) / 1e9):
        left = 1000 + round(600 * float(np.interp(moment, fine, yaw)))
        paths.append(tmp_path / f"{k}.png")
        Image.fromarray(wide[:, left : left + 640]).save(paths[-1])
    late = Images(taken + int(offset_s * 1e9), tuple(paths))
    given = replace(given, images={"front": late}, ego_poses=EgoPoses(given.timestamps_ns, poses))
    workspace = open_workspace(tmp_path / "ws")
    workspace.ingest(given)
    found = {f.kind: f for f in check_cameras(workspace.log())}
    if offset_s:
        assert found["camera_offset"].evidence["offset_s"] == pytest.approx(-offset_s, abs=0.02)
    else:
        assert "camera_offset" not in found
