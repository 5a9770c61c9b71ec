"""The smoothing kernels against their slow twins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oracles import variation as oracle
from oracles import warp as warp_oracle
from perception_label._core import variation, warp

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 13))
LARGER = st.tuples(st.integers(2, 12), st.integers(2, 13))
SEEDS = st.integers(0, 2**32 - 1)
MARGIN = 4


def scene(seed, size):
    """Return two related images with margins, and a flow of some pixels between them."""
    rng = np.random.default_rng(seed)
    h, w = size
    coarse = rng.uniform(0, 255, (h // 3 + 6, w // 3 + 6))
    image = np.kron(coarse, np.ones((3, 3)))[: h + 2 * MARGIN, : w + 2 * MARGIN]
    other = image + rng.normal(0, 3, image.shape)
    flow = rng.normal(0, 1.5, (2, h, w))
    return image.astype("f"), other.astype("f"), flow.astype("f")


@given(SEEDS, SIZES)
def test_linearise_matches_oracle(seed, size):
    first, second, flow = scene(seed, size)
    got, expected = [], []
    for out, kernel in ((got, warp.linearise), (expected, warp_oracle.linearise)):
        h, w = size
        out += [np.empty((h + 4, w + 4), "f"), np.empty((h + 4, w + 4), "f"), np.empty(size, "f")]
        kernel(first, second, MARGIN, flow, np.array([0.9, 7.0]), *out)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


def smoothed(kernel, given, weights, n_sweeps, flow):
    w = flow.shape[2]
    k, rows = (w + 1) // 2 + 2, 2 * n_sweeps + 4
    work = np.empty((3, w + 2), "f"), np.zeros((rows, 2, 9, k), "f"), np.zeros((rows, 2, 2, k), "f")
    out = flow.copy()
    kernel(*given, np.array(weights, float), n_sweeps, *work, out)
    return out


@given(SEEDS, LARGER, st.integers(1, 6))
def test_smooth_matches_oracle(seed, size, n_sweeps):
    first, second, start = scene(seed, size)
    h, w = size
    m, z, seen = np.empty((h + 4, w + 4), "f"), np.empty((h + 4, w + 4), "f"), np.empty(size, "f")
    warp.linearise(first, second, MARGIN, start, np.array([1.0, 0.0]), m, z, seen)
    flow = start + np.random.default_rng(seed).normal(0, 0.1, start.shape).astype("f")
    given_ = m, z, seen, start
    weights = [20, 5, 10, 1.6]
    out = smoothed(variation.smooth, given_, weights, n_sweeps, flow)
    expected = smoothed(oracle.smooth, given_, weights, n_sweeps, flow)
    np.testing.assert_allclose(out, expected, rtol=2e-3, atol=2e-3)


@given(SEEDS, LARGER)
def test_rows_wider_than_a_chunk_match_oracle(seed, size):
    test_smooth_matches_oracle.hypothesis.inner_test(seed, (size[0], 120 + size[1]), 2)


def test_without_data_a_constant_flow_stays():
    h, w = 7, 9
    flat = np.full((h + 2 * MARGIN, w + 2 * MARGIN), 50, "f")
    start = np.full((2, h, w), 1.25, "f")
    m, z, seen = np.empty((h + 4, w + 4), "f"), np.empty((h + 4, w + 4), "f"), np.empty((h, w), "f")
    warp.linearise(flat, flat, MARGIN, start, np.array([1.0, 0.0]), m, z, seen)
    out = smoothed(variation.smooth, (m, z, seen, start), [20, 5, 10, 1.6], 5, start)
    np.testing.assert_allclose(out, start, atol=1e-5)
