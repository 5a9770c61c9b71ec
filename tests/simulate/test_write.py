import numpy as np
import pytest

from perception_label.errors import SettingError
from perception_label.geometry.overlap import overlap_bev
from perception_label.readers import open_log, sniff
from perception_label.simulate.write import write_log


def at_sweeps(recording):
    index = np.searchsorted(recording.ego_poses.timestamps_ns, recording.timestamps_ns)
    return recording.ego_poses.world_from_ego[index]


def test_a_folder_reads_back_to_the_same_sweeps_and_poses(recording, made, tmp_path):
    back = open_log(write_log(recording, tmp_path / "log", "folder"))
    assert back.format == "folder"
    assert back.timestamps_ns.tolist() == recording.timestamps_ns.tolist()
    assert np.allclose(back.ego_from_lidar, recording.ego_from_lidar)
    assert np.allclose(at_sweeps(back), at_sweeps(recording), atol=1e-9)
    sweep, wanted = back.source(4), made[4].sweep
    assert np.array_equal(sweep.points_m, wanted.points_m)
    assert np.array_equal(sweep.intensity, wanted.intensity)
    assert np.array_equal(sweep.ring, wanted.ring)
    assert np.array_equal(sweep.time_offset_ns, wanted.time_offset_ns)
    assert not back.warnings


def test_kitti_tracking_reads_back_to_the_same_boxes(recording, made, tmp_path):
    path = write_log(recording, tmp_path / "log", "kitti_tracking")
    assert sniff(path) == "kitti_tracking"
    back = open_log(path)
    assert len(back.timestamps_ns) == len(recording.timestamps_ns)
    assert np.array_equal(back.source(2).points_m, made[2].sweep.points_m)
    start = at_sweeps(recording)[0, :3, 3]
    moved = at_sweeps(recording)
    moved[:, :3, 3] -= start
    assert np.abs(at_sweeps(back) - moved).max() < 1e-4
    for i in (0, 6):
        ours = recording.truth[recording.truth.timestamps_ns == recording.timestamps_ns[i]]
        theirs = back.truth[back.truth.timestamps_ns == back.timestamps_ns[i]]
        order = np.argsort(theirs.tracks)
        names = [int(theirs.track_names[t]) for t in theirs.tracks]
        order = np.argsort([ours.tracks.tolist().index(n) for n in names])
        cuboids = theirs.cuboids[order]
        assert np.abs(cuboids.center_m + start - ours.cuboids.center_m).max() < 1e-3
        cuboids.center_m[:] += start
        # Upright boxes of a tilted camera lean a little: nothing else may be lost.
        assert np.diag(overlap_bev(cuboids, ours.cuboids)).min() > 0.97


def test_an_unknown_format_lists_the_known(recording, tmp_path):
    with pytest.raises(SettingError, match="folder"):
        write_log(recording, tmp_path, "parquet")
