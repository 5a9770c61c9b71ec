"""Slow twins of the ground kernels: the same arithmetic, one point and one cell at a time."""

import itertools
import math

import numpy as np

FARTHEST_M = 1e9
THICKNESS_M, OVERHEAD_M, KERB_M, NOISE_M = 0.12, 0.3, 0.2, 0.03
F = np.float32  # where the kernel reckons in float32, whole numbers of rings depend on it


def turn(x, y):
    a = min(abs(x), abs(y)) / (max(abs(x), abs(y)) or F(1))
    s = a * a
    r = F(0.028670331) + s * (F(-0.013549338) + s * F(0.003316021))
    r = a * (F(0.159133616) + s * (F(-0.052568799) + s * r))
    r = F(0.25) - r if abs(y) > abs(x) else r
    r = F(0.5) - r if x < 0 else r
    return F(1) - r if y < 0 else r


def place_points(points_m, edges_m, ring_at, places, counts):
    n_sectors = F(counts.shape[1])
    counts[:] = 0
    for i, (x, y, z) in enumerate(points_m):
        places[i] = -1, 0
        if all(abs(v) <= FARTHEST_M for v in (x, y, z)):
            r = np.sqrt(x * x + y * y)
            k = ring_at[int(min(r * F(4), F(len(ring_at) - 1)))]
            part = (r - edges_m[k]) / (edges_m[k + 1] - edges_m[k])
            sector = turn(x, y) * n_sectors
            places[i] = k + max(min(part, F(0.999)), F(0)), sector if sector < n_sectors else 0
            counts[int(places[i, 0]), int(places[i, 1])] += 1


def heights_by_cell(points_m, places, ends, heights_m):
    for (_, _, z), (ring, sector) in zip(points_m, places, strict=True):
        if ring >= 0:
            heights_m[ends[int(ring), int(sector)]] = z
            ends[int(ring), int(sector)] += 1


def cells(heights_m, ends):
    parts = np.split(heights_m, ends.ravel())[:-1]
    return {divmod(i, ends.shape[1]): part.astype(float) for i, part in enumerate(parts)}


def second_lowest(heights_m, ends, low_m):
    seen = cells(heights_m, ends)
    for cell in np.ndindex(low_m.shape):
        low_m[cell] = sorted(seen[cell])[1] if len(seen[cell]) >= 3 else np.nan


def grow(*arguments):
    heights_m, ends, edges_m, seed, seed_radius_m, step_m, slope, *out = arguments
    ground_m, rise, gap_m, support = out
    seen = cells(heights_m, ends)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges_m)]
    for k, s in np.ndindex(ground_m.shape):
        if k and (k == len(ends) or not any(len(v) for c, v in seen.items() if c[0] >= k)):
            ground_m[k, s] = ground_m[k - 1, s]
            rise[k, s] = gap_m[k, s] = support[k, s] = 0
            continue
        step = middles[k] - middles[k - 1] if k else 0.0
        if middles[k] < seed_radius_m or k == 0:
            bearing = (s + 0.5) / ground_m.shape[1] * 6.283185307179586
            incline = seed[1] * math.cos(bearing) + seed[2] * math.sin(bearing)
            guess, gap = seed[0] + incline * middles[k], 0.0
            reach = step_m + 0.03 * middles[k]
        else:
            guess, incline, gap = predict(ground_m, rise, gap_m, k, s, step)
            reach = min(step_m + slope * (step + 0.5 * gap), 1.5)
        ground_m[k, s], rise[k, s], gap_m[k, s], support[k, s] = observe(
            seen[k, s], guess, reach, step, incline, gap
        )


def predict(ground_m, rise, gap_m, k, s, step):
    weights, values = [], []
    for d, share in ((-2, 0.25), (-1, 0.5), (0, 1.0), (1, 0.5), (2, 0.25)):
        q = (s + d) % ground_m.shape[1]
        weights.append(share / (gap_m[k - 1, q] + 0.5) ** 2)
        values.append((ground_m[k - 1, q] + rise[k - 1, q] * step, rise[k - 1, q], gap_m[k - 1, q]))
    return np.average(values, axis=0, weights=weights)


def observe(seen, guess, reach, step, incline, gap):
    level, n = level_of(seen, guess, reach)
    if n == 0:
        return guess, 0.9 * incline, gap + step, 0.0
    trust = n / (n + 2.0)
    ground = guess + (level - guess) * trust
    if step > 0:
        incline += 0.3 * trust * (ground - guess) / max(step, 1.0)
    return ground, min(max(incline, -0.25), 0.25), gap * (1 - trust), n


def level_of(seen, guess, reach):
    above = seen - (guess - reach)
    bins = np.minimum((above[(above >= 0) & (above < 2 * reach)] * (32 / (2 * reach))), 31)
    if not len(bins):
        return guess, 0
    level = guess - reach + (int(np.sort(bins)[len(bins) // 10]) + 0.5) / (32 / (2 * reach))
    above = seen - level + THICKNESS_M
    near = above[(above >= 0) & (above < 2 * THICKNESS_M)]
    overhead = (above >= 2 * THICKNESS_M) & (above < 2 * THICKNESS_M + OVERHEAD_M)
    if len(near):
        level += sum(int(v * 65536) for v in near) / (65536 * len(near)) - THICKNESS_M
    return level, 0 if level > guess and len(near) <= overhead.sum() else len(near)


def relax(support, n_rounds, ground_m):
    n_rings, n_sectors = ground_m.shape
    last = max(np.flatnonzero((support > 0).any(axis=1)), default=0)
    for _ in range(n_rounds):
        for k in range(1, min(last + 1, n_rings - 1)):
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


def height_above(ground_m, support, points_m, places, out_m):
    n_rings, n_sectors = ground_m.shape
    for i, (ring, sector) in enumerate(places.astype(float)):
        out_m[i] = np.nan
        if ring >= 0:
            k = min(int(max(ring - 0.5, 0)), n_rings - 2)
            s = math.floor(sector - 0.5)
            a, b = max(ring - 0.5, 0) - k, sector - 0.5 - s
            s, t = s % n_sectors, (s + 1) % n_sectors
            inner = ground_m[k, s] * (1 - b) + ground_m[k, t] * b
            outer = ground_m[k + 1, s] * (1 - b) + ground_m[k + 1, t] * b
            z = float(points_m[i, 2])
            out_m[i] = height = z - (inner * (1 - a) + outer * a)
            if NOISE_M < height < KERB_M:
                corners = [c for c in ((k, s), (k, t), (k + 1, s), (k + 1, t)) if support[c] > 4]
                out_m[i] = min([height, *(z - ground_m[c] for c in corners)], key=abs)


def count_offsets(height_m, places, counts):
    counts[:] = 0
    for height, (ring, _) in zip(height_m.astype(float), places, strict=True):
        if abs(height) * 200 < counts.shape[1]:
            counts[int(ring), int(abs(height) * 200)] += 1


def choose_ground(height_m, places, tolerance_m, depth_m, share, counts, is_ground):
    cell = [(int(ring), int(sector)) for ring, sector in places]
    tolerance = np.array([tolerance_m[max(k, 0)] for k, _ in cell])
    on = (height_m < tolerance) & (height_m > -tolerance - depth_m)
    over = (height_m >= tolerance) & (height_m < tolerance + OVERHEAD_M)
    for i in range(len(height_m)):
        mates = np.array([c == cell[i] for c in cell])
        is_ground[i] = on[i] and (on & mates).sum() > share * (over & mates).sum()
