"""Images in halves, and flow back up: a pixel of a level stands for two by two below.

Pixel centres are at integers, so the centre of pixel x of a level lies at 2 x + 0.5 below.
"""

from libc.stdint cimport int32_t, uint8_t

from perception_label._core.wide cimport ByteRow, Row, wide


cdef wide _halve_row(
    const uint8_t* upper, const uint8_t* lower, ByteRow out, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t x
    cdef int32_t total
    for x in range(n):
        total = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
        out[x] = <uint8_t>((total + 2) >> 2)


def halve(const uint8_t[:, ::1] image, uint8_t[:, ::1] out) -> None:
    """Write the rounded mean of each two by two pixels; a last odd row or column counts twice.

    image (H, W); out ((H + 1) // 2, (W + 1) // 2).
    """
    cdef Py_ssize_t y, h = image.shape[0], w = image.shape[1], below, last
    with nogil:
        for y in range(out.shape[0]):
            below = min(2 * y + 1, h - 1)
            _halve_row(&image[2 * y, 0], &image[below, 0], &out[y, 0], w // 2)
            if w % 2:
                last = image[2 * y, w - 1] + image[below, w - 1]
                out[y, w // 2] = <uint8_t>((last + 1) >> 1)


cdef wide _widen_row(const uint8_t* image, Row out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(n):
        out[x] = image[x]


def widen(const uint8_t[:, ::1] image, Py_ssize_t margin, float[:, ::1] out) -> None:
    """Write the image as floats with its border pixels repeated all around.

    image (H, W); margin pixels on the left and above; out (H + 2 margin or more, W + 2 margin or
    more).
    """
    cdef Py_ssize_t x, y, from_y, h = image.shape[0], w = image.shape[1]
    with nogil:
        for y in range(out.shape[0]):
            from_y = min(max(y - margin, 0), h - 1)
            for x in range(margin):
                out[y, x] = image[from_y, 0]
            _widen_row(&image[from_y, 0], &out[y, margin], w)
            for x in range(margin + w, out.shape[1]):
                out[y, x] = image[from_y, w - 1]


cdef wide _blend_rows(const float* near, const float* far, Row out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(n):
        out[x] = <float>1.5 * near[x] + <float>0.5 * far[x]


cdef wide _stretch_row(const float* row, Row out, Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """Write twice n pixels, step apart, from a row of n between its repeated ends."""
    cdef Py_ssize_t x
    if step == 1:
        for x in range(n):
            out[2 * x] = <float>0.75 * row[x] + <float>0.25 * row[x - 1]
            out[2 * x + 1] = <float>0.75 * row[x] + <float>0.25 * row[x + 1]
    else:
        for x in range(n):
            out[4 * x] = <float>0.75 * row[x] + <float>0.25 * row[x - 1]
            out[4 * x + 2] = <float>0.75 * row[x] + <float>0.25 * row[x + 1]


cdef void _enlarge_row(
    const float[:, :, ::1] flow,
    Py_ssize_t p,
    Py_ssize_t y,
    float* scratch,
    float* out,
    Py_ssize_t w_out,
    Py_ssize_t step,
) noexcept nogil:
    cdef Py_ssize_t w = flow.shape[2], h = flow.shape[1], from_y = y // 2, far
    far = min(max(from_y + 2 * (y % 2) - 1, 0), h - 1)
    _blend_rows(&flow[p, from_y, 0], &flow[p, far, 0], scratch + 1, w)
    scratch[0] = scratch[1]
    scratch[w + 1] = scratch[w]
    _stretch_row(scratch + 1, out, w_out // 2, step)
    if w_out % 2:
        out[(w_out - 1) * step] = (
            <float>0.75 * scratch[w_out // 2 + 1] + <float>0.25 * scratch[w_out // 2]
        )


def enlarge(const float[:, :, ::1] flow, float[::1] scratch, float[:, :, ::1] out) -> None:
    """Write the flow, doubled, at twice the size: linear between pixel centres.

    flow (2 or more, H, W); scratch (W + 2,); out (2 or more, H', W') with H' at most 2 H.
    """
    cdef Py_ssize_t y, p
    with nogil:
        for p in range(2):
            for y in range(out.shape[1]):
                _enlarge_row(flow, p, y, &scratch[0], &out[p, y, 0], out.shape[2], 1)


def enlarge_joined(const float[:, :, ::1] flow, float[::1] scratch, float[:, :, ::1] out) -> None:
    """Write what enlarge does, right and down beside each other: out (H', W', 2)."""
    cdef Py_ssize_t y, p
    with nogil:
        for y in range(out.shape[0]):
            for p in range(2):
                _enlarge_row(flow, p, y, &scratch[0], &out[y, 0, p], out.shape[1], 2)


cdef wide _join_row(const float* u, const float* v, Row out, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(n):
        out[2 * x] = u[x]
        out[2 * x + 1] = v[x]


def join(const float[:, :, ::1] flow, float[:, :, ::1] out) -> None:
    """Write right and down beside each other. flow (2 or more, H, W), out (H', W', 2) no larger."""
    cdef Py_ssize_t y
    with nogil:
        for y in range(out.shape[0]):
            _join_row(&flow[0, y, 0], &flow[1, y, 0], &out[y, 0, 0], out.shape[1])
