import numpy as np
import pytest

from perception_label.propagation.taken import Taken
from perception_label.propagation.views import Views
from propagation.scenes import CAR_M, in_rows, seen

HALF_M = CAR_M / 2 + 1.5
PARKED = np.array([20.0, 5.0, 0.8, 0.0])
GUESS = np.array([20.3, 5.0, 0.8, 0.1])


def followed(clouds, xs):
    """What is known after an object was followed through the sweeps of these clouds."""
    seconds = np.arange(len(clouds)) / 10
    taken = Taken(Views(seconds, clouds.__getitem__, lambda xy, reach_m: np.full(len(xy), np.nan)))
    for i, x in enumerate(xs):
        taken.note(i, np.array([x, 5.0, 0.8, 0.0]))
    return taken


def about(points):
    c, s = np.cos(GUESS[3]), np.sin(GUESS[3])
    off = points - GUESS[:3]
    own = np.column_stack([off[:, :2] @ np.array([[c, -s], [s, c]]), off[:, 2]])
    return np.ascontiguousarray(own[(np.abs(own) <= HALF_M).all(axis=1)], dtype=np.float32)


def test_what_stood_there_before_is_left_out_and_what_came_is_kept():
    parked = in_rows(seen(PARKED, CAR_M, 300, 1))
    taken = followed([parked] * 12, np.linspace(0, 6, 12))
    there = about(seen(PARKED, CAR_M, 300, 2))
    came = about(seen(np.array([20.0, 6.5, 0.8, 0.0]), CAR_M, 300, 3))
    came = came[came[:, 1] > CAR_M[1] / 2 + 1.0]
    assert len(there) > 50
    assert len(came) > 10
    assert len(taken.free(there.copy(), GUESS, HALF_M)) < 0.1 * len(there)
    assert len(taken.free(came.copy(), GUESS, HALF_M)) == len(came)


@pytest.mark.parametrize("xs", [np.full(12, 20.0), np.array([0.0])])
def test_an_object_that_did_not_move_away_takes_no_place_from_itself(xs):
    own = in_rows(seen(PARKED, CAR_M, 300, 1))
    points = about(own)
    assert len(followed([own] * 12, xs).free(points.copy(), GUESS, HALF_M)) == len(points)
