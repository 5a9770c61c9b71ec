"""Slow twins of perception_label._core.warp: whole arrays in float64."""

import numpy as np

EDGE = 2


def _sampled(image, x, y):
    h, w = image.shape
    x, y = np.clip(x, 0, w - 2), np.clip(y, 0, h - 2)
    column, row = x.astype(int), y.astype(int)
    fx, fy = x - column, y - row
    upper = (1 - fx) * image[row, column] + fx * image[row, column + 1]
    lower = (1 - fx) * image[row + 1, column] + fx * image[row + 1, column + 1]
    return (1 - fy) * upper + fy * lower


def linearise(first, second, margin, flow, light, mean, difference, seen):
    h, w = seen.shape
    y, x = np.mgrid[margin : margin + h, margin : margin + w].astype(float)
    x, y = x + flow[0], y + flow[1]
    right, bottom = second.shape[1] - 1 - margin, second.shape[0] - 1 - margin
    seen[:] = (x >= margin) & (y >= margin) & (x <= right) & (y <= bottom)
    moved = light[0] * _sampled(second.astype(float), x, y) + light[1]
    still = first[margin : margin + h, margin : margin + w]
    mean[:] = np.pad((moved + still) / 2, EDGE, mode="edge")
    difference[:] = np.pad(moved - still, EDGE, mode="edge")
