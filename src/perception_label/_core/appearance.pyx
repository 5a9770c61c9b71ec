"""What image regions look like, in cells, and where else something looks like that."""

from libc.math cimport fabsf, sqrtf
from libc.stdint cimport uint8_t

from perception_label._core.wide cimport Row, wide

# Channels of a cell: gradient along four directions, then grey.
cdef enum:
    N_DIRECTIONS = 4
    GREY = 4
    BLUR = 2  # cells on each side that contrast is measured over

cdef float GREY_SHARE = 0.5  # weight of brightness beside that of outlines
cdef float OUTLINE = 20.0  # what a normal outline is scaled to, grey values
cdef float FAINT = 4.0  # gradients well below are noise, grey values per sample
# tan-free binning: how much a gradient exceeds its projection 45 degrees off.
cdef float HALF = 0.70710678


cdef void _sample_row(
    const uint8_t* upper,
    const uint8_t* lower,
    float share_y,
    double x_px,
    double step_px,
    Py_ssize_t width,
    float* out,
    Py_ssize_t n,
) noexcept nogil:
    """Bilinear samples of one row; beyond the border its pixels repeat."""
    cdef Py_ssize_t i, left, right
    cdef double at, last = width - 1
    cdef float share, top, bottom
    for i in range(n):
        at = min(max(x_px + step_px * i, 0.0), last)
        left = <Py_ssize_t>at
        right = min(left + 1, width - 1)
        share = <float>(at - left)
        top = upper[left] + share * (<float>upper[right] - upper[left])
        bottom = lower[left] + share * (<float>lower[right] - lower[left])
        out[i] = top + share_y * (bottom - top)


cdef wide _bin_row(
    const float* above,
    const float* here,
    const float* below,
    Row out,
    Py_ssize_t plane,
    Py_ssize_t n_cells,
) noexcept nogil:
    """Add a row of samples to its cells, two samples wide; the first sample is a margin."""
    cdef Py_ssize_t cell, k, i
    cdef float gx, gy, size, diagonal, part
    for cell in range(n_cells):
        for k in range(2):
            i = 1 + 2 * cell + k
            gx = 0.5 * (here[i + 1] - here[i - 1])
            gy = 0.5 * (below[i] - above[i])
            size = HALF * sqrtf(gx * gx + gy * gy)
            part = fabsf(gx) - size
            out[cell] += part if part > 0 else 0
            part = fabsf(gy) - size
            out[plane + cell] += part if part > 0 else 0
            diagonal = HALF * (gx + gy)
            part = fabsf(diagonal) - size
            out[2 * plane + cell] += part if part > 0 else 0
            diagonal = HALF * (gx - gy)
            part = fabsf(diagonal) - size
            out[3 * plane + cell] += part if part > 0 else 0
            out[GREY * plane + cell] += here[i]


cdef void _even_out(float[:, :, ::1] out, float[:, :, ::1] sums) noexcept nogil:
    """Divide gradients by how strong they are around, so that contrast does not matter."""
    cdef Py_ssize_t c, y, x, low, high
    cdef Py_ssize_t rows = out.shape[1], columns = out.shape[2]
    cdef float total, gain, count
    for y in range(rows):
        for x in range(columns):
            sums[0, y, x] = out[0, y, x] + out[1, y, x] + out[2, y, x] + out[3, y, x]
    for y in range(rows):
        for x in range(columns):
            low, high = max(x - BLUR, 0), min(x + BLUR, columns - 1)
            total = 0
            for c in range(low, high + 1):
                total += sums[0, y, c]
            sums[1, y, x] = total / (high - low + 1)
    for y in range(rows):
        low, high = max(y - BLUR, 0), min(y + BLUR, rows - 1)
        count = high - low + 1
        for x in range(columns):
            total = 0
            for c in range(low, high + 1):
                total += sums[1, c, x]
            # The four parts of a gradient add up to about 0.35 of it, over four samples.
            gain = OUTLINE / (0.71 * total / count + FAINT) * 0.85
            for c in range(N_DIRECTIONS):
                out[c, y, x] = out[c, y, x] * gain


def describe(
    const uint8_t[:, ::1] image,
    double x_px,
    double y_px,
    double step_px,
    float[:, ::1] samples,
    float[:, :, ::1] sums,
    float[:, :, ::1] out,
) -> None:
    """Write the cells of an upright region: outlines in four directions, and brightness.

    image (H, W); x_px, y_px the region's left upper sample, step_px between samples, pixels;
    samples (2 rows + 2, 2 columns + 2) and sums (2, rows, columns) scratch; out (5, rows, columns),
    a cell of two by two samples, the samples' outermost ring being a margin.
    """
    cdef Py_ssize_t y, upper, lower, height = image.shape[0], width = image.shape[1]
    cdef Py_ssize_t rows = out.shape[1], columns = out.shape[2], plane = rows * columns
    cdef Py_ssize_t n = samples.shape[1]
    cdef double at
    with nogil:
        for y in range(samples.shape[0]):
            at = min(max(y_px + step_px * y, 0.0), <double>(height - 1))
            upper = <Py_ssize_t>at
            lower = min(upper + 1, height - 1)
            _sample_row(
                &image[upper, 0], &image[lower, 0], <float>(at - upper),
                x_px, step_px, width, &samples[y, 0], n,
            )
        out[:, :, :] = 0
        for y in range(2 * rows):
            _bin_row(
                &samples[y, 0], &samples[y + 1, 0], &samples[y + 2, 0],
                &out[0, y // 2, 0], plane, columns,
            )
        for y in range(rows):
            for upper in range(columns):
                out[GREY, y, upper] *= 0.25 * GREY_SHARE
        _even_out(out, sums)


def contrast(
    const float[:, :, ::1] cells,
    Py_ssize_t height,
    Py_ssize_t width,
    double[:, :, ::1] sums,
    float[:, ::1] out,
) -> None:
    """Write for each window how far its cells are from their channels' means, all squared, summed.

    cells (C, H, W); windows of height x width cells; sums (2, H + 1, W + 1) scratch; out
    (H - height + 1, W - width + 1).
    """
    cdef Py_ssize_t c, y, x, rows = cells.shape[1], columns = cells.shape[2]
    cdef double one, two, total, squares, n = height * width
    with nogil:
        out[:, :] = 0
        sums[:, :, :] = 0
        for c in range(cells.shape[0]):
            for y in range(rows):
                one = 0
                two = 0
                for x in range(columns):
                    one += cells[c, y, x]
                    two += <double>cells[c, y, x] * cells[c, y, x]
                    sums[0, y + 1, x + 1] = sums[0, y, x + 1] + one
                    sums[1, y + 1, x + 1] = sums[1, y, x + 1] + two
            for y in range(out.shape[0]):
                for x in range(out.shape[1]):
                    total = (
                        sums[0, y + height, x + width] - sums[0, y, x + width]
                        - sums[0, y + height, x] + sums[0, y, x]
                    )
                    squares = (
                        sums[1, y + height, x + width] - sums[1, y, x + width]
                        - sums[1, y + height, x] + sums[1, y, x]
                    )
                    out[y, x] += <float>max(squares - total * total / n, 0.0)


cdef wide _likeness_row(
    const float* cells,
    Py_ssize_t plane,
    Py_ssize_t stride,
    const float* template,
    Py_ssize_t n_channels,
    Py_ssize_t height,
    Py_ssize_t width,
    Row out,
    Py_ssize_t n,
) noexcept nogil:
    """Sum of products of a template with the n windows of one row."""
    cdef Py_ssize_t c, i, j, x
    cdef const float* row
    cdef float factor
    for x in range(n):
        out[x] = 0
    for c in range(n_channels):
        for i in range(height):
            for j in range(width):
                factor = template[(c * height + i) * width + j]
                row = cells + c * plane + i * stride + j
                for x in range(n):
                    out[x] += factor * row[x]


def likeness(
    const float[:, :, ::1] cells,
    const float[:, :, ::1] template,
    const float[:, ::1] contrasts,
    float[:, ::1] out,
) -> None:
    """Write how much each window looks like a template, -1 to 1 (normalised cross-correlation).

    cells (C, H, W); template (C, h, w), each channel of mean 0, all of length 1; contrasts and
    out (H - h + 1, W - w + 1), of `contrast`.
    """
    cdef Py_ssize_t y, x, rows = out.shape[0], columns = out.shape[1]
    cdef Py_ssize_t stride = cells.shape[2]
    with nogil:
        for y in range(rows):
            _likeness_row(
                &cells[0, y, 0], cells.shape[1] * stride, stride, &template[0, 0, 0],
                template.shape[0], template.shape[1], template.shape[2], &out[y, 0], columns,
            )
            for x in range(columns):
                out[y, x] = out[y, x] / sqrtf(contrasts[y, x] + 1e-3)
