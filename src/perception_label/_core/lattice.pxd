"""A shape of points in a box of cubic cells: what the kernels that align to it have in common.

Each cell knows the point of the shape nearest to its middle (`register`).
"""

from libc.math cimport cos, exp, fabs, floor, sin, sqrt
from libc.stdint cimport int32_t

cdef enum:
    MOST_STARTS = 16

cdef struct Lattice:
    const float* points
    const int32_t* nearest
    Py_ssize_t nx
    Py_ssize_t ny
    Py_ssize_t nz
    double side_m
    double half_x
    double half_y
    double half_z


cdef inline Lattice lattice(
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
) noexcept nogil:
    cdef Lattice on
    on.points = &model_m[0, 0]
    on.nearest = &nearest[0, 0, 0]
    on.nx, on.ny, on.nz = nearest.shape[0], nearest.shape[1], nearest.shape[2]
    on.side_m = side_m
    on.half_x, on.half_y, on.half_z = half_m[0], half_m[1], half_m[2]
    return on


cdef inline const float* first_of(const float[:, ::1] points_m) noexcept nogil:
    return &points_m[0, 0] if points_m.shape[0] > 0 else NULL


cdef inline Py_ssize_t first_not_below(
    const float* points, Py_ssize_t n, double row, double x
) noexcept nogil:
    """Return the first point whose (row of y, x) is not below (row, x)."""
    cdef Py_ssize_t low = 0, high = n, middle
    cdef double at
    while low < high:
        middle = (low + high) // 2
        at = points[3 * middle + 1]
        if at < row or (at < row + 1 and points[3 * middle] < x):
            low = middle + 1
        else:
            high = middle
    return low


cdef inline Py_ssize_t crop_box(
    const float* points, Py_ssize_t n_points, const double* pose, const double* half_m,
    float* out, Py_ssize_t most,
) noexcept nogil:
    """Write the points in a box as `register.crop` does; return how many."""
    cdef Py_ssize_t i, n = 0, found = 0, step = 1
    cdef double c = cos(pose[3]), s = sin(pose[3]), row, top, x, y, z, u, v
    cdef double reach_x = fabs(c) * half_m[0] + fabs(s) * half_m[1]
    cdef double reach_y = fabs(s) * half_m[0] + fabs(c) * half_m[1]
    cdef int turn
    for turn in range(2):
        row = floor(pose[1] - reach_y)
        top = floor(pose[1] + reach_y)
        found = 0
        n = 0
        while row <= top:
            for i in range(first_not_below(points, n_points, row, pose[0] - reach_x), n_points):
                x = points[3 * i] - pose[0]
                if points[3 * i + 1] >= row + 1 or x > reach_x:
                    break
                z = points[3 * i + 2] - pose[2]
                if fabs(z) > half_m[2]:
                    continue
                y = points[3 * i + 1] - pose[1]
                u = c * x + s * y
                v = c * y - s * x
                if fabs(u) > half_m[0] or fabs(v) > half_m[1]:
                    continue
                if n < most and found % step == 0:
                    out[3 * n] = <float>u
                    out[3 * n + 1] = <float>v
                    out[3 * n + 2] = <float>z
                    n += 1
                found += 1
            row += 1
        if found <= most or most == 0 or turn == 1:
            break
        # Too many: again, a share of them.
        step = (found + most - 1) // most
    return n


cdef inline Py_ssize_t grow_by(
    const float* points, Py_ssize_t n_points, const double* move, const Lattice* on,
    double apart_m, Py_ssize_t n_model, Py_ssize_t most, float* apart2,
) noexcept nogil:
    """Add points to a shape as `register.grow` does; return its new number of points."""
    cdef float* model = <float*>on.points
    cdef int32_t* nearest = <int32_t*>on.nearest
    cdef double side_m = on.side_m
    cdef double c = cos(move[3]), s = sin(move[3]), x, y, z, u, v, w, here, across
    cdef Py_ssize_t i, a, b, d, ia, ib, ic, at, n = n_model
    cdef Py_ssize_t hx = on.nx // 2, hy = on.ny // 2, hz = on.nz // 2
    cdef float there
    cdef int32_t old
    for i in range(n_points):
        if n >= most:
            break
        x = points[3 * i] - move[0]
        y = points[3 * i + 1] - move[1]
        z = points[3 * i + 2] - move[2]
        u = c * x + s * y
        v = c * y - s * x
        if fabs(u) > on.half_x or fabs(v) > on.half_y or fabs(z) > on.half_z:
            continue
        ia = <Py_ssize_t>floor(u / side_m) + hx
        ib = <Py_ssize_t>floor(v / side_m) + hy
        ic = <Py_ssize_t>floor(z / side_m) + hz
        if ia < 0 or ib < 0 or ic < 0 or ia >= on.nx or ib >= on.ny or ic >= on.nz:
            continue
        old = nearest[(ia * on.ny + ib) * on.nz + ic]
        if old >= 0:
            x, y, w = model[3 * old] - u, model[3 * old + 1] - v, model[3 * old + 2] - z
            here = x * x + y * y + w * w
            if here < apart_m * apart_m:
                continue
        model[3 * n] = <float>u
        model[3 * n + 1] = <float>v
        model[3 * n + 2] = <float>z
        for a in range(max(0, ia - 5), min(on.nx, ia + 6)):
            x = u - (a - hx + 0.5) * side_m
            for b in range(max(0, ib - 5), min(on.ny, ib + 6)):
                y = v - (b - hy + 0.5) * side_m
                across = x * x + y * y
                for d in range(max(0, ic - 5), min(on.nz, ic + 6)):
                    w = z - (d - hz + 0.5) * side_m
                    there = <float>(across + w * w)
                    at = (a * on.ny + b) * on.nz + d
                    if there < apart2[at]:
                        apart2[at] = there
                        nearest[at] = <int32_t>n
        n += 1
    return n


cdef inline int32_t neighbour(
    const Lattice* on, double inverse, double x, double y, double z
) noexcept nogil:
    """Return the point of the shape nearest to a place, -1 if none is known."""
    cdef double p = x * inverse + <double>(on.nx // 2)
    cdef double q = y * inverse + <double>(on.ny // 2)
    cdef double r = z * inverse + <double>(on.nz // 2)
    cdef Py_ssize_t a, b, c
    if p < 0 or q < 0 or r < 0:
        return -1
    a, b, c = <Py_ssize_t>p, <Py_ssize_t>q, <Py_ssize_t>r
    if a >= on.nx or b >= on.ny or c >= on.nz:
        return -1
    return on.nearest[(a * on.ny + b) * on.nz + c]


cdef inline double likeness_at(
    const float* points, Py_ssize_t n, double x, double y, double z, double yaw,
    const Lattice* on, double spread_m, double strange, Py_ssize_t every,
) noexcept nogil:
    """Return how many points inside the box at a pose lie on the shape, less the strange ones.

    One of `every` so many points is looked at, and counts for all of them.
    """
    cdef double c = cos(yaw), s = sin(yaw), p, q, u, v, w, d2, total = 0
    cdef double inverse = 1 / on.side_m, fall = -1 / (spread_m * spread_m)
    cdef double far = 4 * spread_m * spread_m
    cdef const float* at
    cdef Py_ssize_t i
    cdef int32_t k
    for i in range((n + every - 1) // every):
        at = points + 3 * every * i
        p = at[0] - x
        q = at[1] - y
        w = at[2] - z
        u = c * p + s * q
        v = c * q - s * p
        if fabs(u) > on.half_x or fabs(v) > on.half_y or fabs(w) > on.half_z:
            continue
        k = neighbour(on, inverse, u, v, w)
        if k < 0:
            total -= strange
            continue
        at = on.points + 3 * k
        d2 = (at[0] - u) * (at[0] - u) + (at[1] - v) * (at[1] - v) + (at[2] - w) * (at[2] - w)
        total += exp(d2 * fall)
        if d2 > far:
            total -= strange
    return total * every


cdef inline bint align_once(
    const float* points, Py_ssize_t n, double* pose, const Lattice* on, double radius_m
) noexcept nogil:
    """Move a pose by one weighted closed-form step; return whether 5 points had a neighbour."""
    cdef double c = cos(pose[3]), s = sin(pose[3]), p, q, u, v, w, d2, weight, th, ct, st, tx, ty
    cdef double total = 0, ax = 0, ay = 0, bx = 0, by = 0, xx = 0, xy = 0
    cdef double per_r2 = 1 / (radius_m * radius_m), inverse = 1 / on.side_m
    cdef double x = pose[0], y = pose[1], z = pose[2], mx, my, mz
    cdef Py_ssize_t i
    cdef int32_t k
    cdef int used = 0
    for i in range(n):
        p = points[3 * i] - x
        q = points[3 * i + 1] - y
        w = points[3 * i + 2] - z
        u = c * p + s * q
        v = c * q - s * p
        if fabs(u) > on.half_x or fabs(v) > on.half_y or fabs(w) > on.half_z:
            continue
        k = neighbour(on, inverse, u, v, w)
        if k < 0:
            continue
        mx, my, mz = on.points[3 * k], on.points[3 * k + 1], on.points[3 * k + 2]
        d2 = (mx - u) * (mx - u) + (my - v) * (my - v) + (mz - w) * (mz - w)
        weight = 1 + d2 * per_r2
        weight = 1 / (weight * weight)
        used += 1
        total += weight
        ax += weight * u
        ay += weight * v
        bx += weight * mx
        by += weight * my
        # Sums of products; means are taken off below.
        xx += weight * (u * mx + v * my)
        xy += weight * (u * my - v * mx)
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
    ct, st = cos(th), sin(th)
    tx = (bx - ct * ax + st * ay) / total
    ty = (by - st * ax - ct * ay) / total
    u = ct * tx + st * ty
    v = ct * ty - st * tx
    pose[0] -= c * u - s * v
    pose[1] -= s * u + c * v
    pose[3] -= th
    return True


cdef inline void align_all(
    const float* points, Py_ssize_t n, double* poses, Py_ssize_t n_poses, const Lattice* on,
    const double[::1] radius_m, double same_m, double spread_m, double strange, double* out,
) noexcept nogil:
    """Align from several starts; those that meet on the way go on as one.

    As `register.align`; at most MOST_STARTS.
    """
    cdef Py_ssize_t met[MOST_STARTS]
    cdef Py_ssize_t j, k, m
    for m in range(n_poses):
        met[m] = m
        out[m] = 0
    for j in range(radius_m.shape[0]):
        for m in range(n_poses):
            if met[m] == m and not align_once(points, n, poses + 4 * m, on, radius_m[j]):
                met[m] = -1
                out[m] = -1e9
        for m in range(1, n_poses):
            for k in range(m):
                if met[m] == m and met[k] == k and is_same(poses + 4 * k, poses + 4 * m, same_m):
                    met[m] = k
    for m in range(n_poses):
        k = m
        while met[k] >= 0 and met[k] != k:
            k = met[k]
        if k != m:
            poses[4 * m], poses[4 * m + 1] = poses[4 * k], poses[4 * k + 1]
            poses[4 * m + 3] = poses[4 * k + 3]
            out[m] = out[k]
        elif met[k] >= 0:
            out[m] = likeness_at(
                points, n, poses[4 * m], poses[4 * m + 1], poses[4 * m + 2], poses[4 * m + 3],
                on, spread_m, strange, 1,
            )


cdef inline bint is_same(const double* a, const double* b, double same_m) noexcept nogil:
    """Return whether two poses differ by less than so many metres, and a fifth of it in radians."""
    return (
        fabs(a[0] - b[0]) < same_m
        and fabs(a[1] - b[1]) < same_m
        and fabs(a[3] - b[3]) < same_m / 5
    )


cdef inline double both_sides(
    const float* points, Py_ssize_t n, const double* pose, double ahead, double aside,
    double turned, const Lattice* on, double spread_m,
) noexcept nogil:
    """Return the likeness at a pose moved ahead, sideways and turned, and at one moved back."""
    cdef double c = cos(pose[3]), s = sin(pose[3])
    cdef double x = c * ahead - s * aside, y = s * ahead + c * aside
    return likeness_at(
        points, n, pose[0] + x, pose[1] + y, pose[2], pose[3] + turned, on, spread_m, 0.0, 1
    ) + likeness_at(
        points, n, pose[0] - x, pose[1] - y, pose[2], pose[3] - turned, on, spread_m, 0.0, 1
    )


cdef inline void curvature_at(
    const float* points, Py_ssize_t n, const double* pose, const Lattice* on, double spread_m,
    const double* steps, double* out,
) noexcept nogil:
    """Write minus the second derivatives (3, 3) of the likeness around a pose."""
    cdef double a = steps[0], b = steps[1], t = steps[2]
    cdef double two = both_sides(points, n, pose, 0, 0, 0, on, spread_m)
    cdef double ahead = two - both_sides(points, n, pose, a, 0, 0, on, spread_m)
    cdef double aside = two - both_sides(points, n, pose, 0, b, 0, on, spread_m)
    cdef double turned = two - both_sides(points, n, pose, 0, 0, t, on, spread_m)
    cdef double cross
    out[0], out[4], out[8] = ahead / (a * a), aside / (b * b), turned / (t * t)
    cross = two - both_sides(points, n, pose, a, b, 0, on, spread_m) - ahead - aside
    out[1] = out[3] = cross / (2 * a * b)
    cross = two - both_sides(points, n, pose, a, 0, t, on, spread_m) - ahead - turned
    out[2] = out[6] = cross / (2 * a * t)
    cross = two - both_sides(points, n, pose, 0, b, t, on, spread_m) - aside - turned
    out[5] = out[7] = cross / (2 * b * t)
