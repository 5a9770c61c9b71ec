"""Sweep by sweep, by the pieces of `register`."""

import numpy as np

from oracles import register
from oracles.seek import place


def grow_each(
    points_m, ends, order, poses, half_m, apart_m, side_m, n_model, model_m, nearest, apart2
):
    for i in order:
        own = points_m[ends[i, 0] : ends[i, 1]]
        n_model = register.grow(
            own, poses[i], half_m, apart_m, side_m, n_model, model_m, nearest, apart2
        )
    return n_model


def align_each(
    points_m, ends, poses, spreads_m, starts, before, limits, radius_m, measures, steps, half_m,
    model_m, nearest, found, curved,
):  # fmt: skip
    side_m, same_m, spread_m, strange, wide_m, _ = measures
    for i, (first, last) in enumerate(ends):
        found[i] = -1e9
        own = points_m[first:last]
        if len(own) < 5:
            continue
        moves = np.zeros((starts[i], 4))
        moves[1:, 0] = [spreads_m[i], -spreads_m[i]][: starts[i] - 1]
        tried, alike = place(poses[i], moves), np.empty(starts[i])
        radii = radius_m if starts[i] > 1 else radius_m[len(radius_m) // 2 :]
        register.align(
            own, tried, model_m, nearest, side_m, half_m, radii, same_m, spread_m, strange, alike
        )
        c, s = np.cos(poses[i, 3]), np.sin(poses[i, 3])
        off = tried - poses[i]
        alike -= 2 * np.abs(c * off[:, 0] + s * off[:, 1]) / spreads_m[i]
        alike -= limits[2] * np.abs(c * off[:, 1] - s * off[:, 0]) + limits[3] * np.abs(off[:, 3])
        best = int(np.argmax(alike))
        if alike[best] < limits[0] or abs(off[best, 3]) > limits[1]:
            continue
        found[i], poses[i] = alike[best], tried[best]
        gap = np.abs(poses[i] - before[i])[[0, 1, 3]] / (1, 1, 0.2)
        if not (gap < limits[4]).all():
            register.curvature(
                own, poses[i], model_m, nearest, side_m, half_m, wide_m, steps, curved[i]
            )
