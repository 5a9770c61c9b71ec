"""Images in halves: each level has a pixel for two by two of the level below.

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
