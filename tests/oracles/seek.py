"""One sweep, by the pieces of `register`."""

import numpy as np

from oracles import register


def place(pose, moves):
    """The poses that moves (M, 4) in a pose's own axes lead to."""
    c, s = np.cos(pose[3]), np.sin(pose[3])
    turn = np.eye(4)
    turn[:2, :2] = [[c, -s], [s, c]]
    return pose + moves @ turn.T


def _taken(points, starts, loss, limits, radius_m, measures, steps, half_m, own_m, shape, out):
    side_m, same_m, spread_m, strange, wide_m, apart_m = measures
    n_model, model_m, nearest, apart2 = shape
    poses, found = starts.copy(), np.empty(len(starts))
    register.align(
        points, poses, model_m, nearest, side_m, half_m, radius_m, same_m, spread_m, strange, found
    )
    found -= loss(poses)
    best = int(np.argmax(found))
    if found[best] < limits[0] or abs(poses[best, 3]) > limits[1]:
        return -1
    pose, curved = out
    pose[:] = poses[best]
    register.curvature(points, pose, model_m, nearest, side_m, half_m, wide_m, steps, curved)
    return register.grow(points, pose, own_m, apart_m, side_m, n_model, model_m, nearest, apart2)


def stroll(
    points_m, guess, around_m, starts, deviation, limits, radius_m, measures, steps, half_m, own_m,
    n_model, model_m, nearest, apart2, scratch, pose, curved,
):  # fmt: skip
    points = scratch[: register.crop(points_m, guess, around_m, scratch)]
    if len(points) < 5:
        return -1
    return _taken(
        points, starts, lambda p: np.abs(p[:, [0, 1, 3]]) @ deviation, limits, radius_m, measures,
        steps, half_m, own_m, (n_model, model_m, nearest, apart2), (pose, curved),
    )  # fmt: skip


def chase(
    points_m, guess, around_m, reach_m, turned, weight, search, limits, radius_m, measures, steps,
    half_m, own_m, n_model, model_m, nearest, apart2, scratch, pose, curved,
):  # fmt: skip
    points = scratch[: register.crop(points_m, guess, around_m, scratch)]
    if len(points) < 5:
        return -1
    apart_m, n_starts, near_m, spread_m, strange, cost, most, tell = search

    def loss(poses):
        off = poses[:, [0, 1, 3]]
        return cost * np.minimum(((off @ weight) * off).sum(axis=1), most)

    rows = [np.linspace(-r, r, 2 * int(np.ceil(r / apart_m)) + 1) for r in reach_m]
    grid = np.array([[x, y, 0, t] for x in rows[0] for y in rows[1] for t in turned])
    every = 1 + int(len(points) / tell)
    found = np.empty(len(grid))
    register.likeness(
        points[::every], grid, model_m, nearest, measures[0], half_m, spread_m, strange, found
    )
    found = every * found - loss(grid)
    starts = [np.zeros(4)]
    for _ in range(int(n_starts)):
        best = grid[int(np.argmax(found))]
        starts.append(best)
        found[(np.abs(grid[:, :2] - best[:2]) < near_m).all(axis=1)] = -np.inf
    return _taken(
        points, np.array(starts), loss, limits, radius_m, measures, steps, half_m, own_m,
        (n_model, model_m, nearest, apart2), (pose, curved),
    )  # fmt: skip
