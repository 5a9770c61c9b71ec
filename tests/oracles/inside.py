"""Slow twins of perception_label._core.inside: every point against every box, no grid."""

import numpy as np


def _holds(box, point):
    x, y, z, c, s, hl, hw, hh = box
    dx, dy = float(point[0]) - x, float(point[1]) - y
    return (
        abs(c * dx + s * dy) <= hl and abs(c * dy - s * dx) <= hw and abs(float(point[2]) - z) <= hh
    )


def fill_cells(spans, n_x, starts, items):
    cells = [[] for _ in range(len(starts) - 1)]
    for j, (c0, c1, r0, r1) in enumerate(spans):
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                cells[row * n_x + column].append(j)
    starts[:] = np.cumsum([0] + [len(c) for c in cells])
    items[:] = [j for c in cells for j in c]


def count_inside(points_m, boxes, grid, n_x, starts, items, out):
    for j, box in enumerate(boxes):
        out[j] += sum(_holds(box, p) for p in points_m)


def count_raised(points_m, boxes, grid, n_x, starts, items, rise_m, out):
    for j, box in enumerate(boxes):
        for p in points_m:
            if _holds(box, p):
                out[j] += [1, float(p[2]) - box[2] + box[7] >= rise_m]


def mark_inside(points_m, boxes, grid, n_x, starts, items, out):
    for j, box in enumerate(boxes):
        for i, p in enumerate(points_m):
            out[j, i] = _holds(box, p)


def assign_first(points_m, boxes, grid, n_x, starts, items, out):
    for i, p in enumerate(points_m):
        out[i] = next((j for j, box in enumerate(boxes) if _holds(box, p)), -1)
