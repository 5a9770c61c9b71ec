"""The ground as heights on a polar grid, grown outwards from the sensor.

Cells are numbered ring * n_sectors + sector. A point's cell is found through its squared-free
range in steps of 1 / STEPS_PER_M and a polynomial arctangent; both are exact enough for a grid
and far cheaper than libm.
"""

from libc.math cimport NAN, cos, fabs, sin, sqrt
from libc.stdint cimport int32_t

cdef double FARTHEST_M = 1e9
cdef double STEPS_PER_M = 4.0
cdef double FARTHEST_STEP_M = 1.5  # never look further up or down than a hidden kerb and slope
cdef double STEEPEST = 0.25  # 25 %: steeper than any street


cdef inline double _turn(double x, double y) noexcept nogil:
    """Return the bearing of (x, y) in turns, [0, 1), to 2e-6 turns."""
    cdef double ax = fabs(x), ay = fabs(y), a, s, r
    if ax + ay == 0.0:
        return 0.0
    a = ay / ax if ax > ay else ax / ay
    s = a * a
    # Minimax of atan on [0, 1] (Abramowitz & Stegun 4.4.49).
    r = a * (
        0.9998660 + s * (-0.3302995 + s * (0.1801410 + s * (-0.0851330 + s * 0.0208351)))
    ) * 0.15915494309189535
    if ay > ax:
        r = 0.25 - r
    if x < 0:
        r = 0.5 - r
    if y < 0:
        r = 1.0 - r
    return r if r < 1.0 else 0.0


cdef inline void _place(
    double x, double y, const double* edges_m, const int32_t* ring_at, Py_ssize_t n_steps,
    Py_ssize_t n_sectors, double* ring, double* sector,
) noexcept nogil:
    """Write the fractional ring and sector of (x, y); whole numbers are cell borders."""
    cdef double r = sqrt(x * x + y * y)
    cdef Py_ssize_t step = <Py_ssize_t>(r * STEPS_PER_M) if r < 1e6 else n_steps - 1
    cdef int32_t k
    if step > n_steps - 1:
        step = n_steps - 1
    k = ring_at[step]
    ring[0] = (r - edges_m[k]) / (edges_m[k + 1] - edges_m[k])
    if ring[0] > 0.999:
        ring[0] = 0.999
    if ring[0] < 0.0:
        ring[0] = 0.0
    ring[0] += k
    sector[0] = _turn(x, y) * n_sectors


def place_points(
    const float[:, ::1] points_m,
    const double[::1] edges_m,
    const int32_t[::1] ring_at,
    int32_t n_sectors,
    int32_t[::1] cells,
    int32_t[::1] starts,
) -> None:
    """Write each point's cell, -1 for one that is not finite, and where each cell's points start.

    points_m (N, 3); edges_m (R + 1,) radii of the rings; ring_at (L,) ring at each range step;
    cells (N,); starts (R * n_sectors + 1,).
    """
    cdef Py_ssize_t i, n_cells = starts.shape[0] - 1
    cdef int32_t cell, total = 0, count
    cdef double ring = 0.0, sector = 0.0
    with nogil:
        for i in range(n_cells + 1):
            starts[i] = 0
        for i in range(points_m.shape[0]):
            if not (
                fabs(points_m[i, 0]) <= FARTHEST_M
                and fabs(points_m[i, 1]) <= FARTHEST_M
                and fabs(points_m[i, 2]) <= FARTHEST_M
            ):
                cells[i] = -1
                continue
            _place(
                points_m[i, 0], points_m[i, 1], &edges_m[0], &ring_at[0], ring_at.shape[0],
                n_sectors, &ring, &sector,
            )
            cell = <int32_t>ring * n_sectors + <int32_t>sector
            cells[i] = cell
            starts[cell] += 1
        for i in range(n_cells + 1):
            count = starts[i]
            starts[i] = total
            total += count


def heights_by_cell(
    const float[:, ::1] points_m,
    const int32_t[::1] cells,
    const int32_t[::1] starts,
    int32_t[::1] ends,
    float[::1] heights_m,
) -> None:
    """Write the heights of the points cell by cell, ascending within each.

    points_m (N, 3); cells (N,); starts (C + 1,); ends (C,) scratch; heights_m (n,).
    """
    cdef Py_ssize_t i, cell
    with nogil:
        for cell in range(ends.shape[0]):
            ends[cell] = starts[cell]
        for i in range(points_m.shape[0]):
            if cells[i] >= 0:
                heights_m[ends[cells[i]]] = points_m[i, 2]
                ends[cells[i]] += 1
        for cell in range(ends.shape[0]):
            if starts[cell + 1] - starts[cell] > 1:
                _sort(&heights_m[starts[cell]], starts[cell + 1] - starts[cell])


cdef void _sort(float* a, Py_ssize_t n) noexcept nogil:
    # Shell sort (Ciura's gaps): cells hold tens of points, so no recursion is worth it.
    cdef Py_ssize_t gap, i, j, g
    cdef float v
    cdef int[8] gaps
    gaps[0], gaps[1], gaps[2], gaps[3] = 701, 301, 132, 57
    gaps[4], gaps[5], gaps[6], gaps[7] = 23, 10, 4, 1
    for g in range(8):
        gap = gaps[g]
        for i in range(gap, n):
            v = a[i]
            j = i
            while j >= gap and a[j - gap] > v:
                a[j] = a[j - gap]
                j -= gap
            a[j] = v


def grow(
    const float[::1] heights_m,
    const int32_t[::1] starts,
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
    ground. heights_m, starts from heights_by_cell; edges_m (R + 1,); seed (3,) height at the
    origin and slopes along x and y of the ground within seed_radius_m; ground_m, rise (radial
    slope), gap_m (distance since the ground was last seen), support (points) (R, S).
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1]
    cdef Py_ssize_t k, s
    cdef double turn, middle, predicted, slope_here, gap, reach, step
    with nogil:
        for k in range(n_rings):
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
                    heights_m, starts[k * n_sectors + s], starts[k * n_sectors + s + 1],
                    predicted, reach, step, slope_here, gap,
                    &ground_m[k, s], &rise[k, s], &gap_m[k, s], &support[k, s],
                )


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
    cdef Py_ssize_t low = start, high, i
    cdef double level, total = 0.0, trust
    cdef Py_ssize_t n = 0
    while low < stop and heights_m[low] < predicted - reach:
        low += 1
    high = low
    while high < stop and heights_m[high] <= predicted + reach:
        high += 1
    if high == low:
        ground[0] = predicted
        rise[0] = 0.9 * slope
        gap_out[0] = gap + step
        support[0] = 0.0
        return
    level = heights_m[low + (high - low) // 10]
    for i in range(low, high):
        if fabs(heights_m[i] - level) < 0.12:
            total += heights_m[i]
            n += 1
    trust = n / (n + 2.0)
    ground[0] = predicted + (total / n - predicted) * trust
    if step > 0.0:
        slope += 0.3 * trust * (ground[0] - predicted) / (step if step > 1.0 else 1.0)
    rise[0] = STEEPEST if slope > STEEPEST else -STEEPEST if slope < -STEEPEST else slope
    gap_out[0] = gap * (1.0 - trust)
    support[0] = n


def relax(const double[:, ::1] support, int32_t n_rounds, double[:, ::1] ground_m) -> None:
    """Smooth in place: each cell moves towards its neighbours, the less the more support it has.

    support, ground_m (R, S).
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1], k, s, _round
    cdef double weight
    with nogil:
        for _round in range(n_rounds):
            for k in range(1, n_rings - 1):
                for s in range(n_sectors):
                    if support[k, s] > 8.0:
                        continue
                    weight = support[k, s] / (support[k, s] + 1.0)
                    ground_m[k, s] = weight * ground_m[k, s] + (1.0 - weight) * 0.25 * (
                        ground_m[k - 1, s] + ground_m[k + 1, s]
                        + ground_m[k, (s + 1) % n_sectors]
                        + ground_m[k, (s + n_sectors - 1) % n_sectors]
                    )


def ground_below(
    const double[:, ::1] ground_m,
    const double[::1] edges_m,
    const int32_t[::1] ring_at,
    const float[:, ::1] points_m,
    float[::1] out_m,
) -> None:
    """Write the ground's height under each point, NaN under one that is not finite.

    ground_m (R, S) at the middles of cells, between them bilinear; edges_m (R + 1,); ring_at (L,)
    ring at each range step; points_m (N, 3), of which x and y count; out_m (N,).
    """
    cdef Py_ssize_t n_rings = ground_m.shape[0], n_sectors = ground_m.shape[1]
    cdef Py_ssize_t i, k, s, t
    cdef double ring = 0.0, sector = 0.0, inner, outer
    with nogil:
        for i in range(points_m.shape[0]):
            if not (fabs(points_m[i, 0]) <= FARTHEST_M and fabs(points_m[i, 1]) <= FARTHEST_M):
                out_m[i] = NAN
                continue
            _place(
                points_m[i, 0], points_m[i, 1], &edges_m[0], &ring_at[0], ring_at.shape[0],
                n_sectors, &ring, &sector,
            )
            ring -= 0.5
            if ring < 0.0:
                ring = 0.0
            k = <Py_ssize_t>ring
            if k > n_rings - 2:
                k = n_rings - 2
            ring -= k
            sector += n_sectors - 0.5
            s = <Py_ssize_t>sector
            sector -= s
            s %= n_sectors
            t = (s + 1) % n_sectors
            inner = ground_m[k, s] + (ground_m[k, t] - ground_m[k, s]) * sector
            outer = ground_m[k + 1, s] + (ground_m[k + 1, t] - ground_m[k + 1, s]) * sector
            out_m[i] = <float>(inner + (outer - inner) * ring)
