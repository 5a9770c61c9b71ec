"""One sweep, by the pieces of `register`."""

import numpy as np

from oracles import register


def place(pose, moves):
    """The poses that moves (M, 4) in a pose's own axes lead to."""
    c, s = np.cos(pose[3]), np.sin(pose[3])
    turn = np.eye(4)
    turn[:2, :2] = [[c, -s], [s, c]]
    return pose + moves @ turn.T


def loss(poses, weight, price):
    """Points that poses (M, 4) lose for being off the guess."""
    off = poses[:, [0, 1, 3]]
    squared = ((off @ weight) * off).sum(axis=1)
    return np.abs(off) @ price[:3] + price[3] * np.minimum(squared, price[4])


def starts(
    points_m, reach_m, turned, weight, price, search, half_m, side_m, model_m, nearest, out
):  # fmt: skip
    apart_m, near_m, spread_m, strange, tell = search
    rows = [np.linspace(-r, r, 2 * int(np.ceil(r / apart_m)) + 1) for r in reach_m]
    grid = np.array([[x, y, 0, t] for x in rows[0] for y in rows[1] for t in turned])
    every = 1 + int(len(points_m) / tell)
    found = np.empty(len(grid))
    register.likeness(
        points_m[::every], grid, model_m, nearest, side_m, half_m, spread_m, strange, found
    )
    found = every * found - loss(grid, weight, price)
    out[0] = 0
    for m in range(1, len(out)):
        out[m] = grid[int(np.argmax(found))]
        found[(np.abs(grid[:, :2] - out[m, :2]) < near_m).all(axis=1)] = -np.inf


def find(
    points_m, begun, weight, price, limits, radius_m, measures, steps, half_m, own_m, n_model,
    model_m, nearest, apart2, pose, curved,
):  # fmt: skip
    if len(points_m) < 5:
        return -1
    side_m, same_m, spread_m, strange, wide_m, apart_m = measures
    poses, found = begun.copy(), np.empty(len(begun))
    register.align(
        points_m, poses, model_m, nearest, side_m, half_m, radius_m, same_m, spread_m, strange,
        found,
    )  # fmt: skip
    found -= loss(poses, weight, price)
    best = int(np.argmax(found))
    if found[best] < limits[0] or abs(poses[best, 3]) > limits[1]:
        return -1
    pose[:] = poses[best]
    register.curvature(points_m, pose, model_m, nearest, side_m, half_m, wide_m, steps, curved)
    return register.grow(points_m, pose, own_m, apart_m, side_m, n_model, model_m, nearest, apart2)
