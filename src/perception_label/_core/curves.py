"""Curves through the keyframes of one track: linear, modified Akima, motion along the heading."""

import math

import numpy as np
from numpy.typing import NDArray

from perception_label._core._jit import kernel

# Slower or shorter than this between two keyframes, headings say nothing about the path.
LEAST_STEP_M = 1.0
# cos 60 deg: an object seen farther from its heading than this does not move along it.
LEAST_ALIGNED = 0.5
# The rear axle follows the heading exactly, the centre does not; in cars it sits at about
# 0.28 of the length behind the centre.
AXLE_SHARE = 0.28
# Five-point Gauss-Legendre on [0, 1] over eighths of a segment: arc length to about 1e-9.
PIECES = 8
NODES = (0.046910077030668, 0.2307653449471585, 0.5, 0.7692346550528415, 0.953089922969332)
WEIGHTS = (
    0.1184634425280945,
    0.2393143352496832,
    0.2844444444444444,
    0.2393143352496832,
    0.1184634425280945,
)


@kernel
def _segment(times: NDArray[np.int64], t: int) -> int:
    """Return the last index whose time is not after t, at most the last but one."""
    low, high = 0, times.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    return low


@kernel
def linear(
    times_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    at_ns: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the values at each time, straight between the keys, held outside them.

    times_ns (K,) strictly rising, K > 0; values (K, D); at_ns (S,); out (S, D).
    """
    last = times_ns.shape[0] - 1
    for i in range(at_ns.shape[0]):
        t = min(max(at_ns[i], times_ns[0]), times_ns[last])
        k = _segment(times_ns, t)
        if t == times_ns[k] or last == 0:
            out[i] = values[k]
        elif t == times_ns[k + 1]:
            out[i] = values[k + 1]
        else:
            share = (t - times_ns[k]) / (times_ns[k + 1] - times_ns[k])
            for d in range(values.shape[1]):
                out[i, d] = values[k, d] + share * (values[k + 1, d] - values[k, d])


@kernel
def _makima_slopes(
    times_s: NDArray[np.float64], values: NDArray[np.float64], slopes: NDArray[np.float64]
) -> None:
    """Write the slope at each key. times_s (K,), values (K,), slopes (K,), K > 2."""
    n = times_s.shape[0]
    steps = np.empty(n + 3)
    for k in range(n - 1):
        steps[k + 2] = (values[k + 1] - values[k]) / (times_s[k + 1] - times_s[k])
    # Akima's ghost segments continue the ends as parabolas.
    steps[1] = 2 * steps[2] - steps[3]
    steps[0] = 2 * steps[1] - steps[2]
    steps[n + 1] = 2 * steps[n] - steps[n - 1]
    steps[n + 2] = 2 * steps[n + 1] - steps[n]
    for k in range(n):
        a, b, c, d = steps[k], steps[k + 1], steps[k + 2], steps[k + 3]
        w_before = abs(d - c) + abs(d + c) / 2
        w_after = abs(b - a) + abs(b + a) / 2
        total = w_before + w_after
        slopes[k] = (w_before * b + w_after * c) / total if total > 0 else 0.0


@kernel
def _hermite(share: float, v0: float, v1: float, m0: float, m1: float) -> float:
    """Return the cubic with ends v0, v1 and end slopes m0, m1 (per unit share)."""
    rest = 1 - share
    return (
        v0 * rest * rest * (1 + 2 * share)
        + v1 * share * share * (3 - 2 * share)
        + share * rest * (m0 * rest - m1 * share)
    )


@kernel
def makima(
    times_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    at_ns: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the values at each time by modified Akima cubics, held outside the keys.

    times_ns (K,) strictly rising, K > 0, below three straight; values (K, D); at_ns (S,);
    out (S, D).
    """
    n = times_ns.shape[0]
    linear(times_ns, values, at_ns, out)
    if n < 3:
        return
    times_s = (times_ns - times_ns[0]) * 1e-9
    slopes = np.empty(n)
    for d in range(values.shape[1]):
        _makima_slopes(times_s, values[:, d], slopes)
        for i in range(at_ns.shape[0]):
            k = _segment(times_ns, at_ns[i])
            if times_ns[k] < at_ns[i] < times_ns[k + 1]:
                step_s = times_s[k + 1] - times_s[k]
                share = (at_ns[i] - times_ns[k]) / (times_ns[k + 1] - times_ns[k])
                out[i, d] = _hermite(
                    share,
                    values[k, d],
                    values[k + 1, d],
                    slopes[k] * step_s,
                    slopes[k + 1] * step_s,
                )


@kernel
def _path(curve: NDArray[np.float64], u: float, at: NDArray[np.float64]) -> float:
    """Write x, y, dx/du, dy/du of a cubic (2, 4) to at (4,); return the speed per u."""
    for axis in range(2):
        a, b, c, d = curve[axis, 0], curve[axis, 1], curve[axis, 2], curve[axis, 3]
        at[axis] = a + u * (b + u * (c + u * d))
        at[axis + 2] = b + u * (2 * c + 3 * u * d)
    return math.hypot(at[2], at[3])


@kernel
def _length(curve: NDArray[np.float64], u0: float, u1: float, at: NDArray[np.float64]) -> float:
    """Return the arc length of a cubic between two parameters; at (4,) is scratch."""
    total = 0.0
    for q in range(5):
        total += WEIGHTS[q] * _path(curve, u0 + (u1 - u0) * NODES[q], at)
    return total * (u1 - u0)


@kernel
def _headings(
    axle: NDArray[np.float64],
    yaw: NDArray[np.float64],
    sides: NDArray[np.float64],
    courses: NDArray[np.float64],
) -> None:
    """Tell where the object moves along its heading, and its course at each key.

    axle (K, 2) metres; yaw (K,) unwrapped. Writes sides (K - 1,): 1 forwards, -1 backwards, 0
    neither; courses (K,): the direction of the path, which is the heading plus the angle that
    the steps next to a key keep to it, since drawn headings are often a few degrees off.
    """
    n = yaw.shape[0]
    counts = np.zeros(n)
    slips = np.zeros(n)
    for k in range(n - 1):
        dx, dy = axle[k + 1, 0] - axle[k, 0], axle[k + 1, 1] - axle[k, 1]
        chord = math.hypot(dx, dy)
        least = LEAST_ALIGNED * chord
        along0 = dx * math.cos(yaw[k]) + dy * math.sin(yaw[k])
        along1 = dx * math.cos(yaw[k + 1]) + dy * math.sin(yaw[k + 1])
        forwards = along0 >= least and along1 >= least
        backwards = along0 <= -least and along1 <= -least
        sides[k] = 0.0
        if chord < LEAST_STEP_M or not (forwards or backwards):
            continue
        sides[k] = 1.0 if forwards else -1.0
        # On a circle the chord points along the mean of the two headings.
        mean = (yaw[k] + yaw[k + 1]) / 2
        c, s = sides[k] * math.cos(mean), sides[k] * math.sin(mean)
        slip = math.atan2(c * dy - s * dx, c * dx + s * dy)
        for j in (k, k + 1):
            slips[j] += slip
            counts[j] += 1
    for k in range(n):
        courses[k] = yaw[k] + slips[k] / max(counts[k], 1.0)


@kernel
def _plan(
    times_s: NDArray[np.float64],
    axle: NDArray[np.float64],
    yaw: NDArray[np.float64],
    curves: NDArray[np.float64],
    lengths: NDArray[np.float64],
    speeds: NDArray[np.float64],
    courses: NDArray[np.float64],
) -> None:
    """Lay a path through the keys and time it.

    times_s (K,); axle (K, 2) metres; yaw (K,) unwrapped. Writes curves (K - 1, 2, 4) cubics;
    lengths (K - 1, PIECES + 1) signed arc length so far, metres, 0 where the object does not
    move along its heading; speeds (K,) signed, metres per second; courses (K,) radians.
    """
    n = times_s.shape[0]
    at = np.empty(4)
    steps = np.empty(n - 1)
    sides = np.empty(n - 1)
    _headings(axle, yaw, sides, courses)
    for k in range(n - 1):
        dx, dy = axle[k + 1, 0] - axle[k, 0], axle[k + 1, 1] - axle[k, 1]
        if sides[k] == 0:
            # Its neighbours still learn how far it went.
            mean = (yaw[k] + yaw[k + 1]) / 2
            way = dx * math.cos(mean) + dy * math.sin(mean)
        else:
            # With this handle the cubic is the circle arc to a few millimetres.
            handle = math.cos((courses[k + 1] - courses[k]) / 4) ** 2
            _lay(axle, courses, k, sides[k] * math.hypot(dx, dy) / handle, curves[k])
            for piece in range(PIECES):
                u0, u1 = piece / PIECES, (piece + 1) / PIECES
                part = _length(curves[k], u0, u1, at)
                lengths[k, piece + 1] = lengths[k, piece] + sides[k] * part
            way = lengths[k, PIECES]
        steps[k] = way / (times_s[k + 1] - times_s[k])
    _speeds(times_s, steps, speeds)


@kernel
def _lay(
    axle: NDArray[np.float64],
    courses: NDArray[np.float64],
    k: int,
    reach_m: float,
    curve: NDArray[np.float64],
) -> None:
    """Write to curve (2, 4) the cubic from key k to the next that follows their courses."""
    for axis in range(2):
        p0, p1 = axle[k, axis], axle[k + 1, axis]
        m0 = reach_m * (math.cos(courses[k]) if axis == 0 else math.sin(courses[k]))
        m1 = reach_m * (math.cos(courses[k + 1]) if axis == 0 else math.sin(courses[k + 1]))
        curve[axis, 0] = p0
        curve[axis, 1] = m0
        curve[axis, 2] = 3 * (p1 - p0) - 2 * m0 - m1
        curve[axis, 3] = 2 * (p0 - p1) + m0 + m1


@kernel
def _speeds(
    times_s: NDArray[np.float64], steps: NDArray[np.float64], speeds: NDArray[np.float64]
) -> None:
    """Write a speed at each key that keeps the way monotone (Hyman 1983).

    times_s (K,); steps (K - 1,) mean speed of each segment; speeds (K,).
    """
    n = times_s.shape[0]
    for k in range(n):
        before, after = steps[max(k - 1, 0)], steps[min(k, n - 2)]
        if k == 0 or k == n - 1:
            # Half of the neighbour's change of speed, as a parabola through three keys has it.
            near, far = (0, min(1, n - 2)) if k == 0 else (n - 2, max(n - 3, 0))
            h0 = times_s[near + 1] - times_s[near]
            h1 = times_s[far + 1] - times_s[far]
            speed = steps[near] + (steps[near] - steps[far]) * h0 / (h0 + h1)
        else:
            h0, h1 = times_s[k] - times_s[k - 1], times_s[k + 1] - times_s[k]
            speed = (h1 * before + h0 * after) / (h0 + h1)
        if before * after <= 0:
            speeds[k] = 0.0
        elif before > 0:
            speeds[k] = min(max(speed, 0.0), 3 * min(before, after))
        else:
            speeds[k] = max(min(speed, 0.0), 3 * max(before, after))


@kernel
def _along(
    curve: NDArray[np.float64],
    lengths: NDArray[np.float64],
    way_m: float,
    at: NDArray[np.float64],
) -> None:
    """Write x, y, dx, dy where a cubic is way_m (signed) long; at (4,)."""
    side = 1.0 if lengths[PIECES] > 0 else -1.0
    way = min(max(side * way_m, 0.0), side * lengths[PIECES])
    piece = 0
    while piece < PIECES - 1 and side * lengths[piece + 1] < way:
        piece += 1
    start = piece / PIECES
    begun = side * lengths[piece]
    u = start + (way - begun) / (side * lengths[piece + 1] - begun) / PIECES
    # Newton: the speed along the cubic hardly changes within an eighth of it.
    for _ in range(4):
        short = way - begun - _length(curve, start, u, at)
        u += short / _path(curve, u, at)
    _path(curve, u, at)


@kernel
def motion(
    times_ns: NDArray[np.int64],
    keys: NDArray[np.float64],
    at_ns: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the cuboid at each time, moving along its heading where the keys say it does.

    times_ns (K,) strictly rising, K > 0; keys (K, 7) centre, size, yaw (unwrapped); at_ns (S,),
    constant velocity outside the keys; out (S, 7).
    """
    n = times_ns.shape[0]
    linear(times_ns, keys, at_ns, out)
    if n < 2:
        return
    times_s = (times_ns - times_ns[0]) * 1e-9
    axle = np.empty((n, 2))
    for k in range(n):
        axle[k, 0] = keys[k, 0] - AXLE_SHARE * keys[k, 3] * math.cos(keys[k, 6])
        axle[k, 1] = keys[k, 1] - AXLE_SHARE * keys[k, 3] * math.sin(keys[k, 6])
    curves = np.zeros((n - 1, 2, 4))
    lengths = np.zeros((n - 1, PIECES + 1))
    speeds, courses = np.empty(n), np.empty(n)
    at = np.empty(4)
    _plan(times_s, axle, keys[:, 6], curves, lengths, speeds, courses)
    for i in range(at_ns.shape[0]):
        if at_ns[i] < times_ns[0] or at_ns[i] > times_ns[n - 1]:
            k, near = (0, 0) if at_ns[i] < times_ns[0] else (n - 2, n - 1)
            since_s = (at_ns[i] - times_ns[near]) * 1e-9
            speed = speeds[near] if lengths[k, PIECES] != 0 else math.nan
            _beyond(times_s, keys, k, near, since_s, speed, courses[near], out[i])
            continue
        k = _segment(times_ns, at_ns[i])
        whole = lengths[k, PIECES]
        if whole == 0 or at_ns[i] == times_ns[k] or at_ns[i] == times_ns[k + 1]:
            continue
        step_s = times_s[k + 1] - times_s[k]
        share = (at_ns[i] - times_ns[k]) / (times_ns[k + 1] - times_ns[k])
        way = _hermite(share, 0.0, whole, speeds[k] * step_s, speeds[k + 1] * step_s)
        _along(curves[k], lengths[k], way, at)
        # Heading and height change with the way, not the time: nothing turns while it stands.
        done = way / whole
        yaw = keys[k, 6] + done * (keys[k + 1, 6] - keys[k, 6])
        reach = AXLE_SHARE * out[i, 3]
        out[i, 0] = at[0] + reach * math.cos(yaw)
        out[i, 1] = at[1] + reach * math.sin(yaw)
        out[i, 2] = keys[k, 2] + done * (keys[k + 1, 2] - keys[k, 2])
        out[i, 6] = yaw


@kernel
def _beyond(
    times_s: NDArray[np.float64],
    keys: NDArray[np.float64],
    k: int,
    near: int,
    since_s: float,
    speed_mps: float,
    course_rad: float,
    out: NDArray[np.float64],
) -> None:
    """Write to out (7,) the key `near` moved on from segment k at constant velocity.

    speed_mps along course_rad, NaN where the object does not move along its heading.
    """
    out[:] = keys[near]
    step_s = times_s[k + 1] - times_s[k]
    for axis in range(3):
        out[axis] += since_s * (keys[k + 1, axis] - keys[k, axis]) / step_s
    if not math.isnan(speed_mps):
        out[0] = keys[near, 0] + since_s * speed_mps * math.cos(course_rad)
        out[1] = keys[near, 1] + since_s * speed_mps * math.sin(course_rad)
