"""The ground between its cells, and the points that stand on it."""

from libc.math cimport NAN, ceil, floor
from libc.stdint cimport int64_t, uint8_t


cdef inline Py_ssize_t _first_not_below(const int64_t[::1] cells, int64_t cell) noexcept nogil:
    cdef Py_ssize_t low = 0, high = cells.shape[0], middle
    while low < high:
        middle = (low + high) // 2
        if cells[middle] < cell:
            low = middle + 1
        else:
            high = middle
    return low


cdef double _at_origin(double* sums, double upright) noexcept nogil:
    """Return the first coefficient of the plane: n, x, y, xx, xy, yy, z, xz, yz are summed."""
    cdef double a = sums[0], b = sums[1], c = sums[2]
    cdef double d = sums[3] + upright, e = sums[4], f = sums[5] + upright
    cdef double whole = a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d)
    cdef double first = sums[6] * (d * f - e * e) - b * (sums[7] * f - sums[8] * e)
    first += c * (sums[7] * e - sums[8] * d)
    return first / whole


def plane_heights(
    const int64_t[::1] cells,
    const float[::1] heights_m,
    const double[:, ::1] xy_m,
    double side_m,
    double reach_m,
    double upright,
    int64_t least,
    int64_t half,
    double[::1] out,
) -> None:
    """Write the height of the ground at places: of a plane through the cells around each.

    cells (C,) ascending, (x + half) * 2^32 + y + half of whole cells, with heights_m (C,); xy_m (P,
    2); side_m of a cell; reach_m half the side of the square around a place whose cells count;
    upright cells' worth of belief that the ground is level; out (P,), NaN where fewer than `least`
    cells are known.
    """
    cdef Py_ssize_t p, k
    cdef int64_t ix, iy, column, wide = <int64_t>ceil(reach_m / side_m), known, last
    cdef double u, v, z
    cdef double sums[9]
    with nogil:
        for p in range(xy_m.shape[0]):
            ix = <int64_t>floor(xy_m[p, 0] / side_m)
            iy = <int64_t>floor(xy_m[p, 1] / side_m)
            for k in range(9):
                sums[k] = 0
            known = 0
            for column in range(ix - wide, ix + wide + 1):
                last = ((column + half) << 32) + iy + wide + half
                k = _first_not_below(cells, last - 2 * wide)
                u = (column + 0.5) * side_m - xy_m[p, 0]
                while k < cells.shape[0] and cells[k] <= last:
                    v = (cells[k] - ((column + half) << 32) - half + 0.5) * side_m - xy_m[p, 1]
                    z = heights_m[k]
                    sums[0] += 1
                    sums[1] += u
                    sums[2] += v
                    sums[3] += u * u
                    sums[4] += u * v
                    sums[5] += v * v
                    sums[6] += z
                    sums[7] += u * z
                    sums[8] += v * z
                    known += 1
                    k += 1
            out[p] = _at_origin(sums, upright) if known >= least else NAN


def choose_points(
    const float[:, ::1] points_m,
    const float[::1] height_m,
    double lowest_m,
    double highest_m,
    double reach_m,
    uint8_t[::1] is_ground,
    int64_t[::1] rows,
) -> int64_t:
    """Mark the ground, and list the points that may be an object's; return their number.

    points_m (N, 3); ground is from 0.4 m below to 0.15 m above the surface; rows (N,): higher
    than lowest_m, lower than highest_m and within reach_m of the sensor, ascending.
    """
    cdef Py_ssize_t i
    cdef int64_t n = 0
    cdef double x, y
    with nogil:
        for i in range(points_m.shape[0]):
            x, y = points_m[i, 0], points_m[i, 1]
            is_ground[i] = (height_m[i] > -0.4) & (height_m[i] < 0.15)
            # Written always, counted if wanted: no branch.
            rows[n] = i
            n += (
                (height_m[i] > lowest_m) & (height_m[i] < highest_m)
                & (x * x + y * y < reach_m * reach_m)
            )
    return n
