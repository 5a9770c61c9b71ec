import numpy as np
import pytest

from perception_label.errors import MissingPosesError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.geometry.moments import REACH_NS, cuboids_at, poses_at
from perception_label.geometry.poses import EgoPoses

S = 1_000_000_000
T0 = 1_700_000_000 * S


def labels(rows):
    """rows: track, seconds, x, yaw."""
    packed = [[r[2], 0, 0, 4, 2, 1.5, r[3]] for r in rows]
    boxes = Cuboids.unpack(np.array(packed).reshape(-1, 7))
    times = [T0 + round(r[1] * S) for r in rows]
    return Labels.from_columns(times, [r[0] for r in rows], ["car"] * len(rows), boxes)


def at(given, *seconds, gap_s=1.0, reach_s=0.15):
    times = np.array([T0 + round(s * S) for s in seconds])
    found = cuboids_at(given, times, max_gap_ns=int(gap_s * S), reach_ns=int(reach_s * S))
    return {
        (given.track_names[t], seconds[k]): (float(c[0]), float(y))
        for t, k, c, y in zip(
            found.tracks, found.at, found.cuboids.center_m, found.cuboids.yaw_rad, strict=True
        )
    }


def test_boxes_go_straight_between_sweeps_and_on_beyond_the_ends():
    given = labels([("a", 0, 0, 0), ("a", 0.1, 1, 0), ("b", 0.1, 7, 0), ("a", 0.2, 3, 0)])
    found = at(given, 0.05, 0.15, 0.25, -0.1, 0.4)
    assert found[("a", 0.05)][0] == pytest.approx(0.5)
    assert found[("a", 0.15)][0] == pytest.approx(2)
    assert found[("a", 0.25)][0] == pytest.approx(4)
    assert found[("a", -0.1)][0] == pytest.approx(-1)
    assert ("a", 0.4) not in found
    assert found[("b", 0.05)][0] == 7
    assert ("b", -0.1) not in found


def test_a_known_instant_gives_its_box_back_and_order_changes_nothing():
    rows = [("a", 0, 0, 0.1), ("a", 0.1, 1, 0.2), ("a", 0.3, 4, 0.3)]
    found = at(labels(rows), 0, 0.1, 0.3)
    assert found[("a", 0.1)] == pytest.approx((1, 0.2))
    assert found[("a", 0)] == pytest.approx((0, 0.1))
    assert found[("a", 0.3)] == pytest.approx((4, 0.3))
    assert at(labels(rows[::-1]), 0, 0.1, 0.3) == found


def test_turns_take_the_shorter_way():
    found = at(labels([("a", 0, 0, np.pi - 0.1), ("a", 0.1, 0, -np.pi + 0.1)]), 0.05)
    assert abs(found[("a", 0.05)][1]) == pytest.approx(np.pi)


def test_in_a_long_gap_a_track_is_only_there_near_its_boxes():
    found = at(labels([("a", 0, 0, 0), ("a", 4, 4, 0)]), 0.1, 2.0, 3.9)
    assert sorted(found) == [("a", 0.1), ("a", 3.9)]
    assert found[("a", 3.9)][0] == pytest.approx(3.9)


def test_sizes_do_not_go_on_growing():
    boxes = Cuboids([[0, 0, 0], [1, 0, 0]], [[4, 2, 1], [5, 2, 1]], [0, 0])
    given = Labels.from_columns([T0, T0 + S], ["a", "a"], ["car", "car"], boxes)
    found = cuboids_at(given, np.array([T0 + S + 5]), max_gap_ns=2 * S, reach_ns=9)
    assert found.cuboids.size_m.tolist() == [[5, 2, 1]]
    assert found.nearest.tolist() == [1]


def test_no_labels_and_no_instants_give_nothing():
    assert at(labels([]), 0.0) == {}
    assert at(labels([("a", 0, 0, 0)])) == {}


def straight(n, step_s=0.1):
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, 0, 3] = np.arange(n) * 1.0
    return EgoPoses(T0 + (np.arange(n) * step_s * S).astype(np.int64), poses)


@pytest.mark.parametrize(("n", "step_s", "speed"), [(5, 0.1, 10), (200, 0.01, 100)])
def test_the_ego_path_goes_on_a_little_beyond_its_ends(n, step_s, speed):
    path = straight(n, step_s)
    end = (n - 1) * step_s
    wanted = [-0.2, -0.05, 0.0, 0.15, end + 0.05, end + 0.3]
    found = poses_at(path, np.array([T0 + round(s * S) for s in wanted]))[:, 0, 3]
    assert np.isnan(found[[0, 5]]).all()
    np.testing.assert_allclose(found[1:5], np.array(wanted)[1:5] * speed, atol=1e-6)
    assert int(0.2 * S) > REACH_NS


def test_one_pose_is_known_at_its_own_instant_only():
    found = poses_at(straight(1), np.array([T0, T0 + 1]))
    assert found[0, 0, 3] == 0
    assert np.isnan(found[1]).all()
    with pytest.raises(MissingPosesError):
        poses_at(EgoPoses(np.empty(0, np.int64), np.empty((0, 4, 4))), np.array([T0]))
