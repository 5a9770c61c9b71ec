"""One-to-one matching on a list of pairs: the best sum, or greedy by rank."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from perception_label.arrays import Floats, Ints, Mask


def greedy_matching(a: Ints, b: Ints, rank: Floats, closeness: Floats) -> Mask:
    """Return which pairs match when each b in turn takes its closest free a.

    Parameters
    ----------
    a, b : (P,) int64
        The two ends of each pair.
    rank : (P,) float64
        Of b, the same in all its pairs: higher goes first; equal ranks go by b.
    closeness : (P,) float64
        Higher is closer; equal values go by a.

    Returns
    -------
    (P,) bool
        The matching of Pascal VOC, nuScenes and Argoverse 2.
    """
    matched = is_alone(a, b)
    rest = np.flatnonzero(~matched)
    order = rest[np.lexsort((a[rest], -closeness[rest], b[rest], -rank[rest]))]
    taken_a, taken_b = set[int](), set[int]()
    kept = []
    for pair, end_a, end_b in zip(
        order.tolist(), a[order].tolist(), b[order].tolist(), strict=True
    ):
        if end_a not in taken_a and end_b not in taken_b:
            taken_a.add(end_a)
            taken_b.add(end_b)
            kept.append(pair)
    matched[kept] = True
    return matched


def best_matching(a: Ints, b: Ints, weight: Floats) -> Mask:
    """Return the one-to-one choice of pairs with the largest sum of positive weights.

    The Hungarian method, on each connected part alone: a log's pairs fall into
    thousands of parts, most of a single pair, so that the whole log takes one call.
    """
    matched = is_alone(a, b) & (weight > 0)
    for part in crowded_parts(a, b):
        matched[part[best_of_part(a[part], b[part], weight[part])]] = True
    return matched


def is_alone(a: Ints, b: Ints) -> Mask:
    """Return which pairs share neither end with another pair, (P,) bool."""
    alone: Mask = (_degrees(a)[a] == 1) & (_degrees(b)[b] == 1)
    return alone


def crowded_parts(a: Ints, b: Ints) -> Iterator[Ints]:
    """Yield the pairs of each connected part of two or more, by the first pair of each."""
    crowd = np.flatnonzero(~is_alone(a, b))
    if not len(crowd):
        return
    _, end_a = np.unique(a[crowd], return_inverse=True)
    _, end_b = np.unique(b[crowd], return_inverse=True)
    n = int(end_a.max()) + 1
    m = n + int(end_b.max()) + 1
    graph = coo_array((np.ones(len(crowd)), (end_a, end_b + n)), shape=(m, m))
    _, part_of_node = connected_components(graph, directed=False)
    part = part_of_node[end_a]
    _, first = np.unique(part, return_index=True)
    turn = np.empty(len(first), dtype=np.int64)
    turn[np.argsort(first)] = np.arange(len(first))
    part = turn[part]
    order = np.argsort(part, kind="stable")
    yield from np.split(crowd[order], np.flatnonzero(np.diff(part[order])) + 1)


def best_of_part(a: Ints, b: Ints, weight: Floats) -> Ints:
    """Return the pairs of one connected part that the Hungarian method chooses."""
    ends_a, row = np.unique(a, return_inverse=True)
    ends_b, column = np.unique(b, return_inverse=True)
    if len(ends_a) == 1 or len(ends_b) == 1:
        best = int(np.argmax(weight))
        return np.array([best] if weight[best] > 0 else [], dtype=np.int64)
    matrix = np.zeros((len(ends_a), len(ends_b)))
    matrix[row, column] = weight
    pair = np.full(matrix.shape, -1, dtype=np.int64)
    pair[row, column] = np.arange(len(a))
    chosen = linear_sum_assignment(matrix, maximize=True)
    best_pairs: Ints = pair[chosen][matrix[chosen] > 0]
    return best_pairs


def _degrees(ends: Ints) -> Ints:
    return np.bincount(ends) if len(ends) else np.zeros(0, dtype=np.int64)
