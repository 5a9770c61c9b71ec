"""Slow twins of perception_label._core.variation: whole arrays in float64, nothing in turn."""

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


def linearise(first, second, margin, flow, mean, difference, seen):
    h, w = seen.shape
    y, x = np.mgrid[margin : margin + h, margin : margin + w].astype(float)
    x, y = x + flow[0], y + flow[1]
    right, bottom = second.shape[1] - 1 - margin, second.shape[0] - 1 - margin
    seen[:] = (x >= margin) & (y >= margin) & (x <= right) & (y <= bottom)
    moved = _sampled(second.astype(float), x, y)
    still = first[margin : margin + h, margin : margin + w]
    mean[:] = np.pad((moved + still) / 2, EDGE, mode="edge")
    difference[:] = np.pad(moved - still, EDGE, mode="edge")


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


def weigh(mean, difference, seen, start, flow, alpha, delta, gamma, scratch, planes):
    begin = start[:2].astype(float)
    matrix, vector = _data(mean, difference, seen, delta, gamma, flow[:2] - begin)
    right_side = np.einsum("ij...,j...->i...", matrix, begin) - vector
    stiff = _stiffness(flow, alpha)
    pulls = np.zeros((4, *seen.shape))  # left, right, above, below
    pulls[0, :, 1:] = pulls[1, :, :-1] = (stiff[:, 1:] + stiff[:, :-1]) / 2
    pulls[2, 1:] = pulls[3, :-1] = (stiff[1:] + stiff[:-1]) / 2
    whole = matrix + np.eye(2)[..., None, None] * pulls.sum(axis=0)
    inverse = np.moveaxis(np.linalg.inv(np.moveaxis(whole, (0, 1), (2, 3))), (2, 3), (0, 1))
    rows = np.stack([inverse[0, 0], inverse[0, 1], inverse[1, 1], *right_side, *pulls])
    for p, row in enumerate(rows):
        _deal(row, planes[:, :, p])


def _deal(plane, by_colour):
    for y, x in np.ndindex(plane.shape):
        by_colour[y, (x + y) % 2, x // 2 + 1] = plane[y, x]


def _gathered(by_colour, w):
    y, x = np.mgrid[: len(by_colour), :w]
    return by_colour[y, (x + y) % 2, x // 2 + 1].astype(float)


def deal(flow, dealt):
    for p in range(2):
        _deal(flow[p], dealt[:, :, p])


def gather(dealt, flow):
    for p in range(2):
        flow[p] = _gathered(dealt[:, :, p], flow.shape[2])


def relax(planes, omega, n_sweeps, dealt):
    w = 2 * (planes.shape[3] - 2)
    i11, i12, i22, b1, b2, *pulls = (_gathered(planes[:, :, p], w) for p in range(9))
    flow = np.stack([_gathered(dealt[:, :, p], w) for p in range(2)])
    y, x = np.mgrid[: len(planes), :w]
    for half in range(2 * n_sweeps):
        near = np.pad(flow, ((0, 0), (1, 1), (1, 1)))
        sides = near[:, 1:-1, :-2], near[:, 1:-1, 2:], near[:, :-2, 1:-1], near[:, 2:, 1:-1]
        pulled = sum(pull * side for pull, side in zip(pulls, sides, strict=True))
        r1, r2 = b1 + pulled[0], b2 + pulled[1]
        goal = np.stack([i11 * r1 + i12 * r2, i12 * r1 + i22 * r2])
        flow = np.where((x + y) % 2 == half % 2, flow + omega * (goal - flow), flow)
    deal(flow, dealt)


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
