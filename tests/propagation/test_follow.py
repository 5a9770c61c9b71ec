import numpy as np
import pytest

from perception_label.propagation.fixes import Fixes
from perception_label.propagation.follow import agreed, first_speed, follow_rigid, follow_walker
from perception_label.propagation.height import Height
from perception_label.propagation.standing import followed_shape, gains, has_moved, keyed_shape
from propagation.scenes import CAR_M, PERSON_M, bend, subject

STILL = np.repeat([[9.0, 5.0, 0.8, 0.3]], 20, axis=0)


@pytest.mark.parametrize("speed", [-3.0, 0.0, 6.0, 20.0])
def test_the_first_speed_is_found(speed):
    truth = STILL.copy()
    truth[:, 3] = 0.0
    truth[:, 0] = speed * (np.arange(20) - 10) / 10 + 2
    case = subject(truth, CAR_M, [10])
    assert first_speed(case, 0, keyed_shape(case)) == pytest.approx(speed, abs=0.5)


def test_following_finds_the_car_in_every_sweep():
    truth = bend(25)
    case = subject(truth, CAR_M, [12])
    fixes = follow_rigid(case, Height(case))
    others = np.arange(25) != 12
    assert fixes.found[others].all()
    assert fixes.poses[others, :2] == pytest.approx(truth[others, :2], abs=0.4)


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
