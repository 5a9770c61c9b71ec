"""Smoothing dense flow by the images themselves.

Brox, Bruhn, Papenberg and Weickert (2004), "High accuracy optical flow estimation based on a
theory for warping", linearised at the flow given: brightness and its gradient are constant along
the flow, the flow is smooth, all three with the penalty sqrt(x^2 + e^2). As in Kroeger et al.
(2016) the data terms are divided by the squared gradients (Zimmer, Bruhn and Weickert 2011).

The equations are solved by successive over-relaxation on the two colours of a chess-board. Planes
of the solver are stored by colour, (H, 2, K): pixel x of row y has colour (x + y) % 2 and stands in
column x // 2 + 1 of it, with K = (W + 1) // 2 + 2, so that its neighbours lie in contiguous runs.
"""

from libc.math cimport sqrtf
from libc.stdint cimport int64_t

from perception_label._core.wide cimport Row, wide

cdef enum:
    EDGE = 2  # pixels around the mean and difference of the images
    N_PLANES = 9


cdef wide _warp_row(
    const float* first,
    const float* second,
    Py_ssize_t stride,
    float y,
    float right,
    float bottom,
    float margin,
    const float* u,
    const float* v,
    Row mean,
    Row difference,
    Row seen,
    Py_ssize_t n,
) noexcept nogil:
    """Write mean and difference of a row of the first image and the second along the flow."""
    cdef Py_ssize_t x, column, row, at
    cdef float to_x, to_y, fx, fy, upper, lower
    for x in range(n):
        to_x = x + margin + u[x]
        to_y = y + v[x]
        seen[x] = (
            <float>1
            if to_x >= margin and to_y >= margin and to_x <= right - margin
            and to_y <= bottom - margin
            else <float>0
        )
        to_x = to_x if to_x > 0 else 0
        to_y = to_y if to_y > 0 else 0
        to_x = to_x if to_x < right - 1 else right - 1
        to_y = to_y if to_y < bottom - 1 else bottom - 1
        column = <int>to_x
        row = <int>to_y
        fx = to_x - column
        fy = to_y - row
        at = row * stride + column
        upper = second[at] + fx * (second[at + 1] - second[at])
        at += stride
        lower = second[at] + fx * (second[at + 1] - second[at])
        upper += fy * (lower - upper)
        mean[x] = <float>0.5 * (upper + first[x])
        difference[x] = upper - first[x]


cdef void _repeat_edges(float[:, ::1] plane) noexcept nogil:
    cdef Py_ssize_t x, y, h = plane.shape[0], w = plane.shape[1]
    for y in range(EDGE, h - EDGE):
        for x in range(EDGE):
            plane[y, x] = plane[y, EDGE]
            plane[y, w - 1 - x] = plane[y, w - 1 - EDGE]
    for y in range(EDGE):
        for x in range(w):
            plane[y, x] = plane[EDGE, x]
            plane[h - 1 - y, x] = plane[h - 1 - EDGE, x]


def linearise(
    const float[:, ::1] first,
    const float[:, ::1] second,
    int64_t margin,
    const float[:, :, ::1] flow,
    float[:, ::1] mean,
    float[:, ::1] difference,
    float[:, ::1] seen,
) -> None:
    """Write the mean and the difference of the first image and the second along the flow.

    first, second (H + 2 margin, W + 2 margin); flow (2 or more, H, W) right, down; mean, difference
    (H + 4, W + 4) with two repeated pixels around; seen (H, W) 1 where the flow ends in the image.
    """
    cdef Py_ssize_t y
    cdef float right = second.shape[1] - 1, bottom = second.shape[0] - 1
    with nogil:
        for y in range(seen.shape[0]):
            _warp_row(
                &first[y + margin, margin], &second[0, 0], second.shape[1], y + margin,
                right, bottom, margin, &flow[0, y, 0], &flow[1, y, 0],
                &mean[y + EDGE, EDGE], &difference[y + EDGE, EDGE], &seen[y, 0], seen.shape[1],
            )
        _repeat_edges(mean)
        _repeat_edges(difference)


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
    """Write the data terms' matrix (three rows of n) and right side (two rows of n).

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
        out[x + n] = a12
        out[x + 2 * n] = a22
        out[x + 3 * n] = a11 * from_u[x] + a12 * from_v[x] - b1
        out[x + 4 * n] = a12 * from_u[x] + a22 * from_v[x] - b2


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
    """Write nine rows of n: the inverted matrix (3), right side (2), and the pull of the

    neighbours on the left, on the right, above and below; up and down are 0 at the border.
    """
    cdef Py_ssize_t x
    cdef float left, right, top, bottom, all_, a11, a12, a22, scale
    for x in range(n):
        left = <float>0.5 * (here[x] + here[x - 1])
        right = <float>0.5 * (here[x] + here[x + 1])
        top = up * (here[x] + above[x])
        bottom = down * (here[x] + below[x])
        left = left if x > 0 else 0
        right = right if x < n - 1 else 0
        all_ = (left + right) + (top + bottom)
        a11 = data[x] + all_
        a12 = data[x + n]
        a22 = data[x + 2 * n] + all_
        scale = 1 / (a11 * a22 - a12 * a12)
        out[x] = a22 * scale
        out[x + n] = -a12 * scale
        out[x + 2 * n] = a11 * scale
        out[x + 3 * n] = data[x + 3 * n]
        out[x + 4 * n] = data[x + 4 * n]
        out[x + 5 * n] = left
        out[x + 6 * n] = right
        out[x + 7 * n] = top
        out[x + 8 * n] = bottom


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


def relax(
    const float[:, :, :, ::1] planes, double omega, int64_t n_sweeps, float[:, :, :, ::1] dealt
) -> None:
    """Solve the equations approximately, in place.

    planes (H, 2, 9, K) as weigh writes them; dealt (H, 2, 2, K) the flow by row, colour, right and
    down.
    """
    cdef Py_ssize_t h = planes.shape[0], k = planes.shape[3], t, y, j, odd, colour, other
    with nogil:
        # Each half sweep runs one row behind the one before: the same result as whole sweeps in
        # turn, but the rows in work stay in the cache.
        for t in range(h + 2 * n_sweeps - 1):
            for j in range(2 * n_sweeps):
                y = t - j
                if y < 0 or y >= h:
                    continue
                colour = j % 2
                other = 1 - colour
                odd = (y + colour) % 2
                _relax_row(
                    &planes[y, colour, 0, 1], &dealt[y, other, 0, 1], odd - 1, odd,
                    &dealt[max(y - 1, 0), other, 0, 1], &dealt[min(y + 1, h - 1), other, 0, 1],
                    k, <float>omega, &dealt[y, colour, 0, 1], &dealt[y, colour, 1, 1], k - 2,
                )


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


def weigh(
    const float[:, ::1] mean,
    const float[:, ::1] difference,
    const float[:, ::1] seen,
    const float[:, :, ::1] start,
    const float[:, :, ::1] flow,
    double alpha,
    double delta,
    double gamma,
    float[:, ::1] scratch,
    float[:, :, :, ::1] planes,
) -> None:
    """Write the equations of the flow, with the penalties' weights at the flow so far.

    mean, difference, seen as linearise writes them at start (2 or more, H, W); flow (2 or more, H,
    W); alpha, delta, gamma weigh smoothness, brightness and its gradient; scratch (17, W + 2);
    planes (H, 2, 9, K) by row and colour: the inverted matrix (3), the right side (2), the pull
    of the neighbours on the left, on the right, above and below.
    """
    cdef Py_ssize_t y, p, h = seen.shape[0], w = seen.shape[1], k = mean.shape[1]
    cdef float* data = &scratch[3, 0]
    cdef float* joined = &scratch[8, 0]
    cdef float* above
    cdef float* here
    cdef float* below
    with nogil:
        _stiffness(flow, 0, alpha, &scratch[0, 1])
        for y in range(h):
            here = &scratch[y % 3, 1]
            above = &scratch[(y + 2) % 3, 1] if y > 0 else here
            below = &scratch[(y + 1) % 3, 1] if y + 1 < h else here
            if y + 1 < h:
                _stiffness(flow, y + 1, alpha, below)
            _data_row(
                &mean[y + EDGE, EDGE], &difference[y + EDGE, EDGE], k, &seen[y, 0],
                &flow[0, y, 0], &flow[1, y, 0], &start[0, y, 0], &start[1, y, 0],
                <float>delta, <float>gamma, data, w,
            )
            _join_row(
                data, above, here, below, <float>0.5 if y > 0 else 0,
                <float>0.5 if y + 1 < h else 0, joined, w,
            )
            for p in range(N_PLANES):
                _deal_row(joined + p * w, y % 2, &planes[y, 0, p, 1], &planes[y, 1, p, 1], w)


def deal(const float[:, :, ::1] flow, float[:, :, :, ::1] dealt) -> None:
    """Write the flow (2 or more, H, W) by colour, (H, 2, 2, K)."""
    cdef Py_ssize_t y, p
    with nogil:
        for y in range(flow.shape[1]):
            for p in range(2):
                _deal_row(
                    &flow[p, y, 0], y % 2, &dealt[y, 0, p, 1], &dealt[y, 1, p, 1], flow.shape[2]
                )


def gather(const float[:, :, :, ::1] dealt, float[:, :, ::1] flow) -> None:
    """Undo deal."""
    cdef Py_ssize_t y, p
    with nogil:
        for y in range(flow.shape[1]):
            for p in range(2):
                _gather_row(
                    &flow[p, y, 0], y % 2, &dealt[y, 0, p, 1], &dealt[y, 1, p, 1], flow.shape[2]
                )


cdef wide _blend_rows(const float* near, const float* far, Row out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(n):
        out[x] = <float>1.5 * near[x] + <float>0.5 * far[x]


cdef wide _stretch_row(const float* row, Row out, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """Write twice n pixels, step apart, from a row of n between its repeated ends."""
    cdef Py_ssize_t x
    if step == 1:
        for x in range(n):
            out[2 * x] = <float>0.75 * row[x] + <float>0.25 * row[x - 1]
            out[2 * x + 1] = <float>0.75 * row[x] + <float>0.25 * row[x + 1]
    else:
        for x in range(n):
            out[4 * x] = <float>0.75 * row[x] + <float>0.25 * row[x - 1]
            out[4 * x + 2] = <float>0.75 * row[x] + <float>0.25 * row[x + 1]


cdef void _enlarge_row(
    const float[:, :, ::1] flow,
    Py_ssize_t p,
    Py_ssize_t y,
    float* scratch,
    float* out,
    Py_ssize_t w_out,
    Py_ssize_t step,
) noexcept nogil:
    cdef Py_ssize_t w = flow.shape[2], h = flow.shape[1], from_y = y // 2, far
    far = min(max(from_y + 2 * (y % 2) - 1, 0), h - 1)
    _blend_rows(&flow[p, from_y, 0], &flow[p, far, 0], scratch + 1, w)
    scratch[0] = scratch[1]
    scratch[w + 1] = scratch[w]
    _stretch_row(scratch + 1, out, w_out // 2, step)
    if w_out % 2:
        out[(w_out - 1) * step] = (
            <float>0.75 * scratch[w_out // 2 + 1] + <float>0.25 * scratch[w_out // 2]
        )


def enlarge(const float[:, :, ::1] flow, float[::1] scratch, float[:, :, ::1] out) -> None:
    """Write the flow, doubled, at twice the size: linear between pixel centres.

    flow (2 or more, H, W); scratch (W + 2,); out (2 or more, H', W') with H' at most 2 H.
    """
    cdef Py_ssize_t y, p
    with nogil:
        for p in range(2):
            for y in range(out.shape[1]):
                _enlarge_row(flow, p, y, &scratch[0], &out[p, y, 0], out.shape[2], 1)


def enlarge_joined(const float[:, :, ::1] flow, float[::1] scratch, float[:, :, ::1] out) -> None:
    """Write what enlarge does, right and down beside each other: out (H', W', 2)."""
    cdef Py_ssize_t y, p
    with nogil:
        for y in range(out.shape[0]):
            for p in range(2):
                _enlarge_row(flow, p, y, &scratch[0], &out[y, 0, p], out.shape[1], 2)
