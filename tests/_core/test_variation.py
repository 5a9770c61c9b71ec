"""The smoothing kernels against their slow twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import variation as oracle
from perception_label._core import variation

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 13))
SEEDS = st.integers(0, 2**32 - 1)
MARGIN = 4


def scene(seed, size):
    """Return two related images with margins, and a flow of some pixels between them."""
    rng = np.random.default_rng(seed)
    h, w = size
    coarse = rng.uniform(0, 255, (h // 3 + 6, w // 3 + 6))
    image = np.kron(coarse, np.ones((3, 3)))[: h + 2 * MARGIN, : w + 2 * MARGIN]
    other = image + rng.normal(0, 3, image.shape)
    flow = rng.normal(0, 1.5, (3, h, w))
    return image.astype("f"), other.astype("f"), flow.astype("f")


def solver_planes(size):
    h, w = size
    return np.zeros((h, 2, 9, (w + 1) // 2 + 2), "f")


@given(SEEDS, SIZES)
def test_linearise_matches_oracle(seed, size):
    first, second, flow = scene(seed, size)
    got, expected = [], []
    for out, kernel in ((got, variation.linearise), (expected, oracle.linearise)):
        h, w = size
        out += [np.empty((h + 4, w + 4), "f"), np.empty((h + 4, w + 4), "f"), np.empty(size, "f")]
        kernel(first, second, MARGIN, flow, *out)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


@given(SEEDS, st.tuples(st.integers(2, 12), st.integers(2, 13)))
def test_weigh_and_relax_match_oracles(seed, size):
    first, second, start = scene(seed, size)
    h, w = size
    m, z, seen = np.empty((h + 4, w + 4), "f"), np.empty((h + 4, w + 4), "f"), np.empty(size, "f")
    variation.linearise(first, second, MARGIN, start, m, z, seen)
    flow = start + np.random.default_rng(seed).normal(0, 0.1, start.shape).astype("f")
    planes, expected = solver_planes(size), solver_planes(size)
    scratch = np.empty((17, w + 2), "f")
    variation.weigh(m, z, seen, start, flow, 20.0, 5.0, 10.0, scratch, planes)
    oracle.weigh(m, z, seen, start, flow, 20.0, 5.0, 10.0, scratch, expected)
    scale = np.abs(expected).max(axis=(0, 1, 3))[:, None] + 1e-6
    np.testing.assert_allclose(planes / scale, expected / scale, atol=2e-3)
    dealt = np.zeros((h, 2, 2, planes.shape[3]), "f")
    variation.deal(flow, dealt)
    twin = dealt.astype(float)
    variation.relax(planes, 1.6, 3, dealt)
    oracle.relax(planes, 1.6, 3, twin)
    inner = np.empty((2, 2, h, w))
    oracle.gather(dealt, inner[0])
    oracle.gather(twin, inner[1])
    np.testing.assert_allclose(inner[0], inner[1], rtol=1e-3, atol=1e-3)


@given(SEEDS, SIZES)
def test_deal_and_gather_match_oracles_and_undo_each_other(seed, size):
    flow = np.random.default_rng(seed).normal(size=(2, *size)).astype("f")
    dealt = solver_planes(size)[:, :, :2].copy()
    expected = dealt.copy()
    variation.deal(flow, dealt)
    oracle.deal(flow, expected)
    assert (dealt == expected).all()
    back = np.empty_like(flow)
    variation.gather(dealt, back)
    assert (back == flow).all()


@given(SEEDS, SIZES, st.tuples(st.booleans(), st.booleans()))
def test_enlarge_matches_oracle(seed, size, odd):
    flow = np.random.default_rng(seed).normal(size=(2, *size)).astype("f")
    h, w = (2 * n - o for n, o in zip(size, odd, strict=True))
    got, expected = np.empty((2, h, w), "f"), np.empty((2, h, w), "f")
    scratch = np.empty(size[1] + 2, "f")
    variation.enlarge(flow, scratch, got)
    oracle.enlarge(flow, scratch, expected)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    joined = np.empty((h, w, 2), "f")
    variation.enlarge_joined(flow, scratch, joined)
    assert (joined == np.moveaxis(got, 0, 2)).all()


def test_a_solved_system_is_left_alone():
    h, w = 6, 7
    planes = solver_planes((h, w))
    planes[:, :, [0, 2]] = 1 / 2
    planes[:, :, 3] = 2.0
    dealt = np.zeros((h, 2, 2, planes.shape[3]), "f")
    variation.relax(planes, 1.0, 1, dealt)
    assert dealt[0, 0, 0, 1] == pytest.approx(1.0)
    once = dealt.copy()
    variation.relax(planes, 1.0, 4, dealt)
    assert (dealt == once).all()
