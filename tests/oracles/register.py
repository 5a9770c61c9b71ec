"""Registration, one point at a time, in plain NumPy."""

import numpy as np

CELLS = 5  # how far a point of the shape is known, in any way


def in_axes(points, pose):
    """The points in the axes of a pose (x, y, z, yaw)."""
    p = np.asarray(points, dtype=np.float64) - np.asarray(pose)[:3]
    c, s = np.cos(pose[3]), np.sin(pose[3])
    return np.column_stack([c * p[:, 0] + s * p[:, 1], c * p[:, 1] - s * p[:, 0], p[:, 2]])


def crop(points_m, pose, half_m, out):
    local = in_axes(points_m, pose)
    local = local[(np.abs(local) <= half_m).all(axis=1)]
    step = -(-len(local) // len(out)) if len(local) > len(out) else 1
    chosen = local[::step]
    out[: len(chosen)] = chosen
    return len(chosen)


def _cell(p, side_m, shape):
    cell = np.floor(np.asarray(p, dtype=np.float64) / side_m).astype(int) + np.array(shape) // 2
    return tuple(cell) if ((cell >= 0) & (cell < shape)).all() else None


def grow(points_m, move, half_m, apart_m, side_m, n_model, model_m, nearest, apart2):
    n = n_model
    for p in in_axes(points_m, move):
        if n == len(model_m):
            break
        cell = _cell(p, side_m, nearest.shape)
        if (np.abs(p) > half_m).any() or cell is None:
            continue
        old = nearest[cell]
        if old >= 0 and np.linalg.norm(model_m[old] - p) < apart_m:
            continue
        model_m[n] = p
        ranges = [
            range(max(0, c - CELLS), min(m, c + CELLS + 1))
            for c, m in zip(cell, nearest.shape, strict=True)
        ]
        for a in ranges[0]:
            for b in ranges[1]:
                for d in ranges[2]:
                    middle = (np.array([a, b, d]) - np.array(nearest.shape) // 2 + 0.5) * side_m
                    new = ((p - middle) ** 2).sum()
                    if apart2[a, b, d] > new:
                        apart2[a, b, d] = new
                        nearest[a, b, d] = n
        n += 1
    return n


def _pairs(points_m, pose, model_m, nearest, side_m, half_m):
    """The points inside the box, and the shape's neighbour of each or None."""
    for p in in_axes(points_m, pose):
        if (np.abs(p) > half_m).any():
            continue
        cell = _cell(p, side_m, nearest.shape)
        k = -1 if cell is None else nearest[cell]
        yield p, (model_m[k].astype(np.float64) if k >= 0 else None)


def likeness(points_m, poses, model_m, nearest, side_m, half_m, spread_m, strange, out):
    for m, pose in enumerate(poses):
        total = 0.0
        for p, q in _pairs(points_m, pose, model_m, nearest, side_m, half_m):
            if q is None:
                total -= strange
                continue
            d = np.linalg.norm(p - q)
            total += np.exp(-((d / spread_m) ** 2))
            if d > 2 * spread_m:
                total -= strange
        out[m] = total


def _step(points_m, pose, model_m, nearest, side_m, half_m, radius):
    """One step of alignment, in place; False with fewer than 5 neighbours."""
    pairs = _pairs(points_m, pose, model_m, nearest, side_m, half_m)
    known = [(p, q) for p, q in pairs if q is not None]
    if len(known) < 5:
        return False
    a, b = (np.array(x) for x in zip(*known, strict=True))
    weight = (1 + ((a - b) ** 2).sum(axis=1) / radius**2) ** -2.0
    share = weight / weight.sum()
    middle_a, middle_b = share @ a[:, :2], share @ b[:, :2]
    u, v = a[:, :2] - middle_a, b[:, :2] - middle_b
    along = (weight * (u * v).sum(axis=1)).sum()
    across = (weight * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])).sum()
    turn = across / np.hypot(along, across) if along > 0 else 0.0
    turn = np.clip(turn, -0.1, 0.1)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    move = rotate.T @ (middle_b - rotate @ middle_a)
    c, s = np.cos(pose[3]), np.sin(pose[3])
    pose[:2] -= np.array([[c, -s], [s, c]]) @ move
    pose[3] -= turn
    return True


def align(
    points_m, poses, model_m, nearest, side_m, half_m, radius_m, same_m, spread_m, strange, out
):
    leads = list(range(len(poses)))
    for radius in radius_m:
        for m in range(len(poses)):
            if leads[m] == m and not _step(
                points_m, poses[m], model_m, nearest, side_m, half_m, radius
            ):
                leads[m] = None
        for m in range(1, len(poses)):
            for k in range(m):
                gap = np.abs(poses[m] - poses[k])[[0, 1, 3]] / (1, 1, 0.2)
                if leads[m] == m and leads[k] == k and (gap < same_m).all():
                    leads[m] = k
    for m in range(len(poses)):
        k = m
        while k is not None and leads[k] != k:
            k = leads[k]
        if k is None:
            out[m] = -1e9
            continue
        poses[m, [0, 1, 3]] = poses[k, [0, 1, 3]]
        likeness(
            points_m, poses[m : m + 1], model_m, nearest, side_m, half_m, spread_m, strange,
            out[m : m + 1],
        )  # fmt: skip


def curvature(points_m, pose, model_m, nearest, side_m, half_m, spread_m, steps, out):
    def at(offset):
        c, s = np.cos(pose[3]), np.sin(pose[3])
        moved = np.array(pose, dtype=np.float64)
        moved[0] += c * offset[0] - s * offset[1]
        moved[1] += s * offset[0] + c * offset[1]
        moved[3] += offset[2]
        found = np.empty(1)
        likeness(points_m, moved[None], model_m, nearest, side_m, half_m, spread_m, 0.0, found)
        return found[0]

    unit = np.eye(3) * steps
    middle = at(np.zeros(3))
    for i in range(3):
        out[i, i] = (2 * middle - at(unit[i]) - at(-unit[i])) / steps[i] ** 2
    for i in range(3):
        for j in range(i + 1, 3):
            both = 2 * middle - at(unit[i] + unit[j]) - at(-unit[i] - unit[j])
            both -= steps[i] ** 2 * out[i, i] + steps[j] ** 2 * out[j, j]
            out[i, j] = out[j, i] = both / (2 * steps[i] * steps[j])
