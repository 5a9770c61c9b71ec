from dataclasses import replace

import numpy as np
import pytest

from perception_label.propagation.chase import Chase
from perception_label.propagation.fixes import Fixes
from perception_label.propagation.follow import (
    Stroll,
    agreed,
    first_speed,
    follow_rigid,
    follow_walker,
)
from perception_label.propagation.height import Height
from perception_label.propagation.standing import followed_shape, gains, has_moved, keyed_shape
from propagation.scenes import CAR_M, PERSON_M, bend, in_rows, seen, subject

STILL = np.repeat([[9.0, 5.0, 0.8, 0.3]], 20, axis=0)


@pytest.mark.parametrize("speed", [-3.0, 0.0, 6.0, 20.0])
def test_the_first_speed_is_found(speed):
    truth = STILL.copy()
    truth[:, 3] = 0.0
    truth[:, 0] = speed * (np.arange(20) - 10) / 10 + 2
    case = subject(truth, CAR_M, [10])
    assert first_speed(case, 0, keyed_shape(case)) == pytest.approx(speed, abs=0.5)


@pytest.mark.parametrize("start", [Stroll, Chase])
def test_following_finds_the_car_in_every_sweep(start):
    truth = bend(25)
    case = subject(truth, CAR_M, [12])
    fixes, yaw = follow_rigid(case, Height(case), start)
    assert yaw == pytest.approx(truth[:, 3], abs=0.1)
    others = np.arange(25) != 12
    assert fixes.found[others].all()
    assert fixes.poses[others, :2] == pytest.approx(truth[others, :2], abs=0.4)


def test_a_chase_finds_again_what_slowed_down_out_of_sight():
    way = np.cumsum(np.r_[np.full(12, 0.8), np.linspace(0.8, 0.2, 14), np.full(10, 0.2)])
    truth = np.column_stack([way - 8, np.full((36, 2), [7.0, 0.8]), np.zeros(36)])
    case = hidden(subject(truth, CAR_M, [5]), range(12, 26))
    fixes, _ = follow_rigid(case, Height(case), Chase)
    assert fixes.found[26:].sum() >= 8
    assert fixes.poses[30:, :2] == pytest.approx(truth[30:, :2], abs=0.4)
    lost, _ = follow_rigid(case, Height(case), Stroll)
    assert not (np.abs(lost.poses[30:, 0] - truth[30:, 0]) < 0.4).all()


def test_a_person_who_walks_by_a_post_does_not_stay_there():
    x = np.linspace(-4, 4, 61)
    truth = np.column_stack([x, np.full((61, 2), [6.0, 0.9]), np.zeros(61)])
    post = np.array([1.0, 6.45, 0.9, 0.0])
    case = subject(truth, PERSON_M, [5], "pedestrian", n=15)
    thick = np.array([0.4, 0.4, 1.7])
    clouds = [
        in_rows(np.concatenate([case.views.points(i), seen(post, thick, 120, 500)]))
        for i in range(61)
    ]
    case = replace(case, views=replace(case.views, points=clouds.__getitem__))
    fixes = follow_walker(case)
    assert fixes.found[40:].all()
    assert fixes.poses[40:, 0] == pytest.approx(x[40:], abs=0.5)


def hidden(case, sweeps):
    """The same with sweeps that see nothing."""
    nothing = np.empty((0, 3), dtype=np.float32)
    points = case.views.points
    views = replace(case.views, points=lambda i: nothing if i in sweeps else points(i))
    return replace(case, views=views)


def test_following_a_person_stops_when_nobody_is_there():
    truth = np.column_stack([np.linspace(0, 2, 21), np.full((21, 1), 6.0), np.full((21, 1), 0.9),
                             np.zeros((21, 1))])  # fmt: skip
    case = subject(truth, PERSON_M, [10], "pedestrian", n=40)
    assert follow_walker(case).found.sum() == 20
    assert follow_walker(subject(truth, PERSON_M, [10], "pedestrian", n=0)).found.sum() == 0


def test_ways_that_part_are_not_believed_where_they_part():
    case = subject(bend(11), CAR_M, [0, 10])
    forwards, backwards = Fixes.none(11), Fixes.none(11)
    for i in range(1, 10):
        forwards.set(i, bend(11)[i] + [2.0 * (i > 3), 0, 0, 0], np.eye(3))
        backwards.set(i, bend(11)[i] + [2.0 * (i < 7) * (i > 3), 1.5 * (i < 7) * (i > 3), 0, 0],
                      np.eye(3))  # fmt: skip
    found = agreed(forwards, backwards, case)
    assert found.found[1:4].all()
    assert not found.found[4:10].any()


def test_a_parked_car_has_not_moved_and_a_moving_one_has():
    assert not has_moved(gains(subject(STILL, CAR_M, [5])))
    assert has_moved(gains(subject(bend(20), CAR_M, [5])))


def test_few_points_are_joined_by_the_sides_of_the_box():
    case = subject(STILL, CAR_M, [5], n=12)
    assert len(followed_shape(case)) > 10 * len(keyed_shape(case)) > 0
