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
