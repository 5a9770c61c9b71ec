"""Slow twins of perception_label._core.sight: one ray, one cuboid, one face at a time."""

import math

import numpy as np


def _enter(box, ray):
    """Walk every face: where the ray crosses it, within the others' bounds."""
    c, s = box[3], box[4]
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    center, way, half = turn @ box[:3], turn @ ray, box[5:8]
    if (np.abs(center) <= half).all():
        return 0.0
    found = []
    for axis in range(3):
        for side in (-1, 1):
            if way[axis] == 0:
                continue
            t = (center[axis] + side * half[axis]) / way[axis]
            rest = [k for k in range(3) if k != axis]
            if t >= 0 and (np.abs(t * way - center)[rest] <= half[rest]).all():
                found.append(t)
    return min(found, default=math.nan)


def cast(rays, first_ray, cuboids, first_rival, rivals, margin_m, entry_m, hider):
    for j in range(len(cuboids)):
        for i in range(first_ray[j], first_ray[j + 1]):
            entry_m[i], hider[i] = _enter(cuboids[j], rays[i]), -1
            near = [
                (_enter(cuboids[k], rays[i]), k)
                for k in rivals[first_rival[j] : first_rival[j + 1]]
            ]
            near = [(t, k) for t, k in near if t <= entry_m[i] - margin_m]
            if near:
                hider[i] = min(near)[1]


def sort_points(points_m, pixels, cuboids, boxes, spans, margin_m, margin_share, counts):
    n = counts.shape[1]
    for j, (x0, y0, x1, y1) in enumerate(boxes):
        for point, (x, y) in zip(points_m, pixels, strict=True):
            if not (x0 <= x < x1 and y0 <= y < y1):
                continue
            away = float(np.linalg.norm(point))
            entry = _enter(cuboids[j], point / away)
            if math.isnan(entry):
                continue
            row = min(int((y - y0) / (y1 - y0) * n), n - 1)
            column = min(int((x - x0) / (x1 - x0) * n), n - 1)
            counts[j, row, column, 0 if away < entry * (1 - margin_share) - margin_m else 1] += 1
