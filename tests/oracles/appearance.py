"""Slow twins of perception_label._core.appearance, a sample or window at a time."""

import numpy as np


def _sample(image, x, y):
    height, width = image.shape
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, up = int(x), int(y)
    right, down = min(left + 1, width - 1), min(up + 1, height - 1)
    at = image.astype(float)
    top = at[up, left] + (x - left) * (at[up, right] - at[up, left])
    bottom = at[down, left] + (x - left) * (at[down, right] - at[down, left])
    return top + (y - up) * (bottom - top)


def describe(image, x_px, y_px, step_px, samples, sums, out):
    _, rows, columns = out.shape
    seen = np.array(
        [
            [_sample(image, x_px + step_px * i, y_px + step_px * j) for i in range(2 * columns + 2)]
            for j in range(2 * rows + 2)
        ]
    )
    cells = np.zeros((5, rows, columns))
    for y, x in np.ndindex(2 * rows, 2 * columns):
        gx = 0.5 * (seen[y + 1, x + 2] - seen[y + 1, x])
        gy = 0.5 * (seen[y + 2, x + 1] - seen[y, x + 1])
        for k, angle in enumerate((0, 90, 45, -45)):
            along = abs(gx * np.cos(np.radians(angle)) + gy * np.sin(np.radians(angle)))
            cells[k, y // 2, x // 2] += max(along - np.hypot(gx, gy) * np.sqrt(0.5), 0.0)
        cells[4, y // 2, x // 2] += 0.125 * seen[y + 1, x + 1]
    strength = cells[:4].sum(axis=0)
    for y, x in np.ndindex(rows, columns):
        around = strength[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        out[:4, y, x] = cells[:4, y, x] * 17.0 / (0.71 * around.mean() + 4.0)
    out[4] = cells[4]


def contrast(cells, height, width, sums, out):
    for y, x in np.ndindex(*out.shape):
        window = cells[:, y : y + height, x : x + width].astype(float)
        out[y, x] = ((window - window.mean(axis=(1, 2), keepdims=True)) ** 2).sum()


def likeness(cells, template, contrasts, out):
    _, height, width = template.shape
    for y, x in np.ndindex(*out.shape):
        window = cells[:, y : y + height, x : x + width].astype(float)
        out[y, x] = (window * template).sum() / np.sqrt(contrasts[y, x] + 1e-3)
