import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.propagation.expected import (
    chance_lost,
    expected_iou,
    next_keyframe,
    out_of_reach,
)

CAR_M = np.array([4.5, 1.9, 1.6])


def test_a_sure_pose_is_expected_to_be_right():
    assert expected_iou(np.zeros((3, 4, 4)), np.zeros(3), CAR_M) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "spread", [(0.2, 0.05, 0.03, 0.01), (0.5, 0.1, 0.1, 0.05), (1, 1, 0.1, 0.1)]
)
@pytest.mark.parametrize("yaw", [0.0, 1.2])
def test_the_expectation_is_that_of_drawn_errors(spread, yaw):
    r = np.random.default_rng(0)
    errors = r.normal(size=(4000, 4)) * spread
    sizes = np.repeat(CAR_M[None], len(errors), axis=0)
    truth = Cuboids(np.zeros((len(errors), 3)), sizes, np.zeros(len(errors)))
    measured = overlap_3d_pairs(truth, Cuboids(errors[:, :3], sizes, errors[:, 3])).mean()
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.eye(4)
    turn[:2, :2] = [[c, -s], [s, c]]
    covariance = turn @ np.diag(np.square(spread)) @ turn.T
    assert expected_iou(covariance[None], np.array([yaw]), CAR_M)[0] == pytest.approx(
        measured, abs=0.05
    )


@given(st.floats(0.01, 2), st.floats(1.01, 3))
def test_less_sure_is_less_expected(sigma, more):
    small, large = np.eye(4) * sigma**2, np.eye(4) * (sigma * more) ** 2
    found = expected_iou(np.stack([small, large]), np.zeros(2), CAR_M)
    assert 0 <= found[1] < found[0] <= 1


def test_it_is_lost_sooner_where_nothing_was_found():
    seconds = np.arange(11) / 2
    found = np.ones(11, dtype=bool)
    seen = chance_lost(seconds, np.array([0]), found, is_rigid=True)
    blind = chance_lost(seconds, np.array([0]), ~found, is_rigid=True)
    assert seen[0] == blind[0] == 0
    assert (np.diff(seen) > 0).all()
    assert (blind[1:] > 5 * seen[1:]).all()
    # Between two keyframes it cannot go as far.
    assert chance_lost(seconds, np.array([0, 10]), ~found, is_rigid=True).max() < blind[10]


def test_the_next_keyframe_is_the_least_sure_sweep_that_has_none():
    assert next_keyframe(np.array([0.2, 0.9, 0.5, 0.6]), np.array([0])) == 2
    assert next_keyframe(np.full(9, 0.9), np.array([2])) == 8
    assert next_keyframe(np.array([0.5]), np.array([0])) == 0


def test_between_keyframes_too_far_apart_nothing_is_expected():
    seconds, keyed = np.arange(8) / 10, np.array([1, 3, 6])
    places = np.array([[0.0, 0.0], [30.0, 0.0], [36.0, 0.0]])
    found = out_of_reach(seconds, keyed, places, top_mps=36.0)
    assert np.flatnonzero(found).tolist() == [2]
    assert not out_of_reach(seconds, keyed[:1], places[:1], top_mps=36.0).any()
    assert not out_of_reach(seconds, keyed, places, top_mps=300.0).any()
