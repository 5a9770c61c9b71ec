"""Slow twins of perception_label._core.pyramid."""

import numpy as np


def halve(image, out):
    h, w = image.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            rows, columns = (2 * y, min(2 * y + 1, h - 1)), (2 * x, min(2 * x + 1, w - 1))
            total = sum(int(image[r, c]) for r in rows for c in columns)
            out[y, x] = (total + 2) // 4


def widen(image, margin, out):
    below = out.shape[0] - image.shape[0] - margin
    right = out.shape[1] - image.shape[1] - margin
    out[:] = np.pad(image, ((margin, below), (margin, right)), mode="edge")
