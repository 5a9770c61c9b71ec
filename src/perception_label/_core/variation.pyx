"""Smoothing dense flow by the images themselves.

Brox, Bruhn, Papenberg and Weickert (2004), "High accuracy optical flow estimation based on a
theory for warping", linearised at the flow given: brightness and its gradient are constant along
the flow, the flow is smooth, all three with the penalty sqrt(x^2 + e^2). As in Kroeger et al.
(2016) the data terms are divided by the squared gradients (Zimmer, Bruhn and Weickert 2011).

The equations are solved by successive over-relaxation on the two colours of a chess-board. Rows
of the solver are stored by colour, (2, K): pixel x of row y has colour (x + y) % 2 and stands in
column x // 2 + 1 of it, with K = (W + 1) // 2 + 2, so that its neighbours lie in contiguous runs.
"""

from libc.math cimport sqrtf
from libc.stdint cimport int64_t

from perception_label._core.wide cimport Row, wide

cdef enum:
    EDGE = 2  # pixels around the mean and difference of the images
    N_PLANES = 9
    CHUNK = 128  # pixels of a row in work at a time: even, and known, so that rows cannot overlap


cdef wide _stiffness_row(
    const float* u,
    const float* v,
    Py_ssize_t left,
    Py_ssize_t right,
    Py_ssize_t up,
    Py_ssize_t down,
    float alpha,
    Row out,
    Py_ssize_t n,
) noexcept nogil:
    """Write alpha over the flow's slope for n pixels whose neighbours lie at these offsets."""
    cdef Py_ssize_t x
    cdef float ux, uy, vx, vy
    for x in range(n):
        ux = u[x + right] - u[x + left]
        uy = u[x + down] - u[x + up]
        vx = v[x + right] - v[x + left]
        vy = v[x + down] - v[x + up]
        out[x] = alpha / sqrtf(
            <float>0.25 * ((ux * ux + uy * uy) + (vx * vx + vy * vy)) + <float>1e-6
        )


cdef wide _data_row(
    const float* m,
    const float* z,
    Py_ssize_t k,
    const float* seen,
    const float* u,
    const float* v,
    const float* from_u,
    const float* from_v,
    float delta,
    float gamma,
    Row out,
    Py_ssize_t n,
) noexcept nogil:
    """Write the data terms' matrix (three rows) and right side (two rows), CHUNK apart.

    m, z point at the row in the mean and the difference, whose rows are k apart.
    """
    cdef Py_ssize_t x
    cdef float ix, iy, ixx, ixy, iyy, iz, ixz, iyz, du, dv, nb, nx, ny, r, rx, ry
    cdef float a11, a12, a22, b1, b2
    for x in range(n):
        ix = <float>0.5 * (m[x + 1] - m[x - 1])
        iy = <float>0.5 * (m[x + k] - m[x - k])
        ixx = <float>0.25 * (m[x + 2] - 2 * m[x] + m[x - 2])
        iyy = <float>0.25 * (m[x + 2 * k] - 2 * m[x] + m[x - 2 * k])
        ixy = <float>0.25 * ((m[x + k + 1] - m[x + k - 1]) - (m[x - k + 1] - m[x - k - 1]))
        iz = z[x]
        ixz = <float>0.5 * (z[x + 1] - z[x - 1])
        iyz = <float>0.5 * (z[x + k] - z[x - k])
        du = u[x] - from_u[x]
        dv = v[x] - from_v[x]
        nb = 1 / (ix * ix + iy * iy + <float>0.01)
        nx = 1 / (ixx * ixx + ixy * ixy + <float>0.01)
        ny = 1 / (iyy * iyy + ixy * ixy + <float>0.01)
        r = iz + ix * du + iy * dv
        rx = ixz + ixx * du + ixy * dv
        ry = iyz + ixy * du + iyy * dv
        r = seen[x] * delta * nb / sqrtf(nb * r * r + <float>1e-6)
        rx = seen[x] * gamma / sqrtf(nx * rx * rx + ny * ry * ry + <float>1e-6)
        ry = rx * ny
        rx = rx * nx
        a11 = r * ix * ix + (rx * ixx * ixx + ry * ixy * ixy)
        a12 = r * ix * iy + (rx * ixx * ixy + ry * ixy * iyy)
        a22 = r * iy * iy + (rx * ixy * ixy + ry * iyy * iyy)
        b1 = r * ix * iz + (rx * ixx * ixz + ry * ixy * iyz)
        b2 = r * iy * iz + (rx * ixy * ixz + ry * iyy * iyz)
        out[x] = a11
        out[x + CHUNK] = a12
        out[x + 2 * CHUNK] = a22
        out[x + 3 * CHUNK] = a11 * from_u[x] + a12 * from_v[x] - b1
        out[x + 4 * CHUNK] = a12 * from_u[x] + a22 * from_v[x] - b2


cdef wide _join_row(
    const float* data,
    const float* above,
    const float* here,
    const float* below,
    float up,
    float down,
    Row out,
    Py_ssize_t n,
) noexcept nogil:
    """Write nine rows, CHUNK apart: the inverted matrix (3), right side (2), and the pull of the

    neighbours on the left, on the right, above and below; up and down are 0 at the border, and
    the stiffness left and right of the row is less the first and the last of it: no pull there.
    """
    cdef Py_ssize_t x
    cdef float left, right, top, bottom, all_, a11, a12, a22, scale
    for x in range(n):
        left = <float>0.5 * (here[x] + here[x - 1])
        right = <float>0.5 * (here[x] + here[x + 1])
        top = up * (here[x] + above[x])
        bottom = down * (here[x] + below[x])
        all_ = (left + right) + (top + bottom)
        a11 = data[x] + all_
        a12 = data[x + CHUNK]
        a22 = data[x + 2 * CHUNK] + all_
        scale = 1 / (a11 * a22 - a12 * a12)
        out[x] = a22 * scale
        out[x + CHUNK] = -a12 * scale
        out[x + 2 * CHUNK] = a11 * scale
        out[x + 3 * CHUNK] = data[x + 3 * CHUNK]
        out[x + 4 * CHUNK] = data[x + 4 * CHUNK]
        out[x + 5 * CHUNK] = left
        out[x + 6 * CHUNK] = right
        out[x + 7 * CHUNK] = top
        out[x + 8 * CHUNK] = bottom


cdef wide _deal_row(
    const float* row, Py_ssize_t odd, Row even, Row other, Py_ssize_t n
) noexcept nogil:
    """Deal a row out by colour: the first pixel goes to even, or with odd = 1 to other."""
    cdef Py_ssize_t x
    for x in range(n // 2):
        even[x] = row[2 * x + odd]
        other[x] = row[2 * x + 1 - odd]
    if n % 2:
        if odd:
            other[n // 2] = row[n - 1]
        else:
            even[n // 2] = row[n - 1]


cdef wide _gather_row(
    Row row, Py_ssize_t odd, const float* even, const float* other, Py_ssize_t n
) noexcept nogil:
    """Undo _deal_row."""
    cdef Py_ssize_t x
    if odd:
        for x in range(n // 2):
            row[2 * x] = other[x]
            row[2 * x + 1] = even[x]
        if n % 2:
            row[n - 1] = other[n // 2]
    else:
        for x in range(n // 2):
            row[2 * x] = even[x]
            row[2 * x + 1] = other[x]
        if n % 2:
            row[n - 1] = even[n // 2]


cdef wide _relax_row(
    const float* planes,
    const float* around,
    Py_ssize_t left,
    Py_ssize_t right,
    const float* above,
    const float* below,
    Py_ssize_t k,
    float omega,
    Row u,
    Row v,
    Py_ssize_t n,
) noexcept nogil:
    """Relax the n pixels of one colour in a row; around, above, below are the other colour's.

    Planes and the two components of the flow lie k apart.
    """
    cdef Py_ssize_t x
    cdef float r1, r2
    for x in range(n):
        r1 = (
            planes[x + 3 * k]
            + (planes[x + 5 * k] * around[x + left] + planes[x + 6 * k] * around[x + right])
        ) + (planes[x + 7 * k] * above[x] + planes[x + 8 * k] * below[x])
        r2 = (
            planes[x + 4 * k]
            + (
                planes[x + 5 * k] * around[x + left + k]
                + planes[x + 6 * k] * around[x + right + k]
            )
        ) + (planes[x + 7 * k] * above[x + k] + planes[x + 8 * k] * below[x + k])
        u[x] += omega * (planes[x] * r1 + planes[x + k] * r2 - u[x])
        v[x] += omega * (planes[x + k] * r1 + planes[x + 2 * k] * r2 - v[x])


cdef void _stiffness(
    const float[:, :, ::1] flow, Py_ssize_t y, float alpha, float* out
) noexcept nogil:
    """Write a row of stiffness; at the border the slope is one-sided."""
    cdef Py_ssize_t w = flow.shape[2]
    cdef Py_ssize_t up = -w if y > 0 else 0, down = w if y + 1 < flow.shape[1] else 0
    cdef const float* u = &flow[0, y, 0]
    cdef const float* v = &flow[1, y, 0]
    cdef Py_ssize_t last = w - 1
    _stiffness_row(u, v, 0, 1 if w > 1 else 0, up, down, alpha, out, 1)
    if w > 1:
        _stiffness_row(u + 1, v + 1, -1, 1, up, down, alpha, out + 1, w - 2)
        _stiffness_row(u + last, v + last, -1, 0, up, down, alpha, out + last, 1)
    (out - 1)[0] = -out[0]
    out[w] = -out[last]


cdef void _weigh_row(
    const float[:, ::1] mean,
    const float[:, ::1] difference,
    const float[:, ::1] seen,
    const float[:, :, ::1] start,
    const float[:, :, ::1] flow,
    Py_ssize_t y,
    float delta,
    float gamma,
    const float* above,
    const float* here,
    const float* below,
    float[:, :, :, ::1] planes,
) noexcept nogil:
    cdef float data[5 * CHUNK]
    cdef float joined[N_PLANES * CHUNK]
    cdef Py_ssize_t x, n, p, to, w = seen.shape[1], k = mean.shape[1], slot = y % planes.shape[0]
    cdef float up = <float>0.5 if y > 0 else 0, down = <float>0.5 if y + 1 < seen.shape[0] else 0
    for x in range(0, w, 128):
        n = min(w - x, CHUNK)
        to = 1 + x // 2
        _data_row(
            &mean[y + EDGE, EDGE + x], &difference[y + EDGE, EDGE + x], k, &seen[y, x],
            &flow[0, y, x], &flow[1, y, x], &start[0, y, x], &start[1, y, x],
            delta, gamma, data, n,
        )
        _join_row(data, above + x, here + x, below + x, up, down, joined, n)
        for p in range(N_PLANES):
            _deal_row(
                joined + p * CHUNK, y % 2, &planes[slot, 0, p, to], &planes[slot, 1, p, to], n
            )


cdef void _relax(
    const float[:, :, :, ::1] planes,
    Py_ssize_t y,
    Py_ssize_t colour,
    Py_ssize_t h,
    float omega,
    float[:, :, :, ::1] dealt,
) noexcept nogil:
    cdef Py_ssize_t n = planes.shape[0], k = planes.shape[3], other = 1 - colour
    cdef Py_ssize_t odd = (y + colour) % 2, above = max(y - 1, 0), below = min(y + 1, h - 1)
    _relax_row(
        &planes[y % n, colour, 0, 1], &dealt[y % n, other, 0, 1], odd - 1, odd,
        &dealt[above % n, other, 0, 1], &dealt[below % n, other, 0, 1],
        k, omega, &dealt[y % n, colour, 0, 1], &dealt[y % n, colour, 1, 1], k - 2,
    )


def smooth(
    const float[:, ::1] mean,
    const float[:, ::1] difference,
    const float[:, ::1] seen,
    const float[:, :, ::1] start,
    const double[::1] weights,
    int64_t n_sweeps,
    float[:, ::1] stiffness,
    float[:, :, :, ::1] planes,
    float[:, :, :, ::1] dealt,
    float[:, :, ::1] flow,
) -> None:
    """Weigh the penalties at the flow so far, and solve for the flow by n_sweeps.

    mean, difference, seen as warp.linearise writes them at start (2, H, W); weights (4,) of
    smoothness, brightness, its gradient, and relaxation; flow (2, H, W) in place. To work
    in: stiffness (3, W + 2), planes (R, 2, 9, K) zeros, dealt (R, 2, 2, K) zeros, R = 2 n_sweeps +
    4, for the rows in work by colour: the inverted matrix (3), the right side (2), the pull of the
    neighbours on the left, on the right, above and below; the flow to the right and down.
    """
    cdef Py_ssize_t t, y, j, p, h = seen.shape[0], w = seen.shape[1], n = planes.shape[0]
    cdef float alpha = weights[0], delta = weights[1], gamma = weights[2], omega = weights[3]
    cdef float* above
    cdef float* here
    cdef float* below
    with nogil:
        _stiffness(flow, 0, alpha, &stiffness[0, 1])
        # Each half sweep runs one row behind the one before: the same result as whole sweeps in
        # turn, but the rows in work, and their equations, stay in the cache.
        for t in range(h + 2 * n_sweeps):
            if t < h:
                here = &stiffness[t % 3, 1]
                above = &stiffness[(t + 2) % 3, 1] if t > 0 else here
                below = &stiffness[(t + 1) % 3, 1] if t + 1 < h else here
                if t + 1 < h:
                    _stiffness(flow, t + 1, alpha, below)
                _weigh_row(
                    mean, difference, seen, start, flow, t, delta, gamma, above, here, below,
                    planes,
                )
                for p in range(2):
                    _deal_row(
                        &flow[p, t, 0], t % 2, &dealt[t % n, 0, p, 1], &dealt[t % n, 1, p, 1], w
                    )
            for j in range(2 * n_sweeps):
                y = t - 1 - j
                if 0 <= y < h:
                    _relax(planes, y, j % 2, h, omega, dealt)
            y = t - 2 * n_sweeps
            if y >= 0:
                for p in range(2):
                    _gather_row(
                        &flow[p, y, 0], y % 2, &dealt[y % n, 0, p, 1], &dealt[y % n, 1, p, 1], w
                    )
