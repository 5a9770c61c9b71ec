"""Slow twins of the hypothesis kernels: masks and Shapely, one cluster or cuboid at a time."""

import numpy as np
import shapely

EDGES_M = [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2, 3.0, 5.0]
GROUND, OBJECT = 1, 2
MOST_RAYS = 12


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


def fill_raster(xy_m, height_m, is_ground, half_m, cell_m, kind, top):
    for xy, z, ground in zip(xy_m, height_m, is_ground, strict=True):
        if not np.isfinite(xy).all():
            continue
        x, y = (int(np.floor((float(a) + half_m) / cell_m)) for a in xy)
        if not (0 <= x < len(kind) and 0 <= y < len(kind)):
            continue
        if ground:
            kind[x, y] |= GROUND
        elif 0.2 < z < 4.5:
            kind[x, y] |= OBJECT
            top[x, y] = max(top[x, y], int(z * np.float32(40)))


def first_returns(xy_m, height_m, is_ground, out):
    bins = len(out)
    for (x, y), z, ground in zip(xy_m.astype(np.float64), height_m, is_ground, strict=True):
        if ground or not 0.3 <= z <= 1.7 or not np.isfinite([x, y]).all():
            continue
        k = int((np.arctan2(y, x) + np.pi) / (2 * np.pi) * bins) % bins
        out[k] = min(out[k], np.hypot(x, y))


def describe(xy_m, _height_m, order, start, owner, cuboids, max_points, *around):
    kind, top, half_m, cell_m, first, _ray, out = around
    for m, k in enumerate(owner):
        step = max(1, (start[k + 1] - start[k]) // max_points)
        points = xy_m[members(order, start, k, max_points)]
        out[m, :21] = point_features(points, step, *cuboids[m])
        out[m, 21:29] = raster_features(kind, top, half_m, cell_m, *cuboids[m])
        out[m, 29:37] = ray_features(first, *cuboids[m])


def share(mask):
    return np.mean(mask) if np.size(mask) else 0.0


def point_features(points, step, x, y, length, width, yaw):
    sensor = rotated([[-x, -y]], yaw)[0]
    side = np.where(sensor >= 0, 1, -1)
    half = np.array([length, width]) / 2
    uv = rotated(points - np.array([x, y]), yaw) * side
    depth = (half - np.abs(uv)).min(axis=1)
    inside = (depth >= -0.05).sum() * step
    range_m = np.hypot(x, y)
    low, high = uv.min(axis=0), uv.max(axis=0)
    filled = []
    for along, n in ((0, 8), (1, 5)):
        near = np.abs(half[1 - along] - uv[:, 1 - along]) < 0.35
        part = np.floor((uv[near, along] / (2 * half[along]) + 0.5) * n)
        filled.append(len(set(part[(part >= 0) & (part < n)])) / n)
    return [
        np.log1p(inside),
        np.log1p(inside * range_m**2 / 1000),
        range_m,
        length,
        width,
        share((depth > -0.1) & (depth < 0.2)),
        share((depth > -0.1) & (depth < 0.1)),
        share(depth < -0.05),
        *(half - high),
        *(low + half),
        *(high - low),
        np.arctan2(*np.abs(sensor[::-1])),
        *uv.std(axis=0),
        *(uv.mean(axis=0) / (2 * half)),
        *filled,
    ]


def raster_features(kind, top, half_m, cell_m, x, y, length, width, yaw):
    """Samples one and a half cells apart, in the cuboid's axes."""
    pace = 1.5 * cell_m
    n_u, n_v = (int((side / 2 + 0.4) / pace) + 1 for side in (length, width))
    inner, outer, high = [], [], 0
    for i in range(-n_u, n_u + 1):
        for j in range(-n_v, n_v + 1):
            u, v = i * pace, j * pace
            at = rotated([[u, v]], -yaw)[0] + [x, y]
            a, b = np.floor((at + half_m) / cell_m).astype(int)
            if not (0 <= a < len(kind) and 0 <= b < len(kind)):
                continue
            if abs(u) <= length / 2 - 0.3 and abs(v) <= width / 2 - 0.2:
                inner.append((a, b))
            elif abs(u) > length / 2 + 0.1 or abs(v) > width / 2 + 0.1:
                outer.append((a, b))
    inside = np.array([kind[cell] for cell in inner], dtype=int)
    around = np.array([kind[cell] for cell in outer], dtype=int)
    tops = np.array([top[cell] for cell in inner if kind[cell] & OBJECT], dtype=int)
    high = tops.max(initial=0) / 40
    return [
        share(inside == GROUND),
        share(inside & OBJECT > 0),
        share(around == GROUND),
        share(around & OBJECT > 0),
        high,
        (inside == GROUND).sum(),
        (around & OBJECT > 0).sum(),
        share(tops > 40),
    ]


def ray_features(first, x, y, length, width, yaw):
    cx, cy = rotated([[x, y]], yaw)[0]
    if abs(cx) < length / 2 and abs(cy) < width / 2:
        return np.zeros(8)
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [length / 2, width / 2]
    corners = rotated(corners, -yaw) + np.array([x, y])
    bearing = np.arctan2(y, x)
    turn = np.arctan2(corners[:, 1], corners[:, 0]) - bearing
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    bins = len(first)
    middles = (np.arange(-bins, 2 * bins) + 0.5) / bins * 2 * np.pi - np.pi
    towards = np.flatnonzero((middles - bearing >= turn.min()) & (middles - bearing <= turn.max()))
    met, gaps = [], []
    for k in towards[:: 1 + (len(towards) - 1) // MOST_RAYS] if len(towards) else []:
        beam = shapely.LineString(
            [(0, 0), 1e4 * np.array([np.cos(middles[k]), np.sin(middles[k])])]
        )
        crossed = shapely.get_coordinates(shapely.intersection(beam, shapely.Polygon(corners)))
        along = np.hypot(*crossed.T)
        if len(along) == 0 or np.ptp(along) <= 0.1:
            continue
        met.append(meeting(first[k % bins], along.min(), along.max()))
        if met[-1] == "hit":
            gaps.append(max(float(first[k % bins]) - along.min(), 0.0))
    counts = [met.count(what) for what in ("hit", "through", "hidden", "lost")]
    n = max(len(met), 1)
    return [
        *(count / n for count in counts),
        np.mean(gaps) if gaps else 0.0,
        max(gaps, default=0.0),
        sum(gap < 0.25 for gap in gaps) / n,
        len(towards),
    ]


def meeting(range_m, enters_m, leaves_m):
    if range_m > 1e8:
        return "lost"
    if range_m < enters_m - 0.3:
        return "hidden"
    if range_m <= leaves_m:
        return "hit"
    return "through" if range_m > leaves_m + 0.3 else "just behind"


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
            fits &= (seen.max(axis=1) >= 3) | (seen.min(axis=1) >= shortest) | (shortest == 0)
            fits &= (length < 6) | (highest_m > 1.4)
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


def choose_points(points_m, height_m, lowest_m, highest_m, reach_m, is_ground, rows):
    is_ground[:] = (height_m < 0.15) & (height_m > -0.4)
    inside = np.hypot(*points_m[:, :2].astype(np.float64).T) < reach_m
    found = np.flatnonzero((height_m > lowest_m) & (height_m < highest_m) & inside)
    rows[: len(found)] = found
    return len(found)
