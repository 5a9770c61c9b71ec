from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.propagation.drive import Drive
from perception_label.propagation.motion import VEHICLE

START = Drive.started(np.array([3.0, -2.0, 0.8, 0.7]), 6.0, VEHICLE, 4.5)


@given(
    st.floats(-3, 3), st.floats(-15, 15), st.floats(-0.15, 0.15),
    st.floats(0.05, 0.3).flatmap(lambda dt: st.sampled_from([dt, -dt])),
)  # fmt: skip
def test_the_spread_moves_as_the_state_does(yaw, speed, bend, dt):
    state = np.array([1.0, 2.0, yaw, speed, bend])
    step = 1e-6
    grown = Drive(state, np.zeros((5, 5)), VEHICLE, 1.2).after(dt).spread
    for k in range(5):
        unit = np.zeros((5, 5))
        unit[k, k] = 1.0
        ends = [
            Drive(state + sign * step * np.eye(5)[k], unit, VEHICLE, 1.2).after(dt).state
            for sign in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * step)
        moved = Drive(state, unit, VEHICLE, 1.2).after(dt).spread - grown
        assert moved == pytest.approx(np.outer(slope, slope), abs=1e-5)


def test_without_way_there_is_no_turn():
    stands = replace(START, state=np.array([3.0, -2.0, 0.7, 0.0, 0.1]))
    assert stands.after(2.0).state[:3] == pytest.approx(stands.state[:3])


def test_there_and_back_is_the_same_place():
    there = START.after(0.5)
    assert there.after(-0.5).state[:4] == pytest.approx(START.state[:4])
    assert np.linalg.det(there.spread[:2, :2]) > np.linalg.det(START.spread[:2, :2])


def test_what_is_seen_makes_it_surer_and_faster():
    ahead = START.after(1.0)
    x, y, yaw = ahead.state[:3]
    pose = np.array([x + 0.8, y + 0.6, 0.8, yaw + 2 * np.pi])
    seen = ahead.seen(pose, np.diag([100.0, 100.0, 400.0]))
    assert np.linalg.norm(seen.state[:2] - pose[:2]) < 0.2
    assert seen.state[3] > ahead.state[3]
    assert (np.linalg.eigvalsh(ahead.spread - seen.spread) > -1e-9).all()
