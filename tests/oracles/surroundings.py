"""Slow twins of the kernels over a sweep's surroundings: masks and Shapely, one at a time."""

import numpy as np
import shapely

from oracles.hypotheses import members, rotated

GROUND = 1
MOST_RAYS = 12


def fill_raster(xy_m, height_m, is_ground, half_m, cell_m, hit):
    for xy, z, ground in zip(xy_m, height_m, is_ground, strict=True):
        if not np.isfinite(xy).all():
            continue
        x, y = (int(np.floor((float(a) + half_m) / cell_m)) for a in xy)
        if not (0 <= x < len(hit) and 0 <= y < len(hit)):
            continue
        if ground:
            hit[x, y] = max(hit[x, y], GROUND)
        elif 0.2 < z < 4.5:
            hit[x, y] = max(hit[x, y], int(z * np.float32(40)))


def first_returns(xy_m, height_m, is_ground, out):
    bins = len(out)
    for (x, y), z, ground in zip(xy_m.astype(np.float64), height_m, is_ground, strict=True):
        if ground or not 0.3 <= z <= 1.7 or not np.isfinite([x, y]).all():
            continue
        k = int((np.arctan2(y, x) + np.pi) / (2 * np.pi) * bins) % bins
        out[k] = min(out[k], np.hypot(x, y))


def describe(xy_m, order, start, shape, owner, cuboids, seen_m, template, *around):
    max_points, hit, half_m, cell_m, first, _ray, out = around
    for m, k in enumerate(owner):
        step = max(1, (start[k + 1] - start[k]) // max_points)
        points = xy_m[members(order, start, k, max_points)]
        out[m, :21] = point_features(points, step, *cuboids[m])
        out[m, 21:29] = raster_features(hit, half_m, cell_m, *cuboids[m])
        out[m, 29:37] = ray_features(first, *cuboids[m])
        out[m, 37:] = [min(seen_m[m]), max(seen_m[m]), *shape[k, 3:], template[m]]


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


def raster_features(hit, half_m, cell_m, x, y, length, width, yaw):
    """Samples one and a half cells apart, in the cuboid's axes."""
    pace = 1.5 * cell_m
    n_u, n_v = (int((side / 2 + 0.4) / pace) + 1 for side in (length, width))
    inner, outer, high = [], [], 0
    for i in range(-n_u, n_u + 1):
        for j in range(-n_v, n_v + 1):
            u, v = i * pace, j * pace
            at = rotated([[u, v]], -yaw)[0] + [x, y]
            a, b = np.floor((at + half_m) / cell_m).astype(int)
            if not (0 <= a < len(hit) and 0 <= b < len(hit)):
                continue
            if abs(u) <= length / 2 - 0.3 and abs(v) <= width / 2 - 0.2:
                inner.append((a, b))
            elif abs(u) > length / 2 + 0.1 or abs(v) > width / 2 + 0.1:
                outer.append((a, b))
    inside = np.array([hit[cell] for cell in inner], dtype=int)
    around = np.array([hit[cell] for cell in outer], dtype=int)
    tops = inside[inside > GROUND]
    high = tops.max(initial=0) / 40
    return [
        share(inside == GROUND),
        share(inside > GROUND),
        share(around == GROUND),
        share(around > GROUND),
        high,
        (inside == GROUND).sum(),
        (around > GROUND).sum(),
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
