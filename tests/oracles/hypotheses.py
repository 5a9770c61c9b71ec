"""Slow twins of the hypothesis kernels: one cluster or cuboid at a time."""

import numpy as np

EDGES_M = [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2, 3.0, 5.0]


def members(order, start, k, max_points=None):
    rows = order[start[k] : start[k + 1]]
    return rows if max_points is None else rows[:: max(1, len(rows) // max_points)]


def rotated(xy, yaw_rad):
    """Coordinates along and across a heading."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.asarray(xy, dtype=np.float64) @ np.array([[c, -s], [s, c]])


def cluster_shape(xy_m, height_m, order, start, out):
    out[:] = 0
    for k in range(len(out)):
        rows = members(order, start, k)
        if len(rows) == 0:
            continue
        z = height_m[rows].astype(np.float64)
        bins = np.bincount(np.searchsorted(EDGES_M, z, side="left"), minlength=10)
        span = np.ptp(xy_m[rows].astype(np.float64), axis=0)
        shape = [len(z), *span, z.min(), z.max(), z.mean(), z.std(), np.log1p(len(z))]
        out[k] = [*shape, *bins / len(z)]


def closeness(xy_m, yaw_rad, floor_m):
    """Sum of 1 / distance to the nearest side of the rectangle around the points."""
    uv = rotated(xy_m, yaw_rad)
    gaps = np.hstack([uv - uv.min(axis=0, initial=1e30), uv.max(axis=0, initial=-1e30) - uv])
    return (1 / np.maximum(gaps.min(axis=1), floor_m)).sum() if len(uv) else 0.0


def closeness_yaw(xy_m, order, start, max_points, floor_m, out):
    for k in range(len(out)):
        points = xy_m[members(order, start, k, max_points)]
        coarse = max(range(0, 90, 5), key=lambda d: closeness(points, np.radians(d), floor_m))
        around = [coarse, *range(coarse - 4, coarse + 5)]
        best = max(around, key=lambda d: closeness(points, np.radians(d), floor_m))
        out[k] = np.radians(best % 90)


def extents(xy_m, order, start, owner, yaw_rad, out):
    for r, (k, yaw) in enumerate(zip(owner, yaw_rad, strict=True)):
        uv = np.sort(rotated(xy_m[members(order, start, k)], yaw), axis=0)
        cut = min(3, len(uv) // 100)
        out[r] = [uv[cut, 0], uv[-1 - cut, 0], uv[cut, 1], uv[-1 - cut, 1]]


def average_near(cuboids, scores, kept, reach_m, size_m, turn_rad, least, out):
    for r, k in enumerate(kept):
        turn = (cuboids[:, 6] - cuboids[k, 6] + np.pi / 2) % np.pi - np.pi / 2
        alike = np.abs(cuboids[:, :2] - cuboids[k, :2]).max(axis=1) <= reach_m
        alike &= np.abs(cuboids[:, 3:5] - cuboids[k, 3:5]).max(axis=1) <= size_m
        alike &= (np.abs(turn) <= turn_rad) & (scores >= least * scores[k])
        weight = scores[alike] ** 4
        out[r, :6] = np.average(cuboids[alike, :6], axis=0, weights=weight)
        out[r, 6] = cuboids[k, 6] + np.average(turn[alike], weights=weight)


def suggest(yaw_rad, rect_m, highest_m, templates, groups, row, template, footprint, seen_m):
    seen = np.stack([rect_m[:, 1] - rect_m[:, 0], rect_m[:, 3] - rect_m[:, 2]], 1)
    middle = np.stack([rect_m[:, 0] + rect_m[:, 1], rect_m[:, 2] + rect_m[:, 3]], 1) / 2
    away = np.where(middle > 0, 1.0, -1.0)
    shown = np.flatnonzero((seen[:, 0] >= seen[:, 1]) & (seen[:, 0] > 1.5))
    parts = [(shown, len(templates), middle[shown], np.maximum(seen[shown], 0.3))]
    for t, (length, width, slack, slack_m, longest, shortest) in enumerate(templates):
        size = np.maximum(seen, [length, width])
        spare = (size - seen) / 2
        fits = (seen <= np.array([length, width]) * (1 + slack) + slack_m).all(axis=1)
        fits &= seen.max(axis=1) <= longest
        if groups[t] == 0:
            side = (seen.max(axis=1) >= 3) & (highest_m > 1.4)
            end = (seen.max(axis=1) >= shortest) & (highest_m > 2.4)
            fits &= side | end | (shortest == 0)
        else:
            fits &= (seen.max(axis=1) >= shortest) & (highest_m > 0.7) & (highest_m < 2.4)
            fits &= (groups[t] != 1) | (seen[:, 0] >= seen[:, 1])
        for along in (1.0, 0.0, -1.0) if groups[t] == 0 else (None,):
            rows = np.flatnonzero(fits & (spare[:, 0] > 0.4) if along in (0.0, -1.0) else fits)
            shift = 0.0 if along is None else spare[rows] * away[rows] * [along, 1.0]
            parts.append((rows, t, middle[rows] + shift, size[rows]))
    n = 0
    for rows, t, at, size in parts:
        for r, uv, lw in zip(rows, at, size, strict=True):
            row[n], template[n], seen_m[n] = r, t, seen[r]
            footprint[n] = [*rotated([uv], -yaw_rad[r])[0], *lw, yaw_rad[r]]
            n += 1
    return n


def group_points(labels, start, order):
    lists = [np.flatnonzero(labels == k) for k in range(len(start) - 1)]
    start[:] = np.cumsum([0, *map(len, lists)])
    order[:] = np.concatenate([*lists, np.empty(0, int)])
