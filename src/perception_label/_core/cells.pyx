"""Points sorted by the cubic cell they lie in: what clustering and thinning stand on."""

from libc.math cimport INFINITY, fabs
from libc.stdint cimport int32_t, int64_t, uint64_t

# Beyond this float32 steps by 64 m: such a point is as good as not measured.
cdef double FARTHEST_M = 1e9
cdef int MARGIN = 2  # cells below the lowest, so that a neighbour's number never borrows


def bounds(const float[:, ::1] points_m, double[::1] low_m, double[::1] high_m) -> int64_t:
    """Write the corners of the box around the usable points and return their number.

    points_m (N, 3); low_m, high_m (3,). Usable: finite and within 1e9 m of the origin.
    """
    cdef Py_ssize_t i, axis
    cdef int64_t n_usable = 0
    with nogil:
        for axis in range(3):
            low_m[axis] = FARTHEST_M
            high_m[axis] = -FARTHEST_M
        for i in range(points_m.shape[0]):
            if not _usable(&points_m[i, 0]):
                continue
            n_usable += 1
            for axis in range(3):
                if points_m[i, axis] < low_m[axis]:
                    low_m[axis] = points_m[i, axis]
                if points_m[i, axis] > high_m[axis]:
                    high_m[axis] = points_m[i, axis]
    return n_usable


cdef inline bint _usable(const float* p) noexcept nogil:
    # A NaN fails every comparison, so three comparisons test all there is.
    return fabs(p[0]) <= FARTHEST_M and fabs(p[1]) <= FARTHEST_M and fabs(p[2]) <= FARTHEST_M


def cell_keys(
    const float[:, ::1] points_m,
    const double[::1] low_m,
    double side_m,
    const int64_t[::1] shifts,
    uint64_t[::1] keys,
    int32_t[::1] rows,
) -> None:
    """Write the cell of each usable point as one number that sorts by x, then y, then z.

    points_m (N, 3); low_m (3,); shifts (2,) bits below x and below y; keys, rows (n,), n usable
    points in order. Cells are numbered from 2, so that a neighbour's number never borrows.
    """
    cdef Py_ssize_t i, n = 0
    cdef uint64_t x, y, z
    cdef double per_m = 1.0 / side_m
    with nogil:
        for i in range(points_m.shape[0]):
            if not _usable(&points_m[i, 0]):
                continue
            x = <uint64_t>((points_m[i, 0] - low_m[0]) * per_m) + MARGIN
            y = <uint64_t>((points_m[i, 1] - low_m[1]) * per_m) + MARGIN
            z = <uint64_t>((points_m[i, 2] - low_m[2]) * per_m) + MARGIN
            keys[n] = (x << shifts[0]) | (y << shifts[1]) | z
            rows[n] = <int32_t>i
            n += 1


def keep_first(
    const uint64_t[::1] keys, const int32_t[::1] rows, uint64_t[::1] table, int64_t[::1] picked
) -> int64_t:
    """Write the row of the first point of each cell and return the number of cells.

    keys, rows (n,) from cell_keys; table (2**b,) zeros, at least 2 n; picked (n,), ascending.
    """
    cdef Py_ssize_t i, place, last = table.shape[0] - 1
    cdef int64_t n = 0
    cdef uint64_t key, before = 0
    with nogil:
        for i in range(keys.shape[0]):
            key = keys[i]
            # Neighbours in a scan share cells. No key is 0: cells are numbered from MARGIN.
            if key == before:
                continue
            before = key
            # Fibonacci hashing: the high half of the product is well mixed.
            place = <Py_ssize_t>((key * <uint64_t>0x9E3779B97F4A7C15) >> 32) & last
            while table[place] != 0 and table[place] != key:
                place = (place + 1) & last
            if table[place] == 0:
                table[place] = key
                picked[n] = rows[i]
                n += 1
    return n


def sort_keys(
    uint64_t[::1] keys,
    int32_t[::1] rows,
    uint64_t[::1] spare_keys,
    int32_t[::1] spare_rows,
    int64_t n_bits,
) -> bool:
    """Sort keys, with their rows, stably by n_bits low bits; return if the result is in spare.

    keys, rows, spare_keys, spare_rows (n,); the pair that does not hold the result is garbage.
    """
    cdef int64_t shift = 0
    cdef Py_ssize_t n = keys.shape[0]
    cdef uint64_t* a
    cdef uint64_t* b
    cdef int32_t* c
    cdef int32_t* d
    cdef bint in_spare = False
    if n < 2:
        return False
    a, b, c, d = &keys[0], &spare_keys[0], &rows[0], &spare_rows[0]
    with nogil:
        while shift < n_bits:
            _radix_pass(a, c, b, d, n, shift)
            a, b, c, d = b, a, d, c
            in_spare = not in_spare
            shift += 11
    return in_spare


cdef void _radix_pass(
    const uint64_t* keys, const int32_t* rows, uint64_t* out_keys, int32_t* out_rows,
    Py_ssize_t n, int64_t shift,
) noexcept nogil:
    cdef int32_t[2048] first
    cdef Py_ssize_t i
    cdef int32_t total = 0, count
    cdef uint64_t digit
    for i in range(2048):
        first[i] = 0
    for i in range(n):
        first[(keys[i] >> shift) & 2047] += 1
    for i in range(2048):
        count = first[i]
        first[i] = total
        total += count
    for i in range(n):
        digit = (keys[i] >> shift) & 2047
        out_keys[first[digit]] = keys[i]
        out_rows[first[digit]] = rows[i]
        first[digit] += 1


def lay_out(
    const float[:, ::1] points_m,
    const uint64_t[::1] keys,
    const int32_t[::1] rows,
    float[:, ::1] sorted_m,
    uint64_t[::1] cells,
    int32_t[::1] starts,
) -> int64_t:
    """Write the points in key order and where each cell starts; return the number of cells.

    points_m (N, 3); keys, rows (n,) sorted; sorted_m (n, 3); cells (n,) and starts (n + 1,), of
    which the C keys that occur, their first places and then n are written.
    """
    cdef Py_ssize_t i
    cdef int64_t n_cells = 0
    with nogil:
        for i in range(keys.shape[0]):
            sorted_m[i, 0] = points_m[rows[i], 0]
            sorted_m[i, 1] = points_m[rows[i], 1]
            sorted_m[i, 2] = points_m[rows[i], 2]
            if i == 0 or keys[i] != keys[i - 1]:
                cells[n_cells] = keys[i]
                starts[n_cells] = <int32_t>i
                n_cells += 1
        starts[n_cells] = <int32_t>keys.shape[0]
    return n_cells


def pick_central(
    const float[:, ::1] sorted_m,
    const int32_t[::1] rows,
    const int32_t[::1] starts,
    int32_t[::1] picked,
) -> None:
    """Write the row of the point nearest to the mean of each cell's points, of equals the first.

    sorted_m (n, 3), rows (n,), starts (C + 1,) from lay_out; picked (C,).
    """
    cdef Py_ssize_t cell, i
    cdef double x, y, z, dx, dy, dz, squared, best
    cdef int32_t n
    with nogil:
        for cell in range(picked.shape[0]):
            x = y = z = 0.0
            n = starts[cell + 1] - starts[cell]
            for i in range(starts[cell], starts[cell + 1]):
                x += sorted_m[i, 0]
                y += sorted_m[i, 1]
                z += sorted_m[i, 2]
            best = INFINITY
            for i in range(starts[cell], starts[cell + 1]):
                dx = sorted_m[i, 0] - x / n
                dy = sorted_m[i, 1] - y / n
                dz = sorted_m[i, 2] - z / n
                squared = dx * dx + dy * dy + dz * dz
                if squared < best:
                    best = squared
                    picked[cell] = rows[i]
