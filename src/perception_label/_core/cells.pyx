"""Points sorted by the cubic cell they lie in: what clustering and thinning stand on."""

from libc.math cimport INFINITY, fabsf
from libc.stdint cimport int32_t, int64_t, uint64_t

# Beyond this float32 steps by 64 m: such a point is as good as not measured.
cdef float FARTHEST_M = 1e9
cdef int MARGIN = 2  # cells below the lowest, so that a neighbour's number never borrows


def bounds(const float[:, ::1] points_m, double[::1] low_m, double[::1] high_m) -> int64_t:
    """Write the corners of the box around the usable points and return their number.

    points_m (N, 3); low_m, high_m (3,). Usable: finite and within 1e9 m of the origin.
    """
    cdef Py_ssize_t i
    cdef int64_t n_usable = 0
    cdef float x, y, z
    # In registers: the compiler cannot know that the arrays do not overlap.
    cdef float x0 = FARTHEST_M, y0 = FARTHEST_M, z0 = FARTHEST_M
    cdef float x1 = -FARTHEST_M, y1 = -FARTHEST_M, z1 = -FARTHEST_M
    with nogil:
        for i in range(points_m.shape[0]):
            x, y, z = points_m[i, 0], points_m[i, 1], points_m[i, 2]
            if not _usable(x, y, z):
                continue
            n_usable += 1
            x0, y0, z0 = x if x < x0 else x0, y if y < y0 else y0, z if z < z0 else z0
            x1, y1, z1 = x if x > x1 else x1, y if y > y1 else y1, z if z > z1 else z1
        low_m[0], low_m[1], low_m[2] = x0, y0, z0
        high_m[0], high_m[1], high_m[2] = x1, y1, z1
    return n_usable


cdef inline bint _usable(float x, float y, float z) noexcept nogil:
    # A NaN fails every comparison, so three comparisons test all there is.
    return (fabsf(x) <= FARTHEST_M) & (fabsf(y) <= FARTHEST_M) & (fabsf(z) <= FARTHEST_M)


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
            if not _usable(points_m[i, 0], points_m[i, 1], points_m[i, 2]):
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
    cdef bint in_spare = False, packed, is_last
    cdef int32_t[2048] first
    cdef Py_ssize_t i
    cdef int32_t place
    cdef uint64_t key
    if n < 2:
        return False
    a, b, c, d = &keys[0], &spare_keys[0], &rows[0], &spare_rows[0]
    with nogil:
        # Rows in the same word as their keys: half as much to move.
        packed = 11 < n_bits <= 32
        while shift < n_bits:
            is_last = shift + 11 >= n_bits
            if packed and shift == 0:
                _count_digits(a, n, 0, first)
                for i in range(n):
                    b[first[a[i] & 2047]] = a[i] << 32 | <uint64_t>c[i]
                    first[a[i] & 2047] += 1
            elif packed:
                _count_digits(a, n, shift + 32, first)
                for i in range(n):
                    key = a[i]
                    place = first[(key >> (shift + 32)) & 2047]
                    first[(key >> (shift + 32)) & 2047] += 1
                    b[place] = key >> 32 if is_last else key
                    if is_last:
                        d[place] = <int32_t>(key & <uint64_t>0xFFFFFFFF)
            else:
                _count_digits(a, n, shift, first)
                for i in range(n):
                    place = first[(a[i] >> shift) & 2047]
                    first[(a[i] >> shift) & 2047] += 1
                    b[place] = a[i]
                    d[place] = c[i]
            a, b, c, d = b, a, d, c
            in_spare = not in_spare
            shift += 11
    return in_spare


cdef inline void _count_digits(
    const uint64_t* keys, Py_ssize_t n, int64_t shift, int32_t* first
) noexcept nogil:
    """Write where each digit's keys start."""
    cdef Py_ssize_t i
    cdef int32_t total = 0, count
    for i in range(2048):
        first[i] = 0
    for i in range(n):
        first[(keys[i] >> shift) & 2047] += 1
    for i in range(2048):
        count = first[i]
        first[i] = total
        total += count


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
