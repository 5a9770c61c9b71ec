"""Which points lie in which cuboids, looked up in a grid over the cuboids' footprints."""

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint8_t

ctypedef fused real:
    float
    double


cdef inline bint holds(const double* box, double x, double y, double z) noexcept nogil:
    """Say whether a box (centre, cosine, sine of yaw, half sizes) holds a point."""
    # Height first: cheapest test, rejects most points.
    if not (fabs(z - box[2]) <= box[7]):
        return False
    cdef double dx = x - box[0], dy = y - box[1]
    return (
        fabs(box[3] * dx + box[4] * dy) <= box[5] and fabs(box[3] * dy - box[4] * dx) <= box[6]
    )


cdef inline int64_t cell_of(
    double x, double y, const double* grid, int64_t n_x, int64_t n_y
) noexcept nogil:
    """Return the cell of a point, -1 off the grid; grid is x0, y0, 1 / cell size."""
    cdef double column = (x - grid[0]) * grid[2]
    cdef double row = (y - grid[1]) * grid[2]
    # Written so that a NaN fails before it is cast.
    if not (column >= 0 and column < n_x and row >= 0 and row < n_y):
        return -1
    return <int64_t>row * n_x + <int64_t>column


def fill_cells(
    const int64_t[:, ::1] spans, int64_t n_x, int64_t[::1] starts, int32_t[::1] items
) -> None:
    """List the cuboids of each cell, in rising order.

    spans (M, 4) first and last column, first and last row of each cuboid; n_x columns; starts
    (cells + 1,) zeros, becomes where each cell's list begins; items (total,) the lists.
    """
    cdef Py_ssize_t j, cell, row, column
    cdef int64_t total = 0, n
    with nogil:
        for j in range(spans.shape[0]):
            for row in range(spans[j, 2], spans[j, 3] + 1):
                for column in range(spans[j, 0], spans[j, 1] + 1):
                    starts[row * n_x + column] += 1
        for cell in range(starts.shape[0]):
            total += starts[cell]
            starts[cell] = total
        # Backwards, so that each list ends up in rising order and starts at its beginning.
        for j in range(spans.shape[0] - 1, -1, -1):
            for row in range(spans[j, 2], spans[j, 3] + 1):
                for column in range(spans[j, 0], spans[j, 1] + 1):
                    n = starts[row * n_x + column] - 1
                    starts[row * n_x + column] = n
                    items[n] = <int32_t>j


def count_inside(
    const real[:, ::1] points_m,
    const double[:, ::1] boxes,
    const double[::1] grid,
    int64_t n_x,
    const int64_t[::1] starts,
    const int32_t[::1] items,
    int64_t[::1] out,
) -> None:
    """Add to out[j] how many points lie in box j.

    points_m (N, 3); boxes (M, 8) centre, cosine and sine of yaw, half sizes, metres; grid
    x0, y0, 1 / cell size; starts and items as fill_cells writes them; out (M,) zeros.
    """
    cdef Py_ssize_t i, k
    cdef int64_t cell, n_y = (starts.shape[0] - 1) // n_x
    with nogil:
        for i in range(points_m.shape[0]):
            cell = cell_of(points_m[i, 0], points_m[i, 1], &grid[0], n_x, n_y)
            if cell < 0:
                continue
            for k in range(starts[cell], starts[cell + 1]):
                if holds(&boxes[items[k], 0], points_m[i, 0], points_m[i, 1], points_m[i, 2]):
                    out[items[k]] += 1


def count_raised(
    const real[:, ::1] points_m,
    const double[:, ::1] boxes,
    const double[::1] grid,
    int64_t n_x,
    const int64_t[::1] starts,
    const int32_t[::1] items,
    double rise_m,
    int64_t[:, ::1] out,
) -> None:
    """Add to out[j] how many points lie in box j, and how many rise_m or more above its bottom.

    Inputs as in count_inside; out (M, 2) zeros.
    """
    cdef Py_ssize_t i, k
    cdef int64_t cell, n_y = (starts.shape[0] - 1) // n_x
    cdef const double* box
    with nogil:
        for i in range(points_m.shape[0]):
            cell = cell_of(points_m[i, 0], points_m[i, 1], &grid[0], n_x, n_y)
            if cell < 0:
                continue
            for k in range(starts[cell], starts[cell + 1]):
                box = &boxes[items[k], 0]
                if holds(box, points_m[i, 0], points_m[i, 1], points_m[i, 2]):
                    out[items[k], 0] += 1
                    out[items[k], 1] += points_m[i, 2] - box[2] + box[7] >= rise_m


def mark_inside(
    const real[:, ::1] points_m,
    const double[:, ::1] boxes,
    const double[::1] grid,
    int64_t n_x,
    const int64_t[::1] starts,
    const int32_t[::1] items,
    uint8_t[:, ::1] out,
) -> None:
    """Set out[j, i] to 1 where box j holds point i.

    Inputs as in count_inside; out (M, N) zeros.
    """
    cdef Py_ssize_t i, k
    cdef int64_t cell, n_y = (starts.shape[0] - 1) // n_x
    with nogil:
        for i in range(points_m.shape[0]):
            cell = cell_of(points_m[i, 0], points_m[i, 1], &grid[0], n_x, n_y)
            if cell < 0:
                continue
            for k in range(starts[cell], starts[cell + 1]):
                if holds(&boxes[items[k], 0], points_m[i, 0], points_m[i, 1], points_m[i, 2]):
                    out[items[k], i] = 1


def assign_first(
    const real[:, ::1] points_m,
    const double[:, ::1] boxes,
    const double[::1] grid,
    int64_t n_x,
    const int64_t[::1] starts,
    const int32_t[::1] items,
    int32_t[::1] out,
) -> None:
    """Write to out[i] the first box that holds point i.

    Inputs as in count_inside; out (N,) filled with -1.
    """
    cdef Py_ssize_t i, k
    cdef int64_t cell, n_y = (starts.shape[0] - 1) // n_x
    with nogil:
        for i in range(points_m.shape[0]):
            cell = cell_of(points_m[i, 0], points_m[i, 1], &grid[0], n_x, n_y)
            if cell < 0:
                continue
            for k in range(starts[cell], starts[cell + 1]):
                if holds(&boxes[items[k], 0], points_m[i, 0], points_m[i, 1], points_m[i, 2]):
                    out[i] = items[k]
                    break
