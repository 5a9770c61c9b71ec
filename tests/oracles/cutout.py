"""Slow twins of `_core.cutout`: pixel by pixel, or by whole arrays."""

import numpy as np


def describe(rgb, scratch, out):
    wide = np.pad(rgb.astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    tall = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    blurred = (tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) / 16
    light = blurred @ [0.299, 0.587, 0.114]
    blue = 128 + 0.846 * (blurred[..., 2] - light)
    red = 128 + 1.07 * (blurred[..., 0] - light)
    out[:] = np.floor(np.clip(np.stack([light, blue, red], axis=-1), 0, 255) + 0.5)


def squared_distances(mask, value, lines, at, out):
    rows, columns = np.nonzero(mask == value)
    y, x = np.indices(mask.shape)
    out[:] = 1e10
    for r, c in zip(rows, columns, strict=True):
        np.minimum(out, (y - r) ** 2 + (x - c) ** 2, out=out)


def at(values, x, y):
    """One bilinear value; the border's outside."""
    h, w = values.shape[:2]
    x, y = min(max(x, 0), w - 1), min(max(y, 0), h - 1)
    j, i = int(x), int(y)
    u, v = x - j, y - i
    j1, i1 = min(j + 1, w - 1), min(i + 1, h - 1)
    return (
        (1 - v) * ((1 - u) * values[i, j] + u * values[i, j1])
        + v * ((1 - u) * values[i1, j] + u * values[i1, j1])
    )  # fmt: skip


def trace(y0, x0, matrix, grid_y0, grid_x0, spacing, grid, out):
    for i, j in np.ndindex(*out.shape[:2]):
        x, y = x0 + j, y0 + i
        shift = at(grid.astype(float), (x - grid_x0) / spacing, (y - grid_y0) / spacing)
        out[i, j] = np.clip(matrix @ [x, y, 1] + shift, -1e6, 1e6)


def sample(values, where, out):
    for i, j in np.ndindex(*where.shape[:2]):
        out[i, j] = at(values.astype(float), *where[i, j].tolist())


def differ(here, y0, x0, there, where, out):
    h, w = there.shape[:2]
    for i, j in np.ndindex(*out.shape):
        x, y = where[i, j].tolist()
        if -0.5 <= x <= w - 0.5 and -0.5 <= y <= h - 0.5:
            out[i, j] = np.linalg.norm(at(there.astype(float), x, y) - here[y0 + i, x0 + j])
        else:
            out[i, j] = -1


def vote(*args):
    here, y0, x0, active, there, label_y0, label_x0, labels, where, offsets, likeness, out = args
    h, w = labels.shape
    for i, j in np.argwhere(active):
        for dx, dy, weight in offsets:
            x = int(np.floor(where[i, j, 0] - label_x0 + np.float32(1024.5) + dx)) - 1024
            y = int(np.floor(where[i, j, 1] - label_y0 + np.float32(1024.5) + dy)) - 1024
            if not (0 <= x < w and 0 <= y < h) or labels[y, x] > 1:
                continue
            d = here[y0 + i, x0 + j].astype(int) - there[label_y0 + y, label_x0 + x]
            out[i, j, labels[y, x]] += weight * likeness[(d @ d) // 64]


def cut(cost, edges, n_rounds, scratch, inside):
    step = 0.35
    across, along = np.zeros((2, *inside.shape))
    ahead = inside.astype(float)
    now = inside.astype(float)
    for _ in range(n_rounds):
        a, b = across[:-1, :-1], along[:-1, :-1]
        a += step * (ahead[:-1, 1:] - ahead[:-1, :-1])
        b += step * (ahead[1:, :-1] - ahead[:-1, :-1])
        np.clip(a, -edges[0, :-1, :-1], edges[0, :-1, :-1], out=a)
        np.clip(b, -edges[1, :-1, :-1], edges[1, :-1, :-1], out=b)
        inner = (slice(1, -1), slice(1, -1))
        flow = across[inner] - across[1:-1, :-2] + along[inner] - along[:-2, 1:-1]
        new = np.clip(now[inner] + step * (flow - cost[inner]), 0, 1)
        ahead[inner] = 2 * new - now[inner]
        now[inner] = new
    inside[:] = now
