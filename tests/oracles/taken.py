"""Sets of cells, one for each sweep."""

import numpy as np

from oracles import register


def _cells(points, half_m, side_m):
    return ((points + half_m) / side_m).astype(np.int64) + 1


def mark(points_m, pose, half_m, side_m, bit, scratch, cells):
    points = scratch[: register.crop(points_m, pose, half_m, scratch)]
    for cell in _cells(points, half_m, side_m):
        cells[tuple(cell)] |= 1 << bit


def free(points_m, half_m, side_m, least, cells):
    kept = []
    for point, (a, b, c) in zip(points_m.copy(), _cells(points_m, half_m, side_m), strict=True):
        around = cells[a - 1 : a + 2, b - 1 : b + 2, c - 1 : c + 2]
        if int(np.bitwise_or.reduce(around, axis=None)).bit_count() < least:
            kept.append(point)
    points_m[: len(kept)] = np.reshape(kept, (-1, 3))
    return len(kept)
