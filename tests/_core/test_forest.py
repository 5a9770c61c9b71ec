import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oracles import forest as oracle
from perception_label._core import forest as core

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


@given(SEEDS, st.sampled_from([0, 1, 3, 4, 5, 63, 64, 65, 130]), st.integers(0, 6))
def test_predict_matches_its_twin(seed, rows, depth):
    rng = np.random.default_rng(seed)
    trees = random_forest(rng, int(rng.integers(1, 6)), depth, 4)
    features = rng.integers(-2, 3, (rows, 4)).astype(np.float32)
    mine, twin = np.zeros(rows, np.float32), np.zeros(rows, np.float32)
    core.predict(features, *trees, depth, 0.25, mine)
    oracle.predict(features, *trees, depth, 0.25, twin)
    np.testing.assert_allclose(mine, twin, rtol=1e-6, atol=1e-6)


def test_no_tree_predicts_the_base():
    empty = [np.zeros(0, kind) for kind in (np.int16, np.float32, np.int32, np.float32, np.int32)]
    out = np.zeros(3, np.float32)
    core.predict(np.zeros((3, 1), np.float32), *empty, 6, 0.5, out)
    assert out.tolist() == [0.5] * 3


def test_a_feature_equal_to_the_threshold_goes_left():
    trees = (
        np.zeros(3, np.int16),
        np.array([2.0, np.inf, np.inf], np.float32),
        np.array([1, 1, 2], np.int32),
        np.array([0.0, -1.0, 1.0], np.float32),
        np.zeros(1, np.int32),
    )
    out = np.zeros(3, np.float32)
    core.predict(np.array([[1.0], [2.0], [3.0]], np.float32), *trees, 1, 0.0, out)
    assert out.tolist() == [-1, -1, 1]
