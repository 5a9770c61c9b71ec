"""Following points from one image to another, all points of a level at once.

Lucas and Kanade (1981) in the inverse compositional form of Baker and Matthews (2004): the square
window around a point in the first image is moved over the second until it fits. Gain and
offset of the window are projected out of its gradient, so that they move nothing.

A window has `side` pixels; its buffers have rows of 32, and zeros from `side` on.
"""

from libc.math cimport fabsf, floorf, sqrtf
from libc.stdint cimport int64_t, uint8_t

from perception_label._core.wide cimport inlined, prefetch, wide

cdef enum:
    ROW = 32
    CELLS = 1024
    WITH_EDGE = 1056  # 33 rows
    NEAR = 1024
    LANES = 8
    PARTS = 128  # 8 columns of each of 16 blocks


cdef wide _read(
    const uint8_t* image, Py_ssize_t stride, float fx, float fy, Py_ssize_t n_rows, float* out
) noexcept nogil:
    """Write n_rows of 31 columns at a fraction (fx, fy) of a pixel; more is written, in n_rows + 2.

    Whole rows, though few windows are so wide: known lengths are compiled to vectors.
    """
    cdef Py_ssize_t r, c
    cdef float w00 = (1 - fx) * (1 - fy), w01 = fx * (1 - fy), w10 = (1 - fx) * fy, w11 = fx * fy
    for r in range(n_rows + 1):
        for c in range(ROW):
            out[r * ROW + c] = image[r * stride + c]
    out[(n_rows + 1) * ROW] = 0
    for c in range(n_rows * ROW):
        out[c] = (w00 * out[c] + w01 * out[c + 1]) + (
            w10 * out[c + ROW] + w11 * out[c + ROW + 1]
        )


cdef void _read_near(
    const uint8_t[:, ::1] image, float x, float y, Py_ssize_t n_rows, float* out
) noexcept nogil:
    """Write the pixels right of and below (x, y); beyond the border its pixels are repeated."""
    cdef uint8_t near[NEAR]
    cdef Py_ssize_t r, c, row, column, h = image.shape[0], w = image.shape[1]
    cdef Py_ssize_t left = <Py_ssize_t>floorf(x), top = <Py_ssize_t>floorf(y)
    cdef float fx = x - left, fy = y - top
    if left >= 0 and top >= 0 and left + ROW <= w and top + n_rows < h:
        _read(&image[top, left], w, fx, fy, n_rows, out)
        return
    for r in range(n_rows + 1):
        row = min(max(top + r, 0), h - 1)
        for c in range(ROW):
            column = min(max(left + c, 0), w - 1)
            near[r * ROW + c] = image[row, column]
    _read(near, ROW, fx, fy, n_rows, out)


cdef void _fetch(
    const uint8_t[:, ::1] image, float x, float y, Py_ssize_t side
) noexcept nogil:
    """Ask for the pixels around a place ahead of time; a NaN asks for what is in a corner."""
    cdef Py_ssize_t r, left, right, top, h = image.shape[0], w = image.shape[1]
    x = x if x > 0 else 0
    y = y if y > 0 else 0
    left = min(<Py_ssize_t>(x if x < w else w), w - 1)
    top = min(<Py_ssize_t>(y if y < h else h), h - 1)
    right = min(left + side // 2 + 2, w - 1)
    left = max(left - side // 2 - 1, 0)
    for r in range(max(top - side // 2 - 1, 0), min(top + side // 2 + 3, h)):
        prefetch(&image[r, left])
        prefetch(&image[r, right])


cdef wide _differ(
    const float* seen, Py_ssize_t side, float* window, float* gx, float* gy
) noexcept nogil:
    """Take a window and its gradient out of one with an edge of one pixel."""
    cdef Py_ssize_t r, c, i
    for i in range(CELLS):
        window[i] = gx[i] = gy[i] = 0
    for r in range(side):
        for c in range(side):
            i = r * ROW + c
            window[i] = seen[i + ROW + 1]
            gx[i] = <float>0.5 * (seen[i + ROW + 2] - seen[i + ROW])
            gy[i] = <float>0.5 * (seen[i + 2 * ROW + 1] - seen[i + 1])


cdef wide _shift(
    float* a, float by, const float* b, float times, Py_ssize_t side
) noexcept nogil:
    """Add to a window a constant, and times another window."""
    cdef Py_ssize_t r, c
    for r in range(side):
        for c in range(side):
            a[r * ROW + c] += by + times * b[r * ROW + c]


cdef inline inlined _dot_block(const float* a, const float* b, float* out) noexcept nogil:
    """Write the sums of products of eight rows of eight, one for each column."""
    cdef Py_ssize_t k
    for k in range(LANES):
        out[k] = (
            (a[k] * b[k] + a[k + ROW] * b[k + ROW])
            + (a[k + 2 * ROW] * b[k + 2 * ROW] + a[k + 3 * ROW] * b[k + 3 * ROW])
        ) + (
            (a[k + 4 * ROW] * b[k + 4 * ROW] + a[k + 5 * ROW] * b[k + 5 * ROW])
            + (a[k + 6 * ROW] * b[k + 6 * ROW] + a[k + 7 * ROW] * b[k + 7 * ROW])
        )


cdef inline inlined _fold(const float* parts, float* out) noexcept nogil:
    """Write the sum of sixteen blocks of eight."""
    cdef float s[LANES]
    cdef Py_ssize_t k
    for k in range(LANES):
        s[k] = (
            ((parts[k] + parts[k + 8]) + (parts[k + 16] + parts[k + 24]))
            + ((parts[k + 32] + parts[k + 40]) + (parts[k + 48] + parts[k + 56]))
        ) + (
            ((parts[k + 64] + parts[k + 72]) + (parts[k + 80] + parts[k + 88]))
            + ((parts[k + 96] + parts[k + 104]) + (parts[k + 112] + parts[k + 120]))
        )
    out[0] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))


cdef wide _dot(const float* a, const float* b, Py_ssize_t n_blocks, float* out) noexcept nogil:
    """Write the sum of products of two windows of n_blocks by n_blocks blocks of 8 x 8.

    The sum runs over the columns of blocks first: a loop that adds up would not be compiled to
    vectors, since that changes the order.
    """
    cdef float parts[PARTS]
    cdef Py_ssize_t r, c, k
    for k in range(PARTS):
        parts[k] = 0
    for r in range(n_blocks):
        for c in range(n_blocks):
            k = 8 * (r * ROW + c)
            _dot_block(a + k, b + k, parts + 8 * (n_blocks * r + c))
    _fold(parts, out)


cdef wide _dot3(
    const float* a,
    const float* b0,
    const float* b1,
    const float* b2,
    Py_ssize_t n_blocks,
    float* out,
) noexcept nogil:
    """Write the sums of products of one window with three."""
    cdef float parts0[PARTS]
    cdef float parts1[PARTS]
    cdef float parts2[PARTS]
    cdef Py_ssize_t r, c, k, to
    for k in range(PARTS):
        parts0[k] = parts1[k] = parts2[k] = 0
    for r in range(n_blocks):
        for c in range(n_blocks):
            k = 8 * (r * ROW + c)
            to = 8 * (n_blocks * r + c)
            _dot_block(a + k, b0 + k, parts0 + to)
            _dot_block(a + k, b1 + k, parts1 + to)
            _dot_block(a + k, b2 + k, parts2 + to)
    _fold(parts0, out)
    _fold(parts1, out + 1)
    _fold(parts2, out + 2)


cdef struct Window:
    float template[CELLS]
    float gx[CELLS]
    float gy[CELLS]
    float inverse[3]
    float contrast  # the sum of squares of the template less its mean
    float texture  # smaller eigenvalue of the mean structure tensor, gain and offset taken out


cdef void _learn(
    const uint8_t[:, ::1] image, float x, float y, Py_ssize_t side, Window* out
) noexcept nogil:
    """Learn the window of a point: what stays of its gradient beside gain and offset."""
    cdef float seen[WITH_EDGE]
    cdef float ones[CELLS]
    cdef float total[3]
    cdef float along[3]
    cdef float xx, xy, yy, determinant, area = side * side
    cdef Py_ssize_t i, reach = side // 2, n = (side + 7) // 8
    _read_near(image, x - reach - 1, y - reach - 1, side + 2, seen)
    _differ(seen, side, out.template, out.gx, out.gy)
    for i in range(CELLS):
        ones[i] = 1
    _dot3(ones, out.template, out.gx, out.gy, n, total)
    _shift(out.template, -total[0] / area, ones, 0, side)
    _dot3(out.template, out.template, out.gx, out.gy, n, along)
    out.contrast = along[0]
    out.texture = 0
    if not along[0] > 0:
        return
    _shift(out.gx, -total[1] / area, out.template, -along[1] / along[0], side)
    _shift(out.gy, -total[2] / area, out.template, -along[2] / along[0], side)
    _dot(out.gx, out.gx, n, &xx)
    _dot(out.gx, out.gy, n, &xy)
    _dot(out.gy, out.gy, n, &yy)
    out.texture = (xx + yy - sqrtf((xx - yy) * (xx - yy) + 4 * xy * xy)) / (2 * area)
    determinant = xx * yy - xy * xy
    if not determinant > 0:
        out.texture = 0
        return
    out.inverse[0] = yy / determinant
    out.inverse[1] = -xy / determinant
    out.inverse[2] = xx / determinant


cdef void _move(
    const uint8_t[:, ::1] image,
    const Window* window,
    Py_ssize_t side,
    Py_ssize_t n_steps,
    float enough,
    float* place,
) noexcept nogil:
    """Move a place (x, y) in the image to where the window fits, or leave it."""
    cdef float seen[WITH_EDGE]
    cdef float sums[3]
    cdef float x = place[0], y = place[1], dx, dy, gain
    cdef Py_ssize_t i, _step, reach = side // 2, n = (side + 7) // 8
    # Rows below the window meet zeros in the sums; they must be numbers.
    for i in range(WITH_EDGE):
        seen[i] = 0
    for _step in range(n_steps):
        _read_near(image, x - reach, y - reach, side, seen)
        _dot3(seen, window.gx, window.gy, window.template, n, sums)
        gain = sums[2] / window.contrast
        gain = min(max(gain, <float>0.25), <float>4)
        dx = (window.inverse[0] * sums[0] + window.inverse[1] * sums[1]) / gain
        dy = (window.inverse[1] * sums[0] + window.inverse[2] * sums[1]) / gain
        x -= dx
        y -= dy
        # Farther than its own side, or out of the image: the window has lost its place.
        if not (fabsf(x - place[0]) <= side and fabsf(y - place[1]) <= side):
            return
        if not (
            -reach <= x < image.shape[1] + reach and -reach <= y < image.shape[0] + reach
        ):
            return
        if dx * dx + dy * dy < enough * enough:
            break
    place[0] = x
    place[1] = y


def follow(
    const uint8_t[:, ::1] first,
    const uint8_t[:, ::1] second,
    const float[:, ::1] points,
    int64_t side,
    int64_t n_steps,
    double enough,
    double least_texture,
    float[:, ::1] places,
    float[::1] texture,
) -> None:
    """Find the windows around points of the first image in the second.

    first, second (H, W); points (P, 2) x, y in the first; side of the windows, odd, 3 to 29;
    n_steps at most, fewer when one is shorter than enough; places (P, 2) where to begin in the
    second, becomes the result, and stays where the texture (P,), written too, is less than
    least_texture. A point or place that is not finite is left alone, its texture 0.
    """
    cdef Window window
    cdef Py_ssize_t i
    with nogil:
        for i in range(points.shape[0]):
            if i + 1 < points.shape[0]:
                _fetch(first, points[i + 1, 0], points[i + 1, 1], side)
                _fetch(second, places[i + 1, 0], places[i + 1, 1], side)
            texture[i] = 0
            # False for NaN; and so far out nothing can be read.
            if not (fabsf(points[i, 0]) < 1e6 and fabsf(points[i, 1]) < 1e6):
                continue
            if not (fabsf(places[i, 0]) < 1e6 and fabsf(places[i, 1]) < 1e6):
                continue
            _learn(first, points[i, 0], points[i, 1], side, &window)
            texture[i] = window.texture
            if window.texture >= least_texture:
                _move(second, &window, side, n_steps, <float>enough, &places[i, 0])
