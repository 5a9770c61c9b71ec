"""Slow twins of the kernels for DBSCAN and Euclidean groups: plain loops over all pairs."""

import numpy as np

from oracles.clusters import squared


def sort_out_core(points_m, rows, cells, starts, *rest):
    radius_m, min_points, stops = rest[-3:]
    is_core = np.array(
        [
            sum(squared(p, q) <= radius_m * radius_m for q in points_m) >= min_points
            for p in points_m
        ]
    )
    for cell in range(len(cells)):
        inside = np.arange(starts[cell], starts[cell + 1])
        order = inside[np.argsort(~is_core[inside], kind="stable")]
        points_m[inside], rows[inside] = points_m[order], rows[order]
        stops[cell] = starts[cell] + is_core[inside].sum()


def core_points(starts, stops):
    return [i for cell in range(len(stops)) for i in range(starts[cell], stops[cell])]


def join_near(points_m, rows, _cells, starts, stops, *rest):
    radius_m, _whole, parents = rest[-3:]
    root = [int(r) for r in parents]
    for i, row in enumerate(root):
        root[i] = root[row]
    chosen = core_points(starts, stops)
    for i in chosen:
        for j in chosen:
            if squared(points_m[i], points_m[j]) <= radius_m * radius_m:
                a, b = sorted((root[rows[i]], root[rows[j]]))
                root = [a if r == b else r for r in root]
    parents[:] = root


def name_joined(points_m, rows, _cells, starts, stops, *rest):
    radius_m, parents, _names, labels = rest[-4:]
    chosen = core_points(starts, stops)
    group = {}
    for i in range(len(rows)):
        near = [(squared(points_m[i], points_m[j]), rows[j], j) for j in chosen]
        best = min((0.0, 0, i) if i in chosen else x for x in [*near, (np.inf, 0, i)])
        if best[0] <= radius_m * radius_m:
            root = int(rows[best[2]])
            while parents[root] != root:
                root = int(parents[root])
            group[int(rows[i])] = root
    seen = []
    for row in sorted(group):
        if group[row] not in seen:
            seen.append(group[row])
        labels[row] = seen.index(group[row])
    return len(seen)
