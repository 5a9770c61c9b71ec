"""Slow twins of the clustering kernels: plain loops over all pairs."""

import numpy as np

FARTHEST_M = 1e9


def usable(point):
    return all(abs(v) <= FARTHEST_M for v in point)


def bounds(points_m, low_m, high_m):
    kept = [p for p in points_m if usable(p)]
    low_m[:] = np.min(kept, axis=0) if kept else FARTHEST_M
    high_m[:] = np.max(kept, axis=0) if kept else -FARTHEST_M
    return len(kept)


def cell_keys(points_m, low_m, side_m, shifts, keys, rows):
    n = 0
    for i, point in enumerate(points_m):
        if usable(point):
            x, y, z = (
                int((float(v) - low) * (1.0 / side_m)) + 2
                for v, low in zip(point, low_m, strict=True)
            )
            keys[n], rows[n] = (x << int(shifts[0])) | (y << int(shifts[1])) | z, i
            n += 1


def sort_keys(keys, rows, spare_keys, spare_rows, n_bits):
    order = sorted(range(len(keys)), key=lambda i: int(keys[i]))
    keys[:], rows[:] = keys[order], rows[order]
    return False


def lay_out(points_m, keys, rows, sorted_m, cells, starts):
    first = [i for i in range(len(keys)) if i == 0 or keys[i] != keys[i - 1]]
    sorted_m[:] = points_m[rows]
    cells[: len(first)] = keys[first]
    starts[: len(first) + 1] = [*first, len(keys)]
    return len(first)


def squared(p, q):
    x, y, z = (float(a) - float(b) for a, b in zip(p, q, strict=True))
    return x * x + y * y + z * z


def cell_of(starts):
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def join_dense(points_m, cells, starts, shifts, radius_m, min_points, parents, is_core):
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


def name_clusters(points_m, cells, rows, starts, shifts, radius_m, is_core, parents, names, labels):
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
