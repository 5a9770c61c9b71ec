"""Places where something stood while the object that is looked for was elsewhere.

A box of cubic cells about a guess; each of up to eight other sweeps has a bit.
"""

from libc.stdint cimport int64_t, uint8_t

from perception_label._core.lattice cimport crop_box, first_of


cdef inline Py_ssize_t _cell(
    const float* at, const double[::1] half_m, double inverse, int axis
) noexcept nogil:
    # One cell of room on each side: neighbours need no checks.
    return <Py_ssize_t>((at[axis] + half_m[axis]) * inverse) + 1


def mark(
    const float[:, ::1] points_m,
    const double[::1] pose,
    const double[::1] half_m,
    double side_m,
    int64_t bit,
    float[:, ::1] scratch,
    uint8_t[:, :, ::1] cells,
) -> None:
    """Set a sweep's bit in the cells of a box that its points lie in.

    points_m (N, 3), pose (4,), half_m (3,) as for `register.crop`, side_m of a cell; scratch
    (n, 3) holds n of them at most; cells (X, Y, Z) with room for a cell more on each side.
    """
    cdef float* points = <float*>first_of(scratch)
    cdef const float* at
    cdef double inverse = 1 / side_m
    cdef uint8_t sweep = <uint8_t>(1 << bit)
    cdef Py_ssize_t i, n
    with nogil:
        n = crop_box(
            first_of(points_m), points_m.shape[0], &pose[0], &half_m[0], points, scratch.shape[0]
        )
        for i in range(n):
            at = points + 3 * i
            cells[
                _cell(at, half_m, inverse, 0), _cell(at, half_m, inverse, 1),
                _cell(at, half_m, inverse, 2),
            ] |= sweep


def free(
    float[:, ::1] points_m,
    const double[::1] half_m,
    double side_m,
    int64_t least,
    const uint8_t[:, :, ::1] cells,
) -> int64_t:
    """Move the points to the front about which fewer than `least` sweeps had any; return how many.

    points_m (N, 3) in the axes of the box; cells as `mark` leaves them: a point's own, and the
    26 around.
    """
    cdef Py_ssize_t i, j, a, b, c, x, y, z, n = 0
    cdef double inverse = 1 / side_m
    cdef int64_t found
    cdef uint8_t bits
    with nogil:
        for i in range(points_m.shape[0]):
            a = _cell(&points_m[i, 0], half_m, inverse, 0)
            b = _cell(&points_m[i, 0], half_m, inverse, 1)
            c = _cell(&points_m[i, 0], half_m, inverse, 2)
            bits = 0
            for x in range(a - 1, a + 2):
                for y in range(b - 1, b + 2):
                    for z in range(c - 1, c + 2):
                        bits |= cells[x, y, z]
            found = 0
            while bits:
                bits &= bits - 1
                found += 1
            if found < least:
                for j in range(3):
                    points_m[n, j] = points_m[i, j]
                n += 1
    return n
