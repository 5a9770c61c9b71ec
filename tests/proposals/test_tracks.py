import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.geometry.cuboids import Cuboids
from perception_label.proposals.hypotheses import CYCLIST, PEDESTRIAN, VEHICLE
from perception_label.proposals.tracks import (
    LONG_ENOUGH,
    N_TRACK_FEATURES,
    USUAL_SLIP_M,
    USUAL_SPREAD_M,
    Linked,
    Track,
    build_track,
    class_of,
    group_of,
    probability,
    smooth,
    stands_still,
)

SEEDS = st.integers(0, 2**32 - 1)
CAR_M = np.array([4.5, 1.85, 1.8])  # 1.8 m is believed as it is
SWEEP_S = np.arange(60) / 10


def linked(sweeps, center_m, yaw_rad, size_m=CAR_M, scores=None, group=VEHICLE):
    n = len(sweeps)
    cuboids = Cuboids(center_m, np.broadcast_to(size_m, (n, 3)), np.broadcast_to(yaw_rad, n))
    given_scores = np.full(n, 0.8) if scores is None else np.asarray(scores, dtype=np.float64)
    return Linked(np.asarray(sweeps), cuboids, given_scores, group, np.zeros((n, 2)))


def driving(sweeps, speed_mps=8.0, course_rad=0.5):
    far = speed_mps * SWEEP_S[sweeps]
    ahead = np.array([np.cos(course_rad), np.sin(course_rad)])
    return np.column_stack([[10.0, -20.0] + far[:, None] * ahead, np.full(len(sweeps), 0.9)])


def dense_smooth(rows, values, weight, stiffness):
    """Least squares by normal equations written out."""
    n = len(weight)
    second = np.diff(np.eye(n), 2, axis=0)
    target = np.zeros((n, values.shape[1]))
    target[rows] = values
    matrix = np.diag(weight) + stiffness * second.T @ second
    return np.linalg.solve(matrix, weight[:, None] * target)


@given(SEEDS, st.integers(3, 30), st.floats(0.01, 1000))
def test_smooth_equals_dense_least_squares(seed, n, stiffness):
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(n)[: rng.integers(2, n + 1)])
    weight = np.zeros(n)
    weight[rows] = rng.uniform(0.2, 1, len(rows))
    values = rng.normal(0, 3, (len(rows), 2))
    expected = dense_smooth(rows, values, weight, stiffness)
    np.testing.assert_allclose(smooth(rows, values, weight, stiffness), expected, atol=1e-5)


@given(SEEDS, st.integers(1, 40))
def test_smooth_keeps_straight_lines_across_gaps_and_beyond_the_ends(seed, n):
    rng = np.random.default_rng(seed)
    line = rng.normal(0, 5, (1, 3)) + np.arange(n)[:, None] * rng.normal(0, 1, (1, 3))
    rows = np.sort(rng.permutation(n)[: max(2, n // 3)])
    if n < 3:
        rows = np.arange(n)  # too short for second differences: all are given
    weight = np.zeros(n)
    weight[rows] = rng.uniform(0.1, 1, len(rows))
    np.testing.assert_allclose(smooth(rows, line[rows], weight, 225.0), line, atol=1e-4)


def test_smooth_of_one_sample_is_that_sample_everywhere():
    weight = np.array([0, 0, 1.0, 0])
    out = smooth(np.array([2]), np.array([[3.0, 4.0]]), weight, 100.0)
    assert out.tolist() == [[3.0, 4.0]] * 4


@given(SEEDS)
def test_noise_of_detections_is_no_motion(seed):
    rng = np.random.default_rng(seed)
    center = np.array([20.0, 5, 1]) + rng.normal(0, 0.15, (30, 3))
    center[rng.integers(0, 30)] += 5  # one slip
    assert stands_still(linked(np.arange(30), center, 0.3))


@pytest.mark.parametrize(
    ("group", "metres", "expected"),
    [(VEHICLE, 0.8, True), (VEHICLE, 1.2, False), (PEDESTRIAN, 0.8, False), (CYCLIST, 0.5, True)],
)
def test_how_far_each_group_may_wander(group, metres, expected):
    # Half of the sweeps here, half of them there.
    center = np.zeros((30, 3))
    center[15:, 0] = metres
    assert stands_still(linked(np.arange(30), center, 0.0, group=group)) == expected


def test_one_detection_stands_still():
    assert stands_still(linked([4], [[5, 5, 1]], 0.0))


def test_a_car_that_returns_did_not_stand_still():
    x = np.concatenate([np.linspace(0, 8, 15), np.linspace(8, 0, 15)])
    center = np.column_stack([x, np.zeros(30), np.zeros(30)])
    assert not stands_still(linked(np.arange(30), center, 0.0))


@given(SEEDS)
def test_a_parked_car_is_one_pose(seed):
    rng = np.random.default_rng(seed)
    sweeps = np.sort(rng.permutation(50)[:25])
    center = np.array([20.0, 5, 0.9]) + rng.normal(0, 0.05, (25, 3))
    # Which end is the front differs from detection to detection.
    yaw = 0.4 + rng.normal(0, 0.02, 25) + np.pi * rng.integers(0, 2, 25)
    track = build_track(linked(sweeps, center, yaw), SWEEP_S)
    assert track.is_static
    assert (track.first, track.last) == (sweeps[0], sweeps[-1])
    assert len(track.cuboids) == sweeps[-1] - sweeps[0] + 1
    packed = track.cuboids.packed()
    np.testing.assert_array_equal(packed, np.broadcast_to(packed[0], packed.shape))
    np.testing.assert_allclose(packed[0, :3], [20, 5, 0.9], atol=0.1)
    np.testing.assert_allclose(packed[0, 3:6], CAR_M, atol=1e-9)
    assert np.abs((packed[0, 6] - 0.4 + np.pi / 2) % np.pi - np.pi / 2) < 0.03


def test_a_parked_car_ignores_detections_that_disagree_with_the_best():
    center = np.tile([20.0, 5, 0.9], (9, 1))
    center[4] += [3.0, 0, 0]
    yaw = np.zeros(9)
    yaw[6] = np.pi / 2
    scores = np.linspace(0.5, 0.9, 9)[::-1]
    track = build_track(linked(np.arange(9), center, yaw, scores=scores), SWEEP_S)
    np.testing.assert_allclose(track.cuboids.center_m[0], [20, 5, 0.9], atol=1e-9)
    np.testing.assert_allclose(track.cuboids.yaw_rad, 0, atol=1e-9)


@given(SEEDS)
def test_a_moving_car_is_a_smooth_path_headed_along_it(seed):
    rng = np.random.default_rng(seed)
    course = rng.uniform(-np.pi, np.pi)
    sweeps = np.unique(np.concatenate([[2, 40], rng.integers(2, 41, 25)]))
    center = driving(sweeps, course_rad=course) + rng.normal(0, 0.05, (len(sweeps), 3)) * [1, 1, 0]
    # Every detection has its heading the wrong way round.
    track = build_track(linked(sweeps, center, course + np.pi), SWEEP_S)
    assert not track.is_static
    every = np.arange(track.first, track.last + 1)
    assert (track.first, track.last, len(track.cuboids)) == (2, 40, 39)
    np.testing.assert_allclose(track.cuboids.center_m, driving(every, course_rad=course), atol=0.2)
    np.testing.assert_allclose(track.cuboids.size_m, np.broadcast_to(CAR_M, (39, 3)))
    lean = (track.cuboids.yaw_rad - course + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(lean).max() < 0.15


def test_single_headings_the_wrong_way_round_turn_nothing():
    sweeps = np.arange(0, 50)
    yaw = np.full(50, 0.5)
    yaw[[7, 20, 21, 33]] += np.pi
    track = build_track(linked(sweeps, driving(sweeps), yaw), SWEEP_S)
    lean = (track.cuboids.yaw_rad - 0.5 + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(lean).max() < 0.02


def test_a_car_seen_in_part_keeps_the_corner_nearest_the_sensor():
    # Half its length seen, at first: its near end stays where it was seen.
    sweeps = np.arange(30)
    at = np.column_stack([10 + sweeps * 0.8, np.full(30, 6.0), np.full(30, 0.9)])
    size = np.tile(CAR_M, (30, 1))
    size[:8, 0] = 2.5
    at[:8, 0] -= 1.0  # the middle of the near half
    scores = np.where(sweeps < 8, 0.3, 0.9)
    track = build_track(linked(sweeps, at, 0.0, size_m=size, scores=scores), SWEEP_S)
    expected = np.column_stack([10 + sweeps * 0.8, np.full(30, 6.0)])
    np.testing.assert_allclose(track.cuboids.size_m[0], CAR_M)
    np.testing.assert_allclose(track.cuboids.center_m[:, :2], expected, atol=0.05)


def test_sweeps_between_the_searched_ones_belong_to_the_track():
    sweeps = np.arange(10, 41, 2)
    track = build_track(linked(sweeps, driving(sweeps), 0.5), SWEEP_S, stride=2)
    assert (track.first, track.first_found, track.last_found, track.last) == (9, 10, 40, 41)
    np.testing.assert_allclose(track.cuboids.center_m, driving(np.arange(9, 42)), atol=0.05)
    ends = build_track(linked([0, 59], driving(np.array([0, 59])), 0.5), SWEEP_S, stride=4)
    assert (ends.first, ends.last) == (0, 59)


def test_the_features_of_a_track():
    center = np.tile([30.0, 40, 1], (4, 1))
    scores = [0.2, 0.9, 0.7, 0.4]
    track = build_track(linked([0, 2, 4, 6], center, 0.0, scores=scores), SWEEP_S)
    assert len(track.features) == N_TRACK_FEATURES
    # Four detections in one place, of one length, in a log of 60 sweeps.
    still = [1, 1.0, 2 * USUAL_SLIP_M / 6, 2 * USUAL_SPREAD_M / 6]
    expected = [1, 0.8, 0.9, 0.55, np.log(5), np.log(LONG_ENOUGH + 1), 4 / 7, *still]
    np.testing.assert_allclose(track.features, expected)
    thinned = build_track(linked([0, 2, 4, 6], center, 0.0, scores=scores), SWEEP_S, stride=2)
    assert thinned.features[6] == 1


def test_a_track_knows_how_long_its_log_is():
    center = np.tile([30.0, 40, 1], (4, 1))
    short = build_track(linked([0, 1, 2, 3], center, 0.0), SWEEP_S[:4])
    assert short.features[4] == short.features[5] == np.log(5)
    assert build_track(linked([0], center[:1], 0.0), SWEEP_S, n_searched=1).features[5] == np.log(2)


def test_detections_that_disagree_say_so():
    center = np.tile([30.0, 40, 1], (8, 1))
    center[::2, 0] += 0.6
    restless = build_track(linked(np.arange(8), center, 0.0), SWEEP_S)
    calm = build_track(linked(np.arange(8), center[1::2].repeat(2, axis=0), 0.0), SWEEP_S)
    assert restless.features[9] > calm.features[9] + 0.1


@pytest.mark.parametrize(
    ("speed_mps", "group", "expected"),
    [(1.4, PEDESTRIAN, PEDESTRIAN), (4.5, PEDESTRIAN, CYCLIST), (9.0, VEHICLE, VEHICLE)],
)
def test_a_person_too_fast_to_walk_rides(speed_mps, group, expected):
    seconds = np.arange(12) / 5
    center = np.column_stack([speed_mps * seconds, 0.1 * (np.arange(12) % 2), np.ones(12)])
    assert group_of(group, center, seconds) == expected
    assert group_of(group, center[:4], seconds[:4]) == group  # too short to tell


def track_of(first=3, last=6, is_static=False, size_m=CAR_M, group=VEHICLE):
    n = last - first + 1
    cuboids = Cuboids(np.zeros((n, 3)), np.broadcast_to(size_m, (n, 3)), np.zeros(n))
    return Track(
        first, last, first + 1, last - 1, cuboids, group, is_static, np.ones(N_TRACK_FEATURES)
    )


@pytest.mark.parametrize(
    ("group", "size_m", "expected"),
    [
        (VEHICLE, (4.5, 1.8, 1.5), "car"),
        (VEHICLE, (5.5, 2.1, 2.5), "truck"),
        (VEHICLE, (7.0, 2.4, 2.2), "truck"),
        (VEHICLE, (11.0, 2.5, 3.0), "bus"),
        (VEHICLE, (11.0, 2.5, 2.0), "truck"),
        (PEDESTRIAN, (0.7, 0.7, 1.7), "pedestrian"),
        (CYCLIST, (1.8, 0.7, 1.7), "cyclist"),
    ],
)
def test_size_and_group_tell_the_class(group, size_m, expected):
    assert class_of(track_of(size_m=np.array(size_m), group=group)) == expected


def test_probability_is_logistic_regression_by_group():
    features = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, -900.0], [1.0, 900.0]])
    weights = np.array([[0.0, 0.0], [-1.0, 1.0], [0.0, 1.0]])
    got = probability(features, np.array([0, 1, 2, 2]), weights)
    np.testing.assert_allclose(got, [0.5, 1 / (1 + np.exp(-1)), 0, 1], atol=1e-12)
    assert probability(features[:0], np.zeros(0, int), weights).shape == (0,)


@pytest.mark.parametrize(
    ("seen_m", "length_m", "expected_m"),
    [(0.9, 4.5, 1.4), (1.5, 4.5, 1.575), (2.2, 4.5, 1.95), (3.4, 9.0, 3.4)],
)
def test_a_car_is_believed_to_be_as_high_as_cars_are(seen_m, length_m, expected_m):
    center = np.tile([20.0, 5, seen_m / 2], (9, 1))
    size = np.array([length_m, 1.85, seen_m])
    track = build_track(linked(np.arange(0, 45, 5), center, 0.3, size_m=size), SWEEP_S)
    assert track.cuboids.size_m[0, 2] == pytest.approx(expected_m)
    bottom = track.cuboids.center_m[0, 2] - track.cuboids.size_m[0, 2] / 2
    assert bottom == pytest.approx(0, abs=1e-9)
