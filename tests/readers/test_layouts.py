"""Every layout, read back from a drive whose world coordinates are known."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from perception_label.errors import LabelError, SettingError, SourceError
from perception_label.geometry.inside import points_inside
from perception_label.geometry.poses import interpolate_poses, inverse
from perception_label.readers import FORMATS, open_log, sniff
from readers import layouts

FORMAT_OF = {"kitti_small": "kitti_tracking"} | {
    n: "folder" for n in layouts.NAMES if n.startswith("folder")
}
LABELLED = [n for n in layouts.NAMES if not n.startswith("folder")]


@pytest.fixture(scope="module")
def drive():
    return layouts.drive()


@pytest.fixture(scope="module")
def paths(drive, tmp_path_factory):
    return {n: layouts.write(n, tmp_path_factory.mktemp(n), drive) for n in layouts.NAMES}


@pytest.mark.parametrize("name", layouts.NAMES)
def test_the_format_is_told_by_content(name, paths):
    assert sniff(paths[name]) == FORMAT_OF.get(name, name)


@pytest.mark.parametrize("name", layouts.NAMES)
def test_points_and_poses_come_back_in_the_world(name, paths, drive):
    recording = open_log(paths[name])
    assert len(recording.timestamps_ns) == len(drive)
    if not name.startswith("kitti_tr") and name != "kitti_small":
        assert recording.timestamps_ns.tolist() == drive.times_ns.tolist()
    poses = interpolate_poses(recording.ego_poses, recording.timestamps_ns)
    for i in range(len(drive)):
        sweep = recording.source(i)
        assert sweep.timestamp_ns == recording.timestamps_ns[i]
        assert sweep.points_m.dtype == np.float32
        assert sweep.points_m.flags.c_contiguous
        ego = sweep.points_m @ recording.ego_from_lidar[:3, :3].T + recording.ego_from_lidar[:3, 3]
        tolerance = 0.02 if name == "argoverse2" else 2e-3  # it stores float16
        np.testing.assert_allclose(ego, drive.points_m[i], atol=tolerance)
        np.testing.assert_allclose(poses[i], drive.world_from_ego[i], atol=1e-5)


@pytest.mark.parametrize("name", LABELLED)
def test_truth_comes_back_in_the_world(name, paths, drive):
    recording = open_log(paths[name])
    truth = recording.truth
    assert len(truth) == 3 * len(drive)
    assert set(truth.class_names) == set(layouts.CLASSES)
    assert truth.n_points.tolist() == [-1] * len(truth)
    for k, kind in enumerate(layouts.CLASSES):
        boxes = truth[truth.classes == truth.class_names.index(kind)]
        assert len(set(boxes.tracks.tolist())) == 1
        boxes = boxes[np.argsort(boxes.timestamps_ns)]
        assert boxes.timestamps_ns.tolist() == recording.timestamps_ns.tolist()
        np.testing.assert_allclose(boxes.cuboids.center_m, drive.centers_m[:, k], atol=1e-4)
        np.testing.assert_allclose(boxes.cuboids.size_m, [layouts.SIZES[k]] * 4, atol=1e-6)
        np.testing.assert_allclose(np.cos(boxes.cuboids.yaw_rad - layouts.YAWS[k]), 1, atol=1e-9)


@pytest.mark.parametrize("name", LABELLED)
def test_points_lie_in_their_boxes(name, paths):
    recording = open_log(paths[name])
    poses = interpolate_poses(recording.ego_poses, recording.timestamps_ns)
    for i, time in enumerate(recording.timestamps_ns):
        boxes = recording.truth[recording.truth.timestamps_ns == time].cuboids
        lidar = boxes.moved(inverse(poses[i] @ recording.ego_from_lidar))
        assert (points_inside(recording.source(i).points_m, lidar) >= 40).all()


@pytest.mark.parametrize("name", layouts.NAMES)
def test_a_source_pickles_and_reads_the_same_in_threads(name, paths):
    recording = open_log(paths[name])
    source = pickle.loads(pickle.dumps(recording.source))
    order = [0, 3, 1, 2] * 4
    with ThreadPoolExecutor(4) as pool:
        for i, sweep in zip(order, pool.map(source, order), strict=True):
            np.testing.assert_array_equal(sweep.points_m, recording.source(i).points_m)


@pytest.mark.parametrize("name", ["folder_pcd", "folder_ply"])
def test_channels_of_point_files_come_back(name, paths, drive):
    recording = open_log(paths[name])
    for i in range(len(drive)):
        sweep, told = recording.source(i), layouts.channels(drive, i)
        assert sweep.remarks == ()
        np.testing.assert_array_equal(sweep.intensity, told["intensity"])
        np.testing.assert_array_equal(sweep.ring, told["ring"])
        np.testing.assert_allclose(sweep.time_offset_ns, told["time"] * 1e9, atol=20)


def test_pandaset_tells_lidars_and_times_and_leaves_siblings_out(paths, drive):
    recording = open_log(paths["pandaset"])
    sweep = recording.source(1)
    assert sweep.lidar.tolist() == [k % 2 for k in range(len(sweep))]
    assert sweep.time_offset_ns[-1] == 0
    assert sweep.time_offset_ns[0] == pytest.approx(-90_000_000, abs=2000)
    assert any(f"{len(drive)} boxes drawn a second time" in line for line in recording.left_out)


def test_kitti_says_what_it_assumes_and_what_it_left_out(paths):
    recording = open_log(paths["kitti_tracking"])
    assert any("10 Hz" in line for line in recording.warnings)
    assert recording.left_out == ["1 regions marked DontCare"]
    assert recording.truth_view_rad[0] < 0 < recording.truth_view_rad[1]
    assert recording.origin_m[2] == layouts.ALTITUDE


def put_images(folder, n):
    folder.mkdir(parents=True)
    for i in range(n):
        Image.new("L", (1200, 360)).save(folder / f"{i:06d}.png")


@pytest.mark.parametrize("name", ["kitti_tracking", "kitti_raw"])
def test_kitti_cameras_see_what_the_projection_says(name, tmp_path, drive):
    path = layouts.write(name, tmp_path, drive)
    raw = name == "kitti_raw"
    put_images(path / ("image_02/data" if raw else "image_02/0007"), len(drive))
    recording = open_log(path)
    camera = recording.cameras["image_02"]
    assert (camera.width_px, camera.height_px) == (1200, 360)
    assert recording.images["image_02"].timestamps_ns.tolist() == recording.timestamps_ns.tolist()
    ego = np.array([9.0, 2.0, 1.0, 1.0])
    there = inverse(camera.ego_from_camera) @ ego
    pixel = np.array(camera.intrinsics) @ there[:3]
    velo = np.linalg.inv(layouts.EGO_FROM_VELO) @ ego
    expected = layouts.PROJECTION @ layouts.RECT_FROM_VELO @ velo
    np.testing.assert_allclose(pixel, expected, rtol=1e-9)
    calibration = path / "calib/0007.txt" if not raw else path.parent / "calib_cam_to_cam.txt"
    text = calibration.read_text().replace(layouts._row(layouts.PROJECTION), "0 " * 12)
    calibration.write_text(text)
    with pytest.raises(SourceError, match="camera matrices with an inverse"):
        open_log(path)


@pytest.mark.parametrize("name", ["kitti_tracking", "argoverse2", "kitti_raw"])
def test_labelled_instants_without_points_are_empty_sweeps(name, tmp_path, drive):
    path = layouts.write(name, tmp_path, drive)
    files = sorted(p for p in path.rglob("*") if p.suffix in (".bin", ".feather") and (
        "velodyne" in str(p) or "lidar" in str(p.parent)))  # fmt: skip
    for file in files[1:] if name == "kitti_raw" else files:
        file.unlink()
    recording = open_log(path)
    sizes = [len(recording.source(i)) for i in range(len(recording.timestamps_ns))]
    # A drive of KITTI raw is known by its sweeps, so it keeps one.
    assert [n > 0 for n in sizes] == [name == "kitti_raw", False, False, False]
    assert any("empty sweeps" in line for line in recording.warnings)
    assert len(recording.truth) == 3 * len(drive)


@pytest.mark.parametrize(
    ("name", "poses"), [("kitti_tracking", "oxts"), ("kitti_raw", "oxts"), ("folder_pcd", "traj*")]
)
def test_without_poses_there_is_no_truth_and_the_log_says_why(name, poses, tmp_path, drive):
    path = layouts.write(name, tmp_path, drive)
    for part in path.glob(poses):
        for file in [part] if part.is_file() else [p for p in part.rglob("*") if p.is_file()]:
            file.unlink()
    recording = open_log(path)
    assert recording.ego_poses is None
    assert recording.truth is None
    if name.startswith("kitti"):
        assert any("12 labels" in line for line in recording.left_out)


def test_one_of_several_logs_is_named_after_a_colon_or_a_slash(tmp_path, drive):
    root = layouts.kitti_tracking(tmp_path, drive, "0003")
    for kind in ("label_02", "oxts", "calib"):
        (root / kind / "0011.txt").write_text((root / kind / "0003.txt").read_text())
    with pytest.raises(SourceError, match=r"got 2: 0003, 0011; name one, as in .*:0003"):
        open_log(root)
    for named in (f"{root}:0011", root / "0011", f"{tmp_path}/kitti_tracking:0011"):
        assert open_log(named).log_id == "kitti-tracking-0011"
    assert open_log(root / "velodyne/0003").log_id == "kitti-tracking-0003"
    with pytest.raises(SourceError, match="expected a log 0003, 0011, got '0012'"):
        open_log(f"{root}:0012")


def test_unknown_paths_and_formats_are_refused_in_one_line(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        open_log(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="none of these layouts"):
        open_log(tmp_path)
    with pytest.raises(SettingError, match="pandaset"):
        open_log(tmp_path, "rosbag9")
    for name in FORMATS:
        with pytest.raises(LabelError) as error:
            open_log(tmp_path, name)
        assert str(tmp_path) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_folder_of_other_pickles_is_refused(tmp_path):
    layouts.write_table(tmp_path / "things/00.pkl.gz", {"a": np.arange(3)})
    with pytest.raises(SourceError, match="none of these layouts"):
        open_log(tmp_path / "things")


def test_disorder_is_reported_and_kept(tmp_path, drive):
    mixed = copy.copy(drive.times_ns)
    mixed[[1, 2]] = mixed[[2, 1]]
    mixed[3] = mixed[0]
    path = layouts.write(
        "pandaset", tmp_path, layouts.Drive(mixed, *list(vars(drive).values())[1:])
    )
    recording = open_log(path)
    assert recording.timestamps_ns.tolist() == mixed.tolist()
    assert any("out of order" in line for line in recording.warnings)
    assert any("share their timestamp" in line for line in recording.warnings)
    assert (np.diff(recording.ego_poses.timestamps_ns) > 0).all()
