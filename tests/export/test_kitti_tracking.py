"""Read back by the package's own KITTI reader, which knows nothing of the writer."""

import json

import numpy as np
import pytest

from labelled_logs import TIMES, camera, labelled, labels, path, write
from perception_label.errors import MissingPosesError
from perception_label.export import plan
from perception_label.export.kitti_camera import camera_rows
from perception_label.geometry.cameras import CAMERA_FROM_LIDAR
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.labels import Labels
from perception_label.readers import kitti_tracking as reader


def back(out, log_id="log-1"):
    """Return what the reader finds, with the names, times and place that side/ keeps."""
    recording = reader.open_log(out / log_id)
    side = json.loads((out / "side" / f"{log_id}.json").read_text())
    read = recording.truth
    tracks = {str(t["number"]): t for t in side["tracks"]}
    names = [tracks[read.track_names[k]] for k in read.tracks]
    boxes = read.cuboids
    moved = Cuboids(boxes.center_m + side["first_position_m"], boxes.size_m, boxes.yaw_rad)
    times = np.array(side["timestamps_ns"])[read.timestamps_ns // 100_000_000]
    return Labels.from_columns(
        times, [t["track_id"] for t in names], [t["class_name"] for t in names], moved
    )


def check_same(given, read, atol_m=3e-6):
    def texts(side, kind):
        column = {"track": side.tracks, "class": side.classes}[kind]
        return np.array(getattr(side, f"{kind}_names"))[column]

    a, b = (side[np.lexsort((texts(side, "track"), side.timestamps_ns))] for side in (given, read))
    assert a.timestamps_ns.tolist() == b.timestamps_ns.tolist()
    for kind in ("track", "class"):
        assert texts(a, kind).tolist() == texts(b, kind).tolist()
    assert np.allclose(a.cuboids.center_m, b.cuboids.center_m, atol=atol_m, rtol=0)
    assert np.allclose(a.cuboids.size_m, b.cuboids.size_m, atol=1e-6, rtol=0)
    assert np.allclose(wrap(a.cuboids.yaw_rad - b.cuboids.yaw_rad), 0, atol=2e-6)


@pytest.mark.parametrize("cameras", [{}, {"front": camera()}], ids=["no camera", "tilted camera"])
def test_write_then_read_is_identity_on_tilted_ground(cameras, tmp_path):
    given = labels(n=200)
    write(plan(labelled(given, cameras=cameras), "kitti-tracking"), tmp_path)
    check_same(given, back(tmp_path))
    poses = reader.open_log(tmp_path / "log-1").ego_poses.world_from_ego
    expected = path().world_from_ego[: len(poses)].copy()
    expected[:, :3, 3] -= expected[0, :3, 3]
    assert np.allclose(poses, expected, atol=1e-8)


def test_results_carry_scores_and_truth_does_not(tmp_path):
    for scores, columns in ((True, 18), (False, 17)):
        given = labelled(labels(scores=scores))
        write(plan(given, "kitti-tracking"), tmp_path / str(scores))
        text = (tmp_path / str(scores) / "label_02" / "log-1.txt").read_text()
        assert {len(line.split()) for line in text.splitlines()} == {columns}


def test_a_box_ahead_is_where_the_conventions_say():
    # A car 10 m ahead and 2 m left, heading left; the camera is the LiDAR.
    box = Labels.from_columns(
        [0], ["a"], ["car"], Cuboids([[10, 2, -0.95]], [[4, 2, 1.5]], [np.pi / 2])
    )
    row = camera_rows(box, np.eye(4)[None], CAMERA_FROM_LIDAR)[0]
    assert row == pytest.approx([1.5, 2, 4, -2, 1.7, 10, -np.pi])


def pixels_of(given, view, row):
    box = given.cuboids[row]
    world_from_ego = path().world_from_ego[np.searchsorted(TIMES, given.timestamps_ns[row])]
    world_from_camera = world_from_ego @ view.ego_from_camera
    corners = np.c_[box.corners_m()[0], np.ones(8)] @ np.linalg.inv(world_from_camera).T
    pixels = corners[:, :3] @ np.array(view.intrinsics).T
    return corners[:, 2], pixels[:, :2] / pixels[:, 2:]


def test_two_dimensional_boxes_surround_what_the_camera_sees(tmp_path):
    given, view = labels(n=400), camera(tilt_rad=0.0)
    given = given[np.lexsort((given.tracks, given.timestamps_ns))]
    write(plan(labelled(given, cameras={"front": view}), "kitti-tracking"), tmp_path)
    lines = (tmp_path / "label_02" / "log-1.txt").read_text().splitlines()
    boxes = np.array([[float(v) for v in line.split()[6:10]] for line in lines])
    n_seen = 0
    for row in range(len(given)):
        depth, pixels = pixels_of(given, view, row)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        slack = 0.12 * (high - low).max() + 1
        if (depth > 1).all() and (high > slack).all() and (low < [1241, 374] - slack).all():
            n_seen += 1
            expected = np.clip(np.r_[low, high], 0, [1241, 374] * 2)
            # The written box is upright in the picture, not in the world, by the ego's tilt.
            assert boxes[row] == pytest.approx(expected, abs=slack)
        elif (depth < 0).all():
            assert boxes[row].tolist() == [-1] * 4
    assert n_seen > 4


def test_boxes_between_sweeps_are_left_out_and_counted():
    given = labels()
    between = Labels.from_columns(
        np.r_[given.timestamps_ns, TIMES[0] + 5],
        np.r_[given.tracks, 9],
        ["car"] * (len(given) + 1),
        Cuboids.unpack(np.r_[given.cuboids.packed(), given.cuboids.packed()[:1]]),
    )
    planned = plan(labelled(between), "kitti-tracking")
    assert planned.n_left_out == 1
    assert "1 boxes" in planned.left_out[0]


def test_a_log_without_poses_or_boxes(tmp_path):
    with pytest.raises(MissingPosesError, match="log-1: expected ego poses"):
        plan(labelled(ego_poses=None), "kitti-tracking")
    write(plan(labelled(labels()[:0]), "kitti-tracking"), tmp_path)
    assert (tmp_path / "label_02" / "log-1.txt").read_text() == ""


@pytest.mark.realdata
@pytest.mark.parametrize("sequence", ["0003", "0012"])
def test_real_labels_come_back_through_export(real_data, tmp_path, sequence):
    source = reader.open_log(real_data("kitti_tracking") / sequence)
    given = labelled(
        source.truth,
        log_id=sequence,
        timestamps_ns=source.timestamps_ns,
        ego_poses=source.ego_poses,
        ego_from_lidar=source.ego_from_lidar,
        cameras={},
    )
    write(plan(given, "kitti-tracking"), tmp_path)
    # KITTI prints its rotations with seven digits, so inverting one is not exact.
    check_same(source.truth, back(tmp_path, sequence), atol_m=1e-5)
