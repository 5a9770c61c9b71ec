"""Linking boxes over time: gated optimal assignment, a filtered pass, the ends of tracklets."""

import math

import numpy as np
from numpy.typing import NDArray

from perception_label._core._jit import kernel

# Columns of the settings the kernels take; tracking.association fills them.
N_SETTINGS = 8
GATE, GATE_M, MAX_GAP_NS, NOISE_M, ACCELERATION, SPEED_ALONG, SPEED_ACROSS, MAX_SPEED = range(8)
# Longer than wide by this much, a box has a heading that tells where it may go.
ELONGATED = 1.5
# Spread of the height between sweeps, of the logarithm of a size, of a heading, for a pair.
HEIGHT_M, LOG_SIZE, TURN_RAD = 0.6, 0.5, 0.6
# Columns of what a pass knows of a track: the row of its last box, its boxes, their time.
NEWEST, HITS, SEEN_NS = range(3)


@kernel
def _root(parent: NDArray[np.int64], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def _relax(
    costs: NDArray[np.float64],
    row: int,
    here: int,
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    least: NDArray[np.float64],
    used: NDArray[np.bool_],
    way: NDArray[np.int64],
) -> int:
    """Shorten the paths over one row (counted from 1); return the nearest column not used."""
    following = -1
    for j in range(1, least.shape[0]):
        if used[j]:
            continue
        reduced = costs[row - 1, j - 1] - u[row] - v[j]
        if reduced < least[j]:
            least[j] = reduced
            way[j] = here
        if following < 0 or least[j] < least[following]:
            following = j
    return following


@kernel
def _augment(costs: NDArray[np.float64], columns: NDArray[np.int64]) -> None:
    """Match every row at least total cost by shortest augmenting paths.

    costs (n, m), n <= m, finite; columns (n,) becomes the column of each row. Jonker and
    Volgenant (1987) without their start; column 0 stands for the row that is being placed.
    """
    n, m = costs.shape
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row_of = np.zeros(m + 1, dtype=np.int64)
    way = np.zeros(m + 1, dtype=np.int64)
    for i in range(1, n + 1):
        row_of[0] = i
        here = 0
        least = np.full(m + 1, np.inf)
        used = np.zeros(m + 1, dtype=np.bool_)
        while row_of[here] != 0:
            used[here] = True
            following = _relax(costs, row_of[here], here, u, v, least, used, way)
            step = least[following]
            for j in range(m + 1):
                if used[j]:
                    u[row_of[j]] += step
                    v[j] -= step
                else:
                    least[j] -= step
            here = following
        while here != 0:
            row_of[here] = row_of[way[here]]
            here = way[here]
    for j in range(1, m + 1):
        if row_of[j] > 0:
            columns[row_of[j] - 1] = j - 1


@kernel
def assign(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    gains: NDArray[np.float64],
    n_rows: int,
    n_columns: int,
    out: NDArray[np.int64],
) -> None:
    """Write the matching of greatest total gain, solved one connected part at a time.

    rows, columns, gains (E,) the allowed pairs, each once, gains above zero; out (n_rows,)
    becomes the column of each row, -1 for none.
    """
    out[:] = -1
    parent = np.arange(n_rows + n_columns)
    for e in range(rows.shape[0]):
        a, b = _root(parent, rows[e]), _root(parent, n_rows + columns[e])
        parent[max(a, b)] = min(a, b)
    part = np.empty(rows.shape[0], dtype=np.int64)
    for e in range(rows.shape[0]):
        part[e] = _root(parent, rows[e])
    order = np.argsort(part, kind="mergesort")
    place_row = np.full(n_rows, -1)
    place_column = np.full(n_columns, -1)
    first = 0
    while first < order.shape[0]:
        last = first
        while last < order.shape[0] and part[order[last]] == part[order[first]]:
            last += 1
        if last - first == 1:
            out[rows[order[first]]] = columns[order[first]]
        else:
            _solve(rows, columns, gains, order[first:last], place_row, place_column, out)
        first = last


@kernel
def _solve(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    gains: NDArray[np.float64],
    edges: NDArray[np.int64],
    place_row: NDArray[np.int64],
    place_column: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Match one connected part; the places are scratch, -1 everywhere for its members."""
    n = m = 0
    members = np.empty(2 * edges.shape[0], dtype=np.int64)
    half = edges.shape[0]
    for e in edges:
        if place_row[rows[e]] < 0:
            place_row[rows[e]] = n
            members[n] = rows[e]
            n += 1
        if place_column[columns[e]] < 0:
            place_column[columns[e]] = m
            members[half + m] = columns[e]
            m += 1
    # A column of its own for each row, which costs nothing: the row stays alone.
    costs = np.zeros((n, m + n))
    for e in edges:
        costs[place_row[rows[e]], place_column[columns[e]]] = -gains[e]
    chosen = np.empty(n, dtype=np.int64)
    _augment(costs, chosen)
    for i in range(n):
        if chosen[i] < m and costs[i, chosen[i]] < 0:
            out[members[i]] = members[half + chosen[i]]


@kernel
def _born(
    box: NDArray[np.float64],
    settings: NDArray[np.float64],
    state: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Start a track: position known, velocity likely along the heading of an elongated box."""
    state[0], state[1], state[2], state[3] = box[0], box[1], 0.0, 0.0
    spread[:] = 0.0
    noise = settings[NOISE_M] ** 2
    spread[0, 0] = spread[1, 1] = noise
    across = settings[SPEED_ACROSS] ** 2
    along = settings[SPEED_ALONG] ** 2 if box[3] > ELONGATED * box[4] else across
    c, s = math.cos(box[6]), math.sin(box[6])
    spread[2, 2] = along * c * c + across * s * s
    spread[3, 3] = along * s * s + across * c * c
    spread[2, 3] = spread[3, 2] = (along - across) * c * s


@kernel
def _predicted(
    state: NDArray[np.float64],
    spread: NDArray[np.float64],
    dt_s: float,
    acceleration: float,
    later: NDArray[np.float64],
    wider: NDArray[np.float64],
) -> None:
    """Write state (4,) and spread (4, 4) dt_s later: constant velocity, white acceleration."""
    for i in range(2):
        later[i] = state[i] + dt_s * state[i + 2]
        later[i + 2] = state[i + 2]
    for i in range(4):
        for j in range(4):
            wider[i, j] = spread[i, j]
    for i in range(2):
        for j in range(4):
            wider[i, j] += dt_s * spread[i + 2, j]
    for i in range(4):
        for j in range(2):
            wider[i, j] += dt_s * (
                spread[i, j + 2] + (dt_s * spread[i + 2, j + 2] if i < 2 else 0.0)
            )
    q = acceleration**2
    for i in range(2):
        wider[i, i] += q * dt_s**4 / 4
        wider[i, i + 2] += q * dt_s**3 / 2
        wider[i + 2, i] += q * dt_s**3 / 2
        wider[i + 2, i + 2] += q * dt_s**2


@kernel
def _corrected(
    later: NDArray[np.float64],
    wider: NDArray[np.float64],
    box: NDArray[np.float64],
    noise: float,
    state: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Write state (4,) and spread (4, 4) after a box was seen; noise in square metres."""
    a, b, d = wider[0, 0] + noise, wider[0, 1], wider[1, 1] + noise
    scale = 1 / (a * d - b * b)
    ex, ey = box[0] - later[0], box[1] - later[1]
    for i in range(4):
        gx = (wider[i, 0] * d - wider[i, 1] * b) * scale
        gy = (wider[i, 1] * a - wider[i, 0] * b) * scale
        state[i] = later[i] + gx * ex + gy * ey
        for j in range(4):
            spread[i, j] = wider[i, j] - gx * wider[0, j] - gy * wider[1, j]


@kernel
def _unlike(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return how unlike two boxes (7,) are apart from where they lie, in squared spreads."""
    total = float(((a[2] - b[2]) / HEIGHT_M) ** 2)
    for axis in range(3, 6):
        if a[axis] > 0 and b[axis] > 0:
            total += (math.log(a[axis] / b[axis]) / LOG_SIZE) ** 2
    if a[3] > ELONGATED * a[4] and b[3] > ELONGATED * b[4]:
        # Detectors confuse front and back, so a half turn costs nothing.
        total += min(math.asin(min(1.0, abs(math.sin(a[6] - b[6])))) / TURN_RAD, 2.0) ** 2
    return total


@kernel
def _gain(
    later: NDArray[np.float64],
    wider: NDArray[np.float64],
    seen: NDArray[np.float64],
    box: NDArray[np.float64],
    settings: NDArray[np.float64],
    reach_m: float,
) -> float:
    """Return how well a box continues a track, 0 where it is outside the gate."""
    ex, ey = box[0] - later[0], box[1] - later[1]
    if not ex * ex + ey * ey <= reach_m * reach_m:
        return 0.0
    noise = settings[NOISE_M] ** 2
    a, b, d = wider[0, 0] + noise, wider[0, 1], wider[1, 1] + noise
    size = a * d - b * b
    off = (ex * ex * d - 2 * ex * ey * b + ey * ey * a) / size + _unlike(seen, box)
    gate = float(settings[GATE] ** 2)
    if not off < gate:
        return 0.0
    # The likelihood's own penalty on vague predictions; the constant keeps gains positive.
    return float(2 * gate - off - min(math.log(size / (4 * noise * noise)), gate))


@kernel
def link(
    times_ns: NDArray[np.int64],
    starts: NDArray[np.int64],
    boxes: NDArray[np.float64],
    groups: NDArray[np.int64],
    is_weak: NDArray[np.bool_],
    settings: NDArray[np.float64],
    n_slots: int,
    out: NDArray[np.int64],
) -> None:
    """Follow boxes through the sweeps in the order given; write the box before each.

    times_ns (S,) monotone, rising or falling; starts (S + 1,) rows of each sweep; boxes (M, 7)
    world frame; groups (M,) only equals are linked; is_weak (M,) may continue a track but not
    begin one; settings (N_SETTINGS,); n_slots at least the boxes in any max_gap; out (M,) row
    of the previous box of the same track, -1 where there is none.
    """
    state, spread = np.empty((n_slots, 4)), np.empty((n_slots, 4, 4))
    later, wider = np.empty((n_slots, 4)), np.empty((n_slots, 4, 4))
    tracks = np.empty((n_slots, 3), dtype=np.int64)
    n = 0
    noise = settings[NOISE_M] ** 2
    out[:] = -1
    for sweep in range(times_ns.shape[0]):
        alive = 0
        # The living move to the front and keep their order.
        for t in range(n):
            if abs(times_ns[sweep] - tracks[t, SEEN_NS]) <= settings[MAX_GAP_NS]:
                state[alive], spread[alive], tracks[alive] = state[t], spread[t], tracks[t]
                alive += 1
        n = alive
        for t in range(n):
            dt_s = abs(times_ns[sweep] - tracks[t, SEEN_NS]) * 1e-9
            _predicted(state[t], spread[t], dt_s, settings[ACCELERATION], later[t], wider[t])
        rows = np.arange(starts[sweep], starts[sweep + 1])
        # The sure boxes choose first; the weak ones may only fill what is left.
        for weak in (False, True):
            some = rows[is_weak[rows] == weak]
            free = np.flatnonzero(tracks[:n, SEEN_NS] != times_ns[sweep])
            chosen = np.full(free.shape[0], -1)
            if some.shape[0] and free.shape[0]:
                _match(
                    free,
                    some,
                    later,
                    wider,
                    tracks,
                    times_ns[sweep],
                    boxes,
                    groups,
                    settings,
                    chosen,
                )
            for i in range(free.shape[0]):
                if chosen[i] >= 0:
                    t, row = free[i], some[chosen[i]]
                    out[row] = tracks[t, NEWEST]
                    _corrected(later[t], wider[t], boxes[row], noise, state[t], spread[t])
                    tracks[t, NEWEST], tracks[t, SEEN_NS] = row, times_ns[sweep]
                    tracks[t, HITS] += 1
        for row in rows:
            if out[row] < 0 and not is_weak[row]:
                _born(boxes[row], settings, state[n], spread[n])
                tracks[n, NEWEST], tracks[n, HITS], tracks[n, SEEN_NS] = row, 1, times_ns[sweep]
                n += 1


@kernel
def _match(
    free: NDArray[np.int64],
    some: NDArray[np.int64],
    later: NDArray[np.float64],
    wider: NDArray[np.float64],
    tracks: NDArray[np.int64],
    now_ns: int,
    boxes: NDArray[np.float64],
    groups: NDArray[np.int64],
    settings: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> None:
    """Write for each free track which of some boxes continues it, -1 for none."""
    reach_m = np.empty(free.shape[0])
    near = 0
    for i in range(free.shape[0]):
        t = free[i]
        reach_m[i] = settings[GATE_M]
        if tracks[t, HITS] == 1:
            reach_m[i] += settings[MAX_SPEED] * abs(now_ns - tracks[t, SEEN_NS]) * 1e-9
        for row in some:
            near += (
                abs(boxes[row, 0] - later[t, 0]) <= reach_m[i]
                and abs(boxes[row, 1] - later[t, 1]) <= reach_m[i]
            )
    rows, columns, gains = np.empty(near, np.int64), np.empty(near, np.int64), np.empty(near)
    n = 0
    for i in range(free.shape[0]):
        t = free[i]
        last = tracks[t, NEWEST]
        for k in range(some.shape[0]):
            row = some[k]
            # Cheap tests first: almost all pairs end here.
            if not abs(boxes[row, 0] - later[t, 0]) <= reach_m[i]:
                continue
            if not abs(boxes[row, 1] - later[t, 1]) <= reach_m[i] or groups[row] != groups[last]:
                continue
            gain = _gain(later[t], wider[t], boxes[last], boxes[row], settings, reach_m[i])
            if gain > 0:
                rows[n], columns[n], gains[n] = i, k, gain
                n += 1
    assign(rows[:n], columns[:n], gains[:n], free.shape[0], some.shape[0], chosen)


@kernel
def unlike(a: NDArray[np.float64], b: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write how unlike the boxes of two lists are apart from where they lie, row by row.

    a, b (P, 7) boxes; out (P,) height, sizes and heading in squared spreads, summed.
    """
    for i in range(out.shape[0]):
        out[i] = _unlike(a[i], b[i])
