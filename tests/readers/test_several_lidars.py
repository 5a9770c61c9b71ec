"""Several LiDARs in one log: merged where the ego was, at the reference's instants."""

import json

import numpy as np
import pytest

from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SourceError
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.doctor import examine
from perception_label.pipeline.ingest import ingest
from perception_label.pipeline.workspace import Workspace
from perception_label.readers import open_log, sniff
from perception_label.readers.several_lidars import Lidar, merge_lidars, nearest
from readers import layouts
from readers.drives import drive

TOP = np.array([[1.0, 0, 0, 1.0], [0, 1, 0, 0], [0, 0, 1, 1.8], [0, 0, 0, 1]])
LEFT = np.array([[0, -1.0, 0, 0.4], [1, 0, 0, 0.9], [0, 0, 1, 1.2], [0, 0, 0, 1]])


def write(root, made, *, names=("left", "top"), shift_ns=30_000_000, as_times=True):
    """Write a log whose LiDARs see the same standing things, one of them a little later."""
    world = made.points_m[0] @ made.world_from_ego[0, :3, :3].T + made.world_from_ego[0, :3, 3]
    lines = []
    for i, at in enumerate(made.times_ns.tolist()):
        poses = {0: made.world_from_ego[i]}
        share = shift_ns / 1e8
        later = made.world_from_ego[i].copy()
        if i + 1 < len(made):
            later[:3, 3] += share * (made.world_from_ego[i + 1, :3, 3] - later[:3, 3])
        turn = 0.3 + 0.04 * (i + share)
        later[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        poses[shift_ns] = later
        for name, mount, shift in (("top", TOP, 0), ("left", LEFT, shift_ns)):
            if name not in names:
                continue
            back = np.linalg.inv(poses[shift] @ mount)
            points = (world @ back[:3, :3].T + back[:3, 3]).astype(np.float32)
            columns = {axis: points[:, k] for k, axis in enumerate("xyz")}
            columns["ring"] = np.zeros(len(points), np.uint16)
            stem = at + shift if as_times else i
            path = root / "lidar" / name / f"{stem}.pcd"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(layouts.pcd_bytes(columns))
        for pose, when in ((poses[0], at), (later, at + shift_ns)):
            w, x, y, z = layouts.quaternion(pose)
            place = " ".join(f"{v:.9f}" for v in (*pose[:3, 3], x, y, z, w))
            lines.append(f"{when // 10**9}.{when % 10**9:09d} {place}")
    (root / "trajectory.txt").write_text("\n".join(lines) + "\n")
    mounts = {"top": TOP.tolist(), "left": LEFT.tolist()}
    (root / "calibration.json").write_text(json.dumps({"lidars": mounts}))
    return world


def test_a_folder_of_several_lidars_is_one_log(tmp_path):
    made = drive(4)
    world = write(tmp_path, made)
    assert sniff(tmp_path) == "folder"
    recording = open_log(tmp_path)
    assert recording.lidar == "top"
    assert recording.timestamps_ns.tolist() == made.times_ns.tolist()
    for i in range(3):
        sweep = recording.source(i)
        assert sweep.lidar.tolist() == [0] * len(world) + [1] * len(world)
        at = made.world_from_ego[i] @ TOP
        for part in (sweep.points_m[sweep.lidar == k] for k in (0, 1)):
            np.testing.assert_allclose(part @ at[:3, :3].T + at[:3, 3], world, atol=2e-3)
    assert any("0 top, 1 left" in line for line in recording.warnings)


def test_ingest_and_doctor_take_it(tmp_path):
    write(tmp_path / "drive", drive(4))
    report = ingest(tmp_path / "w", tmp_path / "drive")
    log = Workspace(tmp_path / "w").log(report.log_id)
    assert set(log.sweep(1).lidar.tolist()) == {0, 1}
    assert not [f for f in examine(log) if f.severity == "error"]


def test_files_without_times_belong_together_by_number(tmp_path):
    made = drive(3)
    write(tmp_path, made, shift_ns=0, as_times=False)
    (tmp_path / "trajectory.txt").unlink()
    recording = open_log(tmp_path)
    assert any("10 Hz" in line for line in recording.warnings)
    assert set(recording.source(2).lidar.tolist()) == {0, 1}
    next((tmp_path / "lidar/left").iterdir()).unlink()
    with pytest.raises(SourceError, match="or 3 files, got 2 files without"):
        open_log(tmp_path)


def test_mounts_are_needed(tmp_path):
    write(tmp_path, drive(2))
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"lidars": {"top": TOP.tolist()}}))
    assert "points of left: calibration.json has no such lidar" in open_log(tmp_path).left_out
    for said, told in (
        ({"lidars": {"x": TOP.tolist()}}, "some of left, top, got none of them"),
        ({"lidars": [1]}, "lidars: an object"),
        ({"lidars": {"top": [[1]]}}, "lidars.top"),
        ({"lidars": {"top": TOP.tolist()}, "points_in": "world"}, "where there are several"),
    ):
        path.write_text(json.dumps(said))
        with pytest.raises(SourceError, match=told):
            open_log(tmp_path)
    path.unlink()
    with pytest.raises(SourceError, match="with lidars: where left, top sit"):
        open_log(tmp_path)


def still(times, n):
    def read(i):
        points = np.full((n, 3), i, np.float32)
        return Sweep(points, int(times[i]), time_offset_ns=np.zeros(n, np.int32))

    return read


def test_a_sweep_joins_the_nearest_and_only_if_near():
    times = np.arange(4, dtype=np.int64) * 100_000_000
    others = np.array([20_000_000, 210_000_000, 900_000_000])
    lidars = [
        Lidar("a", times, np.eye(4), still(times, 2)),
        Lidar("b", others, np.eye(4), still(others, 3)),
    ]
    source, left_out, warnings = merge_lidars(lidars, None)
    assert [len(source(i)) for i in range(4)] == [5, 2, 5, 2]
    assert source(2).time_offset_ns.tolist() == [0, 0, 10_000_000, 10_000_000, 10_000_000]
    assert left_out == ["1 sweeps of b: a has none near"]
    assert any("not moved" in line for line in warnings)
    assert nearest(np.array([5]), np.array([1, 9])).tolist() == [0, 0]


def test_one_lidar_is_left_as_it_is():
    times = np.arange(2, dtype=np.int64)
    only = Lidar("a", times, np.eye(4), still(times, 2))
    poses = EgoPoses(times, np.tile(np.eye(4), (2, 1, 1)))
    assert merge_lidars([only], poses) == (only.source, [], [])
