"""Tracklets, pieces of tracks: their ends, and which may be one object across a gap."""

import math

import numpy as np
from numpy.typing import NDArray

from perception_label._core._jit import kernel

# Columns of the settings; tracking.association fills them as for association.link.
GATE, GATE_M, MAX_GAP_NS, NOISE_M, ACCELERATION, SPEED_ALONG = range(6)
# The stretch of a tracklet that tells the velocity at its end.
END_S = 1.0


@kernel
def ends(
    times_ns: NDArray[np.int64],
    boxes: NDArray[np.float64],
    offsets: NDArray[np.int64],
    settings: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write where each tracklet begins and ends, and how fast: straight lines fitted there.

    times_ns (R,), boxes (R, 7) the tracklets one after another, each in time order; offsets
    (T + 1,); out (T, 2, 5) x, y, vx, vy, variance of the velocity, at the first and last box.
    """
    noise = settings[NOISE_M] ** 2
    # A velocity that few boxes tell is drawn to zero, where most objects are.
    prior = noise / settings[SPEED_ALONG] ** 2
    for t in range(offsets.shape[0] - 1):
        first, last = offsets[t], offsets[t + 1]
        for side in range(2):
            edge = first if side == 0 else last - 1
            n = 0
            mean_s = mean_x = mean_y = 0.0
            for pass_ in range(2):
                sum_ss = sum_sx = sum_sy = 0.0
                for r in range(first, last):
                    s = (times_ns[r] - times_ns[edge]) * 1e-9
                    if abs(s) > END_S:
                        continue
                    if pass_ == 0:
                        n += 1
                        mean_s += s
                        mean_x += boxes[r, 0]
                        mean_y += boxes[r, 1]
                    else:
                        sum_ss += (s - mean_s) ** 2
                        sum_sx += (s - mean_s) * (boxes[r, 0] - mean_x)
                        sum_sy += (s - mean_s) * (boxes[r, 1] - mean_y)
                if pass_ == 0:
                    mean_s, mean_x, mean_y = mean_s / n, mean_x / n, mean_y / n
            out[t, side, 2] = sum_sx / (sum_ss + prior)
            out[t, side, 3] = sum_sy / (sum_ss + prior)
            out[t, side, 0] = mean_x - mean_s * out[t, side, 2]
            out[t, side, 1] = mean_y - mean_s * out[t, side, 3]
            out[t, side, 4] = noise / (sum_ss + prior)


@kernel
def bridge(
    span_ns: NDArray[np.int64],
    fits: NDArray[np.float64],
    groups: NDArray[np.int64],
    max_bridge_ns: int,
    settings: NDArray[np.float64],
    pairs: NDArray[np.int64],
    misses: NDArray[np.float64],
) -> int:
    """List the tracklets that another may continue; return how many pairs there are.

    span_ns (T, 2) first and last time, first times rising; fits (T, 2, 5) as `ends` writes
    them; groups (T,); settings as in `association`; pairs (E, 2) and misses (E,), squared
    spreads by which the two lines miss each other, are filled as far as they reach.
    """
    n = 0
    gate = settings[GATE] ** 2
    heads_ns = np.ascontiguousarray(span_ns[:, 0])
    for a in range(span_ns.shape[0]):
        tail_ns = span_ns[a, 1]
        b = np.searchsorted(heads_ns, tail_ns, side="right")
        while b < heads_ns.shape[0] and heads_ns[b] - tail_ns <= max_bridge_ns:
            miss = gate
            if groups[a] == groups[b]:
                gap_s = (heads_ns[b] - tail_ns) * 1e-9
                miss = _miss(fits[a, 1], fits[b, 0], gap_s, settings)
            if miss < gate:
                if n < misses.shape[0]:
                    pairs[n, 0], pairs[n, 1] = a, b
                    misses[n] = miss
                n += 1
            b += 1
    return n


@kernel
def trace(follower: NDArray[np.int64], out: NDArray[np.int64]) -> int:
    """Write the chain of each row, numbered by their first rows; return how many there are.

    follower (M,) the later row that follows each, -1 for none; out (M,).
    """
    n = 0
    out[:] = -1
    for row in range(follower.shape[0]):
        if out[row] < 0:
            out[row] = n
            n += 1
        if follower[row] >= 0:
            out[follower[row]] = out[row]
    return n


@kernel
def _miss(
    tail: NDArray[np.float64],
    head: NDArray[np.float64],
    gap_s: float,
    settings: NDArray[np.float64],
) -> float:
    """Return how far a tail's and a head's line miss each other, in squared spreads."""
    drift = 2 * settings[NOISE_M] ** 2 + settings[ACCELERATION] ** 2 * gap_s**4 / 4
    total = 0.0
    for axis in range(2):
        step = head[axis] - tail[axis]
        total += (step - gap_s * tail[axis + 2]) ** 2 / (drift + gap_s**2 * tail[4])
        total += (step - gap_s * head[axis + 2]) ** 2 / (drift + gap_s**2 * head[4])
    ahead = math.hypot(head[0] - tail[0] - gap_s * tail[2], head[1] - tail[1] - gap_s * tail[3])
    behind = math.hypot(head[0] - tail[0] - gap_s * head[2], head[1] - tail[1] - gap_s * head[3])
    if min(ahead, behind) > settings[GATE_M]:
        return math.inf
    return total / 2
