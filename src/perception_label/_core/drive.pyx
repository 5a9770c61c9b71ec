"""Small matrices of one vehicle's motion: where it goes next, and what a pose found says of it.

An extended Kalman filter (Kalman 1960) over x, y, yaw, speed and bend; all in 3 x 3 and 5 x 5
numbers, where calls would take longer than the sums.
"""

from libc.math cimport atan2, cos, exp, fabs, sin, sqrt


cdef bint _invert3(const double* a, double* out) noexcept nogil:
    """Write the inverse of a 3 x 3 matrix (adjugate); return False if there is none."""
    cdef double c0 = a[4] * a[8] - a[5] * a[7], c1 = a[5] * a[6] - a[3] * a[8]
    cdef double c2 = a[3] * a[7] - a[4] * a[6], det = a[0] * c0 + a[1] * c1 + a[2] * c2
    if det == 0:
        return False
    out[0], out[3], out[6] = c0 / det, c1 / det, c2 / det
    out[1] = (a[2] * a[7] - a[1] * a[8]) / det
    out[4] = (a[0] * a[8] - a[2] * a[6]) / det
    out[7] = (a[1] * a[6] - a[0] * a[7]) / det
    out[2] = (a[1] * a[5] - a[2] * a[4]) / det
    out[5] = (a[2] * a[3] - a[0] * a[5]) / det
    out[8] = (a[0] * a[4] - a[1] * a[3]) / det
    return True


cdef void _multiply3(const double* a, const double* b, double* out) noexcept nogil:
    cdef int i, j
    for i in range(3):
        for j in range(3):
            out[3 * i + j] = (
                a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]
            )


cdef void _eigen3(double* a, double* vectors) noexcept nogil:
    """Turn a symmetric matrix into its eigenvalues on the diagonal, vectors in columns (Jacobi)."""
    cdef int turn, p, q, k
    cdef double theta, t, c, s, x, y
    for k in range(9):
        vectors[k] = 1 if k % 4 == 0 else 0
    for turn in range(30):
        p = (turn % 3) // 2
        q = 1 + (turn % 3 + 1) // 2
        if fabs(a[3 * p + q]) < 1e-300:
            continue
        theta = (a[4 * q] - a[4 * p]) / (2 * a[3 * p + q])
        t = (1 if theta >= 0 else -1) / (fabs(theta) + sqrt(theta * theta + 1))
        c = 1 / sqrt(t * t + 1)
        s = t * c
        for k in range(3):
            x, y = a[3 * k + p], a[3 * k + q]
            a[3 * k + p], a[3 * k + q] = c * x - s * y, s * x + c * y
        for k in range(3):
            x, y = a[3 * p + k], a[3 * q + k]
            a[3 * p + k], a[3 * q + k] = c * x - s * y, s * x + c * y
        for k in range(3):
            x, y = vectors[3 * k + p], vectors[3 * k + q]
            vectors[3 * k + p], vectors[3 * k + q] = c * x - s * y, s * x + c * y


def information(
    const double[:, :, ::1] curved,
    const double[::1] yaw_rad,
    const double[::1] worth,
    const double[::1] least,
    const double[::1] noise,
    double[:, :, ::1] out,
) -> None:
    """Write the information of aligned poses from the curvatures of their likeness.

    curved (R, 3, 3) ahead, sideways, turned; yaw_rad (R,); worth (3,) the root of what a curvature
    is worth; least (3,) added to it; noise (3,) variances that nothing takes away; out (R, 3, 3) of
    x, y, yaw.
    """
    cdef Py_ssize_t r
    cdef int i, j, k
    cdef double a[9]
    cdef double v[9]
    cdef double b[9]
    cdef double turn[9]
    cdef double total
    with nogil:
        for r in range(curved.shape[0]):
            for i in range(3):
                for j in range(3):
                    a[3 * i + j] = curved[r, max(i, j), min(i, j)] * worth[i] * worth[j]
            _eigen3(a, v)
            for i in range(3):
                for j in range(3):
                    total = 0
                    for k in range(3):
                        total += v[3 * i + k] * max(a[4 * k], 0.0) * v[3 * j + k]
                    b[3 * i + j] = total
            for i in range(3):
                b[4 * i] += least[i]
            _invert3(b, a)
            for i in range(3):
                a[4 * i] += noise[i]
            _invert3(a, b)
            for i in range(9):
                turn[i] = 0
            turn[0] = turn[4] = cos(yaw_rad[r])
            turn[3] = sin(yaw_rad[r])
            turn[1] = -turn[3]
            turn[8] = 1
            _multiply3(turn, b, a)
            for i in range(3):
                for j in range(3):
                    out[r, i, j] = (
                        a[3 * i] * turn[3 * j] + a[3 * i + 1] * turn[3 * j + 1]
                        + a[3 * i + 2] * turn[3 * j + 2]
                    )


def after(
    const double[::1] state,
    const double[:, ::1] spread,
    double dt,
    const double[::1] rules,
    double[::1] new_state,
    double[:, ::1] new_spread,
) -> None:
    """Write where a vehicle is dt seconds later, or earlier; all is of metres and seconds.

    state (5,) x, y, yaw, speed, bend (1/m) and spread (5, 5) its covariance; rules (7,): rear axle
    behind the middle; time in which a bend straightens; variances per second of places, yaw and
    speed; most spread of the bend; spread of the acceleration sideways.
    """
    cdef double yaw = state[2], speed = state[3], bend = state[4], axle = rules[0]
    cdef double way = speed * dt, time = fabs(dt), turn = bend * way
    cdef double c, s, aside, dx, dy, keeps, total, new
    cdef double move[25]
    cdef double half[25]
    cdef int i, j, k
    with nogil:
        c, s = cos(yaw + turn / 2), sin(yaw + turn / 2)
        aside = turn * axle
        dx, dy = way * c - aside * s, way * s + aside * c
        keeps = exp(-time / rules[1])
        for i in range(25):
            move[i] = 1 if i % 6 == 0 else 0
        move[2], move[7] = -dy, dx
        move[3] = dt * (c - bend * axle * s - dy * bend / 2)
        move[8] = dt * (s + bend * axle * c + dx * bend / 2)
        move[4] = way * (-axle * s - dy / 2)
        move[9] = way * (axle * c + dx / 2)
        move[13], move[14] = bend * dt, way
        move[24] = keeps
        for i in range(5):
            for j in range(5):
                total = 0
                for k in range(5):
                    total += move[5 * i + k] * spread[k, j]
                half[5 * i + j] = total
        for i in range(5):
            for j in range(5):
                total = 0
                for k in range(5):
                    total += half[5 * i + k] * move[5 * j + k]
                new_spread[i, j] = total
        for i in range(4):
            new_spread[i, i] += rules[2 + max(i - 1, 0)] * time
        new = min(rules[5], rules[6] / max(speed * speed, 0.1))
        new_spread[4, 4] += new * new * (1 - keeps * keeps)
        new_state[0], new_state[1], new_state[2] = state[0] + dx, state[1] + dy, yaw + turn
        new_state[3], new_state[4] = speed, bend * keeps


def seen(
    double[::1] state,
    double[:, ::1] spread,
    const double[::1] pose,
    const double[:, ::1] weight,
    double top_mps,
) -> None:
    """Take a pose into account: state and spread, as for `after`, become the new ones.

    pose (4,) x, y, z, yaw; weight (3, 3) its information on x, y, yaw; top_mps the most speed.
    """
    cdef double off[3]
    cdef double total[9]
    cdef double inverse[9]
    cdef double gain[15]
    cdef double old[15]
    cdef double sum_
    cdef int i, j, k
    with nogil:
        off[0], off[1], off[2] = pose[0] - state[0], pose[1] - state[1], pose[3] - state[2]
        off[2] = atan2(sin(off[2]), cos(off[2]))
        _invert3(&weight[0, 0], total)
        for i in range(3):
            for j in range(5):
                old[5 * i + j] = spread[i, j]
            for j in range(3):
                total[3 * i + j] += spread[i, j]
        _invert3(total, inverse)
        for i in range(5):
            for j in range(3):
                sum_ = 0
                for k in range(3):
                    sum_ += old[5 * k + i] * inverse[3 * k + j]
                gain[3 * i + j] = sum_
        for i in range(5):
            for k in range(3):
                state[i] += gain[3 * i + k] * off[k]
            for j in range(5):
                for k in range(3):
                    spread[i, j] -= gain[3 * i + k] * old[5 * k + j]
        state[3] = min(max(state[3], -top_mps), top_mps)
        for i in range(5):
            for j in range(i):
                sum_ = (spread[i, j] + spread[j, i]) / 2
                spread[i, j] = sum_
                spread[j, i] = sum_
