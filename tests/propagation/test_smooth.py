import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.propagation.smooth import smooth_places, smooth_values

MOTION = {"ahead": 2.0, "sideways": 0.2, "slip_mps": 0.3}


def line(n=30, speed=5.0):
    seconds = np.arange(n) / 10
    return seconds, np.column_stack([speed * seconds, np.zeros(n)])


def test_exact_measurements_of_a_straight_way_are_kept():
    seconds, xy = line()
    weights = np.repeat(np.eye(2)[None] / 0.05**2, len(xy), axis=0)
    states, covariances, kept = smooth_places(
        seconds, xy, weights, np.zeros(len(xy)), np.array([0]), xy[:1], **MOTION
    )
    assert states[:, :2] == pytest.approx(xy, abs=0.01)
    assert states[5:-5, 2] == pytest.approx(5.0, abs=0.1)
    assert (kept > 0.99).all()
    assert covariances[0, 0, 0] < 1e-5 < covariances[15, 0, 0]


def test_one_wild_measurement_loses_its_weight():
    seconds, xy = line()
    weights = np.repeat(np.eye(2)[None] / 0.05**2, len(xy), axis=0)
    wild = xy.copy()
    wild[15] += [0.0, 4.0]
    states, _, kept = smooth_places(
        seconds, wild, weights, np.zeros(len(xy)), np.array([0]), xy[:1], **MOTION
    )
    assert kept[15] < 0.01
    assert states[15, :2] == pytest.approx(xy[15], abs=0.1)


def test_a_bend_with_known_headings_needs_few_measurements():
    seconds = np.arange(41) / 10
    yaw = 0.5 * seconds
    xy = np.column_stack([20 * np.sin(yaw), 20 * (1 - np.cos(yaw))])
    weights = np.zeros((41, 2, 2))
    weights[[10, 20, 30]] = np.eye(2) / 0.05**2
    states, _, _ = smooth_places(
        seconds, xy, weights, yaw, np.array([0, 40]), xy[[0, 40]], **MOTION
    )
    assert states[:, :2] == pytest.approx(xy, abs=0.15)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_keyframes_are_met_to_a_millimetre(seed, n):
    r = np.random.default_rng(seed)
    seconds = np.cumsum(r.uniform(0.05, 0.3, n))
    xy = r.normal(0, 3, (n, 2))
    weights = np.repeat(np.eye(2)[None], n, axis=0) * r.integers(0, 2, n)[:, None, None]
    at = np.unique(r.integers(0, n, 3))
    keyed = r.normal(0, 3, (len(at), 2))
    states, covariances, _ = smooth_places(seconds, xy, weights, np.zeros(n), at, keyed, **MOTION)
    assert np.isfinite(states).all()
    assert states[at, :2] == pytest.approx(keyed, abs=0.02)
    assert (np.linalg.eigvalsh(covariances) > 0).all()


def test_values_go_straight_over_a_gap():
    seconds = np.arange(21) / 10
    weights = np.where((seconds < 0.55) | (seconds > 1.45), 1 / 0.02**2, 0.0)
    values, variance = smooth_values(
        seconds, seconds * 0.3, weights, np.array([0]), np.zeros(1), density=0.02, rate=1.0
    )
    assert values == pytest.approx(seconds * 0.3, abs=0.02)
    assert variance[10] > variance[3]


def test_no_measurement_holds_the_keyframe():
    seconds = np.arange(5) / 10
    values, variance = smooth_values(
        seconds, np.zeros(5), np.zeros(5), np.array([2]), np.ones(1), density=0.02, rate=0.5
    )
    assert values == pytest.approx(1.0)
    assert variance[0] > variance[1] > variance[2]
