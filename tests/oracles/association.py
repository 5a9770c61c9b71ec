"""Slow twins of perception_label._core.association: SciPy's assignment, matrix Kalman filters."""

import numpy as np
from scipy.optimize import linear_sum_assignment

GATE, GATE_M, MAX_GAP_NS, NOISE_M, ACCELERATION, SPEED_ALONG, SPEED_ACROSS, MAX_SPEED = range(8)
ELONGATED, HEIGHT_M, LOG_SIZE, TURN_RAD = 1.5, 0.6, 0.5, 0.6


def assign(rows, columns, gains, n_rows, n_columns, out):
    out[:] = -1
    table = np.zeros((n_rows, n_columns))
    table[rows, columns] = gains
    for i, j in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        if table[i, j] > 0:
            out[i] = j


def _unlike(a, b):
    total = ((a[2] - b[2]) / HEIGHT_M) ** 2
    if (a[3:6] > 0).all() and (b[3:6] > 0).all():
        total += (np.log(a[3:6] / b[3:6]) ** 2).sum() / LOG_SIZE**2
    if a[3] > ELONGATED * a[4] and b[3] > ELONGATED * b[4]:
        turn = abs((a[6] - b[6] + np.pi / 2) % np.pi - np.pi / 2)
        total += min(turn / TURN_RAD, 2.0) ** 2
    return total


class _Track:
    def __init__(self, row, box, now, settings):
        along = settings[SPEED_ALONG] if box[3] > ELONGATED * box[4] else settings[SPEED_ACROSS]
        c, s = np.cos(box[6]), np.sin(box[6])
        turn = np.array([[c, -s], [s, c]])
        self.mean = np.array([box[0], box[1], 0, 0])
        self.covariance = np.zeros((4, 4))
        self.covariance[:2, :2] = settings[NOISE_M] ** 2 * np.eye(2)
        self.covariance[2:, 2:] = turn @ np.diag([along**2, settings[SPEED_ACROSS] ** 2]) @ turn.T
        self.row, self.seen, self.hits = row, now, 1

    def predicted(self, now, settings):
        dt = abs(now - self.seen) * 1e-9
        step = np.eye(4)
        step[:2, 2:] = dt * np.eye(2)
        push = np.vstack([dt**2 / 2 * np.eye(2), dt * np.eye(2)]) * settings[ACCELERATION]
        return step @ self.mean, step @ self.covariance @ step.T + push @ push.T

    def corrected(self, row, box, now, settings):
        mean, covariance = self.predicted(now, settings)
        noise = settings[NOISE_M] ** 2 * np.eye(2)
        gain = covariance[:, :2] @ np.linalg.inv(covariance[:2, :2] + noise)
        self.mean = mean + gain @ (box[:2] - mean[:2])
        self.covariance = covariance - gain @ covariance[:2]
        self.row, self.seen, self.hits = row, now, self.hits + 1

    def gain(self, box, last, now, settings):
        mean, covariance = self.predicted(now, settings)
        reach = settings[GATE_M]
        if self.hits == 1:
            reach += settings[MAX_SPEED] * abs(now - self.seen) * 1e-9
        off = box[:2] - mean[:2]
        noise = settings[NOISE_M] ** 2
        spread = covariance[:2, :2] + noise * np.eye(2)
        gate = settings[GATE] ** 2
        cost = off @ np.linalg.solve(spread, off) + _unlike(last, box)
        if np.hypot(*off) > reach or cost >= gate:
            return 0.0
        return 2 * gate - cost - min(np.log(np.linalg.det(spread) / (4 * noise * noise)), gate)


def link(times_ns, starts, boxes, groups, is_weak, settings, n_slots, out):
    out[:] = -1
    alive = []
    for sweep, now in enumerate(times_ns.tolist()):
        alive = [t for t in alive if abs(now - t.seen) <= settings[MAX_GAP_NS]]
        rows = np.arange(starts[sweep], starts[sweep + 1])
        for weak in (False, True):
            some = [r for r in rows if is_weak[r] == weak]
            free = [t for t in alive if t.seen != now]
            table = np.zeros((len(free), len(some)))
            for i, t in enumerate(free):
                for j, r in enumerate(some):
                    if groups[r] == groups[t.row]:
                        table[i, j] = t.gain(boxes[r], boxes[t.row], now, settings)
            for i, j in zip(*linear_sum_assignment(table, maximize=True), strict=True):
                if table[i, j] > 0:
                    out[some[j]] = free[i].row
                    free[i].corrected(some[j], boxes[some[j]], now, settings)
        alive += [_Track(r, boxes[r], now, settings) for r in rows if out[r] < 0 and not is_weak[r]]


def unlike(a, b, out):
    out[:] = [_unlike(x, y) for x, y in zip(a, b, strict=True)]
