import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from oracles import forest as oracle
from perception_label._core import forest as core
from perception_label.proposals.scorer import Forest

SEEDS = st.integers(0, 2**32 - 1)


def random_forest(rng, n_trees, depth, n_features):
    """Trees as the kernel reads them: siblings side by side, a leaf leads to itself."""
    feature, threshold, left, value, roots = [], [], [], [], []
    for _ in range(n_trees):
        roots.append(len(left))
        queue, placed, start = [0], 1, len(left)
        while queue:
            level = queue.pop(0)
            is_leaf = level == depth or rng.random() < 0.3
            feature.append(0 if is_leaf else rng.integers(n_features))
            # Whole numbers, as the features: many comparisons of equals.
            threshold.append(np.inf if is_leaf else rng.integers(-2, 3))
            value.append(rng.normal() if is_leaf else 0.0)
            left.append(len(left) if is_leaf else start + placed)
            if not is_leaf:
                queue += [level + 1, level + 1]
                placed += 2
    return (
        np.array(feature, np.int16),
        np.array(threshold, np.float32),
        np.array(left, np.int32),
        np.array(value, np.float32),
        np.array(roots, np.int32),
    )


def random_questions(rng, n_trees, n_features):
    """Questions as the kernel takes them, any bits kept but not none."""
    asked = rng.integers(0, 31, n_trees)
    leaves = np.full(n_trees, 32)
    n = int(asked.sum()) + 1
    return (
        rng.integers(n_features, size=n).astype(np.int16),
        rng.integers(-2, 3, n).astype(np.float32),
        (rng.integers(0, 2**32, n) | 2**31).astype(np.uint32),
        np.append(0, np.cumsum(asked)).astype(np.int32),
        rng.normal(size=int(leaves.sum())).astype(np.float32),
        (np.cumsum(leaves) - leaves).astype(np.int32),
    )


@given(SEEDS, st.sampled_from([0, 1, 3, 63, 64, 65, 90]))
def test_predict_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    questions = random_questions(rng, int(rng.integers(1, 6)), 4)
    features = rng.integers(-2, 3, (90, 4)).astype(np.float32)
    rows = rng.permutation(90)[:n]
    mine, twin = np.zeros((2, 90), np.float32)
    core.predict(features, rows, *questions, 0.25, np.empty((4, 64), np.float32), mine)
    oracle.predict(features, rows, *questions, 0.25, None, twin)
    np.testing.assert_allclose(mine, twin, rtol=1e-6, atol=1e-6)


@given(SEEDS, st.integers(0, 5))
def test_a_forest_answers_as_its_trees_do(seed, depth):
    rng = np.random.default_rng(seed)
    trees = random_forest(rng, int(rng.integers(1, 6)), depth, 4)
    features = rng.integers(-2, 3, (40, 4)).astype(np.float32)
    forest = Forest(*trees, depth, 0.25, 4)
    expected = oracle.walk(features, *trees, 0.25)
    np.testing.assert_allclose(forest.predict(features), expected, rtol=1e-5, atol=1e-6)


def test_no_tree_predicts_the_base():
    empty = [np.zeros(0, kind) for kind in (np.int16, np.float32, np.int32, np.float32, np.int32)]
    assert Forest(*empty, 6, 0.5, 1).predict(np.zeros((3, 1), np.float32)).tolist() == [0.5] * 3


@pytest.mark.parametrize(("grown", "allowed"), [(31, True), (32, False)])
def test_a_tree_has_32_leaves_at_most(grown, allowed):
    # A chain: each question splits one leaf off.
    n = 2 * grown + 1
    asks = np.arange(n) % 2 == 0
    asks[-1] = False
    left = np.where(asks, np.arange(n) + 1, np.arange(n))
    trees = (
        np.zeros(n, np.int16),
        np.where(asks, np.arange(n) // 2, np.inf).astype(np.float32),
        left.astype(np.int32),
        np.arange(n, dtype=np.float32),
        np.zeros(1, np.int32),
    )
    if not allowed:
        with pytest.raises(pl.LabelError, match="trees: expected at most 32 leaves each, got more"):
            Forest(*trees, 40, 0.0, 1)
        return
    got = Forest(*trees, 40, 0.0, 1).predict(np.array([[0.0], [3.5], [99.0]], np.float32))
    assert got.tolist() == [1.0, 9.0, n - 1]


def test_a_feature_equal_to_the_threshold_goes_left():
    trees = (
        np.zeros(3, np.int16),
        np.array([2.0, np.inf, np.inf], np.float32),
        np.array([1, 1, 2], np.int32),
        np.array([0.0, -1.0, 1.0], np.float32),
        np.zeros(1, np.int32),
    )
    out = Forest(*trees, 1, 0.0, 1).predict(np.array([[1.0], [2.0], [3.0]], np.float32))
    assert out.tolist() == [-1, -1, 1]
