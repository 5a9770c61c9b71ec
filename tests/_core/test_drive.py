import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import drive as oracle
from perception_label._core import drive

seeds = st.integers(0, 2**32 - 1)


def positive(r, n):
    a = r.normal(size=(n, n))
    return a @ a.T + 0.1 * np.eye(n)


@given(seeds)
def test_information_matches_its_oracle(seed):
    r = np.random.default_rng(seed)
    curved = r.normal(0, 100, (4, 3, 3))
    curved += np.swapaxes(curved, 1, 2)
    yaw, rules = r.uniform(-4, 4, 4), (np.full(3, 0.4), np.full(3, 0.01), np.full(3, 0.002))
    fast, slow = np.empty((4, 3, 3)), np.empty((4, 3, 3))
    drive.information(curved, yaw, *rules, fast)
    oracle.information(curved, yaw, *rules, slow)
    assert fast == pytest.approx(slow, rel=1e-6, abs=1e-6)


@given(seeds)
def test_after_matches_its_oracle(seed):
    r = np.random.default_rng(seed)
    state = r.normal(0, [10, 10, 1, 10, 0.05])
    spread, rules = positive(r, 5), np.array([1.2, 2.0, 0.01, 0.001, 2.0, 0.12, 1.5])
    fast, slow = (np.empty(5), np.empty((5, 5))), (np.empty(5), np.empty((5, 5)))
    dt = r.uniform(-1, 1)
    drive.after(state, spread, dt, rules, *fast)
    oracle.after(state, spread, dt, rules, *slow)
    assert fast[0] == pytest.approx(slow[0], rel=1e-9, abs=1e-9)
    assert fast[1] == pytest.approx(slow[1], rel=1e-4, abs=1e-4)


@given(seeds)
def test_seen_matches_its_oracle(seed):
    r = np.random.default_rng(seed)
    state, spread, weight = r.normal(0, 2, 5), positive(r, 5), positive(r, 3)
    pose = r.normal(0, 2, 4)
    fast, slow = (state.copy(), spread.copy()), (state.copy(), spread.copy())
    drive.seen(*fast, pose, weight, 3.0)
    oracle.seen(*slow, pose, weight, 3.0)
    assert fast[0] == pytest.approx(slow[0], rel=1e-6, abs=1e-6)
    assert fast[1] == pytest.approx(slow[1], rel=1e-6, abs=1e-6)
    assert (fast[1] == fast[1].T).all()
