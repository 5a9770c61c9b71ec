import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import chain as oracle
from perception_label._core import chain


def system(seed, n, d):
    """A random symmetric positive definite block-tridiagonal system."""
    r = np.random.default_rng(seed)
    diagonal, beside = np.zeros((n, d, d)), r.normal(size=(max(n - 1, 0), d, d))
    for t in range(n):
        half = r.normal(size=(d, d))
        diagonal[t] = half @ half.T + np.eye(d)
    for t in range(n - 1):
        # Enough on both sides that the whole stays positive definite.
        strength = np.linalg.norm(beside[t], 2)
        diagonal[t] += strength * np.eye(d)
        diagonal[t + 1] += strength * np.eye(d)
    return diagonal, beside, r.normal(size=(n, d))


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4))
def test_solve_chain_matches_the_dense_system(seed, n, d):
    diagonal, beside, right = system(seed, n, d)
    expected, spread = np.empty((n, d)), np.empty((n, d, d))
    oracle.solve_chain(diagonal, beside, right, expected, spread)
    states, covariances = np.empty((n, d)), np.empty((n, d, d))
    chain.solve_chain(diagonal.copy(), beside, right.copy(), states, covariances)
    assert states == pytest.approx(expected, rel=1e-7, abs=1e-9)
    assert covariances == pytest.approx(spread, rel=1e-7, abs=1e-9)


def test_no_states_are_no_work():
    chain.solve_chain(*(np.empty(s) for s in ((0, 2, 2), (0, 2, 2), (0, 2), (0, 2), (0, 2, 2))))
