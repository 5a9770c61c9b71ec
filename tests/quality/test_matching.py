from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.quality.matching import best_matching, greedy_matching


def random_pairs(seed, n=5, m=5):
    rng = np.random.default_rng(seed)
    i, j = np.nonzero(rng.random((n, m)) < 0.4)
    return i, j, rng.random(len(i))


def slow_best(i, j, weight, n=5, m=5):
    dense = np.zeros((n, m))
    dense[i, j] = weight
    return max(sum(dense[a, b] for a, b in enumerate(p)) for p in permutations(range(m), n))


@given(st.integers(0, 2**32 - 1))
def test_best_matching_has_the_largest_sum_and_uses_each_end_once(seed):
    i, j, weight = random_pairs(seed)
    chosen = best_matching(i, j, weight)
    assert weight[chosen].sum() == pytest.approx(slow_best(i, j, weight))
    assert len(set(i[chosen])) == len(set(j[chosen])) == chosen.sum()


@given(st.integers(0, 2**32 - 1))
def test_greedy_matching_is_the_plain_loop(seed):
    i, j, closeness = random_pairs(seed)
    rank = np.random.default_rng(seed + 1).random(5)[j]
    free_i, expected = set(i.tolist()), set()
    for b in sorted(set(j.tolist()), key=lambda b: -rank[j == b][0]):
        able = [k for k in range(len(i)) if j[k] == b and i[k] in free_i]
        if able:
            best = max(able, key=lambda k: closeness[k])
            free_i.remove(i[best])
            expected.add(best)
    assert set(np.flatnonzero(greedy_matching(i, j, rank, closeness)).tolist()) == expected


def test_no_pairs_match_nothing():
    none = np.empty(0, dtype=np.int64)
    assert best_matching(none, none, np.empty(0)).tolist() == []
    assert greedy_matching(none, none, np.empty(0), np.empty(0)).tolist() == []
