"""The patch kernels against their slow twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import patches as oracle
from perception_label._core import patches

SIZES = st.tuples(st.integers(8, 16), st.integers(8, 16))
SEEDS = st.integers(0, 2**32 - 1)
MARGIN = 6


def scene(seed, size):
    """Return a smooth random image and a moved, brighter one, with margins."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0] + 2 * MARGIN, : size[1] + 2 * MARGIN].astype(float)
    waves = [(rng.uniform(0.2, 0.9, 2), rng.uniform(0, 6), rng.uniform(10, 40)) for _ in range(6)]

    def picture(dx, dy):
        return 128 + sum(a * np.sin(f[0] * (x - dx) + f[1] * (y - dy) + p) for f, p, a in waves)

    return picture(0, 0).astype("f"), (picture(*rng.uniform(-1, 1, 2)) + 7).astype("f")


def corners(size, stride):
    return [-(-(n - 8) // stride) + 1 for n in size]


@settings(max_examples=25)
@given(SEEDS, SIZES, st.integers(1, 4), st.integers(0, 4), st.integers(1, 2))
def test_search_matches_oracle(seed, size, stride, n_steps, n_passes):
    first, second = scene(seed, size)
    flow = np.random.default_rng(seed).normal(0, 0.3, (*corners(size, stride), 2)).astype("f")
    expected = flow.astype(float)
    patches.search(first, second, MARGIN, stride, n_steps, n_passes, flow)
    oracle.search(first, second, MARGIN, stride, n_steps, n_passes, expected)
    # Where two places fit about equally well, rounding chooses.
    assert np.mean(np.abs(flow - expected).max(axis=2) < 0.02) >= 0.9


@given(SEEDS, SIZES, st.integers(1, 4))
def test_spread_matches_oracle(seed, size, stride):
    first, second = scene(seed, size)
    flow = np.random.default_rng(seed).normal(0, 3, (*corners(size, stride), 2)).astype("f")
    out, expected = np.zeros((2, 3, *size), "f")
    patches.spread(first, second, MARGIN, stride, flow, out)
    oracle.spread(first, second, MARGIN, stride, flow, expected)
    np.testing.assert_allclose(out, expected, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_a_flow_beyond_all_bounds_reads_nothing_outside(value):
    first, second = scene(0, (12, 12))
    flow = np.full((*corners((12, 12), 3), 2), value, "f")
    patches.search(first, second, MARGIN, 3, 4, 2, flow)
    assert flow.shape == (3, 3, 2)
