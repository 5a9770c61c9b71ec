"""Exact DBSCAN and Euclidean groups: cells as wide as the radius, points joined by union-find."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t


cdef struct Limit:
    double squared
    float surely
    float hardly


cdef struct Cloud:
    const float* points_m
    const int32_t* rows
    const int32_t* starts
    const int32_t* stops
    int32_t* parents
    uint8_t* whole
    Limit limit


cdef struct Run:
    # The cells of a column nearby: those not passed yet, and from a cell's key to the lowest
    # of its neighbours there. Cells come in key order, so runs only move forward. first to last
    # are the neighbours of the cell at hand.
    int32_t next
    int32_t end
    int32_t first
    int32_t last
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


cdef inline double _squared(const float* points_m, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    # In double, summed in x, y, z order: ties fall as in scikit-learn.
    cdef const float* p = points_m + 3 * i
    cdef const float* q = points_m + 3 * j
    cdef double x = <double>p[0] - <double>q[0]
    cdef double y = <double>p[1] - <double>q[1]
    cdef double z = <double>p[2] - <double>q[2]
    return x * x + y * y + z * z


cdef inline bint _near(
    const float* points_m, Py_ssize_t i, Py_ssize_t j, const Limit* limit
) noexcept nogil:
    # In single precision to begin with, whose sum is right to 1e-6 of itself.
    cdef const float* p = points_m + 3 * i
    cdef const float* q = points_m + 3 * j
    cdef float x = p[0] - q[0], y = p[1] - q[1], z = p[2] - q[2]
    x = x * x + y * y + z * z
    if x < limit.surely:
        return True
    return x <= limit.hardly and _squared(points_m, i, j) <= limit.squared


cdef inline Limit _limit(double radius_m) noexcept nogil:
    cdef Limit limit
    limit.squared = radius_m * radius_m
    # Where single precision loses digits, it decides nothing.
    limit.surely = <float>(limit.squared * (1 - 1e-5)) if limit.squared > 1e-30 else <float>-1.0
    limit.hardly = <float>(limit.squared * (1 + 1e-5) + 1e-30)
    return limit


cdef inline void _join_inside(const Cloud* cloud, int32_t cell) noexcept nogil:
    """Join the points of one cell, and mark the cell as whole if they are all joined."""
    cdef int32_t start = cloud.starts[cell], stop = cloud.stops[cell], i, j, mine, theirs
    cdef int32_t n_apart = 1  # trees among the points so far, or more
    cdef bint is_new
    for i in range(start + 1, stop):
        mine = _root(cloud.parents, cloud.rows[i])
        n_apart += 1
        is_new = True
        # Downwards: the point scanned just before lies nearest.
        for j in range(i - 1, start - 1, -1):
            if n_apart == 1:
                break
            theirs = _root(cloud.parents, cloud.rows[j])
            if mine == theirs:
                n_apart -= is_new
                is_new = False
            elif _near(cloud.points_m, i, j, &cloud.limit):
                mine = _unite(cloud.parents, mine, theirs)
                n_apart -= 1
                is_new = False
    cloud.whole[cell] = n_apart == 1


cdef inline bint _is_whole(const Cloud* cloud, int32_t cell) noexcept nogil:
    cdef int32_t i, start = cloud.starts[cell]
    for i in range(start + 1, cloud.stops[cell]):
        if _root(cloud.parents, cloud.rows[i]) != _root(cloud.parents, cloud.rows[start]):
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
        for i in range(cloud.starts[a], cloud.stops[a]):
            for j in range(cloud.starts[b], cloud.stops[b]):
                if _near(cloud.points_m, i, j, &cloud.limit):
                    _unite(cloud.parents, mine, theirs)
                    return
        return
    for i in range(cloud.starts[a], cloud.stops[a]):
        mine = _root(cloud.parents, cloud.rows[i])
        for j in range(cloud.starts[b], cloud.stops[b]):
            theirs = _root(cloud.parents, cloud.rows[j])
            if mine != theirs and _near(cloud.points_m, i, j, &cloud.limit):
                mine = _unite(cloud.parents, mine, theirs)


cdef inline int _enter(
    const uint64_t[::1] columns, const int32_t[::1] firsts, const int64_t[::1] shifts,
    int32_t column, int n_rows, int32_t* row, Run* runs,
) noexcept nogil:
    """List the columns around the next one, the own one first; only those before it if n_rows is 2.

    row (3,) zeros at the start. Returns how many of the nine runs are written.
    """
    cdef int x, n = 1
    cdef int32_t other, n_columns = <int32_t>columns.shape[0]
    cdef uint64_t low
    runs[0].next, runs[0].end, runs[0].offset = firsts[column], firsts[column + 1], -1
    for x in range(n_rows):
        low = columns[column] + <uint64_t>((x - 1) * (<int64_t>1 << (shifts[0] - shifts[1])) - 1)
        other = row[x]
        while other < n_columns and columns[other] < low:
            other += 1
        row[x] = other
        while other < n_columns and columns[other] <= low + 2:
            if other < column or (n_rows > 2 and other > column):
                runs[n].next, runs[n].end = firsts[other], firsts[other + 1]
                runs[n].offset = <int64_t>(columns[other] - columns[column]) * (
                    <int64_t>1 << shifts[1]
                ) - 1
                n += 1
            other += 1
    return n


cdef inline void _find(const uint64_t* cells, uint64_t key, Run* run) noexcept nogil:
    cdef uint64_t low = key + <uint64_t>run.offset
    cdef int32_t a = run.next
    while a < run.end and cells[a] < low:
        a += 1
    run.next = run.first = a
    while a < run.end and cells[a] <= low + 2:
        a += 1
    run.last = a


def sort_out_core(
    float[:, ::1] points_m,
    int32_t[::1] rows,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
    const int64_t[::1] shifts,
    double radius_m,
    int64_t min_points,
    int32_t[::1] stops,
) -> None:
    """Move the core points of each cell to its front, and write where they stop.

    points_m (n, 3) and rows (n,) change their order within cells; stops (C,); the rest as in
    join_near. A core point has min_points points within radius_m, itself included.
    """
    cdef int32_t column, cell, i, stop
    cdef int k, n_runs
    cdef int32_t[3] row = [0, 0, 0]
    cdef Run[9] runs
    cdef int64_t n
    cdef bint found
    cdef Limit limit = _limit(radius_m)
    with nogil:
        for column in range(<int32_t>columns.shape[0]):
            n_runs = 0
            for cell in range(firsts[column], firsts[column + 1]):
                stop = starts[cell]
                found = False
                for i in range(starts[cell], starts[cell + 1]):
                    n = _count_inside(&points_m[0, 0], &starts[0], cell, i, &limit, min_points)
                    if n < min_points and not found:
                        found = True
                        if n_runs == 0:
                            n_runs = _enter(columns, firsts, shifts, column, 3, row, runs)
                        for k in range(n_runs):
                            _find(&cells[0], cells[cell], &runs[k])
                    if n >= min_points or n + _count_around(
                        &points_m[0, 0], &starts[0], cell, i, &limit, min_points - n, runs, n_runs
                    ) >= min_points:
                        _swap(points_m, rows, i, stop)
                        stop += 1
                stops[cell] = stop


cdef inline void _swap(
    float[:, ::1] points_m, int32_t[::1] rows, int32_t i, int32_t j
) noexcept nogil:
    cdef int axis
    if i != j:
        rows[i], rows[j] = rows[j], rows[i]
        for axis in range(3):
            points_m[i, axis], points_m[j, axis] = points_m[j, axis], points_m[i, axis]


cdef inline int64_t _count_inside(
    const float* points_m, const int32_t* starts, int32_t cell, int32_t i, const Limit* limit,
    int64_t most,
) noexcept nogil:
    """Count the near points of the own cell, itself included, until there are `most`."""
    cdef int64_t n = 1
    cdef int32_t j
    # Outwards from the point: those scanned next to it lie nearest.
    for j in range(i - 1, starts[cell] - 1, -1):
        if n >= most:
            return n
        n += _near(points_m, i, j, limit)
    for j in range(i + 1, starts[cell + 1]):
        if n >= most:
            return n
        n += _near(points_m, i, j, limit)
    return n


cdef inline int64_t _count_around(
    const float* points_m, const int32_t* starts, int32_t cell, int32_t i, const Limit* limit,
    int64_t most, const Run* runs, int n_runs,
) noexcept nogil:
    """Count the near points of other cells until there are `most`."""
    cdef int64_t n = 0
    cdef int32_t j
    cdef int k
    for k in range(n_runs):
        for j in range(starts[runs[k].first], starts[runs[k].last]):
            if k > 0 or j < starts[cell] or j >= starts[cell + 1]:
                n += _near(points_m, i, j, limit)
                if n >= most:
                    return n
    return n


def join_near(
    const float[:, ::1] points_m,
    const int32_t[::1] rows,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const int32_t[::1] stops,
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
    const int64_t[::1] shifts,
    double radius_m,
    uint8_t[::1] whole,
    int32_t[::1] parents,
) -> None:
    """Join the points within radius_m of each other, in cells at least that wide.

    points_m (n, 3) sorted by cell; rows (n,) where each stood; cells (C,) keys, starts (C + 1,);
    stops (C,): each cell's points from here on are left alone; columns (L,) and firsts (L + 1,)
    from clusters.list_columns; shifts (2,) bits below x and below y in a key; whole (C,)
    scratch; parents (N,) union-find forest over the rows, in which a root is its tree's lowest
    row; what it joins already stays joined.
    """
    cdef int32_t column, cell, other
    cdef int k, n_runs
    cdef int32_t[3] row = [0, 0, 0]
    cdef Run[9] runs
    cdef Cloud cloud
    if columns.shape[0] < 1:
        return
    cloud.points_m, cloud.rows, cloud.starts = &points_m[0, 0], &rows[0], &starts[0]
    cloud.stops, cloud.parents, cloud.whole = &stops[0], &parents[0], &whole[0]
    cloud.limit = _limit(radius_m)
    with nogil:
        for column in range(<int32_t>columns.shape[0]):
            n_runs = _enter(columns, firsts, shifts, column, 2, row, runs)
            for cell in range(firsts[column], firsts[column + 1]):
                _join_inside(&cloud, cell)
                if starts[cell] == stops[cell]:
                    continue
                if cell > firsts[column] and cells[cell - 1] + 1 == cells[cell]:
                    _join_cells(&cloud, cell, cell - 1)
                for k in range(1, n_runs):
                    _find(&cells[0], cells[cell], &runs[k])
                    for other in range(runs[k].first, runs[k].last):
                        _join_cells(&cloud, cell, other)
                if not whole[cell]:
                    whole[cell] = _is_whole(&cloud, cell)


def name_joined(
    const float[:, ::1] points_m,
    const int32_t[::1] rows,
    const uint64_t[::1] cells,
    const int32_t[::1] starts,
    const int32_t[::1] stops,
    const uint64_t[::1] columns,
    const int32_t[::1] firsts,
    const int64_t[::1] shifts,
    double radius_m,
    int32_t[::1] parents,
    int32_t[::1] names,
    int32_t[::1] labels,
) -> int64_t:
    """Write each point's cluster, numbered by first point, and return the number of clusters.

    Arrays as sort_out_core and join_near leave them; names (N,) scratch; labels (N,), -1 where
    nothing was found. A point that is not core joins its nearest core point within radius_m (of
    equals the earlier row).
    """
    cdef int32_t column, cell, i, n_clusters = 0
    cdef int k, n_runs
    cdef int32_t[3] row = [0, 0, 0]
    cdef Run[9] runs
    cdef bint ready
    with nogil:
        for column in range(<int32_t>columns.shape[0]):
            ready = False
            for cell in range(firsts[column], firsts[column + 1]):
                for i in range(starts[cell], stops[cell]):
                    labels[rows[i]] = rows[i]
                if stops[cell] == starts[cell + 1]:
                    continue
                if not ready:
                    ready = True
                    n_runs = _enter(columns, firsts, shifts, column, 3, row, runs)
                for k in range(n_runs):
                    _find(&cells[0], cells[cell], &runs[k])
                for i in range(stops[cell], starts[cell + 1]):
                    labels[rows[i]] = _nearest_core(
                        &points_m[0, 0], &rows[0], &starts[0], &stops[0], i,
                        radius_m * radius_m, runs, n_runs, &parents[0],
                    )
        for i in range(<int32_t>labels.shape[0]):
            names[i] = -1
        for i in range(<int32_t>labels.shape[0]):
            if labels[i] < 0:
                continue
            if labels[i] == i:
                # What comes before is at its root already.
                labels[i] = parents[i] = parents[parents[i]]
            if names[labels[i]] < 0:
                names[labels[i]] = n_clusters
                n_clusters += 1
            labels[i] = names[labels[i]]
    return n_clusters


cdef inline int32_t _nearest_core(
    const float* points_m, const int32_t* rows, const int32_t* starts, const int32_t* stops,
    int32_t i, double best, const Run* runs, int n_runs, int32_t* parents,
) noexcept nogil:
    cdef double squared
    cdef int32_t cell, j, chosen = -1
    cdef int k
    cdef Limit limit
    limit.squared, limit.surely = best, -1.0
    limit.hardly = <float>(best * (1 + 1e-5) + 1e-30)
    for k in range(n_runs):
        for cell in range(runs[k].first, runs[k].last):
            for j in range(starts[cell], stops[cell]):
                if not _near(points_m, i, j, &limit):
                    continue
                squared = _squared(points_m, i, j)
                if squared < limit.squared or chosen < 0 or rows[j] < rows[chosen]:
                    limit.squared, limit.hardly = squared, <float>(squared * (1 + 1e-5) + 1e-30)
                    chosen = j
    return _root(parents, rows[chosen]) if chosen >= 0 else -1
