"""The shapes of clusters, and cuboid hypotheses for them.

Points are BEV positions of non-ground points around the sensor, metres; `height_m` is their
height above the local ground. Clusters are CSR: rows order[start[k]:start[k + 1]].
"""

from libc.math cimport M_PI, cos, fabs, floor, log1p, sin, sqrt
from libc.stdint cimport int32_t, int64_t

cdef enum:
    VEHICLE = 0
    PEDESTRIAN = 1
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
    cdef double longest = max(length, width)
    if length > t[0] * (1 + t[2]) + t[3] or width > t[1] * (1 + t[2]) + t[3] or longest > t[4]:
        return False
    if group == VEHICLE:
        # Big ones stand high; seen from an end, as high as no car.
        return t[5] == 0 or (high > 1.4 and longest >= 3.0) or (high > 2.4 and longest >= t[5])
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
