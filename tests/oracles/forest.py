"""Slow twin of the forest kernel: one row down one tree at a time."""


def predict(features, feature, threshold, left, value, roots, depth, base, out):
    for m, row in enumerate(features):
        out[m] = base + sum(
            float(value[leaf(row, root, feature, threshold, left)]) for root in roots
        )


def leaf(row, node, feature, threshold, left):
    """Follow the tree to the node that leads to itself."""
    while left[node] != node:
        node = left[node] + int(row[feature[node]] > threshold[node])
    return node
