"""The ground as heights on a polar grid, grown outwards from the sensor.

A point's ring is looked up by its range in steps of 1 / STEPS_PER_M, its sector comes from a
polynomial arctangent: exact enough for a grid and far cheaper than libm.
"""

from libc.math cimport INFINITY, NAN, cos, fabs, fabsf, sin, sqrtf
from libc.stdint cimport int32_t, int64_t

cdef float FARTHEST_M = 1e9
cdef float STEPS_PER_M = 4.0
cdef double FARTHEST_STEP_M = 1.5  # never look further up or down than a hidden kerb and slope
cdef double STEEPEST = 0.25  # 25 %: steeper than any street
cdef double THICKNESS_M = 0.12  # points this close to a cell's level tell its height
cdef double OVERHEAD_M = 0.3
cdef double KERB_M = 0.2
cdef double NOISE_M = 0.03


cdef inline float _turn(float x, float y) noexcept nogil:
    """Return the bearing of (x, y) in turns, [0, 1], to 2e-6 turns."""
    cdef float ax = fabsf(x), ay = fabsf(y)
    cdef float most = ax if ax > ay else ay
    cdef float a = (ay if ax > ay else ax) / (most if most > 0 else <float>1.0)
    cdef float s = a * a
    # Minimax of atan on [0, 1] (Abramowitz & Stegun 4.4.49), over 2 pi.
    cdef float r = a * (
        <float>0.159133616 + s * (<float>-0.052568799 + s * (<float>0.028670331 + s * (
            <float>-0.013549338 + s * <float>0.003316021
        )))
    )
    # Selections, not branches: bearings of a shuffled cloud cannot be foreseen.
    r = <float>0.25 - r if ay > ax else r
    r = <float>0.5 - r if x < 0 else r
    return <float>1.0 - r if y < 0 else r


def place_points(
    const float[:, ::1] points_m,
    const float[::1] edges_m,
    const int32_t[::1] ring_at,
    float[:, ::1] places,
    int32_t[:, ::1] counts,
) -> None:
    """Write each point's fractional ring and sector, and how many points each cell holds.

    points_m (N, 3); edges_m (R + 1,) radii of the rings; ring_at (L,) ring at each range step,
    the last one for all beyond; places (N, 2), ring -1 for a point that is not finite; counts
    (R, S).
    """
    cdef Py_ssize_t i, n_steps = ring_at.shape[0]
    cdef int32_t k, s, n_sectors = <int32_t>counts.shape[1]
    cdef float x, y, r, ring, sector
    with nogil:
        counts[:, :] = 0
        for i in range(points_m.shape[0]):
            x, y = points_m[i, 0], points_m[i, 1]
            if not (
                fabsf(x) <= FARTHEST_M and fabsf(y) <= FARTHEST_M
                and fabsf(points_m[i, 2]) <= FARTHEST_M
            ):
                places[i, 0] = -1.0
                places[i, 1] = 0.0
                continue
            r = sqrtf(x * x + y * y)
            k = ring_at[<Py_ssize_t>min(r * STEPS_PER_M, <float>(n_steps - 1))]
            ring = (r - edges_m[k]) / (edges_m[k + 1] - edges_m[k])
            # Rounding may leave the ring; a point beyond the last one stays at its rim.
            ring = k + max(min(ring, <float>0.999), <float>0.0)
            sector = _turn(x, y) * n_sectors
            s = <int32_t>sector
            if s >= n_sectors:
                s = 0
                sector = 0.0
            places[i, 0] = ring
            places[i, 1] = sector
            counts[k, s] += 1


cdef inline Py_ssize_t _cell(const float* place, Py_ssize_t n_sectors) noexcept nogil:
    return <Py_ssize_t>place[0] * n_sectors + <Py_ssize_t>place[1]


def heights_by_cell(
    const float[:, ::1] points_m,
    const float[:, ::1] places,
    int32_t[:, ::1] ends,
    float[::1] heights_m,
) -> None:
    """Write the heights of the points cell by cell.

    points_m (N, 3); places (N, 2); ends (R, S) where each cell starts, turned into where it
    ends; heights_m (n,) for n finite points.
    """
    cdef Py_ssize_t i, n_sectors = ends.shape[1]
    cdef int32_t* end = &ends[0, 0]
    cdef Py_ssize_t cell
    with nogil:
        for i in range(points_m.shape[0]):
            if places[i, 0] >= 0:
                cell = _cell(&places[i, 0], n_sectors)
                heights_m[end[cell]] = points_m[i, 2]
                end[cell] += 1


def second_lowest(
    const float[::1] heights_m, const int32_t[:, ::1] ends, double[:, ::1] low_m
) -> None:
    """Write the lowest but one height of each cell, NaN for a cell of fewer than three points.

    heights_m (n,) and ends (R, S) from heights_by_cell; low_m (Q, S), the first Q rings. Not
    the lowest: a lone reflection from below would be.
    """
    cdef Py_ssize_t k, s, i, start = 0
    cdef float lowest, second
    with nogil:
        for k in range(low_m.shape[0]):
            for s in range(low_m.shape[1]):
                lowest = second = <float>INFINITY
                for i in range(start, ends[k, s]):
                    if heights_m[i] < lowest:
                        second = lowest
                        lowest = heights_m[i]
                    elif heights_m[i] < second:
                        second = heights_m[i]
                low_m[k, s] = second if ends[k, s] - start >= 3 else NAN
                start = ends[k, s]


def grow(
    const float[::1] heights_m,
    const int32_t[:, ::1] ends,
    const double[::1] edges_m,
    const double[::1] seed,
    double seed_radius_m,
    double step_m,
    double slope,
    double[:, ::1] ground_m,
    double[:, ::1] rise,
    double[:, ::1] gap_m,
    double[:, ::1] support,
) -> None:
    """Write the ground's height at each cell's middle, ring after ring from the sensor out.

    A cell looks for points within step_m + slope * distance of the height its inner neighbours
    predict, so a reflection below, a wall above or another level of road is not mistaken for
    ground. heights_m, ends from heights_by_cell; edges_m (R + 1,); seed (3,) height at the
    origin and slopes along x and y of the ground within seed_radius_m; ground_m, rise (radial
    slope), gap_m (distance since the ground was last seen), support (points) (R, S).
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1]
    cdef Py_ssize_t k, s, start = 0
    cdef double turn, middle, predicted, slope_here, gap, reach, step
    with nogil:
        for k in range(n_rings):
            if k > 0 and start == heights_m.shape[0]:
                # Nothing was seen from here on: as high as the last ring, and never observed.
                for s in range(n_sectors):
                    ground_m[k, s] = ground_m[k - 1, s]
                    support[k, s] = rise[k, s] = gap_m[k, s] = 0.0
                continue
            middle = 0.5 * (edges_m[k] + edges_m[k + 1])
            step = 0.0 if k == 0 else middle - 0.5 * (edges_m[k - 1] + edges_m[k])
            for s in range(n_sectors):
                if middle < seed_radius_m or k == 0:
                    turn = (s + 0.5) / n_sectors * 6.283185307179586
                    slope_here = seed[1] * cos(turn) + seed[2] * sin(turn)
                    predicted = seed[0] + slope_here * middle
                    gap = 0.0
                    reach = step_m + 0.03 * middle
                else:
                    _predict(
                        ground_m, rise, gap_m, k, s, step, &predicted, &slope_here, &gap
                    )
                    reach = step_m + slope * (step + 0.5 * gap)
                    if reach > FARTHEST_STEP_M:
                        reach = FARTHEST_STEP_M
                _observe(
                    heights_m, start, ends[k, s], predicted, reach, step, slope_here, gap,
                    &ground_m[k, s], &rise[k, s], &gap_m[k, s], &support[k, s],
                )
                start = ends[k, s]


cdef inline void _predict(
    const double[:, ::1] ground_m, const double[:, ::1] rise, const double[:, ::1] gap_m,
    Py_ssize_t k, Py_ssize_t s, double step, double* predicted, double* slope, double* gap,
) noexcept nogil:
    cdef Py_ssize_t n_sectors = ground_m.shape[1], d, q
    cdef double weight, total = 0.0
    predicted[0] = slope[0] = gap[0] = 0.0
    for d in range(-2, 3):
        q = (s + d + n_sectors) % n_sectors
        weight = gap_m[k - 1, q] + 0.5
        weight = (1.0 if d == 0 else 0.5 if d * d == 1 else 0.25) / (weight * weight)
        total += weight
        predicted[0] += weight * (ground_m[k - 1, q] + rise[k - 1, q] * step)
        slope[0] += weight * rise[k - 1, q]
        gap[0] += weight * gap_m[k - 1, q]
    predicted[0] /= total
    slope[0] /= total
    gap[0] /= total


cdef inline void _observe(
    const float[::1] heights_m, Py_ssize_t start, Py_ssize_t stop, double predicted,
    double reach, double step, double slope, double gap,
    double* ground, double* rise, double* gap_out, double* support,
) noexcept nogil:
    # Counts and whole numbers, not sums of floats: the order of the points changes nothing.
    cdef int32_t[32] bins
    cdef Py_ssize_t i, n_within = 0, n = 0, n_overhead = 0
    cdef int64_t total = 0
    cdef double above, level = predicted, trust
    cdef double per_m = 32 / (2 * reach)
    for i in range(32):
        bins[i] = 0
    for i in range(start, stop):
        above = heights_m[i] - (predicted - reach)
        if above >= 0.0 and above < 2 * reach:
            bins[min(<int32_t>(above * per_m), 31)] += 1
            n_within += 1
    if n_within > 0:
        i = -1
        while n <= n_within // 10:
            i += 1
            n += bins[i]
        level = predicted - reach + (i + 0.5) / per_m
        n = 0
        for i in range(start, stop):
            above = heights_m[i] - level + THICKNESS_M
            if above >= 0.0 and above < 2 * THICKNESS_M:
                total += <int64_t>(above * 65536.0)
                n += 1
            elif above >= 2 * THICKNESS_M and above < 2 * THICKNESS_M + OVERHEAD_M:
                n_overhead += 1
        if n > 0:
            level += total / (65536.0 * n) - THICKNESS_M
        # Never climb something upright, whose points go on above.
        if level > predicted and n <= n_overhead:
            n = 0
    if n == 0:
        ground[0] = predicted
        rise[0] = 0.9 * slope
        gap_out[0] = gap + step
        support[0] = 0.0
        return
    trust = n / (n + 2.0)
    ground[0] = predicted + (level - predicted) * trust
    if step > 0.0:
        slope += 0.3 * trust * (ground[0] - predicted) / (step if step > 1.0 else 1.0)
    rise[0] = STEEPEST if slope > STEEPEST else -STEEPEST if slope < -STEEPEST else slope
    gap_out[0] = gap * (1.0 - trust)
    support[0] = n


def relax(const double[:, ::1] support, int32_t n_rounds, double[:, ::1] ground_m) -> None:
    """Smooth in place: each cell moves towards its neighbours, the less the more support it has.

    support, ground_m (R, S). Rings past the last one with support stay as they are.
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1], k, s, _round
    cdef Py_ssize_t last = 0
    cdef double weight
    with nogil:
        for k in range(n_rings):
            for s in range(n_sectors):
                if support[k, s] > 0.0:
                    last = k
        for _round in range(n_rounds):
            for k in range(1, min(last + 1, n_rings - 1)):
                for s in range(n_sectors):
                    if support[k, s] > 8.0:
                        continue
                    weight = support[k, s] / (support[k, s] + 1.0)
                    ground_m[k, s] = weight * ground_m[k, s] + (1.0 - weight) * 0.25 * (
                        ground_m[k - 1, s] + ground_m[k + 1, s]
                        + ground_m[k, (s + 1) % n_sectors]
                        + ground_m[k, (s + n_sectors - 1) % n_sectors]
                    )


def height_above(
    const double[:, ::1] ground_m,
    const double[:, ::1] support,
    const float[:, ::1] points_m,
    const float[:, ::1] places,
    float[::1] out_m,
) -> None:
    """Write each point's height above the ground, NaN for one that is not finite.

    ground_m, support (R, S) at the middles of cells; points_m (N, 3); places (N, 2) from
    place_points; out_m (N,). The ground is bilinear in between; a point that would stand NOISE_M to
    KERB_M above it is measured from the well-seen corner nearest in height, if nearer: a kerb is
    a step, not a ramp.
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1]
    cdef Py_ssize_t i, k, s, t
    cdef double ring, sector, inner, outer, z, height
    with nogil:
        for i in range(points_m.shape[0]):
            if places[i, 0] < 0:
                out_m[i] = NAN
                continue
            ring = places[i, 0] - 0.5
            if ring < 0.0:
                ring = 0.0
            k = <Py_ssize_t>ring
            if k > n_rings - 2:
                k = n_rings - 2
            ring -= k
            sector = places[i, 1] - 0.5
            if sector < 0.0:
                sector += n_sectors
            s = <Py_ssize_t>sector
            sector -= s
            t = s + 1 if s + 1 < n_sectors else 0
            inner = ground_m[k, s] + (ground_m[k, t] - ground_m[k, s]) * sector
            outer = ground_m[k + 1, s] + (ground_m[k + 1, t] - ground_m[k + 1, s]) * sector
            z = points_m[i, 2]
            height = z - (inner + (outer - inner) * ring)
            if height > NOISE_M and height < KERB_M:
                height = _nearer(height, z - ground_m[k, s], support[k, s])
                height = _nearer(height, z - ground_m[k, t], support[k, t])
                height = _nearer(height, z - ground_m[k + 1, s], support[k + 1, s])
                height = _nearer(height, z - ground_m[k + 1, t], support[k + 1, t])
            out_m[i] = <float>height


cdef inline double _nearer(double height, double other, double support) noexcept nogil:
    return other if support > 4.0 and fabs(other) < fabs(height) else height


def count_offsets(
    const float[::1] height_m, const float[:, ::1] places, int32_t[:, ::1] counts
) -> None:
    """Count, ring by ring, the points at each distance from the surface, in steps of 5 mm.

    height_m (N,), NaN for none; places (N, 2); counts (R, B), the last bin ends at B steps.
    """
    cdef Py_ssize_t i, n_bins = counts.shape[1]
    cdef double off
    with nogil:
        counts[:, :] = 0
        for i in range(height_m.shape[0]):
            off = fabs(height_m[i]) * 200.0
            if off < n_bins:
                counts[<Py_ssize_t>places[i, 0], <Py_ssize_t>off] += 1


def choose_ground(
    const float[::1] height_m,
    const float[:, ::1] places,
    const double[::1] tolerance_m,
    double depth_m,
    double share,
    int32_t[:, :, ::1] counts,
    unsigned char[::1] is_ground,
) -> None:
    """Mark the points on the surface, but not where as many stand right above.

    height_m (N,), NaN for none; places (N, 2); tolerance_m (R,) above the surface and depth_m
    below; share: a cell's points on the surface are ground if they are more than this share of
    those in the OVERHEAD_M above; counts (R, S, 2) scratch; is_ground (N,).
    """
    cdef Py_ssize_t i, k, s
    cdef double height
    with nogil:
        counts[:, :, :] = 0
        for i in range(height_m.shape[0]):
            is_ground[i] = 0
            if places[i, 0] < 0:
                continue
            k, s, height = <Py_ssize_t>places[i, 0], <Py_ssize_t>places[i, 1], height_m[i]
            if height >= tolerance_m[k]:
                counts[k, s, 1] += height < tolerance_m[k] + OVERHEAD_M
            elif height > -tolerance_m[k] - depth_m:
                counts[k, s, 0] += 1
                is_ground[i] = 1
        for i in range(height_m.shape[0]):
            if is_ground[i]:
                k, s = <Py_ssize_t>places[i, 0], <Py_ssize_t>places[i, 1]
                is_ground[i] = counts[k, s, 0] > share * counts[k, s, 1]
