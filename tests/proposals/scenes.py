"""What tests of proposals look at: sides of boxes as a sensor at the origin sees them."""

import numpy as np

from perception_label.proposals.clusters import list_clusters


def sides(x, y, length, width, yaw, height=1.5, step=0.1):
    """Points on the two near sides of an upright box, up to its height above ground."""
    c, s = np.cos(yaw), np.sin(yaw)
    u = np.linspace(-0.5, 0.5, max(2, round(length / step))) * length
    v = np.linspace(-0.5, 0.5, max(2, round(width / step))) * width
    near_u = -np.sign(c * x + s * y) * length / 2
    near_v = -np.sign(c * y - s * x) * width / 2
    flat = np.concatenate(
        [
            np.column_stack([np.full(len(v), near_u), v]),
            np.column_stack([u, np.full(len(u), near_v)]),
        ]
    )
    rise = np.linspace(0.25, height, 6)
    flat, z = np.tile(flat, (6, 1)), np.repeat(rise, len(flat))
    return np.column_stack([flat @ np.array([[c, s], [-s, c]]) + np.array([x, y]), z])


def listed(parts):
    """Clusters of the given points; heights above ground are their z."""
    points = np.concatenate(parts).astype(np.float32)
    labels = np.repeat(np.arange(len(parts)), [len(p) for p in parts]).astype(np.int32)
    return list_clusters(points, points[:, 2], [labels])


def clumps(seed, n=300, n_clusters=4):
    """Points around the sensor, their heights, and clusters of them; some share points."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-12, 12, (n_clusters, 2))
    which = rng.integers(0, n_clusters, n)
    xy = (middle[which] + rng.uniform(-2, 2, (n, 2)) * rng.uniform(0.1, 1, (n, 1))).astype("f4")
    height = rng.uniform(-0.5, 5.5, n).astype(np.float32)
    parts = [np.flatnonzero(which == k) for k in range(n_clusters)]
    parts.append(rng.permutation(n)[: rng.integers(1, n + 1)])
    parts = [part for part in parts if len(part)]
    start = np.cumsum([0, *map(len, parts)])
    return rng, xy, height, np.concatenate(parts).astype(np.int64), start.astype(np.int64)


def both(sides, name, n_out, dtype, *inputs):
    """What a kernel and its twin write."""
    results = []
    for side in sides:
        out = np.zeros(n_out, dtype)
        getattr(side, name)(*inputs, out)
        results.append(out)
    return results
