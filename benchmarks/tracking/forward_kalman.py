"""The baseline: a forward Kalman filter and Hungarian assignment, from AB3DMOT's description.

Weng, Wang, Held, Kitani: "3D Multi-Object Tracking: A Baseline and New Evaluation Metrics"
(IROS 2020). State x, y, z, heading, l, w, h and the velocity of x, y, z, constant per sweep;
generalised 3-D IoU of at least -0.2 for cars; a track is shown from its third hit on and dies
after two sweeps unseen. It runs in the world frame, which stands for the ego motion the
authors compensate.
"""

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment

from perception_label.geometry.cuboids import Cuboids, wrap

MIN_HITS, MAX_AGE, MIN_GIOU = 3, 2, -0.2


class _Track:
    def __init__(self, row, box, number):
        self.mean = np.concatenate([box, np.zeros(3)])
        self.covariance = np.diag([10.0] * 7 + [10_000.0] * 3)
        self.number, self.row, self.hits, self.age = number, row, 1, 0

    def predict(self):
        step = np.eye(10)
        step[:3, 7:] = np.eye(3)
        self.mean = step @ self.mean
        self.covariance = step @ self.covariance @ step.T + np.diag([1.0] * 7 + [0.01] * 3)
        self.age += 1

    def update(self, row, box):
        box = box.copy()
        turn = wrap(box[3] - self.mean[3])
        if abs(turn) > np.pi / 2:  # the detector confused front and back
            turn = wrap(turn + np.pi)
        box[3] = self.mean[3] + turn
        gain = self.covariance[:, :7] @ np.linalg.inv(self.covariance[:7, :7] + np.eye(7))
        self.mean = self.mean + gain @ (box - self.mean[:7])
        self.covariance = self.covariance - gain @ self.covariance[:7]
        self.row, self.age, self.hits = row, 0, self.hits + 1


def track(sweeps, cuboids: Cuboids, n_sweeps: int):
    """Return what the tracker shows: sweep, id, last detection's row, (n, 7) boxes."""
    # x, y, z, heading, l, w, h, as the state has it.
    boxes = cuboids.packed()[:, [0, 1, 2, 6, 3, 4, 5]]
    alive, shown, born = [], [], 0
    for sweep in range(n_sweeps):
        rows = np.flatnonzero(sweeps == sweep)
        for one in alive:
            one.predict()
        ours, theirs = _matched(boxes[rows], np.array([t.mean[:7] for t in alive]).reshape(-1, 7))
        for i, j in zip(ours, theirs, strict=True):
            alive[j].update(rows[i], boxes[rows[i]])
        for i in np.setdiff1d(np.arange(len(rows)), ours):
            alive.append(_Track(rows[i], boxes[rows[i]], born))
            born += 1
        for one in alive:
            if one.age < MAX_AGE and (one.hits >= MIN_HITS or sweep < MIN_HITS):
                shown.append((sweep, one.number, one.row, *one.mean[[0, 1, 2, 4, 5, 6, 3]]))
        alive = [one for one in alive if one.age < MAX_AGE]
    table = np.array(shown).reshape(-1, 10)
    numbers = table[:, :3].astype(np.int64)
    return numbers[:, 0], numbers[:, 1], numbers[:, 2], Cuboids.unpack(table[:, 3:])


def _matched(found, predicted):
    if not len(found) or not len(predicted):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    value = _giou(found, predicted)
    i, j = linear_sum_assignment(value, maximize=True)
    good = value[i, j] >= MIN_GIOU
    return i[good], j[good]


def _giou(a, b):
    def polygons(boxes):
        order = boxes[:, [0, 1, 2, 4, 5, 6, 3]]
        return shapely.polygons(Cuboids.unpack(order).corners_m()[:, :4, :2])

    p, q = polygons(a)[:, None], polygons(b)[None]
    low = [x[:, 2] - x[:, 6] / 2 for x in (a, b)]
    high = [x[:, 2] + x[:, 6] / 2 for x in (a, b)]
    height = np.minimum(high[0][:, None], high[1]) - np.maximum(low[0][:, None], low[1])
    whole = np.maximum(high[0][:, None], high[1]) - np.minimum(low[0][:, None], low[1])
    shared = shapely.area(shapely.intersection(p, q)) * np.clip(height, 0, None)
    volumes = [x[:, 4] * x[:, 5] * x[:, 6] for x in (a, b)]
    joined = volumes[0][:, None] + volumes[1] - shared
    both = [np.broadcast_to(x, np.broadcast_shapes(p.shape, q.shape)) for x in (p, q)]
    hull = shapely.area(shapely.convex_hull(shapely.union(*both))) * whole
    return shared / joined - (hull - joined) / hull
