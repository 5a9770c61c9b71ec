import numpy as np
import pytest

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.propagation.solve import solve_path
from propagation.scenes import CAR_M, PERSON_M, bend, subject


def iou(poses, truth, size_m):
    sizes = np.repeat(size_m[None], len(poses), axis=0)
    a, b = (Cuboids(p[:, :3], sizes, p[:, 3]) for p in (poses, truth))
    return overlap_3d_pairs(a, b)


@pytest.mark.parametrize("at", [0, 20, 39])
def test_one_keyframe_carries_a_car_through_a_bend(at):
    truth = bend()
    path = solve_path(subject(truth, CAR_M, [at]))
    assert not path.is_static
    assert path.found.all()
    assert iou(path.poses, truth, CAR_M).min() > 0.6
    assert path.poses[at] == pytest.approx(truth[at])


def test_a_parked_car_is_one_pose():
    truth = np.repeat([[9.0, 5.0, 0.8, 0.3]], 30, axis=0)
    path = solve_path(subject(truth, CAR_M, [12]))
    assert path.is_static
    assert (path.poses == truth).all()


def test_a_parked_car_between_parked_cars_stays():
    truth = np.repeat([[9.0, 5.0, 0.8, 0.0]], 30, axis=0)
    others = [(14.5, 5.0, 0.8, 0.0), (3.5, 5.0, 0.8, 0.0)]
    assert solve_path(subject(truth, CAR_M, [12], others=others)).is_static


def test_a_car_that_stops_and_goes_is_found_all_along():
    way = np.concatenate([np.linspace(0, 8, 15), np.full(15, 8.0), np.linspace(8, 16, 15)])
    truth = np.column_stack([way - 8, np.full(45, 6.0), np.full(45, 0.8), np.zeros(45)])
    path = solve_path(subject(truth, CAR_M, [22]))
    assert not path.is_static
    assert (iou(path.poses, truth, CAR_M) > 0.7).mean() > 0.95


def test_a_car_that_was_seen_once_is_held_and_less_sure():
    truth = bend(20)
    hidden = subject(truth, CAR_M, [0, 19], n=0)
    path = solve_path(hidden)
    middle = path.covariances[:, 0, 0] + path.covariances[:, 1, 1]
    assert middle[10] > 4 * middle[1]
    assert path.poses[[0, 19]] == pytest.approx(truth[[0, 19]])


def test_a_person_is_followed():
    n = 40
    way = np.linspace(-3, 3, n)
    truth = np.column_stack([way, np.full(n, 7.0), np.full(n, 0.9), np.zeros(n)])
    path = solve_path(subject(truth, PERSON_M, [10], "pedestrian", n=60))
    assert (iou(path.poses, truth, PERSON_M) > 0.5).all()


def test_keyframes_are_exact_even_if_they_contradict_each_other():
    truth = bend()
    case = subject(truth, CAR_M, [5, 20])
    case.keys.poses[1, :2] += 30.0
    path = solve_path(case)
    assert path.poses[[5, 20]] == pytest.approx(case.keys.poses, abs=1e-6)
    assert np.isfinite(path.poses).all()


def test_the_same_input_gives_the_same_bytes():
    a, b = (solve_path(subject(bend(), CAR_M, [7])) for _ in range(2))
    assert a.poses.tobytes() == b.poses.tobytes()
    assert a.covariances.tobytes() == b.covariances.tobytes()


@pytest.mark.parametrize("turn", [0.0, 1.1, np.pi, -2.5])
def test_turning_the_world_turns_the_path(turn):
    truth = bend(25)
    c, s = np.cos(turn), np.sin(turn)
    turned = truth.copy()
    turned[:, 0] = c * truth[:, 0] - s * truth[:, 1]
    turned[:, 1] = s * truth[:, 0] + c * truth[:, 1]
    turned[:, 3] += turn
    path = solve_path(subject(turned, CAR_M, [12]))
    assert iou(path.poses, turned, CAR_M).min() > 0.7


def test_one_sweep_is_enough():
    truth = bend(1)
    path = solve_path(subject(truth, CAR_M, [0]))
    assert path.poses == pytest.approx(truth)
