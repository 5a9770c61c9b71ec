"""Every sample of real recordings: whole, plausible, boxes full of points."""

import numpy as np
import pytest

from perception_label.errors import SourceError
from perception_label.geometry.inside import points_inside
from perception_label.geometry.poses import interpolate_poses, inverse, transform
from perception_label.readers import open_log, pandaset
from perception_label.readers.clouds import read_cloud

pytestmark = pytest.mark.realdata


def boxes_and_points(recording, i):
    """Return sweep i, its boxes in the sensor frame, their classes and points in each."""
    at = recording.timestamps_ns[i : i + 1]
    world_from_lidar = interpolate_poses(recording.ego_poses, at)[0] @ recording.ego_from_lidar
    here = recording.truth[recording.truth.timestamps_ns == at[0]]
    boxes = here.cuboids.moved(inverse(world_from_lidar))
    sweep = recording.source(i)
    names = np.array(here.class_names)[here.classes]
    return sweep, boxes, names, points_inside(sweep.points_m, boxes)


def turned(boxes):
    return type(boxes)(boxes.center_m, boxes.size_m, boxes.yaw_rad + np.pi / 2)


def test_pandaset_cars_hold_points(real_data):
    recording = open_log(real_data("pandaset/002"))
    assert (len(recording.timestamps_ns), len(recording.truth)) == (40, 3727)
    assert any("970 boxes" in line for line in recording.left_out)
    for i in (0, 39):
        sweep, boxes, names, counts = boxes_and_points(recording, i)
        assert sweep.lidar.max() == 1
        cars = names == "car"
        near = np.linalg.norm(boxes.center_m[:, :2], axis=1) < 50
        assert np.median(counts[cars]) > 40
        assert (counts[cars & near] > 0).mean() > 0.9
        assert counts.sum() > 2 * points_inside(sweep.points_m, turned(boxes)).sum()


def test_pandaset_parked_cars_stay_where_they_are_in_the_world(real_data):
    truth = open_log(real_data("pandaset/002")).truth
    spread = [np.ptp(truth.cuboids.center_m[truth.tracks == t], axis=0).max()
              for t in range(len(truth.track_names))]  # fmt: skip
    assert np.mean(np.array(spread) < 0.05) > 0.5


def test_pandaset_ground_is_flat_and_below_the_sensor(real_data):
    path = real_data("pandaset/002")
    sweep, classes = open_log(path).source(0), pandaset.read_semantics(path, 0)
    assert classes.dtype == np.uint8
    near = np.linalg.norm(sweep.points_m[:, :2], axis=1) < 10
    height = sweep.points_m[near & (classes == 7), 2]  # road
    assert -2.5 < np.median(height) < -1.8
    assert np.std(height) < 0.15


def test_pandaset_cameras_sit_on_the_roof_and_look_where_they_say(real_data):
    recording = open_log(real_data("pandaset/002"))
    ahead = recording.cameras["front_camera"].ego_from_camera
    np.testing.assert_allclose(ahead[:3, 2], [1, 0, 0], atol=0.02)  # z ahead
    np.testing.assert_allclose(ahead[:3, 1], [0, 0, -1], atol=0.03)  # y down
    assert 1.5 < ahead[2, 3] < 2.2
    assert recording.cameras["front_camera"].distortion == ()  # the pictures are rectified
    assert {len(v.paths) for v in recording.images.values()} == {40}


def test_kitti_boxes_hold_points_in_every_sweep(real_data):
    recording = open_log(real_data("kitti_seq0008_f000-004"))
    assert len(recording.timestamps_ns) == 5
    for i in range(5):
        sweep, boxes, _, counts = boxes_and_points(recording, i)
        assert (counts > 0).all()
        assert counts.sum() > 1.5 * points_inside(sweep.points_m, turned(boxes)).sum()


def test_kitti_parked_cars_stay_where_they_are_in_the_world(real_data):
    truth = open_log(real_data("kitti_seq0008_f000-004")).truth
    spread = [np.ptp(truth.cuboids.center_m[truth.tracks == t], axis=0).max()
              for t in range(len(truth.track_names))]  # fmt: skip
    # Of eight, two stand; the ego drives 6 m meanwhile, so a wrong pose would move them too.
    assert (np.array(spread) < 0.15).sum() >= 2


@pytest.mark.parametrize(("sequence", "n_sweeps"), [("0003", 144), ("0012", 78), ("0016", 209)])
def test_kitti_labels_alone_are_a_log(sequence, n_sweeps, real_data):
    recording = open_log(real_data("kitti_tracking") / sequence)
    assert len(recording.timestamps_ns) == len(recording.ego_poses) == n_sweeps
    assert len(recording.source(0)) == 0
    assert len(recording.truth) > 200


def test_kitti_object_keeps_sweeps_and_says_why_labels_stay_out(real_data):
    recording = open_log(real_data("kitti_object"))
    assert recording.format == "kitti_object"
    assert [len(recording.source(i)) > 100_000 for i in range(3)] == [True] * 3
    assert recording.left_out[0].startswith("6 labels")


def test_argoverse_boxes_hold_points_and_agree_with_the_published_counts(real_data):
    recording = open_log(real_data("av2_adcf7d18"))
    assert len(recording.timestamps_ns) == 156
    assert len(recording.truth) == 12078
    i = next(k for k, p in enumerate(recording.source.paths) if p is not None)
    sweep, boxes, _, counts = boxes_and_points(recording, i)
    assert len(boxes) == 47
    assert (counts > 0).mean() > 0.95
    assert counts.sum() > 3 * points_inside(sweep.points_m, turned(boxes)).sum()
    assert sweep.ring.max() == 63
    assert 0 < sweep.time_offset_ns.min() < sweep.time_offset_ns.max() < 110_000_000


def test_the_padded_pcd_has_sane_time_and_ring(real_data):
    sweep = open_log(real_data("formats/sustech")).source(0)
    assert len(sweep) == 66781
    assert sweep.ring.max() == 39
    assert sweep.time_offset_ns.min() == 0
    assert 0.09e9 < sweep.time_offset_ns.max() < 0.11e9
    assert any("natural" in line for line in sweep.remarks)


@pytest.mark.parametrize(
    ("file", "n_points"),
    [
        ("formats/pcd/Zaghetto.pcd", 59750),
        ("formats/pcd/simple-ascii.pcd", 213),
        ("formats/las/simple.las", 1065),
        ("formats/las/simple.laz", 1065),
        ("formats/las/test1_4.las", 1000),
        ("semantickitti_seq00/000000.bin", 124668),
    ],
)
def test_single_files_are_read_whole(file, n_points, real_data):
    path = real_data(file)
    if path.suffix in (".las", ".laz"):
        pytest.importorskip("laspy")
    cloud = read_cloud(path)
    assert len(cloud.points_m) == n_points
    assert np.isfinite(cloud.points_m).all()


def test_las_in_map_coordinates_keeps_centimetres(real_data):
    pytest.importorskip("laspy")
    path = real_data("formats/las/simple.laz")
    recording = open_log(path)
    sweep = recording.source(0)
    back = sweep.points_m.astype(np.float64) + recording.origin_m
    np.testing.assert_allclose(back, read_cloud(path).points_m, atol=0.001)
    assert np.abs(sweep.points_m).max() < 5000


@pytest.mark.parametrize("path", ["formats/openlabel", "video", "pandaset/002/annotations/cuboids"])
def test_folders_of_other_things_are_no_recordings(path, real_data):
    with pytest.raises(ValueError, match="none of these layouts"):
        open_log(real_data(path))


def test_a_bag_without_a_lidar_tells_what_it_holds(real_data):
    with pytest.raises(SourceError, match=r"foxglove.PointCloud, got battery \(foxglove.Battery"):
        open_log(real_data("formats/mcap"))


def test_other_tools_kitti_raw_is_read(real_data):
    recording = open_log(real_data("formats/datumaro_kitti_raw"))
    assert [len(recording.source(i)) for i in range(3)] == [100, 200, 100]
    assert any("4 labels" in line for line in recording.left_out)


def test_kitti_points_are_as_the_sensor_took_them(real_data):
    """Sweeps laid over each other get sharper if points are moved by their time in the turn.

    Its raw data's own readme says so too ("you have to untwist the points"); only the odometry
    benchmark publishes points that were moved already.
    """
    log = open_log(real_data("kitti_seq0008_f000-004"))
    assert log.is_deskewed is False
    poses = interpolate_poses(log.ego_poses, log.timestamps_ns) @ log.ego_from_lidar
    seconds = (log.timestamps_ns[-1] - log.timestamps_ns[0]) * 1e-9
    velocity_mps = (inverse(poses[0]) @ poses[-1])[:3, 3] / seconds
    assert np.linalg.norm(velocity_mps) > 10

    def occupied(turn_s):
        cells = []
        for i, pose in enumerate(poses):
            points = log.source(i).points_m.astype(float)
            range_m = np.linalg.norm(points[:, :2], axis=1)
            points = points[(points[:, 2] > -1.3) & (range_m > 3) & (range_m < 15)]
            # It turns clockwise and looks ahead at the sweep's instant.
            late_s = -np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) * turn_s
            cells.append(transform(pose, points + velocity_mps * late_s[:, None]) // 0.15)
        return len(np.unique(np.concatenate(cells), axis=0))

    assert occupied(0.1) < 0.99 * occupied(0.0) < occupied(-0.1)


def test_boreas_cars_drive_the_way_they_point(real_data):
    recording = open_log(real_data("boreas"))
    truth = recording.truth
    assert len(truth) == 935
    assert set(truth.class_names) == {"car", "other"}
    off = []
    for track in range(len(truth.track_names)):
        boxes = truth[truth.tracks == track].cuboids
        for k in range(len(boxes) - 5):
            step = boxes.center_m[k + 5] - boxes.center_m[k]
            if np.hypot(*step[:2]) > 2.5:
                way = np.arctan2(step[1], step[0])
                off.append(abs(np.sin(way - boxes.yaw_rad[k + 2])))
    assert len(off) > 250
    assert np.mean(off) < 0.04  # the other sign: 0.08
    assert max(off) < 0.2  # the other sign: 0.4
    steps = np.diff(recording.ego_poses.world_from_ego[:, :3, 3], axis=0)
    ahead = recording.ego_poses.world_from_ego[:-1, :3, 0]
    assert (np.einsum("ij,ij->i", steps, ahead) / np.linalg.norm(steps, axis=1)).min() > 0.99
