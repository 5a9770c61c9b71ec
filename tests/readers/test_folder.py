"""A folder of point files: times, poses, calibration, maps, images."""

import json

import numpy as np
import pytest
from PIL import Image

from perception_label.errors import SourceError
from perception_label.geometry.poses import interpolate_poses
from perception_label.readers import open_log
from perception_label.readers.poses_text import read_poses, times_ns
from readers import layouts

MADE = layouts.drive()
UTM = np.array([623_163.0, 4_848_510.0, 195.0])


def put(root, points=MADE.points_m, names=None, dtype=np.float32):
    (root / "lidar").mkdir(parents=True)
    for i, cloud in enumerate(points):
        columns = {a: cloud[:, k].astype(dtype) for k, a in enumerate("xyz")}
        name = f"{i}.pcd" if names is None else names[i]
        (root / "lidar" / name).write_bytes(layouts.pcd_bytes(columns))
    return root


def kitti_rows(poses):
    return "\n".join(" ".join(f"{v:.12f}" for v in m[:3].ravel()) for m in poses) + "\n"


def csv_rows(poses, times_ns):
    turns = [layouts.quaternion(m) for m in poses]
    rows = [[t, *m[:3, 3], *q] for t, m, q in zip(times_ns, poses, turns, strict=True)]
    return "timestamp_ns,x,y,z,qw,qx,qy,qz\n" + "\n".join(",".join(map(str, r)) for r in rows)


def in_world(recording, i):
    at = interpolate_poses(recording.ego_poses, recording.timestamps_ns[i : i + 1])[0]
    matrix = at @ recording.ego_from_lidar
    world = recording.source(i).points_m.astype(float) @ matrix[:3, :3].T + matrix[:3, 3]
    return world + recording.origin_m


def expected_world(i):
    matrix = MADE.world_from_ego[i]
    return MADE.points_m[i] @ matrix[:3, :3].T + matrix[:3, 3]


def test_kitti_rows_belong_to_sweeps_in_order_and_times_are_assumed_aloud(tmp_path):
    root = put(tmp_path / "a")
    (root / "poses.txt").write_text(kitti_rows(MADE.world_from_ego))
    recording = open_log(root)
    assert recording.timestamps_ns.tolist() == [0, 100_000_000, 200_000_000, 300_000_000]
    assert any("10 Hz" in line for line in recording.warnings)
    for i in range(4):
        np.testing.assert_allclose(in_world(recording, i), expected_world(i), atol=1e-4)


def test_kitti_odometry_poses_of_the_camera_become_the_lidars(tmp_path):
    root = put(tmp_path / "a")
    camera_from_lidar = layouts.RECT_FROM_VELO
    poses = camera_from_lidar @ MADE.world_from_ego @ np.linalg.inv(camera_from_lidar)
    (root / "poses.txt").write_text(kitti_rows(poses))
    (root / "calib.txt").write_text(f"P0: {'1 ' * 12}\nTr: {layouts._row(camera_from_lidar[:3])}\n")
    (root / "times.txt").write_text("0.0\n1.0e-1\n0.2\n0.3\n")
    recording = open_log(root)
    assert recording.timestamps_ns.tolist() == [0, 100_000_000, 200_000_000, 300_000_000]
    for i in range(4):
        np.testing.assert_allclose(in_world(recording, i), expected_world(i), atol=1e-4)


def test_poses_of_a_camera_without_calibration_are_suspected(tmp_path):
    root = put(tmp_path / "a")
    camera_from_lidar = layouts.RECT_FROM_VELO
    poses = camera_from_lidar @ MADE.world_from_ego @ np.linalg.inv(camera_from_lidar)
    (root / "poses.txt").write_text(kitti_rows(poses))
    assert any("camera's axes" in line for line in open_log(root).warnings)


def test_map_coordinates_are_stored_from_a_local_origin(tmp_path):
    poses = MADE.world_from_ego.copy()
    poses[:, :3, 3] += UTM
    root = put(tmp_path / "a", names=[f"{t}.pcd" for t in MADE.times_ns])
    (root / "poses.csv").write_text(csv_rows(poses, MADE.times_ns.tolist()))
    recording = open_log(root)
    assert np.abs(recording.ego_poses.world_from_ego[:, :3, 3]).max() < 100
    assert any("far from 0" in line for line in recording.warnings)
    for i in range(4):
        np.testing.assert_allclose(in_world(recording, i), expected_world(i) + UTM, atol=1e-4)


def test_points_in_the_world_go_back_to_the_sensor_where_the_calibration_says_so(tmp_path):
    poses = MADE.world_from_ego.copy()
    poses[:, :3, 3] += UTM
    world = [expected_world(i) + UTM for i in range(4)]
    root = put(tmp_path / "a", world, [f"{t}.pcd" for t in MADE.times_ns], np.float64)
    (root / "poses.csv").write_text(csv_rows(poses, MADE.times_ns.tolist()))
    with pytest.raises(SourceError, match="points_in: world"):
        open_log(root)
    mount = np.eye(4)
    mount[:3, 3] = [1.0, 0.0, 2.0]
    told = {"points_in": "world", "ego_from_lidar": mount.tolist()}
    (root / "calibration.json").write_text(json.dumps(told))
    recording = open_log(root)
    for i in range(4):
        ego = recording.source(i).points_m + mount[:3, 3]
        np.testing.assert_allclose(ego, MADE.points_m[i], atol=1e-3)
        np.testing.assert_allclose(in_world(recording, i), world[i], atol=1e-3)


def test_points_in_the_ego_frame_move_to_the_sensor(tmp_path):
    root = put(tmp_path / "a")
    mount = np.eye(4)
    mount[:3, 3] = [1.0, 0.5, 2.0]
    told = {"points_in": "ego", "ego_from_lidar": mount.tolist()}
    (root / "calibration.json").write_text(json.dumps(told))
    points = open_log(root).source(2).points_m
    np.testing.assert_allclose(points + mount[:3, 3], MADE.points_m[2], atol=1e-5)


def test_map_coordinates_without_poses_are_said(tmp_path):
    root = put(tmp_path / "a", [p + UTM for p in MADE.points_m], dtype=np.float64)
    recording = open_log(root)
    assert recording.ego_poses is None
    assert np.abs(recording.source(3).points_m).max() < 100
    back = recording.source(1).points_m.astype(float) + recording.origin_m
    np.testing.assert_allclose(back, MADE.points_m[1] + UTM, atol=1e-4)


def test_images_go_with_their_camera(tmp_path):
    root = put(tmp_path / "a")
    lens = {"width_px": 8, "height_px": 6, "intrinsics": [[5, 0, 4], [0, 5, 3], [0, 0, 1]]}
    camera = {**lens, "ego_from_camera": np.eye(4).tolist(), "distortion": [0.1, 0, 0, 0, 0]}
    (root / "calibration.json").write_text(json.dumps({"cameras": {"front": camera}}))
    for name, n in (("front", 4), ("rear", 4)):
        (root / "images" / name).mkdir(parents=True)
        for i in range(n):
            Image.new("RGB", (8, 6)).save(root / "images" / name / f"{i}.png")
    recording = open_log(root)
    assert recording.images["front"].timestamps_ns.tolist() == recording.timestamps_ns.tolist()
    assert recording.cameras["front"].distortion[0] == 0.1
    assert any("rear" in line for line in recording.left_out)


def test_names_are_counted_as_a_person_does(tmp_path):
    root = put(tmp_path / "a", names=["scan_9.pcd", "scan_10.pcd", "scan_1.pcd", "scan_2.pcd"])
    files = [p.name for p in open_log(root).source.paths]
    assert files == ["scan_1.pcd", "scan_2.pcd", "scan_9.pcd", "scan_10.pcd"]


def test_folders_side_by_side_are_logs_by_name(tmp_path):
    put(tmp_path / "drive_a")
    put(tmp_path / "drive_b")
    with pytest.raises(SourceError, match="drive_a, drive_b"):
        open_log(tmp_path)
    assert open_log(f"{tmp_path}:drive_b").log_id == "drive_b"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("poses.txt", "1 0 0 0 0 1 0 0 0 0 1 0\n", "a pose for each of 4 sweeps"),
        ("poses.txt", "1 2 3\n", "12 .KITTI. or 8 .TUM."),
        ("poses.txt", "2 0 0 0 0 1 0 0 0 0 1 0\n" * 4, "no rotation in pose 1"),
        ("poses.txt", "", "poses, got no line"),
        ("trajectory.txt", "0 0 0 0 0 0 0 2\n" * 4, "unit quaternions"),
        ("trajectory.txt", "0 0 0 0 0 0 0 1\n" * 3, "sweep times"),
        ("poses.csv", "time,x,y\n0,0,0\n", "columns x y z qw qx qy qz"),
        ("poses.csv", "time,x,x\n0,0,0\n", "different names"),
        ("timestamps.txt", "0\n1\n", "a time for each of 4 sweeps"),
        ("timestamps.txt", "a\nb\nc\nd\ne\n", "times"),
        ("calibration.json", '{"lidar": 1}', "keys ego_from_lidar"),
        ("calibration.json", '{"points_in": "camera"}', "points_in"),
        ("calibration.json", '{"ego_from_lidar": [[1]]}', "ego_from_lidar"),
        ("calibration.json", '{"cameras": {"a": {"width_px": -1}}}', "width_px"),
        ("calibration.json", "[]", "a JSON dict"),
    ],
)
def test_texts_that_do_not_fit_are_refused(file, text, message, tmp_path):
    root = put(tmp_path / "a")
    (root / file).write_text(text)
    with pytest.raises(SourceError, match=message) as error:
        open_log(root)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_poses_of_another_day_are_refused(tmp_path):
    root = put(tmp_path / "a", names=[f"{t}.pcd" for t in MADE.times_ns])
    late = (MADE.times_ns + 10**15).tolist()
    (root / "poses.csv").write_text(csv_rows(MADE.world_from_ego, late))
    with pytest.raises(SourceError, match="within the poses'"):
        open_log(root)


def test_times_lose_no_digit_whatever_their_unit(tmp_path):
    assert times_ns(tmp_path, ["1600000000.123456789"]).tolist() == [1600000000123456789]
    assert times_ns(tmp_path, ["1600000000123456"]).tolist() == [1600000000123456000]
    assert times_ns(tmp_path, ["1600000000123"]).tolist() == [1600000000123000000]
    assert times_ns(tmp_path, ["1600000000123456789"]).tolist() == [1600000000123456789]
    assert times_ns(tmp_path, ["0.1", "12.5"]).tolist() == [100_000_000, 12_500_000_000]
    assert times_ns(tmp_path, []).tolist() == []


def test_tum_comments_and_commas_are_read(tmp_path):
    path = tmp_path / "t.tum"
    path.write_text("# t x y z qx qy qz qw\n0.5, 1, 2, 3, 0, 0, 0, 1\n")
    table = read_poses(path)
    assert table.timestamps_ns.tolist() == [500_000_000]
    assert table.world_from_ego[0, :3, 3].tolist() == [1, 2, 3]
