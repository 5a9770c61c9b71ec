"""Cuboid hypotheses for clusters, and what the sweep says about each of them.

Points are BEV positions of non-ground points around the sensor, metres; `height_m` is their
height above the local ground. Clusters are CSR: rows order[start[k]:start[k + 1]].
"""

from libc.math cimport M_PI, atan, atan2, ceil, cos, fabs, floor, log1p, sin, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t

cdef enum:
    GROUND = 1
    OBJECT = 2
    VEHICLE = 0
    PEDESTRIAN = 1
    MOST_RAYS = 12
    HEIGHT_BINS = 10
    MOST_POINTS = 512  # of a cluster whose heading is sought

# Upper edges of the height histogram, metres above the ground.
cdef double* EDGES = [0.3, 0.6, 0.9, 1.2, 1.5, 1.8, 2.2, 3.0, 5.0]


def cluster_shape(
    const float[:, ::1] xy_m,
    const float[::1] height_m,
    const int64_t[::1] order,
    const int64_t[::1] start,
    float[:, ::1] out,
) -> None:
    """Write each cluster's shape to out (K, 18): what does not depend on a cuboid.

    Columns: points, BEV extent along x, along y, lowest and highest height, mean and
    standard deviation of the height, log of the points, then the height histogram (10).
    """
    cdef Py_ssize_t k, i, p, bin_, n
    cdef int edge
    cdef double x0, x1, y0, y1, z0, z1, z, total, square

    with nogil:
        for k in range(start.shape[0] - 1):
            n = start[k + 1] - start[k]
            for bin_ in range(18):
                out[k, bin_] = 0
            x0 = y0 = z0 = 1e30
            x1 = y1 = z1 = -1e30
            total = square = 0
            for i in range(start[k], start[k + 1]):
                p = order[i]
                z = height_m[p]
                x0, x1 = min(x0, xy_m[p, 0]), max(x1, xy_m[p, 0])
                y0, y1 = min(y0, xy_m[p, 1]), max(y1, xy_m[p, 1])
                z0, z1 = min(z0, z), max(z1, z)
                total += z
                square += z * z
                bin_ = 0
                # A sum of comparisons, not a search: heights in a cluster come in any order.
                for edge in range(HEIGHT_BINS - 1):
                    bin_ += z > EDGES[edge]
                out[k, 8 + bin_] += 1
            if n == 0:
                continue
            out[k, 0] = n
            out[k, 1], out[k, 2] = x1 - x0, y1 - y0
            out[k, 3], out[k, 4] = z0, z1
            total /= n
            out[k, 5] = total
            out[k, 6] = sqrt(max(square / n - total * total, 0.0))
            out[k, 7] = log1p(n)
            for bin_ in range(HEIGHT_BINS):
                out[k, 8 + bin_] /= n


cdef inline double closeness(
    const float* x, const float* y, float* u, float* v, Py_ssize_t n, double yaw, float floor_m
) noexcept nogil:
    cdef float c = <float>cos(yaw), s = <float>sin(yaw), d, e
    cdef float u0 = <float>1e30, u1 = <float>-1e30, v0 = <float>1e30, v1 = <float>-1e30
    cdef double q = 0
    cdef Py_ssize_t i
    # Loops of one kind each, in single precision: the compiler does four points at a time.
    for i in range(n):
        u[i] = x[i] * c + y[i] * s
        v[i] = y[i] * c - x[i] * s
    for i in range(n):
        u0, u1, v0, v1 = min(u0, u[i]), max(u1, u[i]), min(v0, v[i]), max(v1, v[i])
    for i in range(n):
        d = u[i] - u0 if u[i] - u0 < u1 - u[i] else u1 - u[i]
        e = v[i] - v0 if v[i] - v0 < v1 - v[i] else v1 - v[i]
        d = d if d < e else e
        u[i] = <float>1.0 / (d if d > floor_m else floor_m)
    for i in range(n):
        q += u[i]
    return q


def closeness_yaw(
    const float[:, ::1] xy_m,
    const int64_t[::1] order,
    const int64_t[::1] start,
    Py_ssize_t max_points,
    double floor_m,
    double[::1] out,
) -> None:
    """Write to out[k] the heading in [0, pi/2) whose rectangle the points lie closest to.

    The closeness criterion of Zhang et al., "Efficient L-Shape Fitting for Vehicle Detection
    Using Laser Scanners" (2017), searched in steps of 5 degrees, then of 1 degree around the
    best. Clusters of more than `max_points` (256 at most) are thinned evenly.
    """
    cdef Py_ssize_t k, step, i, n
    cdef double best, q, yaw, coarse, degree = M_PI / 180
    cdef float[MOST_POINTS] x, y, u, v
    cdef int64_t p

    with nogil:
        for k in range(start.shape[0] - 1):
            step = max(1, (start[k + 1] - start[k]) // min(max_points, MOST_POINTS // 2))
            n = (start[k + 1] - start[k] + step - 1) // step
            for i in range(n):
                p = order[start[k] + i * step]
                # About the first point: far from the sensor single precision would not do.
                x[i] = xy_m[p, 0] - xy_m[order[start[k]], 0]
                y[i] = xy_m[p, 1] - xy_m[order[start[k]], 1]
            best = -1
            coarse = 0
            out[k] = 0
            for i in range(18):
                yaw = 5 * degree * i
                q = closeness(x, y, u, v, n, yaw, <float>floor_m)
                if q > best:
                    best, coarse = q, yaw
            out[k] = coarse
            for i in range(-4, 5):
                yaw = coarse + degree * i
                q = closeness(x, y, u, v, n, yaw, <float>floor_m)
                if q > best:
                    best, out[k] = q, yaw
            out[k] = out[k] - floor(out[k] / (M_PI / 2)) * (M_PI / 2)


def extents(
    const float[:, ::1] xy_m,
    const int64_t[::1] order,
    const int64_t[::1] start,
    const int64_t[::1] owner,
    const double[::1] yaw_rad,
    double[:, ::1] out,
) -> None:
    """Write to out (R, 4) the span of cluster owner[r] along and across heading yaw_rad[r].

    Columns: least and greatest coordinate along the heading, then across it. One point in a
    hundred (three at most) is taken for an outlier at each end.
    """
    cdef Py_ssize_t r, i, j, side, cut
    cdef double c, s, value
    cdef double u, v
    cdef double far[4][4]
    cdef int64_t p, k

    with nogil:
        for r in range(owner.shape[0]):
            k = owner[r]
            c, s = cos(yaw_rad[r]), sin(yaw_rad[r])
            cut = min(3, (start[k + 1] - start[k]) // 100)
            for side in range(4):
                for j in range(4):
                    far[side][j] = -1e30
            for i in range(start[k], start[k + 1]):
                p = order[i]
                u = xy_m[p, 0] * c + xy_m[p, 1] * s
                v = xy_m[p, 1] * c - xy_m[p, 0] * s
                for side in range(4):
                    value = (-u if side == 0 else u) if side < 2 else (-v if side == 2 else v)
                    if value <= far[side][cut]:
                        continue
                    # The greatest few, in falling order, by insertion.
                    j = cut
                    while j > 0 and far[side][j - 1] < value:
                        far[side][j] = far[side][j - 1]
                        j -= 1
                    far[side][j] = value
            out[r, 0], out[r, 1] = -far[0][cut], far[1][cut]
            out[r, 2], out[r, 3] = -far[2][cut], far[3][cut]


cdef inline bint fits(
    const double* t, int64_t group, double length, double width, double high
) noexcept nogil:
    """Say whether a seen rectangle may be an object of a template; see `suggest`."""
    cdef double longest = max(length, width), shortest = min(length, width)
    if length > t[0] * (1 + t[2]) + t[3] or width > t[1] * (1 + t[2]) + t[3] or longest > t[4]:
        return False
    if group == VEHICLE:
        # Big ones stand high.
        return (longest >= 3.0 or shortest >= t[5] or t[5] == 0) and (t[0] < 6 or high > 1.4)
    # A square one: one way round is enough.
    return longest >= t[5] and 0.7 < high < 2.4 and (group != PEDESTRIAN or length >= width)


def suggest(
    const double[::1] yaw_rad,
    const double[:, ::1] rect_m,
    const double[::1] highest_m,
    const double[:, ::1] templates,
    const int64_t[::1] groups,
    int64_t[::1] row,
    int64_t[::1] template,
    double[:, ::1] footprint,
    double[:, ::1] seen_m,
) -> int64_t:
    """Write the cuboids that each seen rectangle may be the visible part of; return how many.

    yaw_rad (R,) and rect_m (R, 4) as `extents` writes them, highest_m (R,) above the ground;
    templates (T, 6) length, width, slack (share, metres), longest, shortest; groups (T,). To
    each rectangle belong 3 T + 1 places in row, template, footprint (x, y, length, width, yaw)
    and seen_m (length, width). Order: as seen (template T), then template by template, each
    grown away from the sensor, both ways, and towards it.
    """
    cdef Py_ssize_t r, t, n_templates = templates.shape[0]
    cdef int along
    cdef int64_t n = 0
    cdef double length, width, x, y, l, w, u, v
    with nogil:
        for t in range(-1, n_templates):
            for along in range(1, -2, -1):
                if along < 1 and (t < 0 or groups[t] != VEHICLE):
                    break
                for r in range(yaw_rad.shape[0]):
                    length, width = rect_m[r, 1] - rect_m[r, 0], rect_m[r, 3] - rect_m[r, 2]
                    x, y = (rect_m[r, 0] + rect_m[r, 1]) / 2, (rect_m[r, 2] + rect_m[r, 3]) / 2
                    if t < 0:
                        if length < width or length <= 1.5:
                            continue
                        l, w = max(length, 0.3), max(width, 0.3)
                    else:
                        if not fits(&templates[t, 0], groups[t], length, width, highest_m[r]):
                            continue
                        l, w = max(length, templates[t, 0]), max(width, templates[t, 1])
                        u, v = (l - length) / 2, (w - width) / 2
                        if along < 1 and not u > 0.4:
                            continue
                        if groups[t] == VEHICLE:
                            x += along * (u if x > 0 else -u)
                            y += v if y > 0 else -v
                    row[n] = r
                    template[n] = t if t >= 0 else n_templates
                    u, v = cos(yaw_rad[r]), sin(yaw_rad[r])
                    footprint[n, 0], footprint[n, 1] = u * x - v * y, v * x + u * y
                    footprint[n, 2], footprint[n, 3] = l, w
                    footprint[n, 4] = yaw_rad[r]
                    seen_m[n, 0], seen_m[n, 1] = length, width
                    n += 1
    return n


def group_points(
    const int32_t[::1] labels, int64_t[::1] start, int64_t[::1] order
) -> None:
    """List the points of each cluster, in rising order.

    labels (N,), -1 for none, else below K; start (K + 1,) zeros, becomes where each cluster's
    list begins; order (n,) the lists.
    """
    cdef Py_ssize_t i, k, n = start.shape[0] - 1
    cdef int64_t total = 0
    with nogil:
        for i in range(labels.shape[0]):
            if labels[i] >= 0:
                start[labels[i] + 1] += 1
        for k in range(1, n + 1):
            start[k] += start[k - 1]
        for i in range(labels.shape[0]):
            if labels[i] >= 0:
                order[start[labels[i]]] = i
                start[labels[i]] += 1
        # Each cluster's place has moved to its end, which is where the next begins.
        for k in range(n, 0, -1):
            start[k] = start[k - 1]
        start[0] = 0


def choose_points(
    const float[:, ::1] points_m,
    const float[::1] height_m,
    double lowest_m,
    double highest_m,
    double reach_m,
    uint8_t[::1] is_ground,
    int64_t[::1] rows,
) -> int64_t:
    """Mark the ground, and list the points that may be an object's; return their number.

    points_m (N, 3); ground is from 0.4 m below to 0.15 m above the surface; rows (N,): higher
    than lowest_m, lower than highest_m and within reach_m of the sensor, ascending.
    """
    cdef Py_ssize_t i
    cdef int64_t n = 0
    cdef double x, y
    with nogil:
        for i in range(points_m.shape[0]):
            x, y = points_m[i, 0], points_m[i, 1]
            is_ground[i] = (height_m[i] > -0.4) & (height_m[i] < 0.15)
            # Written always, counted if wanted: no branch.
            rows[n] = i
            n += (
                (height_m[i] > lowest_m) & (height_m[i] < highest_m)
                & (x * x + y * y < reach_m * reach_m)
            )
    return n


def fill_raster(
    const float[:, ::1] points_m,
    const float[::1] height_m,
    const uint8_t[::1] is_ground,
    double half_m,
    double cell_m,
    uint8_t[:, ::1] kind,
    uint8_t[:, ::1] top,
) -> None:
    """Mark the BEV cells in which ground (1) or an object (2) was hit, and how high.

    points_m (N, 2 or 3). `top` counts 2.5 cm steps, 6.4 m at most; points higher than 4.5 m or
    lower than 0.2 m are no objects. The grid spans [-half_m, half_m) both ways.
    """
    cdef Py_ssize_t i, n = kind.shape[0], x, y
    cdef double inverse = 1 / cell_m, a, b
    cdef int steps

    with nogil:
        for i in range(points_m.shape[0]):
            a, b = (points_m[i, 0] + half_m) * inverse, (points_m[i, 1] + half_m) * inverse
            # Written so that a NaN fails; truncation is floor then.
            if not (a >= 0 and b >= 0 and a < n and b < n):
                continue
            x, y = <Py_ssize_t>a, <Py_ssize_t>b
            if is_ground[i]:
                kind[x, y] |= GROUND
            elif 0.2 < height_m[i] < 4.5:
                kind[x, y] |= OBJECT
                steps = <int>(height_m[i] * 40)
                top[x, y] = max(top[x, y], <uint8_t>min(steps, 255))


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
    cdef int faces_l = 0, faces_w = 0, bits_l = 0, bits_w = 0
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
        if fabs(half_w - v) < 0.35 and fabs(u) < half_l:
            bits_l |= 1 << <int>((u + half_l) * per_l)
        if fabs(half_l - u) < 0.35 and fabs(v) < half_w:
            bits_w |= 1 << <int>((v + half_w) * per_w)
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
    int cells
    int ground
    int object_
    int roof
    int high


cdef inline void sample(
    const uint8_t[:, ::1] kind, const uint8_t[:, ::1] top, double p, double q, double dp,
    double dq, Py_ssize_t first, Py_ssize_t last, bint core, Tally* seen,
) noexcept nogil:
    """Look at the places (p, q) + j * (dp, dq), in cells, for j from first to last."""
    cdef Py_ssize_t j, n = kind.shape[0]
    cdef double a, b
    cdef uint8_t k
    cdef int high
    for j in range(first, last + 1):
        # Truncation is floor here: what lies outside the grid on the low side is cut off.
        a, b = p + j * dp, q + j * dq
        if a < 0 or b < 0 or a >= n or b >= n:
            continue
        k = kind[<Py_ssize_t>a, <Py_ssize_t>b]
        seen.cells += 1
        seen.ground += k == GROUND
        if k & OBJECT:
            seen.object_ += 1
            if core:
                high = top[<Py_ssize_t>a, <Py_ssize_t>b]
                seen.roof += high > 40
                seen.high = max(seen.high, high)


cdef void raster_features(
    const uint8_t[:, ::1] kind, const uint8_t[:, ::1] top, double half, double cell,
    double x, double y, double l, double w, double c, double s, float* f,
) noexcept nogil:
    """What was hit inside the cuboid's footprint and in the half metre around it."""
    cdef double u, p, q, pace = 1.5 * cell, inverse = 1 / cell
    cdef double dp = -pace * s * inverse, dq = pace * c * inverse
    cdef Py_ssize_t i, inner = -1, outer = 0
    cdef Py_ssize_t ni = <Py_ssize_t>((l / 2 + 0.4) / pace) + 1
    cdef Py_ssize_t nj = <Py_ssize_t>((w / 2 + 0.4) / pace) + 1
    cdef Tally within, ring
    within.cells = within.ground = within.object_ = within.roof = within.high = 0
    ring = within
    # Across: inside up to `inner` paces off the middle, outside from `outer` paces on.
    while (inner + 1) * pace <= w / 2 - 0.2:
        inner += 1
    while outer <= nj and not outer * pace > w / 2 + 0.1:
        outer += 1
    for i in range(-ni, ni + 1):
        u = i * pace
        p, q = (x + u * c + half) * inverse, (y + u * s + half) * inverse
        if fabs(u) > l / 2 + 0.1:
            sample(kind, top, p, q, dp, dq, -nj, nj, False, &ring)
            continue
        if fabs(u) <= l / 2 - 0.3:
            sample(kind, top, p, q, dp, dq, -inner, inner, True, &within)
        sample(kind, top, p, q, dp, dq, -nj, -outer, False, &ring)
        sample(kind, top, p, q, dp, dq, outer, nj, False, &ring)
    f[21] = within.ground / <double>max(within.cells, 1)
    f[22] = within.object_ / <double>max(within.cells, 1)
    f[23] = ring.ground / <double>max(ring.cells, 1)
    f[24] = ring.object_ / <double>max(ring.cells, 1)
    f[25] = within.high / 40.0
    f[26] = within.ground
    f[27] = ring.object_
    f[28] = within.roof / <double>max(within.object_, 1)


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
    const float[::1] height_m,
    const int64_t[::1] order,
    const int64_t[::1] start,
    const int64_t[::1] owner,
    const double[:, ::1] cuboids,
    Py_ssize_t max_points,
    const uint8_t[:, ::1] kind,
    const uint8_t[:, ::1] top,
    double half_m,
    double cell_m,
    const float[::1] first,
    const double[:, ::1] ray,
    float[:, ::1] out,
) -> None:
    """Write the 37 features of each hypothesis that depend on its cuboid to out[:, :37].

    owner (M,) names the cluster of each cuboid; cuboids (M, 5): x, y, length, width, yaw,
    sensor at the origin. Features 0-20 come from the cluster's own points, 21-28 from the
    raster of `fill_raster`, 29-36 from the rays of `first_returns`, whose directions are
    ray (bins, 2); see proposals/features.py.
    """
    cdef Py_ssize_t m, step, n
    cdef int64_t k
    cdef double x, y, l, w, c, s
    cdef float* f

    with nogil:
        for m in range(owner.shape[0]):
            k = owner[m]
            f = &out[m, 0]
            x, y, l, w = cuboids[m, 0], cuboids[m, 1], cuboids[m, 2], cuboids[m, 3]
            c, s = cos(cuboids[m, 4]), sin(cuboids[m, 4])
            n = start[k + 1] - start[k]
            step = max(1, n // max_points)
            n = (n + step - 1) // step
            point_features(xy_m, &order[start[k]], n, step, x, y, l, w, c, s, f)
            raster_features(kind, top, half_m, cell_m, x, y, l, w, c, s, f)
            ray_features(first, ray, x, y, l, w, c, s, f)


def average_near(
    const double[:, ::1] cuboids,
    const double[::1] scores,
    const int64_t[::1] kept,
    double reach_m,
    double size_m,
    double turn_rad,
    double least,
    double[:, ::1] out,
) -> None:
    """Write each kept cuboid as the mean of those that say nearly the same to out.

    cuboids (M, 7); out (len(kept), 7). Alike are those whose place, size and axis differ by at
    most reach_m, size_m and turn_rad and whose score is at least `least` of the kept one's;
    weights are the fourth power of the scores.
    """
    cdef Py_ssize_t r, m, j
    cdef int64_t k
    cdef double turn, weight, total

    with nogil:
        for r in range(kept.shape[0]):
            k = kept[r]
            total = 0
            for j in range(7):
                out[r, j] = 0
            for m in range(cuboids.shape[0]):
                if fabs(cuboids[m, 0] - cuboids[k, 0]) > reach_m:
                    continue
                if fabs(cuboids[m, 1] - cuboids[k, 1]) > reach_m or scores[m] < least * scores[k]:
                    continue
                if fabs(cuboids[m, 3] - cuboids[k, 3]) > size_m:
                    continue
                if fabs(cuboids[m, 4] - cuboids[k, 4]) > size_m:
                    continue
                turn = cuboids[m, 6] - cuboids[k, 6]
                turn = turn - M_PI * floor(turn / M_PI + 0.5)
                if fabs(turn) > turn_rad:
                    continue
                weight = scores[m] ** 4
                total += weight
                for j in range(6):
                    out[r, j] += weight * cuboids[m, j]
                out[r, 6] += weight * turn
            for j in range(7):
                out[r, j] /= total
            out[r, 6] += cuboids[k, 6]
