"""One image seen along the flow from another."""

from libc.stdint cimport int64_t

from perception_label._core.wide cimport Row, wide

cdef enum:
    EDGE = 2  # pixels around the mean and difference of the images
    CHUNK = 128  # pixels of a row in work at a time


cdef wide _warp_row(
    const float* first,
    const float* second,
    Py_ssize_t stride,
    float x0,
    float y,
    float right,
    float bottom,
    float margin,
    float gain,
    float offset,
    const float* u,
    const float* v,
    Row mean,
    Row difference,
    Row seen,
    Py_ssize_t n,
) noexcept nogil:
    """Write mean and difference of at most CHUNK pixels of the images, from x0 on.

    Only the look-up in the middle has to go pixel by pixel.
    """
    cdef int at[CHUNK]
    cdef float fx[CHUNK]
    cdef float fy[CHUNK]
    cdef float near[4 * CHUNK]
    cdef Py_ssize_t x
    cdef int column, row, pitch = <int>stride
    cdef float to_x, to_y, upper, lower
    for x in range(n):
        to_x = x0 + <int>x + u[x]
        to_y = y + v[x]
        seen[x] = <float>1 if to_x >= margin else <float>0
        seen[x] = seen[x] if to_x <= right - margin else 0
        seen[x] = seen[x] if to_y >= margin else 0
        seen[x] = seen[x] if to_y <= bottom - margin else 0
        to_x = to_x if to_x > 0 else 0
        to_y = to_y if to_y > 0 else 0
        to_x = to_x if to_x < right - 1 else right - 1
        to_y = to_y if to_y < bottom - 1 else bottom - 1
        column = <int>to_x
        row = <int>to_y
        fx[x] = to_x - column
        fy[x] = to_y - row
        at[x] = row * pitch + column
    for x in range(n):
        near[x] = second[at[x]]
        near[x + CHUNK] = second[at[x] + 1]
        near[x + 2 * CHUNK] = second[at[x] + pitch]
        near[x + 3 * CHUNK] = second[at[x] + pitch + 1]
    for x in range(n):
        upper = near[x] + fx[x] * (near[x + CHUNK] - near[x])
        lower = near[x + 2 * CHUNK] + fx[x] * (near[x + 3 * CHUNK] - near[x + 2 * CHUNK])
        upper += fy[x] * (lower - upper)
        upper = gain * upper + offset
        mean[x] = <float>0.5 * (upper + first[x])
        difference[x] = upper - first[x]


cdef void _repeat_edges(float[:, ::1] plane) noexcept nogil:
    cdef Py_ssize_t x, y, h = plane.shape[0], w = plane.shape[1]
    for y in range(EDGE, h - EDGE):
        for x in range(EDGE):
            plane[y, x] = plane[y, EDGE]
            plane[y, w - 1 - x] = plane[y, w - 1 - EDGE]
    for y in range(EDGE):
        for x in range(w):
            plane[y, x] = plane[EDGE, x]
            plane[h - 1 - y, x] = plane[h - 1 - EDGE, x]


def linearise(
    const float[:, ::1] first,
    const float[:, ::1] second,
    int64_t margin,
    const float[:, :, ::1] flow,
    const double[::1] light,
    float[:, ::1] mean,
    float[:, ::1] difference,
    float[:, ::1] seen,
) -> None:
    """Write the mean and the difference of the first image and the second along the flow.

    first, second (H + 2 margin, W + 2 margin); flow (2, H, W) right, down; light (2,) gain
    and offset that make the second image as bright as the first; mean, difference
    (H + 4, W + 4) with two repeated pixels around; seen (H, W) 1 where the flow ends in the image.
    """
    cdef Py_ssize_t x, y, w = seen.shape[1]
    cdef float right = second.shape[1] - 1, bottom = second.shape[0] - 1
    with nogil:
        for y in range(seen.shape[0]):
            for x in range(0, w, 128):
                _warp_row(
                    &first[y + margin, margin + x], &second[0, 0], second.shape[1],
                    margin + x, y + margin, right, bottom, margin, <float>light[0], <float>light[1],
                    &flow[0, y, x], &flow[1, y, x], &mean[y + EDGE, EDGE + x],
                    &difference[y + EDGE, EDGE + x], &seen[y, x], min(w - x, CHUNK),
                )
        _repeat_edges(mean)
        _repeat_edges(difference)
