"""Euclidean groups: points in cells as wide as the radius, joined by union-find."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t


cdef struct Cloud:
    const float* points_m
    const int32_t* rows
    const int32_t* starts
    int32_t* parents
    uint8_t* whole
    double limit


cdef struct Run:
    # The cells of a column nearby: those not passed yet, and from a cell's key to the lowest
    # of its neighbours there. Cells come in key order, so runs only move forward.
    int32_t next
    int32_t end
    int64_t offset


cdef inline int32_t _root(int32_t* parents, int32_t i) noexcept nogil:
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


cdef inline int32_t _unite(int32_t* parents, int32_t a, int32_t b) noexcept nogil:
    if a < b:
        parents[b] = a
        return a
    parents[a] = b
    return b


cdef inline bint _near(const Cloud* cloud, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    # In double, summed in x, y, z order: ties fall as in scikit-learn.
    cdef const float* p = cloud.points_m + 3 * i
    cdef const float* q = cloud.points_m + 3 * j
    cdef double x = <double>p[0] - <double>q[0]
    cdef double y = <double>p[1] - <double>q[1]
    cdef double z = <double>p[2] - <double>q[2]
    return x * x + y * y + z * z <= cloud.limit


cdef inline void _join_inside(const Cloud* cloud, int32_t cell) noexcept nogil:
    """Join the points of one cell, and mark the cell as whole if they are all joined."""
    cdef int32_t start = cloud.starts[cell], stop = cloud.starts[cell + 1], i, j, mine, theirs
    cdef int32_t n_apart = 1  # trees among the points so far, or more
    cdef bint is_new
    for i in range(start + 1, stop):
        mine = _root(cloud.parents, cloud.rows[i])
        n_apart += 1
        is_new = True
        for j in range(start, i):
            if n_apart == 1:
                break
            theirs = _root(cloud.parents, cloud.rows[j])
            if mine == theirs:
                n_apart -= is_new
                is_new = False
            elif _near(cloud, i, j):
                mine = _unite(cloud.parents, mine, theirs)
                n_apart -= 1
                is_new = False
    cloud.whole[cell] = _is_whole(cloud, cell)


cdef inline bint _is_whole(const Cloud* cloud, int32_t cell) noexcept nogil:
    cdef int32_t first = _root(cloud.parents, cloud.rows[cloud.starts[cell]]), i
    for i in range(cloud.starts[cell] + 1, cloud.starts[cell + 1]):
        if _root(cloud.parents, cloud.rows[i]) != first:
            return False
    return True


cdef inline void _join_cells(const Cloud* cloud, int32_t a, int32_t b) noexcept nogil:
    cdef int32_t i, j, mine, theirs
    cdef bint once = cloud.whole[a] and cloud.whole[b]
    if once:
        mine = _root(cloud.parents, cloud.rows[cloud.starts[a]])
        theirs = _root(cloud.parents, cloud.rows[cloud.starts[b]])
        if mine == theirs:
            return
        for i in range(cloud.starts[a], cloud.starts[a + 1]):
            for j in range(cloud.starts[b], cloud.starts[b + 1]):
                if _near(cloud, i, j):
                    _unite(cloud.parents, mine, theirs)
                    return
        return
    for i in range(cloud.starts[a], cloud.starts[a + 1]):
        mine = _root(cloud.parents, cloud.rows[i])
        for j in range(cloud.starts[b], cloud.starts[b + 1]):
            theirs = _root(cloud.parents, cloud.rows[j])
            if mine != theirs and _near(cloud, i, j):
                mine = _unite(cloud.parents, mine, theirs)


cdef inline void _look_at(
    const uint64_t[::1] columns, const int32_t[::1] firsts, int32_t here, int32_t there,
    int64_t shift, Run* run,
) noexcept nogil:
    run.next, run.end = firsts[there], firsts[there + 1]
    run.offset = <int64_t>(columns[there] - columns[here]) * (<int64_t>1 << shift) - 1


def join_near(
    const float[:, ::1] points_m,
    const int32_t[::1] rows,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
    const int64_t[::1] shifts,
    double radius_m,
    uint8_t[::1] whole,
    int32_t[::1] parents,
) -> None:
    """Join the points within radius_m of each other, in cells at least that wide.

    points_m (n, 3) sorted by cell; rows (n,) where each stood; cells (C,) keys, starts (C + 1,);
    columns (L,) and firsts (L + 1,) from clusters.list_columns; shifts (2,) bits below x and
    below y in a key; whole (C,) scratch; parents (N,) union-find forest over the rows, in which
    a root is its tree's lowest row; what it joins already stays joined.
    """
    cdef int32_t column, cell, a, n_around, behind = 0, other
    cdef int k
    cdef Run[4] runs
    cdef uint64_t low, row = <uint64_t>1 << (shifts[0] - shifts[1])
    cdef Cloud cloud
    if columns.shape[0] < 1:
        return
    cloud.points_m, cloud.rows, cloud.starts = &points_m[0, 0], &rows[0], &starts[0]
    cloud.parents, cloud.whole, cloud.limit = &parents[0], &whole[0], radius_m * radius_m
    with nogil:
        for column in range(<int32_t>columns.shape[0]):
            # Neighbours that come before: three columns of the row before, one of this row.
            low = columns[column] - row - 1
            while columns[behind] < low:
                behind += 1
            n_around = 0
            if column > 0 and columns[column - 1] + 1 == columns[column]:
                _look_at(columns, firsts, column, column - 1, shifts[1], &runs[n_around])
                n_around += 1
            other = behind
            while columns[other] <= low + 2:
                _look_at(columns, firsts, column, other, shifts[1], &runs[n_around])
                n_around += 1
                other += 1
            for cell in range(firsts[column], firsts[column + 1]):
                _join_inside(&cloud, cell)
                if cell > firsts[column] and cells[cell - 1] + 1 == cells[cell]:
                    _join_cells(&cloud, cell, cell - 1)
                for k in range(n_around):
                    low = cells[cell] + <uint64_t>runs[k].offset
                    a = runs[k].next
                    while a < runs[k].end and cells[a] < low:
                        a += 1
                    runs[k].next = a
                    while a < runs[k].end and cells[a] <= low + 2:
                        _join_cells(&cloud, cell, a)
                        a += 1
                if not whole[cell]:
                    whole[cell] = _is_whole(&cloud, cell)
