"""Slow twins of perception_label._core.tracklets."""

import numpy as np

GATE, GATE_M, MAX_GAP_NS, NOISE_M, ACCELERATION, SPEED_ALONG = range(6)
END_S = 1.0


def ends(times_ns, boxes, offsets, settings, out):
    prior = (settings[NOISE_M] / settings[SPEED_ALONG]) ** 2
    for t in range(len(offsets) - 1):
        rows = np.arange(offsets[t], offsets[t + 1])
        for side, edge in enumerate((rows[0], rows[-1])):
            s = (times_ns[rows] - times_ns[edge]) * 1e-9
            near = np.abs(s) <= END_S
            s, xy = s[near], boxes[rows[near], :2]
            weight = ((s - s.mean()) ** 2).sum() + prior
            velocity = (s - s.mean()) @ (xy - xy.mean(axis=0)) / weight
            out[t, side, :2] = xy.mean(axis=0) - s.mean() * velocity
            out[t, side, 2:4] = velocity
            out[t, side, 4] = settings[NOISE_M] ** 2 / weight


def bridge(span_ns, fits, groups, max_bridge_ns, settings, pairs, misses):
    n, gate = 0, settings[GATE] ** 2
    for a in range(len(span_ns)):
        for b in range(len(span_ns)):
            gap_ns = span_ns[b, 0] - span_ns[a, 1]
            if not 0 < gap_ns <= max_bridge_ns or groups[a] != groups[b]:
                continue
            gap, tail, head = gap_ns * 1e-9, fits[a, 1], fits[b, 0]
            drift = 2 * settings[NOISE_M] ** 2 + settings[ACCELERATION] ** 2 * gap**4 / 4
            total, apart = 0.0, []
            for end in (tail, head):
                off = head[:2] - tail[:2] - gap * end[2:4]
                apart.append(np.hypot(*off))
                total += off @ off / (drift + gap**2 * end[4]) / 2
            if total < gate and min(apart) <= settings[GATE_M]:
                if n < len(misses):
                    pairs[n], misses[n] = (a, b), total
                n += 1
    return n


def trace(follower, out):
    before = {f: row for row, f in enumerate(follower.tolist()) if f >= 0}
    numbers = {}
    for row in range(len(follower)):
        first = row
        while first in before:
            first = before[first]
        out[row] = numbers.setdefault(first, len(numbers))
    return len(numbers)
