"""Slow twins of the clustering kernels: plain loops over all pairs."""

import numpy as np


def squared(p, q):
    x, y, z = (float(a) - float(b) for a, b in zip(p, q, strict=True))
    return x * x + y * y + z * z


def cell_of(starts):
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def list_columns(cells, shift, columns, firsts):
    found, first = np.unique(cells >> np.uint64(shift), return_index=True)
    columns[: len(found)] = found
    firsts[: len(found) + 1] = [*first, len(cells)]
    return len(found)


def join_dense(points_m, cells, starts, *rest):
    _columns, _firsts, _shifts, radius_m, min_points, parents, is_core = rest
    n, cell = len(points_m), cell_of(starts)
    near = [
        [j for j in range(n) if squared(points_m[i], points_m[j]) <= radius_m * radius_m]
        for i in range(n)
    ]
    is_core[:] = [len(around) >= min_points for around in near]
    parents[:] = np.arange(len(parents))
    for i in range(n):
        for j in near[i]:
            if is_core[i] and is_core[j]:
                a, b = sorted((parents[cell[i]], parents[cell[j]]))
                parents[parents == b] = a


def name_clusters(points_m, cells, rows, starts, *rest):
    _columns, _firsts, _shifts, radius_m, is_core, parents, _names, labels = rest
    cell = cell_of(starts)
    group = {}
    for i in range(len(points_m)):
        best = (radius_m * radius_m, np.inf, i) if is_core[i] else None
        for j in range(len(points_m)):
            gap = squared(points_m[i], points_m[j])
            if not is_core[i] and is_core[j] and gap <= radius_m * radius_m:
                best = min(best or (np.inf, 0, 0), (gap, rows[j], j))
        if best:
            group[rows[i]] = parents[cell[best[2]]]
    seen = []
    for row in sorted(group):
        if group[row] not in seen:
            seen.append(group[row])
        labels[row] = seen.index(group[row])
    return len(seen)


def join_groups(rows, groups, first, parents):
    root = [int(r) for r in parents]
    for i, row in enumerate(root):
        root[i] = root[row]
    for group in set(groups.tolist()):
        joined = {root[row] for row in rows[groups == group]}
        root = [min(joined) if r in joined else r for r in root]
    parents[:] = root


def name_groups(parents, min_points, counts, labels):
    roots = [int(r) for r in parents]
    big = [i for i in range(len(roots)) if roots[i] == i and roots.count(i) >= min_points]
    labels[:] = [big.index(r) if r in big else -1 for r in roots]
    return len(big)
