import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import beliefs as oracle
from perception_label._core import beliefs


def chances(r, *shape):
    out = r.random(shape).astype(np.float32) + 0.01
    return out / out.sum(axis=tuple(range(-2, 0)) if len(shape) > 2 else None, keepdims=True)


def taps(r, *shape):
    out = r.random(shape).astype(np.float32)
    return np.asarray(out / out.sum(axis=-1, keepdims=True))


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(0, 5))
def test_advance_matches_the_sum_over_all_moves(seed, side, reach):
    r = np.random.default_rng(seed)
    belief, likelihood = chances(r, side, side), r.random((side, side)).astype(np.float32) + 0.1
    down, right = taps(r, 2, 2 * reach + 1)
    expected, found = np.empty((side, side)), np.empty((side, side), np.float32)
    oracle.advance(belief, down, right, likelihood, None, expected)
    beliefs.advance(belief, down, right, likelihood, np.empty_like(found), found)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 5), st.integers(0, 2))
def test_fuse_matches_the_sum_over_all_ways(seed, n, side, reach):
    r = np.random.default_rng(seed)
    likelihood = r.random((n, side, side)).astype(np.float32) + 0.1
    down, right = taps(r, n, 2 * reach + 1), taps(r, n, 2 * reach + 1)
    first, last = chances(r, side, side), chances(r, side, side)
    expected, found = np.empty((n, side, side)), np.empty((n, side, side), np.float32)
    oracle.fuse(likelihood, down, right, first, last, None, expected)
    scratch = np.empty((3, side, side), np.float32)
    beliefs.fuse(likelihood, down, right, first, last, scratch, found)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
