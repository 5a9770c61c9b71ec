"""Grid-based clustering: the cells of `cells`, joined by union-find."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef int REACH = 2  # cells of side eps / sqrt(3): a neighbour is at most two cells away
# Nearest columns first: neighbours found early spare the far ones. The first 13 of the second
# are the own column and those before it.
cdef int[25] OUTWARDS = [
    12, 7, 17, 11, 13, 6, 8, 16, 18, 2, 22, 10, 14, 1, 3, 5, 9, 15, 19, 21, 23, 0, 4, 20, 24
]
cdef int[13] BACKWARDS = [12, 11, 7, 6, 8, 10, 2, 5, 9, 1, 3, 0, 4]


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


cdef struct Around:
    # The columns around the current one that hold cells, by their place in a square of 25: 0 to
    # 11 come before it in key order, 12 is its own. Of each the run of cells, first to last, that
    # the current cell may touch. Cells come in key order, so runs only move forward; they are
    # found when first asked for.
    int32_t[5] row
    int n_before
    int n_all
    int[13] before
    int[25] all
    int32_t[25] first
    int32_t[25] last
    int32_t[25] end
    int32_t[25] found_for
    int64_t[25] offset


cdef inline void _start(Around* around) noexcept nogil:
    cdef int x
    for x in range(5):
        around.row[x] = 0


cdef inline void _enter(
    Around* around, const uint64_t* columns, const int32_t* firsts, int32_t n_columns,
    int32_t column, const int64_t* shifts, bint whole,
) noexcept nogil:
    """Find the columns around the next one; not those after it unless the whole is wanted."""
    cdef int x, k, place
    cdef int32_t other
    cdef int64_t step
    cdef uint64_t low
    cdef uint32_t there = 0
    for x in range(5 if whole else 3):
        step = <int64_t>(x - REACH) * (<int64_t>1 << (shifts[0] - shifts[1])) - REACH
        low = columns[column] + <uint64_t>step
        other = around.row[x]
        while other < n_columns and columns[other] < low:
            other += 1
        around.row[x] = other
        while other < n_columns and columns[other] <= low + 2 * REACH:
            place = 5 * x + <int>(columns[other] - low)
            there |= <uint32_t>1 << place
            around.first[place] = around.last[place] = firsts[other]
            around.end[place] = firsts[other + 1]
            around.found_for[place] = -1
            step = <int64_t>(columns[other] - columns[column])
            around.offset[place] = step * (<int64_t>1 << shifts[1]) - REACH
            other += 1
    around.n_before = around.n_all = 0
    for k in range(13):
        if there >> BACKWARDS[k] & 1:
            around.before[around.n_before] = BACKWARDS[k]
            around.n_before += 1
    for k in range(25 if whole else 0):
        if there >> OUTWARDS[k] & 1:
            around.all[around.n_all] = OUTWARDS[k]
            around.n_all += 1


cdef inline void _find(
    Around* around, const uint64_t* cells, int32_t cell, int place
) noexcept nogil:
    cdef uint64_t low
    cdef int32_t a, end = around.end[place]
    if around.found_for[place] == cell:
        return
    around.found_for[place] = cell
    low = cells[cell] + <uint64_t>around.offset[place]
    a = around.first[place]
    while a < end and cells[a] < low:
        a += 1
    around.first[place] = a
    while a < end and cells[a] <= low + 2 * REACH:
        a += 1
    around.last[place] = a


def list_columns(
    const uint64_t[::1] cells, int64_t shift, uint64_t[::1] columns, int32_t[::1] firsts
) -> int64_t:
    """List the columns of cells that differ in z alone, and return how many there are.

    cells (C,) sorted keys; shift: bits below y; of columns (C,) and firsts (C + 1,) the L keys
    without z, their first cells and then C are written.
    """
    cdef Py_ssize_t i
    cdef int64_t n = 0
    with nogil:
        for i in range(cells.shape[0]):
            if i == 0 or cells[i] >> shift != columns[n - 1]:
                columns[n] = cells[i] >> shift
                firsts[n] = <int32_t>i
                n += 1
        firsts[n] = <int32_t>cells.shape[0]
    return n


def join_dense(
    const float[:, ::1] points_m,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
    const int64_t[::1] shifts,
    double radius_m,
    int64_t min_points,
    int32_t[::1] parents,
    unsigned char[::1] is_core,
) -> None:
    """Mark core points, and join the cells that hold core points within radius_m.

    points_m (n, 3) sorted by cell; cells (C,) keys, starts (C + 1,); columns (L,) and firsts
    (L + 1,) from list_columns; shifts (2,) bits below x and below y in a key; parents (C,)
    union-find forest; is_core (n,). A core point has min_points points within radius_m, itself
    included.
    """
    cdef int32_t cell, column, n_columns = <int32_t>columns.shape[0]
    cdef Py_ssize_t i
    cdef Around around
    cdef double limit = radius_m * radius_m
    cdef bint dense
    if n_columns < 1:
        return
    with nogil:
        _start(&around)
        for column in range(n_columns):
            _enter(
                &around, &columns[0], &firsts[0], n_columns, column, &shifts[0], min_points > 1
            )
            for cell in range(firsts[column], firsts[column + 1]):
                parents[cell] = cell
                dense = starts[cell + 1] - starts[cell] >= min_points
                for i in range(starts[cell], starts[cell + 1]):
                    is_core[i] = dense or _is_core(
                        &points_m[0, 0], &cells[0], &starts[0], cell, i, limit, min_points,
                        &around,
                    )
                _join_back(
                    &points_m[0, 0], &cells[0], &starts[0], cell, limit, &parents[0],
                    &is_core[0], &around,
                )


cdef inline bint _is_core(
    const float* points_m, const uint64_t* cells, const int32_t* starts, int32_t cell,
    Py_ssize_t i, double limit, int64_t min_points, Around* around,
) noexcept nogil:
    # All points of its own cell are near enough.
    cdef int64_t n = starts[cell + 1] - starts[cell]
    cdef Py_ssize_t j
    cdef int k, place
    for k in range(around.n_all):
        place = around.all[k]
        _find(around, cells, cell, place)
        for j in range(starts[around.first[place]], starts[around.last[place]]):
            if place == 12 and j >= starts[cell] and j < starts[cell + 1]:
                continue
            if _squared(points_m + 3 * i, points_m + 3 * j) <= limit:
                n += 1
                if n >= min_points:
                    return True
    return False


cdef inline void _join_back(
    const float* points_m, const uint64_t* cells, const int32_t* starts, int32_t cell,
    double limit, int32_t* parents, const unsigned char* is_core, Around* around,
) noexcept nogil:
    cdef int k, place
    cdef int32_t other, theirs, stop, mine = cell
    for k in range(around.n_before):
        place = around.before[k]
        _find(around, cells, cell, place)
        stop = around.last[place] if place < 12 else cell
        # Downwards: in its own column the nearest cell comes last.
        for other in range(stop - 1, around.first[place] - 1, -1):
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
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
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
    cdef int32_t cell, column, n_cells = <int32_t>cells.shape[0], root
    cdef int32_t n_columns = <int32_t>columns.shape[0]
    cdef Py_ssize_t i
    cdef Around around
    cdef int32_t n_clusters = 0
    cdef bint ready
    if n_cells < 1:
        return 0
    with nogil:
        _start(&around)
        for cell in range(n_cells):
            names[cell] = -1
            root = _root(&parents[0], cell)
            for i in range(starts[cell], starts[cell + 1]):
                if is_core[i]:
                    labels[rows[i]] = root
        for column in range(n_columns):
            ready = False
            for cell in range(firsts[column], firsts[column + 1]):
                for i in range(starts[cell], starts[cell + 1]):
                    if is_core[i]:
                        continue
                    if not ready:
                        ready = True
                        _enter(
                            &around, &columns[0], &firsts[0], n_columns, column, &shifts[0], True
                        )
                    labels[rows[i]] = _nearest_core(
                        &points_m[0, 0], &cells[0], &rows[0], &starts[0], cell, i,
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
    int32_t cell, Py_ssize_t i, double best, const unsigned char* is_core,
    const int32_t[::1] labels, Around* around,
) noexcept nogil:
    cdef double squared
    cdef Py_ssize_t j, chosen = -1
    cdef int k, place
    for k in range(around.n_all):
        place = around.all[k]
        _find(around, cells, cell, place)
        for j in range(starts[around.first[place]], starts[around.last[place]]):
            if not is_core[j]:
                continue
            squared = _squared(points_m + 3 * i, points_m + 3 * j)
            if squared < best or (
                squared == best and (chosen < 0 or rows[j] < rows[chosen])
            ):
                best = squared
                chosen = j
    return labels[rows[chosen]] if chosen >= 0 else -1


def join_groups(
    const int64_t[::1] rows,
    const int32_t[::1] groups,
    int32_t[::1] first,
    int32_t[::1] parents,
) -> None:
    """Join the points that share a group.

    rows (n,) into parents; groups (n,) of those points, 0 to n - 1; first (n,) scratch; parents
    (N,) union-find forest, in which a root is its tree's lowest row.
    """
    cdef Py_ssize_t i
    cdef int32_t mine, theirs
    if parents.shape[0] == 0:
        return
    with nogil:
        for i in range(rows.shape[0]):
            first[i] = -1
        for i in range(rows.shape[0]):
            mine = _root(&parents[0], <int32_t>rows[i])
            if first[groups[i]] >= 0:
                theirs = _root(&parents[0], first[groups[i]])
                if theirs < mine:
                    parents[mine] = theirs
                    mine = theirs
                else:
                    parents[theirs] = mine
            first[groups[i]] = mine


def name_groups(
    int32_t[::1] parents, int64_t min_points, int32_t[::1] counts, int32_t[::1] labels
) -> int64_t:
    """Number the trees of at least min_points points by their first; return their number.

    parents (N,) as join_groups leaves it; counts (N,) scratch; labels (N,), -1 for the rest.
    """
    cdef Py_ssize_t i
    cdef int32_t root, n_groups = 0
    with nogil:
        for i in range(parents.shape[0]):
            counts[i] = 0
        for i in range(parents.shape[0]):
            counts[_root(&parents[0], <int32_t>i)] += 1
        for i in range(parents.shape[0]):
            root = _root(&parents[0], <int32_t>i)
            if counts[root] < min_points:
                labels[i] = -1
            elif root == i:
                labels[i] = n_groups
                n_groups += 1
            else:
                labels[i] = labels[root]
    return n_groups
