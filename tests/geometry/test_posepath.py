import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from oracles import posepath as oracle
from perception_label.errors import MissingPosesError, SettingError, ShapeError
from perception_label.geometry.poses import EgoPoses, interpolate_poses, outside_span, pose

SEEDS = st.integers(0, 2**32 - 1)
EPOCH = 1_700_000_000_000_000_000


def path(rng, n, turn=1.0):
    steps = Rotation.from_rotvec(rng.normal(0, turn, (n, 3)))
    quaternion = steps.as_quat(scalar_first=True)
    times = EPOCH + np.cumsum(rng.integers(1, 200_000_000, n))
    return EgoPoses(times, pose(rng.uniform(-1e6, 1e6, (n, 3)), quaternion))


@given(SEEDS, st.integers(1, 6), st.integers(0, 20), st.sampled_from([0.0, 1e-6, 1e-3, 1.0]))
def test_interpolated_poses_match_scipy(seed, n, s, turn):
    rng = np.random.default_rng(seed)
    poses = path(rng, n, turn)
    at = rng.integers(poses.timestamps_ns[0] - 5, poses.timestamps_ns[-1] + 5, s)
    expected = np.empty((s, 4, 4))
    quaternion = Rotation.from_matrix(poses.world_from_ego[:, :3, :3]).as_quat()
    oracle.interpolate_poses(poses.timestamps_ns, poses.world_from_ego, quaternion, at, expected)
    got = interpolate_poses(poses, at, outside="hold")
    np.testing.assert_allclose(got[:, :3, :3], expected[:, :3, :3], rtol=0, atol=1e-9)
    np.testing.assert_allclose(got[:, :, 3], expected[:, :, 3], rtol=1e-12, atol=1e-9)


@given(SEEDS, st.integers(1, 6))
def test_known_instants_come_back_unchanged_in_any_order(seed, n):
    rng = np.random.default_rng(seed)
    poses = path(rng, n)
    order = rng.permutation(n)
    got = interpolate_poses(poses, poses.timestamps_ns[order])
    assert (got == poses.world_from_ego[order]).all()


@given(SEEDS)
def test_a_rigid_change_of_world_moves_the_result_along(seed):
    rng = np.random.default_rng(seed)
    poses = path(rng, 4)
    at = np.sort(rng.integers(poses.timestamps_ns[0], poses.timestamps_ns[-1], 9))
    other = pose([3, -2, 1], Rotation.from_rotvec([0.2, -0.1, 2]).as_quat(scalar_first=True))
    moved = EgoPoses(poses.timestamps_ns, other @ poses.world_from_ego)
    np.testing.assert_allclose(
        interpolate_poses(moved, at), other @ interpolate_poses(poses, at), rtol=1e-9, atol=1e-6
    )


def test_a_half_turn_is_split_in_the_middle():
    poses = EgoPoses(np.array([0, 10]), pose([[0, 0, 0]] * 2, [[1, 0, 0, 0], [0.6, 0, 0, 0.8]]))
    got = interpolate_poses(poses, np.array([5]))[0]
    assert np.arctan2(got[1, 0], got[0, 0]) == pytest.approx(np.arctan2(0.8, 0.6))


def test_opposite_quaternions_are_the_same_rotation():
    quaternion = np.array([[1, 0, 0, 0], [-np.cos(0.1), 0, 0, -np.sin(0.1)]])
    got = interpolate_poses(EgoPoses(np.array([0, 2]), pose(np.zeros((2, 3)), quaternion)), [1])[0]
    assert np.arctan2(got[1, 0], got[0, 0]) == pytest.approx(0.1)


def test_times_outside_the_path_are_an_error_or_held():
    poses = path(np.random.default_rng(0), 3)
    first, last = poses.timestamps_ns[[0, -1]]
    late = np.array([first, last + 1])
    with pytest.raises(SettingError, match="the span of the ego poses"):
        interpolate_poses(poses, late)
    held = interpolate_poses(poses, late, outside="hold")
    assert (held == poses.world_from_ego[[0, -1]]).all()
    assert outside_span(poses, late).tolist() == [False, True]
    with pytest.raises(SettingError, match="'error' or 'hold'"):
        interpolate_poses(poses, late, outside="clamp")


def test_paths_that_cannot_be_followed_are_refused():
    none = EgoPoses(np.empty(0, np.int64), np.empty((0, 4, 4)))
    with pytest.raises(MissingPosesError, match="at least one pose"):
        interpolate_poses(none, np.array([1]))
    assert outside_span(none, np.array([1])).tolist() == [True]
    stuck = EgoPoses(np.array([5, 5]), np.stack([np.eye(4)] * 2))
    with pytest.raises(ShapeError, match="rising times, got 5 after 5 at row 1"):
        interpolate_poses(stuck, np.array([5]))
    with pytest.raises(ShapeError, match="integers"):
        interpolate_poses(stuck, np.array([5.0]))
    one = path(np.random.default_rng(1), 1)
    assert (interpolate_poses(one, one.timestamps_ns) == one.world_from_ego).all()
    assert interpolate_poses(one, np.empty(0, np.int64)).shape == (0, 4, 4)
