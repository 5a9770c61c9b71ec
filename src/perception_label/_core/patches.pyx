"""Dense flow from overlapping 8 x 8 patches, by inverse search.

Kroeger, Timofte, Dai and Van Gool (2016), "Fast optical flow using dense inverse search": each
patch of the first image is sought in the second by the inverse compositional method (Baker and
Matthews 2004), neighbours lend each other their result, and each pixel takes the mean of the
patches over it, weighted by how well they fit there. Means of patches are taken out, so that a
change of brightness moves nothing.

Images are float32 with `margin` pixels of border around them; a patch is named by its upper
left pixel, and its place in the second image is kept inside the border.
"""

from libc.stdint cimport int64_t

from perception_label._core.wide cimport Row, inlined, wide

cdef enum:
    SIDE = 8
    AREA = 64
    STATE = 4


cdef inline void _bound(const float[:, ::1] image, float* limits) noexcept nogil:
    """Write how far right and down a patch may go: a sample needs one pixel more each way."""
    limits[0] = <float>(image.shape[1] - SIDE) - <float>1.01
    limits[1] = <float>(image.shape[0] - SIDE) - <float>1.01


cdef inline inlined _sample(
    const float* image, Py_ssize_t stride, float fx, float fy, float* out
) noexcept nogil:
    """Write the 8 x 8 pixels at a fraction (fx, fy) right of and below a pixel."""
    cdef float rows[72]
    cdef Py_ssize_t r, c
    for r in range(SIDE + 1):
        for c in range(SIDE):
            rows[SIDE * r + c] = image[r * stride + c] + fx * (
                image[r * stride + c + 1] - image[r * stride + c]
            )
    for c in range(AREA):
        out[c] = rows[c] + fy * (rows[c + SIDE] - rows[c])


cdef inline inlined _dot(const float* a, const float* b, float* out) noexcept nogil:
    """Write the sum of 64 products, in eight lanes."""
    cdef float s[8]
    cdef Py_ssize_t i
    for i in range(8):
        s[i] = (
            (a[i] * b[i] + a[i + 8] * b[i + 8]) + (a[i + 16] * b[i + 16] + a[i + 24] * b[i + 24])
        ) + (
            (a[i + 32] * b[i + 32] + a[i + 40] * b[i + 40])
            + (a[i + 48] * b[i + 48] + a[i + 56] * b[i + 56])
        )
    out[0] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))


cdef inline inlined _total(const float* a, float* out) noexcept nogil:
    """Write the sum of 64 numbers, in eight lanes."""
    cdef float s[8]
    cdef Py_ssize_t i
    for i in range(8):
        s[i] = ((a[i] + a[i + 8]) + (a[i + 16] + a[i + 24])) + (
            (a[i + 32] + a[i + 40]) + (a[i + 48] + a[i + 56])
        )
    out[0] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))


cdef inline inlined _residual(
    const float* image,
    Py_ssize_t stride,
    const float* limits,
    const float* template,
    float x,
    float y,
    float* out,
) noexcept nogil:
    """Write the second image at (x, y), kept within 0 and limits, less the template."""
    cdef Py_ssize_t i, column, row
    # Written so that a NaN ends at the border.
    x = x if x > 0 else 0
    y = y if y > 0 else 0
    x = x if x < limits[0] else limits[0]
    y = y if y < limits[1] else limits[1]
    column = <Py_ssize_t>x
    row = <Py_ssize_t>y
    _sample(image + row * stride + column, stride, x - column, y - row, out)
    for i in range(AREA):
        out[i] -= template[i]


cdef inline inlined _learn(
    const float* image, Py_ssize_t stride, float* template, float* gx, float* gy, float* hessian
) noexcept nogil:
    """Write a patch, its gradient less its mean, and the inverse of its structure tensor."""
    cdef Py_ssize_t r, c, at
    cdef float mean_x, mean_y, xx, xy, yy, determinant, scale
    for r in range(SIDE):
        for c in range(SIDE):
            at = r * stride + c
            template[SIDE * r + c] = image[at]
            gx[SIDE * r + c] = <float>0.5 * (image[at + 1] - image[at - 1])
            gy[SIDE * r + c] = <float>0.5 * (image[at + stride] - image[at - stride])
    _total(gx, &mean_x)
    _total(gy, &mean_y)
    mean_x /= AREA
    mean_y /= AREA
    for c in range(AREA):
        gx[c] -= mean_x
        gy[c] -= mean_y
    _dot(gx, gx, &xx)
    _dot(gx, gy, &xy)
    _dot(gy, gy, &yy)
    # Damping by a thousandth of noise keeps flat patches where they are.
    xx += 8
    yy += 8
    determinant = xx * yy - xy * xy
    scale = 1 / determinant
    hessian[0] = yy * scale
    hessian[1] = -xy * scale
    hessian[2] = xx * scale


cdef wide _try(
    const float* image,
    Py_ssize_t stride,
    const float* limits,
    const float* template,
    float x,
    float y,
    float* state,
) noexcept nogil:
    """Take (x, y) into the state (x, y, squared error) if the patch fits better there."""
    cdef float d[AREA]
    cdef float total, squares, error
    _residual(image, stride, limits, template, x, y, d)
    _total(d, &total)
    _dot(d, d, &squares)
    error = squares - total * total / AREA
    if error < state[2]:
        state[0] = x
        state[1] = y
        state[2] = error


cdef wide _descend(
    const float* image,
    Py_ssize_t stride,
    const float* limits,
    const float* template,
    const float* gx,
    const float* gy,
    const float* hessian,
    Py_ssize_t n_steps,
    float* state,
) noexcept nogil:
    """Move the state (x, y, squared error) downhill for at most n_steps."""
    cdef float d[AREA]
    cdef float x = state[0], y = state[1], total, squares, error, along_x, along_y, dx, dy
    cdef float least = state[2]
    cdef Py_ssize_t step
    for step in range(n_steps + 1):
        _residual(image, stride, limits, template, x, y, d)
        _total(d, &total)
        _dot(d, d, &squares)
        error = squares - total * total / AREA
        if step > 0 and not error < least:
            break
        least = error
        state[0] = x
        state[1] = y
        state[2] = error
        if step == n_steps:
            break
        _dot(gx, d, &along_x)
        _dot(gy, d, &along_y)
        dx = hessian[0] * along_x + hessian[1] * along_y
        dy = hessian[1] * along_x + hessian[2] * along_y
        x -= dx
        y -= dy
        if dx * dx + dy * dy < 1e-3:
            break


cdef wide _learn_wide(
    const float* image, Py_ssize_t stride, float* template, float* gx, float* gy, float* hessian
) noexcept nogil:
    _learn(image, stride, template, gx, gy, hessian)


cdef void _seek(
    const float[:, ::1] second,
    const float* limits,
    const float* start,
    const float* lent,
    Py_ssize_t n_lent,
    const float* template,
    const float* gx,
    const float* gy,
    const float* hessian,
    Py_ssize_t x,
    Py_ssize_t y,
    Py_ssize_t n_steps,
    float* out,
) noexcept nogil:
    """Write the flow (2,) and squared error of one patch, from its start or a neighbour's flow."""
    cdef float state[3]
    cdef const float* image = &second[0, 0]
    cdef Py_ssize_t stride = second.shape[1], k
    cdef float from_x, from_y, apart
    state[2] = 1e30
    _try(image, stride, limits, template, x + start[0], y + start[1], state)
    for k in range(n_lent):
        apart = (lent[2 * k] - start[0]) ** 2 + (lent[2 * k + 1] - start[1]) ** 2
        # From a fifth of a pixel away the way downhill is the same.
        if apart > <float>0.04:
            _try(image, stride, limits, template, x + lent[2 * k], y + lent[2 * k + 1], state)
    from_x = state[0]
    from_y = state[1]
    _descend(image, stride, limits, template, gx, gy, hessian, n_steps, state)
    # A patch that ran farther than its own side has lost its place.
    if (state[0] - from_x) ** 2 + (state[1] - from_y) ** 2 > AREA:
        state[0] = from_x
        state[1] = from_y
    out[0] = state[0] - x
    out[1] = state[1] - y


def search(
    const float[:, ::1] first,
    const float[:, ::1] second,
    int64_t margin,
    int64_t stride,
    int64_t n_steps,
    int64_t n_passes,
    float[:, :, ::1] flow,
) -> None:
    """Find the patches of the first image in the second.

    first, second (H + 2 margin, W + 2 margin), H and W at least 8; a patch every stride pixels, and
    along the last row and column; n_steps downhill in each of n_passes, forwards and backwards in
    turn; flow (rows, columns, 2) right, down, pixels: where to begin, becomes the result.
    """
    cdef Py_ssize_t i, j, k, n, p, x, y, back, n_lent, h, w
    cdef Py_ssize_t rows = flow.shape[0], columns = flow.shape[1]
    cdef float template[AREA]
    cdef float gx[AREA]
    cdef float gy[AREA]
    cdef float hessian[3]
    cdef float limits[2]
    cdef float lent[4]
    h = first.shape[0] - 2 * margin
    w = first.shape[1] - 2 * margin
    with nogil:
        _bound(second, limits)
        for p in range(n_passes):
            back = p % 2
            for n in range(rows * columns):
                k = rows * columns - 1 - n if back else n
                i = k // columns
                j = k % columns
                y = min(i * stride, h - SIDE)
                x = min(j * stride, w - SIDE)
                _learn_wide(
                    &first[y + margin, x + margin], first.shape[1], template, gx, gy, hessian
                )
                n_lent = 0
                if (j + 1 < columns) if back else (j > 0):
                    lent[0] = flow[i, j + 1 - 2 * (1 - back), 0]
                    lent[1] = flow[i, j + 1 - 2 * (1 - back), 1]
                    n_lent = 1
                if (i + 1 < rows) if back else (i > 0):
                    lent[2 * n_lent] = flow[i + 1 - 2 * (1 - back), j, 0]
                    lent[2 * n_lent + 1] = flow[i + 1 - 2 * (1 - back), j, 1]
                    n_lent += 1
                _seek(
                    second, limits, &flow[i, j, 0], lent, n_lent, template, gx, gy,
                    hessian, x + margin, y + margin, n_steps, &flow[i, j, 0],
                )


cdef wide _spread_patch(
    const float* first,
    const float* second,
    Py_ssize_t stride,
    const float* limits,
    float x,
    float y,
    float u,
    float v,
    Row sum_u,
    Row sum_v,
    Row weight,
    Py_ssize_t width,
) noexcept nogil:
    """Add a patch's flow to the sums of the pixels that it covers."""
    cdef float template[AREA]
    cdef float d[AREA]
    cdef float mean, w
    cdef Py_ssize_t r, c
    for r in range(SIDE):
        for c in range(SIDE):
            template[SIDE * r + c] = first[r * stride + c]
    _residual(second, stride, limits, template, x + u, y + v, d)
    _total(d, &mean)
    mean /= AREA
    for c in range(AREA):
        w = d[c] - mean
        w = w if w > 0 else -w
        d[c] = 1 / (w if w > 1 else <float>1)
    for r in range(SIDE):
        for c in range(SIDE):
            w = d[SIDE * r + c]
            sum_u[r * width + c] += w * u
            sum_v[r * width + c] += w * v
            weight[r * width + c] += w


cdef wide _divide_row(Row u, Row v, const float* weight, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t x
    cdef float scale
    for x in range(n):
        scale = 1 / weight[x]
        u[x] *= scale
        v[x] *= scale


def spread(
    const float[:, ::1] first,
    const float[:, ::1] second,
    int64_t margin,
    int64_t stride,
    const float[:, :, ::1] flow,
    float[:, :, ::1] out,
) -> None:
    """Write each pixel's flow: the mean of the patches over it, weighted by their fit there.

    Images, stride and flow as in search; out (3, H, W) zeros, becomes right, down, weight.
    """
    cdef Py_ssize_t i, j, x, y, h = out.shape[1], w = out.shape[2]
    cdef float limits[2]
    with nogil:
        _bound(second, limits)
        for i in range(flow.shape[0]):
            y = min(i * stride, h - SIDE)
            for j in range(flow.shape[1]):
                x = min(j * stride, w - SIDE)
                _spread_patch(
                    &first[y + margin, x + margin], &second[0, 0], first.shape[1],
                    limits, x + margin, y + margin, flow[i, j, 0], flow[i, j, 1],
                    &out[0, y, x], &out[1, y, x], &out[2, y, x], w,
                )
        for y in range(h):
            _divide_row(&out[0, y, 0], &out[1, y, 0], &out[2, y, 0], w)
