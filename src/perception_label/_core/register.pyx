"""Aligning the points of one object: crop them, remember its shape, find its pose.

A shape is a box of cubic cells in the object frame; each cell knows the point of the shape
nearest to its middle, so that asking for a neighbour costs one look-up. It is what the
distance transform is to Fitzgibbon's (2003) registration, but it keeps the neighbour too.
"""

from libc.math cimport cos, exp, fabs, floor, sin, sqrt
from libc.stdint cimport int32_t, int64_t


cdef inline Py_ssize_t _first_not_below(
    const float[:, ::1] points_m, double row, double x
) noexcept nogil:
    """Return the first point whose (row of y, x) is not below (row, x)."""
    cdef Py_ssize_t low = 0, high = points_m.shape[0], middle
    cdef double at
    while low < high:
        middle = (low + high) // 2
        at = floor(points_m[middle, 1])
        if at < row or (at == row and points_m[middle, 0] < x):
            low = middle + 1
        else:
            high = middle
    return low


def crop(
    const float[:, ::1] points_m,
    const double[::1] pose,
    const double[::1] half_m,
    float[:, ::1] out,
) -> int64_t:
    """Write the points in an upright box, in its own axes, and return how many there are.

    points_m (N, 3) sorted by whole metres of y, then by x; pose (4,) x, y, z, yaw; half_m (3,) half
    sizes; out (n, 3): at most n points are written, evenly chosen if there are more.
    """
    cdef Py_ssize_t i, n = 0, first, most = out.shape[0], found = 0, step
    cdef double c = cos(pose[3]), s = sin(pose[3]), reach_x, reach_y, row, top, x, y, z, u, v
    cdef int turn
    with nogil:
        reach_x = fabs(c) * half_m[0] + fabs(s) * half_m[1]
        reach_y = fabs(s) * half_m[0] + fabs(c) * half_m[1]
        step = 1
        for turn in range(2):
            row = floor(pose[1] - reach_y)
            top = floor(pose[1] + reach_y)
            found = 0
            while row <= top:
                first = _first_not_below(points_m, row, pose[0] - reach_x)
                for i in range(first, points_m.shape[0]):
                    if floor(points_m[i, 1]) != row or points_m[i, 0] > pose[0] + reach_x:
                        break
                    z = points_m[i, 2] - pose[2]
                    if fabs(z) > half_m[2]:
                        continue
                    x = points_m[i, 0] - pose[0]
                    y = points_m[i, 1] - pose[1]
                    u = c * x + s * y
                    v = c * y - s * x
                    if fabs(u) > half_m[0] or fabs(v) > half_m[1]:
                        continue
                    if turn == 1 and found % step == 0 and n < most:
                        out[n, 0] = <float>u
                        out[n, 1] = <float>v
                        out[n, 2] = <float>z
                        n += 1
                    found += 1
                row += 1
            if turn == 0:
                step = (found + most - 1) // most if most > 0 and found > most else 1
    return n


def grow(
    const float[:, ::1] points_m,
    const double[::1] move,
    const double[::1] half_m,
    double apart_m,
    double side_m,
    int64_t n_model,
    float[:, ::1] model_m,
    int32_t[:, :, ::1] nearest,
    float[:, :, ::1] apart2,
) -> int64_t:
    """Add points to a shape where it has none yet and return its new number of points.

    points_m (N, 3) in the axes of a pose; move (4,) x, y, z, yaw of the object in those axes;
    half_m (3,) half sizes, points outside are not taken; apart_m closer ones are there already;
    side_m of a cell; model_m (C, 3), n_model of it filled; nearest (X, Y, Z) index of the point
    nearest to each cell's middle, -1 where none is within five cells, and apart2 (X, Y, Z) its
    squared distance, huge there.
    """
    cdef Py_ssize_t i, a, b, d, ia, ib, ic, n = n_model
    cdef Py_ssize_t nx = nearest.shape[0], ny = nearest.shape[1], nz = nearest.shape[2]
    cdef double c = cos(move[3]), s = sin(move[3]), x, y, z, u, v, w, here, across
    cdef float there
    cdef int32_t old
    cdef int reach = 5
    with nogil:
        for i in range(points_m.shape[0]):
            if n >= model_m.shape[0]:
                break
            x = points_m[i, 0] - move[0]
            y = points_m[i, 1] - move[1]
            z = points_m[i, 2] - move[2]
            u = c * x + s * y
            v = c * y - s * x
            if fabs(u) > half_m[0] or fabs(v) > half_m[1] or fabs(z) > half_m[2]:
                continue
            ia = <Py_ssize_t>floor(u / side_m) + nx // 2
            ib = <Py_ssize_t>floor(v / side_m) + ny // 2
            ic = <Py_ssize_t>floor(z / side_m) + nz // 2
            if ia < 0 or ib < 0 or ic < 0 or ia >= nx or ib >= ny or ic >= nz:
                continue
            old = nearest[ia, ib, ic]
            if old >= 0:
                here = (model_m[old, 0] - u) ** 2 + (model_m[old, 1] - v) ** 2
                here += (model_m[old, 2] - z) ** 2
                if here < apart_m * apart_m:
                    continue
            model_m[n, 0] = <float>u
            model_m[n, 1] = <float>v
            model_m[n, 2] = <float>z
            for a in range(max(0, ia - reach), min(nx, ia + reach + 1)):
                x = (a - nx // 2 + 0.5) * side_m
                for b in range(max(0, ib - reach), min(ny, ib + reach + 1)):
                    y = (b - ny // 2 + 0.5) * side_m
                    across = (u - x) * (u - x) + (v - y) * (v - y)
                    for d in range(max(0, ic - reach), min(nz, ic + reach + 1)):
                        w = (d - nz // 2 + 0.5) * side_m
                        there = <float>(across + (z - w) * (z - w))
                        if there < apart2[a, b, d]:
                            apart2[a, b, d] = there
                            nearest[a, b, d] = <int32_t>n
            n += 1
    return n


cdef inline int32_t _neighbour(
    const int32_t[:, :, ::1] nearest, double side_m, double x, double y, double z
) noexcept nogil:
    cdef Py_ssize_t a = <Py_ssize_t>floor(x / side_m) + nearest.shape[0] // 2
    cdef Py_ssize_t b = <Py_ssize_t>floor(y / side_m) + nearest.shape[1] // 2
    cdef Py_ssize_t c = <Py_ssize_t>floor(z / side_m) + nearest.shape[2] // 2
    if a < 0 or b < 0 or c < 0:
        return -1
    if a >= nearest.shape[0] or b >= nearest.shape[1] or c >= nearest.shape[2]:
        return -1
    return nearest[a, b, c]


cdef double _likeness(
    const float[:, ::1] points_m,
    double x,
    double y,
    double z,
    double yaw,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
    double strange,
) noexcept nogil:
    """Return how many points inside the box at a pose lie on the shape, less the strange ones."""
    cdef double c = cos(yaw), s = sin(yaw), p, q, u, v, w, d2, total = 0
    cdef Py_ssize_t i
    cdef int32_t k
    for i in range(points_m.shape[0]):
        p = points_m[i, 0] - x
        q = points_m[i, 1] - y
        w = points_m[i, 2] - z
        u = c * p + s * q
        v = c * q - s * p
        if fabs(u) > half_m[0] or fabs(v) > half_m[1] or fabs(w) > half_m[2]:
            continue
        k = _neighbour(nearest, side_m, u, v, w)
        if k < 0:
            total -= strange
            continue
        d2 = (model_m[k, 0] - u) ** 2 + (model_m[k, 1] - v) ** 2 + (model_m[k, 2] - w) ** 2
        total += exp(-d2 / (spread_m * spread_m))
        if d2 > 4 * spread_m * spread_m:
            total -= strange
    return total


def likeness(
    const float[:, ::1] points_m,
    const double[:, ::1] poses,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
    double strange,
    double[::1] out,
) -> None:
    """Write how well the points fit the shape at each pose.

    points_m (N, 3); poses (M, 4) x, y, z, yaw of the object in the points' axes; model_m (C, 3) and
    nearest (X, Y, Z) as `grow` makes them; half_m (3,) points outside this box do not count;
    out (M,) sum over points of exp(-(distance / spread_m)^2), less `strange` for each that is
    farther than two spreads.
    """
    cdef Py_ssize_t m
    with nogil:
        for m in range(poses.shape[0]):
            out[m] = _likeness(
                points_m, poses[m, 0], poses[m, 1], poses[m, 2], poses[m, 3], model_m, nearest,
                side_m, half_m, spread_m, strange,
            )


def align(
    const float[:, ::1] points_m,
    double[:, ::1] poses,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    const double[::1] radius_m,
    double spread_m,
    double strange,
    double[::1] out,
) -> None:
    """Move each pose so that the points lie on the shape, and write how well they do.

    As `likeness`, but poses (M, 4) are where to start and become where the alignment ends: one
    weighted closed-form step (Kabsch in the plane) per radius_m (I,), the reach of
    the robust weight (Cauchy). A pose with fewer than 5 points is left, with a likeness of -1e9.
    """
    cdef Py_ssize_t m
    with nogil:
        for m in range(poses.shape[0]):
            if _align(points_m, &poses[m, 0], model_m, nearest, side_m, half_m, radius_m):
                out[m] = _likeness(
                    points_m, poses[m, 0], poses[m, 1], poses[m, 2], poses[m, 3], model_m, nearest,
                    side_m, half_m, spread_m, strange,
                )
            else:
                out[m] = -1e9


cdef bint _align(
    const float[:, ::1] points_m,
    double* pose,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    const double[::1] radius_m,
) noexcept nogil:
    cdef double c, s, p, q, u, v, w, d2, weight, total, ax, ay, bx, by, xx, xy, th, tx, ty, r2
    cdef Py_ssize_t i, j
    cdef int32_t k
    cdef int used
    for j in range(radius_m.shape[0]):
        c = cos(pose[3])
        s = sin(pose[3])
        r2 = radius_m[j] * radius_m[j]
        total = ax = ay = bx = by = xx = xy = 0
        used = 0
        for i in range(points_m.shape[0]):
            p = points_m[i, 0] - pose[0]
            q = points_m[i, 1] - pose[1]
            w = points_m[i, 2] - pose[2]
            u = c * p + s * q
            v = c * q - s * p
            if fabs(u) > half_m[0] or fabs(v) > half_m[1] or fabs(w) > half_m[2]:
                continue
            k = _neighbour(nearest, side_m, u, v, w)
            if k < 0:
                continue
            d2 = (model_m[k, 0] - u) ** 2 + (model_m[k, 1] - v) ** 2 + (model_m[k, 2] - w) ** 2
            weight = 1 / (1 + d2 / r2) ** 2
            used += 1
            total += weight
            ax += weight * u
            ay += weight * v
            bx += weight * model_m[k, 0]
            by += weight * model_m[k, 1]
            # Sums of products; means are taken off below.
            xx += weight * (u * model_m[k, 0] + v * model_m[k, 1])
            xy += weight * (u * model_m[k, 1] - v * model_m[k, 0])
        if used < 5:
            return False
        xx -= (ax * bx + ay * by) / total
        xy -= (ax * by - ay * bx) / total
        th = xy / sqrt(xx * xx + xy * xy) if xx > 0 else 0
        if th > 0.1:
            th = 0.1
        if th < -0.1:
            th = -0.1
        # The points turned by th and moved by t lie on the shape; the pose moves the other way.
        tx = (bx - cos(th) * ax + sin(th) * ay) / total
        ty = (by - sin(th) * ax - cos(th) * ay) / total
        u = cos(th) * tx + sin(th) * ty
        v = cos(th) * ty - sin(th) * tx
        pose[0] -= c * u - s * v
        pose[1] -= s * u + c * v
        pose[3] -= th
    return True


def curvature(
    const float[:, ::1] points_m,
    const double[::1] pose,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
    const double[::1] steps,
    double[:, ::1] out,
) -> None:
    """Write how sharply the likeness falls off around a pose: minus its second derivatives.

    As `likeness`; pose (4,); steps (3,) how far to look ahead, metres, sideways, metres, and
    turned, radians, in the object's own axes; out (3, 3).
    """
    cdef Py_ssize_t i, j, side
    cdef double middle, both
    cdef double offset[3]
    with nogil:
        for i in range(3):
            offset[i] = 0
        middle = _moved(points_m, pose, offset, model_m, nearest, side_m, half_m, spread_m)
        for i in range(3):
            both = 0
            for side in range(2):
                offset[i] = steps[i] if side == 0 else -steps[i]
                both += _moved(points_m, pose, offset, model_m, nearest, side_m, half_m, spread_m)
            offset[i] = 0
            out[i, i] = (2 * middle - both) / (steps[i] * steps[i])
        for i in range(3):
            for j in range(i + 1, 3):
                both = 0
                for side in range(2):
                    offset[i] = steps[i] if side == 0 else -steps[i]
                    offset[j] = steps[j] if side == 0 else -steps[j]
                    both += _moved(
                        points_m, pose, offset, model_m, nearest, side_m, half_m, spread_m
                    )
                offset[i] = 0
                offset[j] = 0
                both = 2 * middle - both
                both -= steps[i] * steps[i] * out[i, i] + steps[j] * steps[j] * out[j, j]
                out[i, j] = both / (2 * steps[i] * steps[j])
                out[j, i] = out[i, j]


cdef double _moved(
    const float[:, ::1] points_m,
    const double[::1] pose,
    double* offset,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
) noexcept nogil:
    """Return the likeness at a pose moved ahead, sideways and turned."""
    cdef double c = cos(pose[3]), s = sin(pose[3])
    return _likeness(
        points_m,
        pose[0] + c * offset[0] - s * offset[1],
        pose[1] + s * offset[0] + c * offset[1],
        pose[2],
        pose[3] + offset[2],
        model_m, nearest, side_m, half_m, spread_m, 0.0,
    )
