"""Slow twins of the cell kernels."""

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


def pick_central(sorted_m, rows, starts, picked):
    for cell in range(len(picked)):
        inside = slice(starts[cell], starts[cell + 1])
        points = sorted_m[inside].astype(float)
        gap = np.sum((points - points.sum(axis=0) / len(points)) ** 2, axis=1)
        picked[cell] = rows[inside][np.argmin(gap)]


def keep_first(keys, rows, table, picked):
    first = np.sort(np.unique(keys, return_index=True)[1])
    picked[: len(first)] = rows[first]
    return len(first)
