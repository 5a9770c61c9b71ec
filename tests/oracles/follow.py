"""Slow twins of perception_label._core.follow: one point at a time, in float64."""

import numpy as np


def _window(image, x, y, n):
    """Return n x n pixels at (x, y), linear between pixels, borders repeated."""
    left, top = int(np.floor(x)), int(np.floor(y))
    rows = np.clip(np.arange(top, top + n + 1), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + n + 1), 0, image.shape[1] - 1)
    near = image[np.ix_(rows, columns)].astype(float)
    across = near[:, :-1] + (x - left) * (near[:, 1:] - near[:, :-1])
    return across[:-1] + (y - top) * (across[1:] - across[:-1])


def _learn(image, x, y, side):
    seen = _window(image, x - side // 2 - 1, y - side // 2 - 1, side + 2)
    template = seen[1:-1, 1:-1] - seen[1:-1, 1:-1].mean()
    slopes = [(seen[1:-1, 2:] - seen[1:-1, :-2]) / 2, (seen[2:, 1:-1] - seen[:-2, 1:-1]) / 2]
    contrast = (template**2).sum()
    if contrast == 0:
        return template, slopes, np.zeros((2, 2)), 0.0
    slopes = [g - g.mean() - template * (template * g).sum() / contrast for g in slopes]
    tensor = np.array([[(a * b).sum() for a in slopes] for b in slopes])
    return template, slopes, tensor, np.linalg.eigvalsh(tensor)[0] / side**2


def _move(image, learnt, at, side, n_steps, enough):
    template, slopes, tensor, _ = learnt
    place, reach = at.copy(), side // 2
    h, w = image.shape
    for _ in range(n_steps):
        seen = _window(image, place[0] - reach, place[1] - reach, side)
        gain = np.clip((seen * template).sum() / (template**2).sum(), 0.25, 4)
        step = np.linalg.solve(tensor, [(seen * g).sum() for g in slopes]) / gain
        place -= step
        far = np.abs(place - at).max() > side
        out = not (-reach <= place[0] < w + reach and -reach <= place[1] < h + reach)
        if far or out:
            return at
        if step @ step < enough**2:
            break
    return place


def follow(first, second, points, side, n_steps, enough, least_texture, places, texture):
    for i, (x, y) in enumerate(points.astype(float)):
        texture[i] = 0
        if not (np.abs([x, y, *places[i]]) < 1e6).all():
            continue
        learnt = _learn(first, x, y, side)
        texture[i] = learnt[3]
        if learnt[3] >= least_texture:
            places[i] = _move(second, learnt, places[i].astype(float), side, n_steps, enough)
