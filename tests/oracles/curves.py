"""Slow twins of perception_label._core.curves: SciPy's interpolators, quadrature, root finding."""

import numpy as np
from scipy.integrate import quad
from scipy.interpolate import Akima1DInterpolator, CubicHermiteSpline
from scipy.optimize import brentq

AXLE_SHARE, LEAST_STEP_M, LEAST_ALIGNED_RAD = 0.28, 1.0, np.pi / 3


def _seconds(times_ns, zero):
    return (times_ns - zero) * 1e-9


def linear(times_ns, values, at_ns, out):
    t, at = _seconds(times_ns, times_ns[0]), _seconds(at_ns, times_ns[0])
    for d in range(values.shape[1]):
        out[:, d] = np.interp(at, t, values[:, d])


def makima(times_ns, values, at_ns, out):
    linear(times_ns, values, at_ns, out)
    if len(times_ns) < 3:
        return
    t, at = _seconds(times_ns, times_ns[0]), _seconds(at_ns, times_ns[0])
    within = (at > t[0]) & (at < t[-1])
    if within.any():
        out[within] = Akima1DInterpolator(t, values, method="makima")(at[within])


def _turned(angle):
    return np.array([np.cos(angle), np.sin(angle)])


def _wrapped(angle):
    return np.angle(np.exp(1j * angle))


def _limited(steps, times_s):
    """Slopes of a monotone cubic through the way: three-point slopes, limited."""
    n = len(times_s)
    h = np.diff(times_s)
    slopes = np.zeros(n)
    for k in range(n):
        before, after = steps[max(k - 1, 0)], steps[min(k, n - 2)]
        if n == 2:
            slope = steps[0]
        elif k == 0:
            slope = steps[0] + (steps[0] - steps[1]) * h[0] / (h[0] + h[1])
        elif k == n - 1:
            slope = steps[-1] + (steps[-1] - steps[-2]) * h[-1] / (h[-1] + h[-2])
        else:
            slope = (h[k] * before + h[k - 1] * after) / (h[k] + h[k - 1])
        if before * after > 0:
            most = 3 * min(abs(before), abs(after))
            sign = np.sign(before)
            slopes[k] = sign * np.clip(sign * slope, 0, most)
    return slopes


def _courses(axle, yaw):
    """Side (1, -1, 0) of each step, and the course at each key."""
    n = len(yaw)
    side, slip = np.zeros(n - 1), [[] for _ in range(n)]
    for k in range(n - 1):
        d = axle[k + 1] - axle[k]
        toward = np.arctan2(d[1], d[0])
        off = [abs(_wrapped(toward - yaw[j])) for j in (k, k + 1)]
        if np.hypot(*d) < LEAST_STEP_M:
            continue
        if max(off) <= LEAST_ALIGNED_RAD:
            side[k] = 1
        elif min(off) >= np.pi - LEAST_ALIGNED_RAD:
            side[k] = -1
        mean = yaw[k : k + 2].mean() + (np.pi if side[k] < 0 else 0)
        for j in (k, k + 1):
            slip[j] += [_wrapped(toward - mean)] if side[k] else []
    return side, np.array([yaw[k] + (np.mean(slip[k]) if slip[k] else 0) for k in range(n)])


class _Way:
    """A cubic between two keys that leaves and arrives along their courses."""

    def __init__(self, ends, courses, side):
        chord = np.hypot(*(ends[1] - ends[0]))
        reach = side * chord / np.cos((courses[1] - courses[0]) / 4) ** 2
        handles = reach * np.array([_turned(course) for course in courses])
        self.curve = CubicHermiteSpline([0, 1], ends, handles)
        self.slope = self.curve.derivative()
        self.whole = self.length(1.0)

    def length(self, u):
        return quad(lambda x: np.hypot(*self.slope(x)), 0, u, epsabs=1e-11, epsrel=1e-11)[0]

    def at(self, done):
        if done >= 1:
            return self.curve(1.0)
        return self.curve(brentq(lambda x: self.length(x) - done * self.whole, 0, 1, xtol=1e-12))


def motion(times_ns, keys, at_ns, out):
    linear(times_ns, keys, at_ns, out)
    n = len(times_ns)
    if n < 2:
        return
    t, at = _seconds(times_ns, times_ns[0]), _seconds(at_ns, times_ns[0])
    yaw = keys[:, 6]
    axle = np.array([k[:2] - AXLE_SHARE * k[3] * _turned(k[6]) for k in keys])
    side, course = _courses(axle, yaw)
    ways, far = [None] * (n - 1), np.zeros(n - 1)
    for k in range(n - 1):
        far[k] = (axle[k + 1] - axle[k]) @ _turned(yaw[k : k + 2].mean())
        if side[k]:
            ways[k] = _Way(axle[k : k + 2], course[k : k + 2], side[k])
            far[k] = side[k] * ways[k].whole
    speed = _limited(far / np.diff(t), t)
    for i, when in enumerate(at):
        if at_ns[i] in times_ns:
            continue
        k = int(np.clip(np.searchsorted(t, when) - 1, 0, n - 2))
        if when < t[0] or when > t[-1]:
            end = 0 if when < t[0] else n - 1
            velocity = (keys[k + 1, :3] - keys[k, :3]) / (t[k + 1] - t[k])
            if side[k]:
                velocity[:2] = speed[end] * _turned(course[end])
            out[i] = keys[end]
            out[i, :3] += (when - t[end]) * velocity
        elif side[k]:
            way = CubicHermiteSpline(t[k : k + 2], [0, far[k]], speed[k : k + 2])(when)
            done = np.clip(way / far[k], 0, 1)
            turned = yaw[k] + done * (yaw[k + 1] - yaw[k])
            out[i, :2] = ways[k].at(done) + AXLE_SHARE * out[i, 3] * _turned(turned)
            out[i, 2] = keys[k, 2] + done * (keys[k + 1, 2] - keys[k, 2])
            out[i, 6] = turned
