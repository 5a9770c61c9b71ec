"""Slow twin of the forest kernel: one row, one tree, one question at a time."""


def predict(features, rows, feature, threshold, keep, questions, value, *rest):
    leaves, base, _, out = rest
    for m in rows:
        out[m] = base
        for t, first in enumerate(leaves):
            left = 2**32 - 1
            for q in range(questions[t], questions[t + 1]):
                if features[m, feature[q]] > threshold[q]:
                    left &= int(keep[q])
            lowest = next(k for k in range(32) if left >> k & 1)
            out[m] += float(value[first + lowest])


def walk(features, feature, threshold, left, value, roots, base):
    """What the trees say, walked from their roots: a leaf is the node that leads to itself."""
    return [
        base + sum(float(value[leaf(row, root, feature, threshold, left)]) for root in roots)
        for row in features
    ]


def leaf(row, node, feature, threshold, left):
    while left[node] != node:
        node = left[node] + int(row[feature[node]] > threshold[node])
    return node
