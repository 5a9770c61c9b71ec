import numpy as np
import pytest

from perception_label import LabelError, open_workspace
from recordings import recording


def test_what_goes_in_comes_out(tmp_path):
    taken = recording()
    report = open_workspace(tmp_path / "ws").ingest(taken)
    log = open_workspace(tmp_path / "ws").log()
    assert (report.n_sweeps, report.n_points, report.left_out, report.warnings) == (
        6,
        24000,
        (),
        (),
    )
    assert log.timestamps_ns.tolist() == taken.timestamps_ns.tolist()
    for i, sweep in enumerate(log.sweeps):
        given = taken.source(i)
        for name in ("points_m", "intensity", "ring", "time_offset_ns"):
            assert np.array_equal(getattr(sweep, name), getattr(given, name))
        assert not sweep.points_m.flags.writeable
        expected = taken.ego_poses.world_from_ego[i] @ taken.ego_from_lidar
        assert np.allclose(sweep.world_from_sensor, expected, atol=1e-12)
    assert np.allclose(log.truth().cuboids.packed(), taken.truth.cuboids.packed())
    assert log.truth().timestamps_ns.tolist() == taken.truth.timestamps_ns.tolist()


def test_an_empty_log_is_one_clear_line_and_leaves_nothing(tmp_path):
    empty = recording(0 + 1, timestamps_ns=np.empty(0, dtype=np.int64))
    with pytest.raises(LabelError, match="yard: expected at least one sweep, got none"):
        open_workspace(tmp_path / "ws").ingest(empty)
    assert not (tmp_path / "ws").exists()
