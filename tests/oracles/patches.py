"""Slow twins of perception_label._core.patches: one patch at a time, in float64."""

import numpy as np

SIDE = 8


def _patch(image, x, y):
    """Return 8 x 8 pixels at (x, y), linear between pixels, as far as the image reaches."""
    x = min(max(x, 0.0), np.float64(np.float32(image.shape[1] - SIDE) - np.float32(1.01)))
    y = min(max(y, 0.0), np.float64(np.float32(image.shape[0] - SIDE) - np.float32(1.01)))
    column, row = int(x), int(y)
    near = image[row : row + SIDE + 1, column : column + SIDE + 1].astype(float)
    across = near[:, :-1] + (x - column) * (near[:, 1:] - near[:, :-1])
    return across[:-1] + (y - row) * (across[1:] - across[:-1])


def _corners(n, size, stride):
    return [min(i * stride, size - SIDE) for i in range(n)]


def _learn(first, x, y):
    near = first[y - 1 : y + SIDE + 1, x - 1 : x + SIDE + 1].astype(float)
    gx = (near[1:-1, 2:] - near[1:-1, :-2]) / 2
    gy = (near[2:, 1:-1] - near[:-2, 1:-1]) / 2
    gx, gy = gx - gx.mean(), gy - gy.mean()
    tensor = [[(gx * gx).sum() + 8, (gx * gy).sum()], [(gx * gy).sum(), (gy * gy).sum() + 8]]
    return near[1:-1, 1:-1], gx, gy, np.linalg.inv(tensor)


def _error(second, template, at):
    d = _patch(second, *at) - template
    return d, ((d - d.mean()) ** 2).sum()


def _descend(second, learnt, at, n_steps):
    template, gx, gy, inverse = learnt
    best, least = at, None
    for _ in range(n_steps + 1):
        d, error = _error(second, template, at)
        if least is not None and error >= least:
            break
        best, least = at, error
        step = inverse @ [(gx * d).sum(), (gy * d).sum()]
        if step @ step < 1e-3:
            break
        at = at - step
    return best


def search(first, second, margin, stride, n_steps, n_passes, flow):
    rows, columns = flow.shape[:2]
    ys = _corners(rows, first.shape[0] - 2 * margin, stride)
    xs = _corners(columns, first.shape[1] - 2 * margin, stride)
    cells = [(i, j) for i in range(rows) for j in range(columns)]
    for p in range(n_passes):
        step = -1 if p % 2 == 0 else 1
        for i, j in cells[::-step]:
            corner = np.array([xs[j] + margin, ys[i] + margin])
            learnt = _learn(first, *corner)
            lent = [flow[i, j + step]] if 0 <= j + step < columns else []
            lent += [flow[i + step, j]] if 0 <= i + step < rows else []
            others = [s for s in lent if np.hypot(*(s - flow[i, j])) > 0.2]
            places = [corner + s.astype(float) for s in [flow[i, j], *others]]
            at = min(places, key=lambda place: _error(second, learnt[0], place)[1])
            found = _descend(second, learnt, at, n_steps)
            flow[i, j] = (found if np.hypot(*(found - at)) <= SIDE else at) - corner


def spread(first, second, margin, stride, flow, out):
    sums = np.zeros(out.shape)
    for i, y in enumerate(_corners(flow.shape[0], out.shape[1], stride)):
        for j, x in enumerate(_corners(flow.shape[1], out.shape[2], stride)):
            u, v = flow[i, j].astype(float)
            top, left = y + margin, x + margin
            d = _patch(second, left + u, top + v) - first[top : top + SIDE, left : left + SIDE]
            weight = 1 / np.maximum(np.abs(d - d.mean()), 1)
            sums[:, y : y + SIDE, x : x + SIDE] += np.stack([weight * u, weight * v, weight])
    out[:] = sums
    out[:2] = sums[:2] / sums[2]
