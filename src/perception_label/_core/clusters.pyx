"""Grid-based clustering: points in sorted cells, cells joined by union-find."""

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint64_t

# Beyond this float32 steps by 64 m: such a point is as good as not measured.
cdef double FARTHEST_M = 1e9
cdef int REACH = 2  # cells of side eps / sqrt(3): a neighbour is at most two cells away
cdef int N_COLUMNS = 25


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
            x = <uint64_t>((points_m[i, 0] - low_m[0]) * per_m) + REACH
            y = <uint64_t>((points_m[i, 1] - low_m[1]) * per_m) + REACH
            z = <uint64_t>((points_m[i, 2] - low_m[2]) * per_m) + REACH
            keys[n] = (x << shifts[0]) | (y << shifts[1]) | z
            rows[n] = <int32_t>i
            n += 1


def sort_keys(
    uint64_t[::1] keys,
    int32_t[::1] rows,
    uint64_t[::1] spare_keys,
    int32_t[::1] spare_rows,
    int64_t n_bits,
) -> None:
    """Sort keys, with their rows, in place and stably, by n_bits low bits (radix sort).

    keys, rows, spare_keys, spare_rows (n,).
    """
    cdef int64_t shift = 0
    cdef Py_ssize_t n = keys.shape[0]
    cdef uint64_t* a
    cdef uint64_t* b
    cdef int32_t* c
    cdef int32_t* d
    if n < 2:
        return
    a, b, c, d = &keys[0], &spare_keys[0], &rows[0], &spare_rows[0]
    with nogil:
        while shift < n_bits:
            _radix_pass(a, c, b, d, n, shift)
            _radix_pass(b, d, a, c, n, shift + 11)
            shift += 22


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
    if shift < 64:
        for i in range(n):
            first[(keys[i] >> shift) & 2047] += 1
    else:
        first[0] = <int32_t>n
    for i in range(2048):
        count = first[i]
        first[i] = total
        total += count
    for i in range(n):
        digit = (keys[i] >> shift) & 2047 if shift < 64 else 0
        out_keys[first[digit]] = keys[i]
        out_rows[first[digit]] = rows[i]
        first[digit] += 1


def find_cells(const uint64_t[::1] keys, int32_t[::1] starts) -> int64_t:
    """Write where each run of equal keys starts, then n, and return the number of runs.

    keys (n,) sorted; starts (n + 1,), of which the number of runs plus one are written.
    """
    cdef Py_ssize_t i
    cdef int64_t n_cells = 0
    with nogil:
        for i in range(keys.shape[0]):
            if i == 0 or keys[i] != keys[i - 1]:
                starts[n_cells] = <int32_t>i
                n_cells += 1
        starts[n_cells] = <int32_t>keys.shape[0]
    return n_cells


cdef inline int32_t _root(int32_t* parents, int32_t i) noexcept nogil:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


cdef inline void _join(int32_t* parents, int32_t i, int32_t j) noexcept nogil:
    if i < j:
        parents[j] = i
    else:
        parents[i] = j


cdef inline double _squared(const float* p, const float* q) noexcept nogil:
    # In double, summed in x, y, z order: ties fall as in scikit-learn.
    cdef double x = <double>p[0] - <double>q[0]
    cdef double y = <double>p[1] - <double>q[1]
    cdef double z = <double>p[2] - <double>q[2]
    return x * x + y * y + z * z


def join_dense(
    const float[:, ::1] points_m,
    const uint64_t[::1] keys,
    const int32_t[::1] starts,
    const int64_t[::1] shifts,
    double radius_m,
    int64_t min_points,
    int32_t[::1] parents,
    unsigned char[::1] is_core,
) -> None:
    """Mark core points, and join the cells that hold core points within radius_m.

    points_m (n, 3) and keys (n,) sorted by key; starts (C + 1,) of the C cells; shifts (2,) bits
    below x and below y in a key; parents (C,) union-find forest; is_core (n,). A core point has
    min_points points within radius_m, itself included.
    """
    cdef Py_ssize_t n_cells = starts.shape[0] - 1
    cdef Py_ssize_t cell, column, i
    cdef int32_t[25] first
    cdef int32_t[25] last
    cdef int64_t[25] offset
    cdef double limit = radius_m * radius_m
    cdef bint dense
    if n_cells < 1:
        return
    with nogil:
        for column in range(N_COLUMNS):
            first[column] = last[column] = 0
            offset[column] = _offset(column, shifts[0], shifts[1])
        for cell in range(n_cells):
            parents[cell] = <int32_t>cell
            _advance(keys, starts, n_cells, keys[starts[cell]], offset, first, last)
            dense = starts[cell + 1] - starts[cell] >= min_points
            for i in range(starts[cell], starts[cell + 1]):
                is_core[i] = dense or _is_core(
                    points_m, starts, cell, i, limit, min_points, first, last
                )
            _join_back(points_m, starts, cell, limit, &parents[0], &is_core[0], first, last)


cdef inline int64_t _offset(Py_ssize_t column, int64_t x_shift, int64_t y_shift) noexcept nogil:
    # Columns 0..11 lie before this one in key order, 12 is its own, 13..24 after.
    cdef int64_t one = 1
    return (column // 5 - REACH) * (one << x_shift) + (column % 5 - REACH) * (one << y_shift)


cdef inline void _advance(
    const uint64_t[::1] keys, const int32_t[::1] starts, Py_ssize_t n_cells, uint64_t key,
    const int64_t* offset, int32_t* first, int32_t* last,
) noexcept nogil:
    # Cells come in key order, so each column's run of neighbours only moves forward.
    cdef Py_ssize_t column
    cdef uint64_t low
    cdef int32_t a
    for column in range(N_COLUMNS):
        low = key + <uint64_t>(offset[column] - REACH)
        a = first[column]
        while a < n_cells and keys[starts[a]] < low:
            a += 1
        first[column] = a
        if last[column] > a:
            a = last[column]
        while a < n_cells and keys[starts[a]] <= low + 2 * REACH:
            a += 1
        last[column] = a


cdef inline bint _is_core(
    const float[:, ::1] points_m, const int32_t[::1] starts, Py_ssize_t cell, Py_ssize_t i,
    double limit, int64_t min_points, const int32_t* first, const int32_t* last,
) noexcept nogil:
    cdef int64_t n = 0
    cdef Py_ssize_t k, column, j
    for k in range(N_COLUMNS):
        # Own column first, then outwards: dense surroundings end the count early.
        column = (k + 12) % N_COLUMNS
        for j in range(starts[first[column]], starts[last[column]]):
            if _squared(&points_m[i, 0], &points_m[j, 0]) <= limit:
                n += 1
                if n >= min_points:
                    return True
    return False


cdef inline void _join_back(
    const float[:, ::1] points_m, const int32_t[::1] starts, Py_ssize_t cell, double limit,
    int32_t* parents, const unsigned char* is_core, const int32_t* first, const int32_t* last,
) noexcept nogil:
    cdef Py_ssize_t column
    cdef int32_t other, mine, theirs, stop
    mine = <int32_t>cell
    for column in range(13):
        stop = last[column] if column < 12 else <int32_t>cell
        for other in range(first[column], stop):
            theirs = _root(parents, other)
            mine = _root(parents, mine)
            if mine != theirs and _touch(points_m, starts, cell, other, limit, is_core):
                _join(parents, mine, theirs)


cdef inline bint _touch(
    const float[:, ::1] points_m, const int32_t[::1] starts, Py_ssize_t a, Py_ssize_t b,
    double limit, const unsigned char* is_core,
) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(starts[a], starts[a + 1]):
        if not is_core[i]:
            continue
        for j in range(starts[b], starts[b + 1]):
            if is_core[j] and _squared(&points_m[i, 0], &points_m[j, 0]) <= limit:
                return True
    return False


def name_clusters(
    const float[:, ::1] points_m,
    const uint64_t[::1] keys,
    const int32_t[::1] rows,
    const int32_t[::1] starts,
    const int64_t[::1] shifts,
    double radius_m,
    const unsigned char[::1] is_core,
    int32_t[::1] parents,
    int32_t[::1] names,
    int32_t[::1] labels,
) -> int64_t:
    """Write each point's cluster, numbered by first point, and return the number of clusters.

    Arrays as in join_dense; rows (n,) where each sorted point stood; names (C,) scratch; labels
    (N,), -1 where nothing was found. A point that is not core joins its nearest core point
    within radius_m (of equals the earlier row).
    """
    cdef Py_ssize_t n_cells = starts.shape[0] - 1
    cdef Py_ssize_t cell, column, i
    cdef int32_t[25] first
    cdef int32_t[25] last
    cdef int64_t[25] offset
    cdef int32_t n_clusters = 0
    if n_cells < 1:
        return 0
    with nogil:
        for column in range(N_COLUMNS):
            first[column] = last[column] = 0
            offset[column] = _offset(column, shifts[0], shifts[1])
        for cell in range(n_cells):
            names[cell] = -1
            for i in range(starts[cell], starts[cell + 1]):
                if is_core[i]:
                    labels[rows[i]] = _root(&parents[0], <int32_t>cell)
        for cell in range(n_cells):
            for i in range(starts[cell], starts[cell + 1]):
                if is_core[i]:
                    continue
                _advance(keys, starts, n_cells, keys[starts[cell]], offset, first, last)
                labels[rows[i]] = _nearest_core(
                    points_m, rows, starts, i, radius_m, is_core, labels, first, last
                )
        for i in range(labels.shape[0]):
            if labels[i] < 0:
                continue
            if names[labels[i]] < 0:
                names[labels[i]] = n_clusters
                n_clusters += 1
            labels[i] = names[labels[i]]
    return n_clusters


cdef inline int32_t _nearest_core(
    const float[:, ::1] points_m, const int32_t[::1] rows, const int32_t[::1] starts,
    Py_ssize_t i, double radius_m, const unsigned char[::1] is_core, const int32_t[::1] labels,
    const int32_t* first, const int32_t* last,
) noexcept nogil:
    cdef double best = radius_m * radius_m, squared
    cdef Py_ssize_t column, j, chosen = -1
    for column in range(N_COLUMNS):
        for j in range(starts[first[column]], starts[last[column]]):
            if not is_core[j]:
                continue
            squared = _squared(&points_m[i, 0], &points_m[j, 0])
            if squared < best or (
                squared == best and (chosen < 0 or rows[j] < rows[chosen])
            ):
                best = squared
                chosen = j
    return labels[rows[chosen]] if chosen >= 0 else -1
