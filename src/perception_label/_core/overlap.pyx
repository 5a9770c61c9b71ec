"""Overlaps of upright cuboids: rotated rectangles clipped exactly, greedy suppression."""

from libc.math cimport fabs
from libc.stdint cimport int64_t, uint8_t

# Columns of a packed footprint, as the door in geometry.overlap writes them.
cdef enum:
    X = 0
    Y = 1
    Z = 2
    COS = 3
    SIN = 4
    HALF_LENGTH = 5
    HALF_WIDTH = 6
    HALF_HEIGHT = 7
    RADIUS = 8

# A rectangle clipped by four lines has at most eight corners.
cdef enum:
    MOST_CORNERS = 9


cdef inline int clip_side(
    const double* x, const double* y, int n, double sign, double limit, double* out_x, double* out_y
) noexcept nogil:
    """Keep the part of a polygon with sign * x <= limit; return its corner count."""
    cdef int i, kept = 0
    cdef double share
    if n == 0:
        return 0
    cdef double last_x = x[n - 1], last_y = y[n - 1]
    cdef double last = sign * last_x - limit, here
    for i in range(n):
        here = sign * x[i] - limit
        if (here <= 0) != (last <= 0):
            share = last / (last - here)
            out_x[kept] = sign * limit
            out_y[kept] = last_y + share * (y[i] - last_y)
            kept += 1
        if here <= 0:
            out_x[kept] = x[i]
            out_y[kept] = y[i]
            kept += 1
        last_x = x[i]
        last_y = y[i]
        last = here
    return kept


cdef double shared_area(const double* a, const double* b) noexcept nogil:
    """Area that two footprints share, square metres."""
    cdef double dx = b[X] - a[X], dy = b[Y] - a[Y]
    cdef double reach = a[RADIUS] + b[RADIUS]
    # Written so that a NaN fails: such a cuboid overlaps nothing.
    if not (dx * dx + dy * dy < reach * reach):
        return 0.0
    # In a's own axes its footprint is |x| <= half length, |y| <= half width, so that
    # clipping needs no line equations and loses nothing far from the origin.
    cdef double cx = a[COS] * dx + a[SIN] * dy
    cdef double cy = a[COS] * dy - a[SIN] * dx
    cdef double c = a[COS] * b[COS] + a[SIN] * b[SIN]
    cdef double s = a[COS] * b[SIN] - a[SIN] * b[COS]
    cdef double lx = c * b[HALF_LENGTH], ly = s * b[HALF_LENGTH]
    cdef double wx = -s * b[HALF_WIDTH], wy = c * b[HALF_WIDTH]
    if (
        fabs(cx) >= a[HALF_LENGTH] + fabs(lx) + fabs(wx)
        or fabs(cy) >= a[HALF_WIDTH] + fabs(ly) + fabs(wy)
    ):
        return 0.0
    cdef double[MOST_CORNERS] px, py, qx, qy
    px[0] = cx + lx + wx
    py[0] = cy + ly + wy
    px[1] = cx - lx + wx
    py[1] = cy - ly + wy
    px[2] = cx - lx - wx
    py[2] = cy - ly - wy
    px[3] = cx + lx - wx
    py[3] = cy + ly - wy
    cdef int n = clip_side(px, py, 4, 1.0, a[HALF_LENGTH], qx, qy)
    n = clip_side(qx, qy, n, -1.0, a[HALF_LENGTH], px, py)
    n = clip_side(py, px, n, 1.0, a[HALF_WIDTH], qy, qx)
    n = clip_side(qy, qx, n, -1.0, a[HALF_WIDTH], py, px)
    if n < 3:
        return 0.0
    # The shoelace around a's centre: the terms stay small, so little cancels.
    cdef double twice = px[n - 1] * py[0] - px[0] * py[n - 1]
    cdef int i
    for i in range(n - 1):
        twice += px[i] * py[i + 1] - px[i + 1] * py[i]
    return 0.5 * fabs(twice)


cdef inline double area(const double* a) noexcept nogil:
    return 4.0 * a[HALF_LENGTH] * a[HALF_WIDTH]


cdef inline double shared_height(const double* a, const double* b) noexcept nogil:
    """Height that two cuboids share, metres, below zero where they are apart."""
    cdef double apart = fabs(b[Z] - a[Z])
    cdef double least = min(a[HALF_HEIGHT], b[HALF_HEIGHT])
    return min(2.0 * least, a[HALF_HEIGHT] + b[HALF_HEIGHT] - apart)


cdef inline double iou_bev(const double* a, const double* b) noexcept nogil:
    cdef double shared = shared_area(a, b)
    if not shared > 0.0:
        return 0.0
    return min(1.0, shared / (area(a) + area(b) - shared))


cdef inline double iou_3d(const double* a, const double* b) noexcept nogil:
    cdef double height = shared_height(a, b)
    if not height > 0.0:
        return 0.0
    cdef double shared = shared_area(a, b) * height
    if not shared > 0.0:
        return 0.0
    cdef double total = 2.0 * (area(a) * a[HALF_HEIGHT] + area(b) * b[HALF_HEIGHT])
    return min(1.0, shared / (total - shared))


cdef inline double cover(const double* a, const double* b) noexcept nogil:
    """Share of the smaller footprint that the other covers."""
    cdef double shared = shared_area(a, b)
    if not shared > 0.0:
        return 0.0
    return min(1.0, shared / min(area(a), area(b)))


cdef inline double measured(const double* a, const double* b, int measure) noexcept nogil:
    if measure == 0:
        return iou_bev(a, b)
    if measure == 1:
        return iou_3d(a, b)
    return cover(a, b)


def overlap_matrix(
    const double[:, ::1] a, const double[:, ::1] b, int measure, double[:, ::1] out
) -> None:
    """Write the overlap of every a with every b.

    a (M, 9) and b (K, 9) footprints: centre, cosine and sine of yaw, half length, width,
    height, radius of the footprint, metres. measure: 0 BEV IoU, 1 3-D IoU, 2 share of the
    smaller footprint. out (M, K).
    """
    cdef Py_ssize_t i, j
    with nogil:
        for i in range(a.shape[0]):
            for j in range(b.shape[0]):
                out[i, j] = measured(&a[i, 0], &b[j, 0], measure)


def overlap_pairs(
    const double[:, ::1] a, const double[:, ::1] b, int measure, double[::1] out
) -> None:
    """Write the overlap of each a with the b of the same row.

    a, b (M, 9) footprints and measure as in overlap_matrix; out (M,).
    """
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            out[i] = measured(&a[i, 0], &b[i, 0], measure)


def suppress(
    const double[:, ::1] a,
    const int64_t[::1] order,
    double max_overlap,
    int measure,
    int64_t[::1] kept,
    uint8_t[::1] out,
) -> None:
    """Mark the cuboids that no better one overlaps by more than max_overlap.

    a (M, 9) footprints and measure as in overlap_matrix; order (M,) best first; kept (M,)
    scratch; out (M,) becomes 1 where kept, 0 elsewhere.
    """
    cdef Py_ssize_t i, j, n = 0
    cdef int64_t row
    cdef bint free
    with nogil:
        for i in range(order.shape[0]):
            row = order[i]
            free = True
            for j in range(n):
                if measured(&a[kept[j], 0], &a[row, 0], measure) > max_overlap:
                    free = False
                    break
            out[row] = free
            if free:
                kept[n] = row
                n += 1
