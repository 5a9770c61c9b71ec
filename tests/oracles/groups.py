"""Slow twin of the kernel for Euclidean groups: a plain loop over all pairs."""

from oracles.clusters import squared


def join_near(points_m, rows, *rest):
    radius_m, _whole, parents = rest[-3:]
    root = [int(r) for r in parents]
    for i, row in enumerate(root):
        root[i] = root[row]
    for i in range(len(rows)):
        for j in range(i):
            if squared(points_m[i], points_m[j]) <= radius_m * radius_m:
                a, b = sorted((root[rows[i]], root[rows[j]]))
                root = [a if r == b else r for r in root]
    parents[:] = root
