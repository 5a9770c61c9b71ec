"""Grid-based clustering: points in sorted cells, cells joined by union-find."""

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint64_t

# Beyond this float32 steps by 64 m: such a point is as good as not measured.
cdef double FARTHEST_M = 1e9
cdef int REACH = 2  # cells of side eps / sqrt(3): a neighbour is at most two cells away
# Nearest columns first: neighbours found early spare the far ones. The first 13 of the second
# are the own column and those before it.
cdef int[25] OUTWARDS = [
    12, 7, 17, 11, 13, 6, 8, 16, 18, 2, 22, 10, 14, 1, 3, 5, 9, 15, 19, 21, 23, 0, 4, 20, 24
]
cdef int[13] BACKWARDS = [12, 11, 7, 6, 8, 10, 2, 5, 9, 1, 3, 0, 4]


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


cdef inline int32_t _root(int32_t* parents, int32_t i) noexcept nogil:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


cdef inline double _squared(const float* p, const float* q) noexcept nogil:
    # In double, summed in x, y, z order: ties fall as in scikit-learn.
    cdef double x = <double>p[0] - <double>q[0]
    cdef double y = <double>p[1] - <double>q[1]
    cdef double z = <double>p[2] - <double>q[2]
    return x * x + y * y + z * z


cdef struct Columns:
    # The run of cells, first to last, that lie in each column around the current cell. Cells
    # come in key order, so runs only move forward; they are found when first asked for.
    int32_t[25] first
    int32_t[25] last
    int32_t[25] found_for
    int64_t[25] offset


cdef inline void _start(Columns* around, const int64_t[::1] shifts) noexcept nogil:
    cdef int64_t one = 1
    cdef int column
    for column in range(25):
        around.first[column] = around.last[column] = 0
        around.found_for[column] = -1
        # Columns 0..11 lie before this one in key order, 12 is its own, 13..24 after.
        around.offset[column] = (
            (column // 5 - REACH) * (one << shifts[0]) + (column % 5 - REACH) * (one << shifts[1])
            - REACH
        )


cdef inline void _find(
    Columns* around, const uint64_t* cells, int32_t n_cells, int32_t cell, int column
) noexcept nogil:
    cdef uint64_t low
    cdef int32_t a
    if around.found_for[column] == cell:
        return
    around.found_for[column] = cell
    low = cells[cell] + <uint64_t>around.offset[column]
    a = around.first[column]
    while a < n_cells and cells[a] < low:
        a += 1
    around.first[column] = a
    while a < n_cells and cells[a] <= low + 2 * REACH:
        a += 1
    around.last[column] = a


def join_dense(
    const float[:, ::1] points_m,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const int64_t[::1] shifts,
    double radius_m,
    int64_t min_points,
    int32_t[::1] parents,
    unsigned char[::1] is_core,
) -> None:
    """Mark core points, and join the cells that hold core points within radius_m.

    points_m (n, 3) sorted by cell; cells (C,) keys, starts (C + 1,); shifts (2,) bits below x
    and below y in a key; parents (C,) union-find forest; is_core (n,). A core point has
    min_points points within radius_m, itself included.
    """
    cdef int32_t cell, n_cells = <int32_t>cells.shape[0]
    cdef Py_ssize_t i
    cdef Columns around
    cdef double limit = radius_m * radius_m
    cdef bint dense
    if n_cells < 1:
        return
    with nogil:
        _start(&around, shifts)
        for cell in range(n_cells):
            parents[cell] = cell
            dense = starts[cell + 1] - starts[cell] >= min_points
            for i in range(starts[cell], starts[cell + 1]):
                is_core[i] = dense or _is_core(
                    &points_m[0, 0], &cells[0], &starts[0], n_cells, cell, i, limit, min_points,
                    &around,
                )
            _join_back(
                &points_m[0, 0], &cells[0], &starts[0], n_cells, cell, limit, &parents[0],
                &is_core[0], &around,
            )


cdef inline bint _is_core(
    const float* points_m, const uint64_t* cells, const int32_t* starts, int32_t n_cells,
    int32_t cell, Py_ssize_t i, double limit, int64_t min_points, Columns* around,
) noexcept nogil:
    # All points of its own cell are near enough.
    cdef int64_t n = starts[cell + 1] - starts[cell]
    cdef Py_ssize_t j
    cdef int k, column
    for k in range(25):
        column = OUTWARDS[k]
        _find(around, cells, n_cells, cell, column)
        for j in range(starts[around.first[column]], starts[around.last[column]]):
            if column == 12 and j >= starts[cell] and j < starts[cell + 1]:
                continue
            if _squared(points_m + 3 * i, points_m + 3 * j) <= limit:
                n += 1
                if n >= min_points:
                    return True
    return False


cdef inline void _join_back(
    const float* points_m, const uint64_t* cells, const int32_t* starts, int32_t n_cells,
    int32_t cell, double limit, int32_t* parents, const unsigned char* is_core, Columns* around,
) noexcept nogil:
    cdef int k, column
    cdef int32_t other, theirs, stop, mine = cell
    for k in range(13):
        column = BACKWARDS[k]
        _find(around, cells, n_cells, cell, column)
        stop = around.last[column] if column < 12 else cell
        for other in range(around.first[column], stop):
            theirs = _root(parents, other)
            if mine != theirs and _touch(points_m, starts, cell, other, limit, is_core):
                if theirs < mine:
                    parents[mine] = theirs
                    mine = theirs
                else:
                    parents[theirs] = mine


cdef inline bint _touch(
    const float* points_m, const int32_t* starts, int32_t a, int32_t b, double limit,
    const unsigned char* is_core,
) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(starts[a], starts[a + 1]):
        if not is_core[i]:
            continue
        for j in range(starts[b], starts[b + 1]):
            if is_core[j] and _squared(points_m + 3 * i, points_m + 3 * j) <= limit:
                return True
    return False


def name_clusters(
    const float[:, ::1] points_m,
    const uint64_t[::1] cells,
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
    cdef int32_t cell, n_cells = <int32_t>cells.shape[0], root
    cdef Py_ssize_t i
    cdef Columns around
    cdef int32_t n_clusters = 0
    if n_cells < 1:
        return 0
    with nogil:
        _start(&around, shifts)
        for cell in range(n_cells):
            names[cell] = -1
            root = _root(&parents[0], cell)
            for i in range(starts[cell], starts[cell + 1]):
                if is_core[i]:
                    labels[rows[i]] = root
        for cell in range(n_cells):
            for i in range(starts[cell], starts[cell + 1]):
                if not is_core[i]:
                    labels[rows[i]] = _nearest_core(
                        &points_m[0, 0], &cells[0], &rows[0], &starts[0], n_cells, cell, i,
                        radius_m * radius_m, &is_core[0], labels, &around,
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
    const float* points_m, const uint64_t* cells, const int32_t* rows, const int32_t* starts,
    int32_t n_cells, int32_t cell, Py_ssize_t i, double best, const unsigned char* is_core,
    const int32_t[::1] labels, Columns* around,
) noexcept nogil:
    cdef double squared
    cdef Py_ssize_t j, chosen = -1
    cdef int column
    for column in range(25):
        _find(around, cells, n_cells, cell, column)
        for j in range(starts[around.first[column]], starts[around.last[column]]):
            if not is_core[j]:
                continue
            squared = _squared(points_m + 3 * i, points_m + 3 * j)
            if squared < best or (
                squared == best and (chosen < 0 or rows[j] < rows[chosen])
            ):
                best = squared
                chosen = j
    return labels[rows[chosen]] if chosen >= 0 else -1
