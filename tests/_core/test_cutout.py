import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from oracles import cutout as oracle
from perception_label._core import cutout as core

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 14)


def places(rng, shape, h, w, beyond=3):
    where = rng.uniform(-beyond, 1, (*shape, 2)) + rng.uniform(0, 1, (*shape, 2)) * [w, h]
    return (where + beyond * rng.uniform(0, 1, where.shape)).astype(np.float32)


@given(SEEDS, SIDES, SIDES)
def test_describe_matches_oracle(seed, h, w):
    rgb = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    ours, twin = np.empty_like(rgb), np.empty_like(rgb)
    core.describe(rgb, np.empty((w + 2, 3), np.int32), ours)
    oracle.describe(rgb, None, twin)
    # Rounding in single precision may move a value that lies between two.
    assert np.abs(ours.astype(int) - twin).max() <= 1
    assert np.mean(ours != twin) < 0.02


def test_grey_has_no_colour():
    rgb = np.repeat(np.arange(60, dtype=np.uint8).reshape(6, 10, 1), 3, axis=2)
    out = np.empty_like(rgb)
    core.describe(rgb, np.empty((12, 3), np.int32), out)
    assert_array_equal(out[..., 1:], 128)


@given(SEEDS, SIDES, SIDES, st.sampled_from([0, 1]))
def test_squared_distances_match_oracle(seed, h, w, value):
    rng = np.random.default_rng(seed)
    mask = (rng.random((h, w)) < rng.choice([0.02, 0.5, 0.98])).astype(np.uint8)
    n = max(h, w)
    ours, twin = np.empty((h, w)), np.empty((h, w))
    core.squared_distances(mask, value, np.empty((3, n + 1)), np.empty(n, np.int32), ours)
    oracle.squared_distances(mask, value, None, None, twin)
    if (mask == value).any():
        assert_array_equal(ours, twin)
    else:
        assert (ours >= 1e10).all()


@given(SEEDS, SIDES, SIDES, st.integers(1, 5), st.integers(1, 5))
def test_trace_matches_oracle(seed, h, w, gh, gw):
    rng = np.random.default_rng(seed)
    matrix = np.eye(2, 3) + 0.2 * rng.normal(size=(2, 3))
    grid = rng.normal(size=(gh, gw, 2)).astype(np.float32)
    ours, twin = np.empty((2, h, w, 2), np.float32)
    args = (7.0, 3.0, matrix, *rng.uniform(-3, 12, 2), rng.uniform(1, 4), grid)
    core.trace(*args, ours)
    oracle.trace(*args, twin)
    assert_allclose(ours, twin, atol=1e-4)


@given(SEEDS, SIDES, SIDES, st.integers(1, 3))
def test_sample_matches_oracle(seed, h, w, n):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(h, w, n)).astype(np.float32)
    where = places(rng, (4, 5), h, w)
    ours, twin = np.empty((2, 4, 5, n), np.float32)
    core.sample(values, where, ours)
    oracle.sample(values, where, twin)
    assert_allclose(ours, twin, atol=1e-4)


@given(SEEDS, st.integers(4, 14), st.integers(5, 14))
def test_differ_matches_oracle(seed, h, w):
    rng = np.random.default_rng(seed)
    here, there = rng.integers(0, 256, (2, h, w, 3), dtype=np.uint8)
    where = places(rng, (3, 4), h, w)
    ours, twin = np.empty((2, 3, 4), np.float32)
    core.differ(here, 1, 1, there, where, ours)
    oracle.differ(here, 1, 1, there, where, twin)
    assert_allclose(ours, twin, rtol=1e-3, atol=0.02)


def test_differ_of_places_that_are_no_numbers_is_unknown():
    image = np.zeros((3, 3, 3), np.uint8)
    out = np.empty((1, 1), np.float32)
    core.differ(image, 0, 0, image, np.full((1, 1, 2), np.nan, np.float32), out)
    assert out[0, 0] == -1


@settings(max_examples=30)
@given(SEEDS, st.integers(6, 14), st.integers(6, 14))
def test_vote_matches_oracle(seed, h, w):
    rng = np.random.default_rng(seed)
    here, there = rng.integers(0, 256, (2, h, w, 3), dtype=np.uint8)
    active = (rng.random((4, 5)) < 0.7).astype(np.uint8)
    labels = rng.integers(0, 3, (h - 2, w - 1)).astype(np.uint8)
    where = places(rng, (4, 5), h, w)
    offsets = rng.normal(size=(9, 3)).astype(np.float32)
    likeness = rng.random(3048).astype(np.float32)
    ours, twin = np.zeros((2, 4, 5, 2), np.float32)
    args = (here, 2, 1, active, there, 2, 1, labels, where, offsets, likeness)
    core.vote(*args, ours)
    oracle.vote(*args, twin)
    assert_allclose(ours, twin, atol=1e-4)


@given(SEEDS, SIDES, SIDES, st.integers(0, 12))
def test_cut_matches_oracle(seed, h, w, n_rounds):
    rng = np.random.default_rng(seed)
    cost = rng.normal(size=(h, w)).astype(np.float32)
    edges = rng.random((2, h, w)).astype(np.float32)
    ours = (rng.random((h, w)) < 0.5).astype(np.float32)
    twin = ours.copy()
    core.cut(cost, edges, n_rounds, np.empty((3, h, w), np.float32), ours)
    oracle.cut(cost, edges, n_rounds, None, twin)
    assert_allclose(ours, twin, atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_cut_comes_near_the_least_cost_of_all_outlines(seed):
    rng = np.random.default_rng(seed)
    cost = np.zeros((5, 5), np.float32)
    cost[1:4, 1:4] = rng.normal(size=(3, 3))
    edges = rng.random((2, 5, 5)).astype(np.float32)
    inside = np.zeros((5, 5), np.float32)

    def total(mask):
        mask = mask.astype(float)
        across = np.abs(np.diff(mask, axis=1)) * edges[0, :, :-1]
        along = np.abs(np.diff(mask, axis=0)) * edges[1, :-1]
        return (mask * cost).sum() + across.sum() + along.sum()

    core.cut(cost, edges, 4000, np.empty((3, 5, 5), np.float32), inside)
    best = np.inf
    for bits in range(512):
        mask = np.zeros((5, 5))
        mask[1:4, 1:4] = np.array(list(f"{bits:09b}"), int).reshape(3, 3)
        best = min(best, total(mask))
    assert total(inside > 0.5) == pytest.approx(best, abs=1e-2)
