"""Poses between the poses of a path."""

from libc.math cimport acos, sin, sqrt
from libc.stdint cimport int64_t


cdef inline Py_ssize_t segment(const int64_t[::1] times, int64_t t, Py_ssize_t at) noexcept nogil:
    """Return the last index whose time is not after t, at most the last but one."""
    cdef Py_ssize_t low = 0, high = times.shape[0] - 1, middle
    # Callers mostly ask in time order, so the last answer or the next one fits.
    if at < high and times[at] <= t:
        if t < times[at + 1]:
            return at
        if at + 2 <= high and t < times[at + 2]:
            return at + 1
    while high - low > 1:
        middle = (low + high) // 2
        if times[middle] <= t:
            low = middle
        else:
            high = middle
    return low


cdef void between(
    const double* q0, const double* q1, double share, double* q
) noexcept nogil:
    """Write the unit quaternion a share of the shorter way from q0 to q1."""
    cdef int k
    cdef double dot = q0[0] * q1[0] + q0[1] * q1[1] + q0[2] * q1[2] + q0[3] * q1[3]
    cdef double side = 1.0, w0 = 1.0 - share, w1 = share, angle, norm = 0.0
    if dot < 0:
        side = -1.0
        dot = -dot
    # So close, the straight line is the arc to 1e-11 rad, and acos would lose digits.
    if dot < 1.0 - 1e-7:
        angle = acos(dot)
        w0 = sin(w0 * angle)
        w1 = sin(w1 * angle)
    for k in range(4):
        q[k] = w0 * q0[k] + side * w1 * q1[k]
        norm += q[k] * q[k]
    norm = 1.0 / sqrt(norm)
    for k in range(4):
        q[k] *= norm


def interpolate_poses(
    const int64_t[::1] times_ns,
    const double[:, :, ::1] poses,
    const double[:, ::1] quaternions,
    const int64_t[::1] at_ns,
    double[:, :, ::1] out,
) -> None:
    """Write the pose at each time: positions straight, rotations along the shorter arc.

    times_ns (P,) strictly rising, P > 0; poses (P, 4, 4); quaternions (P, 4) x, y, z, w of the
    same rotations; at_ns (S,), held at the ends; out (S, 4, 4).
    """
    cdef Py_ssize_t i, r, c, k = 0, n = times_ns.shape[0], knot
    cdef double share, x, y, z, w
    cdef double[4] q
    with nogil:
        for i in range(at_ns.shape[0]):
            knot = -1
            if at_ns[i] <= times_ns[0]:
                knot = 0
            elif at_ns[i] >= times_ns[n - 1]:
                knot = n - 1
            else:
                k = segment(times_ns, at_ns[i], k)
                if at_ns[i] == times_ns[k]:
                    knot = k
            # A given pose comes back with its own digits.
            if knot >= 0:
                for r in range(4):
                    for c in range(4):
                        out[i, r, c] = poses[knot, r, c]
                continue
            # Whole nanoseconds are subtracted before they become a float.
            share = <double>(at_ns[i] - times_ns[k]) / <double>(times_ns[k + 1] - times_ns[k])
            between(&quaternions[k, 0], &quaternions[k + 1, 0], share, q)
            x = q[0]
            y = q[1]
            z = q[2]
            w = q[3]
            out[i, 0, 0] = 1 - 2 * (y * y + z * z)
            out[i, 0, 1] = 2 * (x * y - z * w)
            out[i, 0, 2] = 2 * (x * z + y * w)
            out[i, 1, 0] = 2 * (x * y + z * w)
            out[i, 1, 1] = 1 - 2 * (x * x + z * z)
            out[i, 1, 2] = 2 * (y * z - x * w)
            out[i, 2, 0] = 2 * (x * z - y * w)
            out[i, 2, 1] = 2 * (y * z + x * w)
            out[i, 2, 2] = 1 - 2 * (x * x + y * y)
            for r in range(3):
                out[i, r, 3] = poses[k, r, 3] + share * (poses[k + 1, r, 3] - poses[k, r, 3])
                out[i, 3, r] = 0.0
            out[i, 3, 3] = 1.0
