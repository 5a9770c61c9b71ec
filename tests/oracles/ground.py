"""Slow twins of the ground kernels: the same arithmetic, one point and one cell at a time."""

import math

import numpy as np

FARTHEST_M = 1e9
STEPS_PER_M = 4.0


def turn(x, y):
    if abs(x) + abs(y) == 0.0:
        return 0.0
    a = abs(y) / abs(x) if abs(x) > abs(y) else abs(x) / abs(y)
    s = a * a
    r = a * (0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351))))
    r *= 0.15915494309189535
    r = 0.25 - r if abs(y) > abs(x) else r
    r = 0.5 - r if x < 0 else r
    r = 1.0 - r if y < 0 else r
    return r if r < 1.0 else 0.0


def place(x, y, edges_m, ring_at, n_sectors):
    r = math.sqrt(x * x + y * y)
    step = min(int(r * STEPS_PER_M), len(ring_at) - 1)
    k = int(ring_at[step])
    part = (r - edges_m[k]) / (edges_m[k + 1] - edges_m[k])
    return k + min(max(part, 0.0), 0.999), turn(x, y) * n_sectors


def usable(values):
    return all(abs(v) <= FARTHEST_M for v in values)


def place_points(points_m, edges_m, ring_at, n_sectors, cells, starts):
    for i, point in enumerate(points_m):
        cells[i] = -1
        if usable(point):
            ring, sector = place(float(point[0]), float(point[1]), edges_m, ring_at, n_sectors)
            cells[i] = int(ring) * n_sectors + int(sector)
    for cell in range(len(starts)):
        starts[cell] = np.sum((cells >= 0) & (cells < cell))


def heights_by_cell(points_m, cells, starts, ends, heights_m):
    ends[:] = starts[1:]
    for cell in range(len(starts) - 1):
        heights_m[starts[cell] : starts[cell + 1]] = sorted(points_m[cells == cell, 2])


def grow(  # noqa: PLR0917
    heights_m, starts, edges_m, seed, seed_radius_m, step_m, slope, ground_m, rise, gap_m, support
):
    n_rings, n_sectors = ground_m.shape
    middles = [0.5 * (edges_m[k] + edges_m[k + 1]) for k in range(n_rings)]
    for k in range(n_rings):
        step = middles[k] - middles[k - 1] if k else 0.0
        for s in range(n_sectors):
            if middles[k] < seed_radius_m or k == 0:
                bearing = (s + 0.5) / n_sectors * 6.283185307179586
                incline = seed[1] * math.cos(bearing) + seed[2] * math.sin(bearing)
                guess, gap = seed[0] + incline * middles[k], 0.0
                reach = step_m + 0.03 * middles[k]
            else:
                guess, incline, gap = predict(ground_m, rise, gap_m, k, s, step)
                reach = min(step_m + slope * (step + 0.5 * gap), 1.5)
            cell = k * n_sectors + s
            seen = heights_m[starts[cell] : starts[cell + 1]].astype(float)
            ground_m[k, s], rise[k, s], gap_m[k, s], support[k, s] = observe(
                seen, guess, reach, step, incline, gap
            )


def predict(ground_m, rise, gap_m, k, s, step):
    weights, values = [], []
    for d, share in ((-2, 0.25), (-1, 0.5), (0, 1.0), (1, 0.5), (2, 0.25)):
        q = (s + d) % ground_m.shape[1]
        weights.append(share / (gap_m[k - 1, q] + 0.5) ** 2)
        values.append((ground_m[k - 1, q] + rise[k - 1, q] * step, rise[k - 1, q], gap_m[k - 1, q]))
    return np.average(values, axis=0, weights=weights)


def observe(seen, guess, reach, step, incline, gap):
    within = seen[(seen >= guess - reach) & (seen <= guess + reach)]
    if not len(within):
        return guess, 0.9 * incline, gap + step, 0.0
    near = within[np.abs(within - within[len(within) // 10]) < 0.12]
    trust = len(near) / (len(near) + 2.0)
    ground = guess + (near.mean() - guess) * trust
    if step > 0:
        incline += 0.3 * trust * (ground - guess) / max(step, 1.0)
    return ground, min(max(incline, -0.25), 0.25), gap * (1 - trust), len(near)


def relax(support, n_rounds, ground_m):
    n_rings, n_sectors = ground_m.shape
    for _ in range(n_rounds):
        for k in range(1, n_rings - 1):
            for s in range(n_sectors):
                if support[k, s] <= 8:
                    weight = support[k, s] / (support[k, s] + 1)
                    around = (
                        ground_m[k - 1, s]
                        + ground_m[k + 1, s]
                        + ground_m[k, (s + 1) % n_sectors]
                        + ground_m[k, s - 1]
                    )
                    ground_m[k, s] = weight * ground_m[k, s] + (1 - weight) * around / 4


def ground_below(ground_m, edges_m, ring_at, points_m, out_m):
    n_rings, n_sectors = ground_m.shape
    for i, (x, y) in enumerate(points_m[:, :2].astype(float)):
        if not usable((x, y)):
            out_m[i] = np.nan
            continue
        ring, sector = place(x, y, edges_m, ring_at, n_sectors)
        ring = max(ring - 0.5, 0.0)
        k = min(int(ring), n_rings - 2)
        s = math.floor(sector - 0.5)
        a, b = ring - k, sector - 0.5 - s
        s, t = s % n_sectors, (s + 1) % n_sectors
        inner = ground_m[k, s] * (1 - b) + ground_m[k, t] * b
        outer = ground_m[k + 1, s] * (1 - b) + ground_m[k + 1, t] * b
        out_m[i] = inner * (1 - a) + outer * a
