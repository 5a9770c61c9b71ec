"""What a whole sweep hit, and what that says about a cuboid.

Points are those of a sweep around the sensor, metres; `height_m` is their height above the
local ground. A cluster's points are CSR: rows order[start[k]:start[k + 1]].
"""

from libc.math cimport M_PI, atan, atan2, ceil, cos, fabs, floor, log1p, sin, sqrt
from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef enum:
    GROUND = 1
    MOST_RAYS = 12
    FINE = 24  # bits of a share of a cell
    PART = 21  # bits of one of three numbers in a word


def fill_raster(
    const float[:, ::1] points_m,
    const float[::1] height_m,
    const uint8_t[::1] is_ground,
    double half_m,
    double cell_m,
    uint8_t[:, ::1] hit,
) -> None:
    """Write what was hit in the BEV cells: 1 ground only, more an object, how high.

    points_m (N, 2 or 3). `hit` counts 2.5 cm steps, 6.4 m at most; points higher than 4.5 m or
    lower than 0.2 m are no objects. The grid spans [-half_m, half_m) both ways.
    """
    cdef Py_ssize_t i, n = hit.shape[0], x, y
    cdef double inverse = 1 / cell_m, a, b
    cdef int steps

    with nogil:
        for i in range(points_m.shape[0]):
            if is_ground[i]:
                steps = GROUND
            elif 0.2 < height_m[i] < 4.5:
                steps = min(<int>(height_m[i] * 40), 255)
            else:
                continue
            a, b = (points_m[i, 0] + half_m) * inverse, (points_m[i, 1] + half_m) * inverse
            # Written so that a NaN fails; truncation is floor then.
            if not (a >= 0 and b >= 0 and a < n and b < n):
                continue
            x, y = <Py_ssize_t>a, <Py_ssize_t>b
            hit[x, y] = max(hit[x, y], <uint8_t>steps)


cdef inline double turn_of(double x, double y) noexcept nogil:
    """Return the bearing of (x, y) in turns, [0, 1], to 2e-6 turns."""
    cdef double ax = fabs(x), ay = fabs(y), most = ax if ax > ay else ay
    cdef double a = (ay if ax > ay else ax) / (most if most > 0 else 1.0), s = a * a
    # Minimax of atan on [0, 1] (Abramowitz & Stegun 4.4.49), over 2 pi.
    cdef double r = a * (
        0.159133616 + s * (-0.052568799 + s * (0.028670331 + s * (-0.013549338 + s * 0.003316021)))
    )
    r = 0.25 - r if ay > ax else r
    r = 0.5 - r if x < 0 else r
    return 1.0 - r if y < 0 else r


def first_returns(
    const float[:, ::1] points_m,
    const float[::1] height_m,
    const uint8_t[::1] is_ground,
    float[::1] out,
) -> None:
    """Write the range of the nearest return 0.3 to 1.7 m above ground in each azimuth bin.

    points_m (N, 2 or 3). Bin k is centred on -pi + (k + 0.5) * 2 pi / bins; bins without a
    return are left alone.
    """
    cdef Py_ssize_t i, k, bins = out.shape[0]
    cdef float r
    cdef double scale = bins / (2 * M_PI), place, x, y

    with nogil:
        for i in range(points_m.shape[0]):
            if is_ground[i] or not (0.3 <= height_m[i] <= 1.7):
                continue
            x, y = points_m[i, 0], points_m[i, 1]
            r = <float>sqrt(x * x + y * y)
            # Nor a bearing that is no number: it would be no bin.
            if not r < 1e9:
                continue
            place = turn_of(-x, -y) * bins
            k = <Py_ssize_t>place
            if place - k < 0.01 or place - k > 0.99:
                # Too near to a bin's border for a polynomial.
                k = <Py_ssize_t>((atan2(y, x) + M_PI) * scale)
            k = k if k < bins else 0
            if r < out[k]:
                out[k] = r


cdef void point_features(
    const float[:, ::1] xy, const int64_t* rows, Py_ssize_t n, Py_ssize_t step,
    double x, double y, double l, double w, double c, double s, float* f,
) noexcept nogil:
    """Where the cluster's own points lie in the cuboid; +u, +v is the side of the sensor."""
    cdef double u, v, e, r = sqrt(x * x + y * y)
    cdef double along = -(x * c + y * s), across = x * s - y * c
    cdef double su = 1.0 if along >= 0 else -1.0, sv = 1.0 if across >= 0 else -1.0
    cdef double cu = c * su, pu = s * su, cv = c * sv, pv = s * sv, half_l = l / 2, half_w = w / 2
    cdef double per_l = 8 / l, per_w = 5 / w
    cdef double u0 = 1e30, u1 = -1e30, v0 = 1e30, v1 = -1e30
    cdef double mu = 0, mv = 0, uu = 0, vv = 0, dx, dy
    cdef int out = 0, near2 = 0, near1 = 0, b
    cdef int faces_l = 0, faces_w = 0, bits_l = 0, bits_w = 0, at_side
    cdef Py_ssize_t i
    cdef const float* p
    for i in range(n):
        p = &xy[rows[i * step], 0]
        dx, dy = p[0] - x, p[1] - y
        u, v = dx * cu + dy * pu, dy * cv - dx * pv
        e = min(half_l - fabs(u), half_w - fabs(v))
        # Sums of comparisons, not branches: where a point lies cannot be foreseen.
        out += e < -0.05
        near2 += (e > -0.1) & (e < 0.2)
        near1 += (e > -0.1) & (e < 0.1)
        mu += u
        mv += v
        uu += u * u
        vv += v * v
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
        # Off the side nothing is shifted; the mask keeps that shift defined.
        at_side = (fabs(half_w - v) < 0.35) & (fabs(u) < half_l)
        bits_l |= at_side << (<int>((u + half_l) * per_l) & 15)
        at_side = (fabs(half_l - u) < 0.35) & (fabs(v) < half_w)
        bits_w |= at_side << (<int>((v + half_w) * per_w) & 15)
    for b in range(8):
        faces_l += (bits_l >> b) & 1
    for b in range(5):
        faces_w += (bits_w >> b) & 1
    mu /= n
    mv /= n
    f[0] = log1p((n - out) * step)
    f[1] = log1p((n - out) * step * r * r / 1000)
    f[2] = r
    f[3] = l
    f[4] = w
    f[5] = near2 / <double>n
    f[6] = near1 / <double>n
    f[7] = out / <double>n
    f[8] = half_l - u1
    f[9] = half_w - v1
    f[10] = u0 + half_l
    f[11] = v0 + half_w
    f[12] = u1 - u0
    f[13] = v1 - v0
    f[14] = atan2(fabs(across), fabs(along))
    f[15] = sqrt(max(uu / n - mu * mu, 0.0))
    f[16] = sqrt(max(vv / n - mv * mv, 0.0))
    f[17] = mu / l
    f[18] = mv / w
    f[19] = faces_l / 8.0
    f[20] = faces_w / 5.0


cdef struct Tally:
    int64_t cells
    uint64_t sums  # three numbers side by side: cells with ground only, with an object, a roof
    int high


cdef inline void sample(
    const uint8_t[:, ::1] hit, const uint64_t* worth, int64_t p, int64_t q, int64_t dp,
    int64_t dq, Py_ssize_t first, Py_ssize_t last, bint on_grid, Tally* seen,
) noexcept nogil:
    """Look at the places (p, q) + j * (dp, dq), in shares of a cell, for j from first to last."""
    cdef Py_ssize_t _j, n = hit.shape[0]
    cdef int64_t a = p + first * dp, b = q + first * dq, cells = 0
    cdef uint64_t end = <uint64_t>n << FINE, sums = 0
    cdef int what, high = 0
    if on_grid:
        for _j in range(first, last + 1):
            what = (&hit[0, 0])[(a >> FINE) * n + (b >> FINE)]
            sums += worth[what]
            high = what if what > high else high
            a += dp
            b += dq
        seen.cells += max(0, last - first + 1)
        seen.sums += sums
        seen.high = high if high > seen.high else seen.high
        return
    for _j in range(first, last + 1):
        # Whole numbers: shifted right they are floored, also those off the grid.
        if <uint64_t>a < end and <uint64_t>b < end:
            what = (&hit[0, 0])[(a >> FINE) * n + (b >> FINE)]
            cells += 1
            # A look-up, not comparisons: what comes next cannot be foreseen.
            sums += worth[what]
            high = what if what > high else high
        a += dp
        b += dq
    seen.cells += cells
    seen.sums += sums
    seen.high = high if high > seen.high else seen.high


cdef inline int64_t part(const Tally* seen, int which) noexcept nogil:
    return <int64_t>((seen.sums >> (which * PART)) & ((<uint64_t>1 << PART) - 1))


cdef void raster_features(
    const uint8_t[:, ::1] hit, const uint64_t* worth, double half, double cell,
    double x, double y, double l, double w, double c, double s, float* f,
) noexcept nogil:
    """What was hit inside the cuboid's footprint and in the half metre around it."""
    cdef double u, pace = 1.5 * cell, scale = (1 << FINE) / cell
    cdef int64_t p, q
    cdef int64_t dp = <int64_t>floor(-pace * s * scale), dq = <int64_t>floor(pace * c * scale)
    cdef Py_ssize_t i, inner = -1, outer = 0
    cdef Py_ssize_t ni = <Py_ssize_t>((l / 2 + 0.4) / pace) + 1
    cdef Py_ssize_t nj = <Py_ssize_t>((w / 2 + 0.4) / pace) + 1
    # Farther from the middle than any sample: the corner, and what a pace is rounded by.
    cdef double reach = (ni + nj + 2) * pace, far = half - reach
    cdef bint on_grid = fabs(x) < far and fabs(y) < far
    cdef Tally within, ring
    within.cells = within.sums = within.high = 0
    ring = within
    # Across: inside up to `inner` paces off the middle, outside from `outer` paces on.
    while (inner + 1) * pace <= w / 2 - 0.2:
        inner += 1
    while outer <= nj and not outer * pace > w / 2 + 0.1:
        outer += 1
    for i in range(-ni, ni + 1):
        u = i * pace
        p = <int64_t>floor((x + u * c + half) * scale)
        q = <int64_t>floor((y + u * s + half) * scale)
        if fabs(u) > l / 2 + 0.1:
            sample(hit, worth, p, q, dp, dq, -nj, nj, on_grid, &ring)
            continue
        if fabs(u) <= l / 2 - 0.3:
            sample(hit, worth, p, q, dp, dq, -inner, inner, on_grid, &within)
        sample(hit, worth, p, q, dp, dq, -nj, -outer, on_grid, &ring)
        sample(hit, worth, p, q, dp, dq, outer, nj, on_grid, &ring)
    f[21] = part(&within, 0) / <double>max(within.cells, 1)
    f[22] = part(&within, 1) / <double>max(within.cells, 1)
    f[23] = part(&ring, 0) / <double>max(ring.cells, 1)
    f[24] = part(&ring, 1) / <double>max(ring.cells, 1)
    f[25] = within.high / 40.0 if within.high > GROUND else 0.0
    f[26] = part(&within, 0)
    f[27] = part(&ring, 1)
    f[28] = part(&within, 2) / <double>max(part(&within, 1), 1)


cdef inline void seen_angle(
    double cx, double cy, double l, double w, double* lo, double* hi
) noexcept nogil:
    """Say between which angles off its middle, 0 included, a cuboid at (cx, cy) is seen."""
    cdef int k
    cdef double u, v, across, along, d, low = 0, high = 0
    cdef bint ahead = True
    for k in range(4):
        u = cx + (l / 2 if k % 2 == 0 else -l / 2)
        v = cy + (w / 2 if k < 2 else -w / 2)
        along, across = cx * u + cy * v, cx * v - cy * u
        if along <= 0:
            ahead = False
            break
        d = across / along
        low, high = min(low, d), max(high, d)
    if ahead:
        lo[0], hi[0] = atan(low), atan(high)
        return
    lo[0] = hi[0] = 0
    for k in range(4):
        u = cx + (l / 2 if k % 2 == 0 else -l / 2)
        v = cy + (w / 2 if k < 2 else -w / 2)
        d = atan2(cx * v - cy * u, cx * u + cy * v)
        lo[0], hi[0] = min(lo[0], d), max(hi[0], d)


cdef void ray_features(
    const float[::1] first, const double[:, ::1] ray, double x, double y, double l, double w,
    double c, double s, float* f,
) noexcept nogil:
    """What the rays towards the cuboid met: it, something before it, or something behind it."""
    cdef double cx = x * c + y * s, cy = y * c - x * s
    cdef double azimuth, lo, hi, d, du, dv, t0, t1, ta, tb
    cdef double r, gap = 0, widest = 0, width = 2 * M_PI / first.shape[0]
    cdef Py_ssize_t k, i, first_k, last_k, step, bin_, bins = first.shape[0]
    cdef int total = 0, hit = 0, through = 0, hidden = 0, none = 0, front = 0
    if fabs(cx) < l / 2 and fabs(cy) < w / 2:
        for k in range(29, 37):
            f[k] = 0
        return
    azimuth = atan2(y, x)
    seen_angle(cx, cy, l, w, &lo, &hi)
    first_k = <Py_ssize_t>ceil((lo + azimuth + M_PI) / width - 0.5)
    last_k = <Py_ssize_t>floor((hi + azimuth + M_PI) / width - 0.5)
    # A dozen rays tell as much as the hundred that a near car spans.
    step = 1 + max(0, last_k - first_k) // MOST_RAYS
    for i in range((last_k - first_k) // step + 1 if last_k >= first_k else 0):
        bin_ = first_k + i * step
        bin_ += bins if bin_ < 0 else -bins if bin_ >= bins else 0
        du, dv = ray[bin_, 0] * c + ray[bin_, 1] * s, ray[bin_, 1] * c - ray[bin_, 0] * s
        t0, t1 = -1e30, 1e30
        if fabs(du) > 1e-9:
            du = 1 / du
            ta, tb = (cx - l / 2) * du, (cx + l / 2) * du
            t0, t1 = max(t0, min(ta, tb)), min(t1, max(ta, tb))
        elif fabs(cx) > l / 2:
            continue
        if fabs(dv) > 1e-9:
            dv = 1 / dv
            ta, tb = (cy - w / 2) * dv, (cy + w / 2) * dv
            t0, t1 = max(t0, min(ta, tb)), min(t1, max(ta, tb))
        elif fabs(cy) > w / 2:
            continue
        if t1 <= t0 + 0.1 or t1 < 0:
            continue
        total += 1
        r = first[bin_]
        if r > 1e8:
            none += 1
        elif r < t0 - 0.3:
            hidden += 1
        elif r <= t1:
            d = max(r - t0, 0.0)
            hit += 1
            gap += d
            widest = max(widest, d)
            front += d < 0.25
        elif r > t1 + 0.3:
            through += 1
    d = max(total, 1)
    f[29] = hit / d
    f[30] = through / d
    f[31] = hidden / d
    f[32] = none / d
    f[33] = gap / max(hit, 1)
    f[34] = widest
    f[35] = front / d
    f[36] = max(0, last_k - first_k + 1)


def describe(
    const float[:, ::1] xy_m,
    const int64_t[::1] order,
    const int64_t[::1] start,
    const float[:, ::1] shape,
    const int64_t[::1] owner,
    const double[:, ::1] cuboids,
    const double[:, ::1] seen_m,
    const int64_t[::1] template,
    Py_ssize_t max_points,
    const uint8_t[:, ::1] hit,
    double half_m,
    double cell_m,
    const float[::1] first,
    const double[:, ::1] ray,
    float[:, ::1] out,
) -> None:
    """Write the 55 features of each hypothesis to out (M, 55).

    shape (K, 18) from cluster_shape; owner (M,) names the cluster of each cuboid; cuboids
    (M, 5): x, y, length, width, yaw, sensor at the origin; seen_m (M, 2) and template (M,) as
    suggested. Features 0-20 come from the cluster's own points, 21-28 from the raster of
    `fill_raster`, 29-36 from the rays of `first_returns`, whose directions are ray (bins, 2),
    the rest from the arguments; see proposals/features.py.
    """
    cdef Py_ssize_t m, step, n
    cdef int64_t k
    cdef double x, y, l, w, c, s
    cdef float* f
    cdef uint64_t[256] worth
    cdef int what

    with nogil:
        for what in range(256):
            worth[what] = (
                <uint64_t>(what == GROUND) | (<uint64_t>(what > GROUND) << PART)
                | (<uint64_t>(what > 40) << 2 * PART)
            )
        for m in range(owner.shape[0]):
            k = owner[m]
            f = &out[m, 0]
            x, y, l, w = cuboids[m, 0], cuboids[m, 1], cuboids[m, 2], cuboids[m, 3]
            c, s = cos(cuboids[m, 4]), sin(cuboids[m, 4])
            n = start[k + 1] - start[k]
            step = max(1, n // max_points)
            n = (n + step - 1) // step
            point_features(xy_m, &order[start[k]], n, step, x, y, l, w, c, s, f)
            raster_features(hit, worth, half_m, cell_m, x, y, l, w, c, s, f)
            ray_features(first, ray, x, y, l, w, c, s, f)
            f[37] = min(seen_m[m, 0], seen_m[m, 1])
            f[38] = max(seen_m[m, 0], seen_m[m, 1])
            for what in range(15):
                # Heights and the histogram of heights: all but the number of points and extents.
                f[39 + what] = shape[k, 3 + what]
            f[54] = template[m]
