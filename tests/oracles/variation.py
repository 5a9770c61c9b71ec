"""Slow twins of perception_label._core.variation: whole arrays in float64, nothing in turn."""

import numpy as np

EDGE = 2


def _moved(plane, dx, dy):
    """Return what stands dx to the right and dy below, inside an edge of two."""
    h, w = plane.shape[0] - 2 * EDGE, plane.shape[1] - 2 * EDGE
    return plane[EDGE + dy : EDGE + dy + h, EDGE + dx : EDGE + dx + w]


def _slopes(plane):
    return (
        (_moved(plane, 1, 0) - _moved(plane, -1, 0)) / 2,
        (_moved(plane, 0, 1) - _moved(plane, 0, -1)) / 2,
    )


def _stiffness(flow, alpha):
    padded = np.pad(flow[:2].astype(float), ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    return alpha / np.sqrt((across**2 + down**2).sum(axis=0) + 1e-6)


def _data(mean, difference, seen, delta, gamma, d):
    """Return the data terms' matrix and vector (2 x 2 and 2 planes) at a change d of the flow."""
    m, z = mean.astype(float), difference.astype(float)
    ix, iy = _slopes(m)
    ixx = (_moved(m, 2, 0) - 2 * _moved(m, 0, 0) + _moved(m, -2, 0)) / 4
    iyy = (_moved(m, 0, 2) - 2 * _moved(m, 0, 0) + _moved(m, 0, -2)) / 4
    ixy = (_moved(m, 1, 1) - _moved(m, -1, 1) - _moved(m, 1, -1) + _moved(m, -1, -1)) / 4
    ixz, iyz = _slopes(z)
    terms = [
        ([(ix, iy, _moved(z, 0, 0))], delta),
        ([(ixx, ixy, ixz), (ixy, iyy, iyz)], gamma),
    ]
    matrix, vector = np.zeros((2, 2, *seen.shape)), np.zeros((2, *seen.shape))
    for rows, weight in terms:
        scales = [1 / (a * a + b * b + 0.01) for a, b, _ in rows]
        residuals = [a * d[0] + b * d[1] + c for a, b, c in rows]
        squares = sum(s * r * r for s, r in zip(scales, residuals, strict=True))
        penalty = seen * weight / np.sqrt(squares + 1e-6)
        for (a, b, c), s in zip(rows, scales, strict=True):
            matrix += penalty * s * np.array([[a * a, a * b], [a * b, b * b]])
            vector += penalty * s * np.array([a * c, b * c])
    return matrix, vector


def _equations(mean, difference, seen, start, flow, alpha, delta, gamma):
    """Return the inverted matrix (3 planes), right side (2) and pulls of the neighbours (4)."""
    begin = start.astype(float)
    matrix, vector = _data(mean, difference, seen, delta, gamma, flow - begin)
    right_side = np.einsum("ij...,j...->i...", matrix, begin) - vector
    stiff = _stiffness(flow, alpha)
    pulls = np.zeros((4, *seen.shape))  # left, right, above, below
    pulls[0, :, 1:] = pulls[1, :, :-1] = (stiff[:, 1:] + stiff[:, :-1]) / 2
    pulls[2, 1:] = pulls[3, :-1] = (stiff[1:] + stiff[:-1]) / 2
    whole = matrix + np.eye(2)[..., None, None] * pulls.sum(axis=0)
    inverse = np.moveaxis(np.linalg.inv(np.moveaxis(whole, (0, 1), (2, 3))), (2, 3), (0, 1))
    return [inverse[0, 0], inverse[0, 1], inverse[1, 1], *right_side, *pulls]


def smooth(mean, difference, seen, start, weights, n_sweeps, stiffness, planes, dealt, flow):
    alpha, delta, gamma, omega = weights
    equations = _equations(mean, difference, seen, start, flow, alpha, delta, gamma)
    i11, i12, i22, b1, b2, *pulls = equations
    solved = flow.astype(float)
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]]
    for half in range(2 * n_sweeps):
        near = np.pad(solved, ((0, 0), (1, 1), (1, 1)))
        sides = near[:, 1:-1, :-2], near[:, 1:-1, 2:], near[:, :-2, 1:-1], near[:, 2:, 1:-1]
        pulled = sum(pull * side for pull, side in zip(pulls, sides, strict=True))
        r1, r2 = b1 + pulled[0], b2 + pulled[1]
        goal = np.stack([i11 * r1 + i12 * r2, i12 * r1 + i22 * r2])
        solved = np.where((x + y) % 2 == half % 2, solved + omega * (goal - solved), solved)
    flow[:] = solved
