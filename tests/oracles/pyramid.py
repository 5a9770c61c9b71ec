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


def enlarge(flow, scratch, out):
    h, w = flow.shape[1:]
    rows = np.clip((np.arange(out.shape[1]) - 0.5) / 2, 0, h - 1)
    columns = np.clip((np.arange(out.shape[2]) - 0.5) / 2, 0, w - 1)
    for p in range(2):
        across = np.array([np.interp(columns, np.arange(w), row) for row in flow[p]])
        out[p] = 2 * np.array([np.interp(rows, np.arange(h), c) for c in across.T]).T


def enlarge_joined(flow, scratch, out):
    planes = np.empty((2, *out.shape[:2]))
    enlarge(flow, scratch, planes)
    out[:] = np.moveaxis(planes, 0, 2)


def join(flow, out):
    out[:] = np.moveaxis(flow[:2, : out.shape[0], : out.shape[1]], 0, 2)
