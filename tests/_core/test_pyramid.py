"""The pyramid kernels against their slow twins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oracles import pyramid as oracle
from perception_label._core import pyramid

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, SIZES)
def test_halve_matches_oracle(seed, size):
    image = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    out, expected = np.empty((2, *((n + 1) // 2 for n in size)), np.uint8)
    pyramid.halve(image, out)
    oracle.halve(image, expected)
    assert (out == expected).all()


@given(SEEDS, SIZES, st.integers(0, 5), st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_widen_matches_oracle(seed, size, margin, more):
    image = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    shape = [n + 2 * margin + m for n, m in zip(size, more, strict=True)]
    out, expected = np.empty((2, *shape), np.float32)
    pyramid.widen(image, margin, out)
    oracle.widen(image, margin, expected)
    assert (out == expected).all()


@given(SEEDS, SIZES, st.tuples(st.booleans(), st.booleans()))
def test_enlarge_matches_oracle(seed, size, odd):
    flow = np.random.default_rng(seed).normal(size=(2, *size)).astype("f")
    h, w = (2 * n - o for n, o in zip(size, odd, strict=True))
    got, expected = np.empty((2, h, w), "f"), np.empty((2, h, w), "f")
    scratch = np.empty(size[1] + 2, "f")
    pyramid.enlarge(flow, scratch, got)
    oracle.enlarge(flow, scratch, expected)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    joined = np.empty((h, w, 2), "f")
    pyramid.enlarge_joined(flow, scratch, joined)
    assert (joined == np.moveaxis(got, 0, 2)).all()


def test_join_matches_oracle():
    flow = np.random.default_rng(0).normal(size=(2, 9, 11)).astype("f")
    out, expected = np.empty((2, 7, 10, 2), "f")
    pyramid.join(flow, out)
    oracle.join(flow, expected)
    assert (out == expected).all()
