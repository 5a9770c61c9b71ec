from dataclasses import replace

import numpy as np
import pytest

from perception_label import LabelError, open_workspace
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import MissingPosesError, SettingError, SourceError, WorkspaceError
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.recording import Camera, Images
from perception_label.storage import folders
from recordings import MOUNT, PERIOD_NS, START_NS, MemorySource, path, recording, sweep_at


def taken(tmp_path, given, **options):
    workspace = open_workspace(tmp_path / "ws")
    report = workspace.ingest(given, **options)
    return report, workspace.log()


def bytes_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_goes_in_comes_out(tmp_path):
    given = recording()
    report, log = taken(tmp_path, given)
    assert (report.n_sweeps, report.n_points) == (6, 24000)
    assert (report.left_out, report.warnings, report.poses_from) == ((), (), "source")
    assert log.timestamps_ns.tolist() == given.timestamps_ns.tolist()
    for i, sweep in enumerate(log.sweeps):
        source = given.source(i)
        for name in ("points_m", "intensity", "ring", "time_offset_ns"):
            assert np.array_equal(getattr(sweep, name), getattr(source, name))
        assert sweep.lidar is None
        assert not sweep.points_m.flags.writeable
        expected = given.ego_poses.world_from_ego[i] @ MOUNT
        assert np.allclose(sweep.world_from_sensor, expected, atol=1e-12)
    assert np.allclose(log.truth().cuboids.packed(), given.truth.cuboids.packed())
    assert log.truth().timestamps_ns.tolist() == given.truth.timestamps_ns.tolist()


def test_cameras_and_images_come_out(tmp_path):
    camera = Camera(640, 480, ((500.0, 0, 320.0), (0, 500.0, 240.0), (0, 0, 1.0)), MOUNT, (0.1,))
    files = (tmp_path / "a.jpg", tmp_path / "b.jpg")
    images = Images(START_NS + np.arange(2), files)
    _, log = taken(tmp_path, recording(cameras={"front": camera}, images={"front": images}))
    back = log.cameras["front"]
    assert (back.intrinsics, back.distortion) == (camera.intrinsics, camera.distortion)
    assert np.array_equal(back.ego_from_camera, MOUNT)
    assert log.images["front"].paths == files
    assert log.images["front"].timestamps_ns.tolist() == images.timestamps_ns.tolist()


def test_twice_equals_once_on_any_number_of_workers(tmp_path):
    for k, workers in enumerate((1, 3)):
        open_workspace(tmp_path / f"{k}").ingest(recording(), workers=workers)
    assert bytes_of(tmp_path / "0") == bytes_of(tmp_path / "1")
    open_workspace(tmp_path / "1").ingest(recording())
    assert bytes_of(tmp_path / "0") == bytes_of(tmp_path / "1")


def test_the_same_files_again_read_no_sweep(tmp_path):
    file = tmp_path / "drive.bin"
    file.write_bytes(b"points")
    first, _ = taken(tmp_path, recording(files=[file]))
    again = recording(files=[file])
    report, _ = taken(tmp_path, again)
    assert (first.is_new, report.is_new, again.source.reads) == (True, False, [])
    assert report.n_points == first.n_points


def test_other_files_of_the_same_id_need_a_word(tmp_path):
    file = tmp_path / "drive.bin"
    for content in (b"old", b"new"):
        file.write_bytes(content)
        given = recording(3 if content == b"old" else 4, files=[file])
        if content == b"old":
            taken(tmp_path, given)
    with pytest.raises(WorkspaceError, match="--replace"):
        taken(tmp_path, given)
    report, _ = taken(tmp_path, given, replace=True)
    assert report.n_sweeps == 4


def test_an_empty_log_is_one_clear_line_and_leaves_nothing(tmp_path):
    empty = recording(1, timestamps_ns=np.empty(0, dtype=np.int64))
    with pytest.raises(SourceError, match="yard: expected at least one sweep, got none"):
        taken(tmp_path, empty)
    assert not (tmp_path / "ws").exists()


def test_one_sweep_is_a_log(tmp_path):
    report, log = taken(tmp_path, recording(1))
    assert (report.n_sweeps, len(log.sweeps), len(log.sweep(0))) == (1, 1, 4000)


def test_an_empty_sweep_and_a_sweep_of_one_point_stay(tmp_path):
    empty, single = recording(1, 0).source(0), recording(1, 1).source(0)
    full = recording(3).source(2)
    report, log = taken(tmp_path, recording(3, source=MemorySource((empty, single, full))))
    assert [len(s) for s in log.sweeps] == [0, 1, 4000]
    assert log.sweep(0).points_m.shape == (0, 3)
    assert report.n_points == 4001


def test_points_that_are_not_finite_are_left_out_and_counted(tmp_path):
    given = recording(2)
    broken = given.source(1)
    points_m = broken.points_m.copy()
    points_m[5, 2], points_m[17] = np.nan, np.inf
    source = MemorySource((given.source(0), replace(broken, points_m=points_m)))
    report, log = taken(tmp_path, replace(given, source=source))
    assert report.left_out == ("2 points that are not finite",)
    assert log.n_not_finite.tolist() == [0, 2]
    assert np.array_equal(log.sweep(1).ring, np.delete(broken.ring, [5, 17]))


def test_sweeps_out_of_order_are_sorted_and_reported(tmp_path):
    given = recording(4)
    order = [2, 0, 3, 1]
    source = MemorySource(tuple(given.source(i) for i in order))
    shuffled = replace(given, timestamps_ns=given.timestamps_ns[order], source=source)
    report, log = taken(tmp_path, shuffled)
    assert report.warnings == ("2 sweeps were not in time order: sorted",)
    assert (np.diff(log.timestamps_ns) > 0).all()
    assert np.array_equal(log.sweep(1).points_m, given.source(1).points_m)


def test_of_sweeps_with_one_time_the_first_stays(tmp_path):
    given = recording(3)
    times = given.timestamps_ns.copy()
    times[2] = times[1]
    report, log = taken(tmp_path, replace(given, timestamps_ns=times))
    assert len(report.left_out) == 1
    assert report.left_out[0].startswith("1 sweeps of a time another has already")
    assert np.array_equal(log.sweep(1).points_m, given.source(1).points_m)


def test_without_poses_nothing_is_assumed_and_odometry_is_offered(tmp_path):
    report, log = taken(tmp_path, recording(3, ego_poses=None))
    assert report.poses_from == "none"
    assert any("--odometry" in text for text in report.warnings)
    assert report.left_out == (
        "3 labelled boxes: without the source's ego poses nobody knows their world frame",
    )
    assert log.ego_poses is None
    assert log.sweep(0).world_from_sensor is None
    assert log.truth() is None
    with pytest.raises(MissingPosesError, match="expected an ego pose"):
        log.sweep(0).world_points_m()


def test_utm_coordinates_get_a_local_origin(tmp_path):
    given = recording(3)
    offset_m = np.array([691_234.5, 5_334_567.25, 510.0])
    poses = given.ego_poses.world_from_ego.copy()
    poses[:, :3, 3] += offset_m
    boxes = replace(given.truth, cuboids=given.truth.cuboids.moved(translation(offset_m)))
    far = replace(given, ego_poses=EgoPoses(given.timestamps_ns, poses), truth=boxes)
    report, log = taken(tmp_path, far)
    assert any("UTM" in text for text in report.warnings)
    origin_m = np.array(log.info.origin_m)
    assert np.abs(log.ego_poses.world_from_ego[:, :3, 3]).max() < 10
    assert np.allclose(log.ego_poses.world_from_ego[:, :3, 3] + origin_m, poses[:, :3, 3])
    assert np.allclose(log.truth().cuboids.center_m + origin_m, boxes.cuboids.center_m)


def test_sweeps_beyond_the_ego_poses_are_left_out_or_carried_on(tmp_path):
    given = recording(6)
    short = path(given.timestamps_ns[:4])
    report, log = taken(tmp_path, replace(given, ego_poses=short))
    assert report.n_sweeps == 5
    assert report.left_out == ("1 sweeps outside the time of the ego poses",)
    assert any("carried on" in text for text in report.warnings)
    true = given.ego_poses.world_from_ego[4] @ MOUNT
    assert np.allclose(log.sweep(4).world_from_sensor, true, atol=0.02)


def test_clocks_that_do_not_agree_are_one_clear_line(tmp_path):
    given = recording(3)
    elsewhen = EgoPoses(given.timestamps_ns - 10**15, given.ego_poses.world_from_ego)
    with pytest.raises(SourceError, match="ego poses: expected times of the sweeps"):
        taken(tmp_path, replace(given, ego_poses=elsewhen))
    assert open_workspace(tmp_path / "ws").logs() == []


def test_a_pose_that_is_no_rotation_is_one_clear_line(tmp_path):
    given = recording(3)
    poses = given.ego_poses.world_from_ego.copy()
    poses[1, :3, :3] *= 2
    with pytest.raises(SourceError, match="ego pose 1: expected a rotation"):
        taken(tmp_path, replace(given, ego_poses=EgoPoses(given.timestamps_ns, poses)))


def test_poses_out_of_order_repeated_or_nan_are_set_right_and_counted(tmp_path):
    given = recording(4)
    rows = [3, 1, 1, 0, 2]
    poses = given.ego_poses.world_from_ego[rows]
    poses[4, 0, 3] = np.nan
    mixed = EgoPoses(given.timestamps_ns[rows], poses)
    report, log = taken(tmp_path, replace(given, ego_poses=mixed))
    assert log.ego_poses.timestamps_ns.tolist() == given.timestamps_ns[[0, 1, 3]].tolist()
    assert report.left_out == (
        "1 ego poses that are not finite",
        "1 ego poses of a time another has already",
    )


def test_a_sweep_that_cannot_be_read_leaves_no_log_behind(tmp_path):
    class Broken:
        def __call__(self, i):
            if i == 2:
                raise EOFError("file ends early")
            return recording().source(i)

    with pytest.raises(SourceError, match="yard sweep 2: expected a readable sweep, got: EOFError"):
        taken(tmp_path, recording(source=Broken()))
    assert open_workspace(tmp_path / "ws").logs() == []
    assert not folders.staging_folder(tmp_path / "ws", "yard").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points_m": np.zeros((5, 2), np.float32)}, r"expected \(N, 3\), got \(5, 2\)"),
        ({"points_m": np.full((5, 3), "x")}, "expected numbers"),
        ({"ring": np.zeros(3, np.uint16)}, r"expected ring \(4000,\), got \(3,\)"),
    ],
)
def test_columns_of_the_wrong_kind_are_one_clear_line(tmp_path, change, message):
    given = recording(1)
    source = MemorySource((replace(given.source(0), **change),))
    with pytest.raises(SourceError, match=message):
        taken(tmp_path, replace(given, source=source))


def test_sweeps_with_other_channels_are_evened_out_and_reported(tmp_path):
    given = recording(3)
    bare = replace(given.source(1), ring=None)
    richer = replace(given.source(2), lidar=np.ones(4000, np.uint8))
    source = MemorySource((given.source(0), bare, richer))
    report, log = taken(tmp_path, replace(given, source=source))
    assert report.warnings[0].startswith("2 sweeps carry other channels than the first")
    assert not log.sweep(1).ring.any()
    assert log.sweep(2).lidar is None


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden"])
def test_names_that_would_leave_the_workspace_are_refused(tmp_path, name):
    with pytest.raises(SourceError, match="log id: expected letters"):
        taken(tmp_path, recording(1, log_id=name))


def test_deskew_moves_points_to_the_sweeps_instant(tmp_path):
    plain = recording(2)
    still = recording(2, is_deskewed=True)
    with pytest.raises(SettingError, match="already moved"):
        taken(tmp_path, still, deskew=True)
    _, log = taken(tmp_path, plain, deskew=True)
    assert log.info.deskewed == "ingest"
    assert not np.allclose(log.sweep(0).points_m, plain.source(0).points_m, atol=1e-3)
    untimed = tuple(replace(s, time_offset_ns=None) for s in plain.source.sweeps)
    with pytest.raises(SettingError, match="expected a time of each point"):
        taken(tmp_path, replace(plain, source=MemorySource(untimed), log_id="u"), deskew=True)


def test_odometry_is_only_for_logs_without_poses(tmp_path):
    with pytest.raises(SettingError, match="expected a source without ego poses"):
        taken(tmp_path, recording(2), odometry="open3d")
    with pytest.raises(SettingError, match="expected one of open3d, kiss-icp, got 'guess'"):
        taken(tmp_path, recording(2, ego_poses=None), odometry="guess")


def test_odometry_finds_the_path(tmp_path):
    given = recording(6, 8000, ego_poses=None, truth=None, is_deskewed=True)
    report, log = taken(tmp_path, given, odometry="open3d")
    assert report.poses_from == "odometry:open3d"
    assert [("drift" in text) for text in report.warnings] == [True]
    true = path(given.timestamps_ns).world_from_ego
    error_m = np.linalg.norm(log.ego_poses.world_from_ego[:, :3, 3] - true[:, :3, 3], axis=1)
    assert error_m.max() < 0.15  # of 3 m driven
    assert np.allclose(log.ego_poses.world_from_ego[0], np.eye(4))


def test_progress_counts_every_sweep(tmp_path):
    told = []
    taken(tmp_path, recording(5), progress=lambda done, total: told.append((done, total)))
    assert told == [(k, 5) for k in range(1, 6)]


def test_a_folder_with_other_files_is_no_workspace(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(LabelError, match="expected a workspace"):
        open_workspace(tmp_path)
    folder = tmp_path / "ws"
    folder.mkdir()
    assert open_workspace(folder).ingest(recording(1)).n_sweeps == 1


def translation(offset_m):
    matrix = np.eye(4)
    matrix[:3, 3] = offset_m
    return matrix


def test_a_time_far_from_its_points_is_kept_to_the_nanosecond(tmp_path):
    given = recording(2)
    times = given.timestamps_ns + np.array([1, 2])
    sweeps = tuple(sweep_at(k, given.ego_poses.world_from_ego[k]) for k in range(2))
    odd = replace(given, timestamps_ns=times, source=MemorySource(sweeps))
    _, log = taken(tmp_path, odd)
    assert [s.timestamp_ns for s in log.sweeps] == [START_NS + 1, START_NS + PERIOD_NS + 2]
    assert isinstance(log.sweep(0), Sweep)


def test_what_readers_repaired_in_single_sweeps_is_told_once_and_counted(tmp_path):
    given = recording(4, 200)
    sweeps = list(given.source.sweeps)
    sweeps[1] = replace(sweeps[1], remarks=("times: dropped", "ring: dropped"))
    sweeps[3] = replace(sweeps[3], remarks=("times: dropped",))
    report, _ = taken(tmp_path, replace(given, source=MemorySource(tuple(sweeps))))
    assert report.warnings == (
        "times: dropped (2 of 4 sweeps)",
        "ring: dropped (1 of 4 sweeps)",
    )


def test_many_different_remarks_are_bounded(tmp_path):
    given = recording(30, 20)
    sweeps = tuple(replace(s, remarks=(f"{k}: odd",)) for k, s in enumerate(given.source.sweeps))
    report, _ = taken(tmp_path, replace(given, source=MemorySource(sweeps)))
    assert len(report.warnings) == 11
    assert report.warnings[-1] == "20 further remarks of this kind"
