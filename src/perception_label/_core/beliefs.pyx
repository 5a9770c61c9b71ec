"""Where something is, as a probability on a grid of places, carried from image to image."""

from perception_label._core.wide cimport Row, wide

# What any place keeps, so that a wrong belief can recover.
cdef float FAINTEST = 1e-12


cdef wide _blur(
    const float* belief,
    const float* taps_y,
    const float* taps_x,
    Py_ssize_t reach,
    Py_ssize_t sign,
    Py_ssize_t n,
    Row rows,
    Row out,
) noexcept nogil:
    """Convolve an n x n belief with taps along both axes, or with them mirrored if sign is -1.

    What leaves the grid is gone.
    """
    cdef Py_ssize_t y, x, k, low, high
    cdef float factor
    for x in range(n * n):
        rows[x] = 0
        out[x] = 0
    for k in range(-reach, reach + 1):
        factor = taps_x[reach + sign * k]
        if factor == 0:
            continue
        low, high = max(k, 0), min(n + k, n)
        for y in range(n):
            for x in range(low, high):
                rows[y * n + x] += factor * belief[y * n + x - k]
    for k in range(-reach, reach + 1):
        factor = taps_y[reach + sign * k]
        if factor == 0:
            continue
        for y in range(max(k, 0), min(n + k, n)):
            for x in range(n):
                out[y * n + x] += factor * rows[(y - k) * n + x]


cdef void _weigh(float* belief, const float* likelihood, Py_ssize_t n) noexcept nogil:
    """Multiply by a likelihood and make the sum 1."""
    cdef Py_ssize_t i
    cdef double total = 0
    for i in range(n * n):
        belief[i] = (belief[i] + FAINTEST) * likelihood[i]
        total += belief[i]
    cdef float share = <float>(1.0 / total)
    for i in range(n * n):
        belief[i] *= share


def advance(
    const float[:, ::1] belief,
    const float[::1] taps_y,
    const float[::1] taps_x,
    const float[:, ::1] likelihood,
    float[:, ::1] scratch,
    float[:, ::1] out,
) -> None:
    """Write the belief one image later: moved, then weighed by what that image shows.

    belief, likelihood (above 0), scratch and out (S, S); taps_y, taps_x (odd,) the chance of
    moving so many places down and right, the middle one of staying.
    """
    cdef Py_ssize_t n = belief.shape[0], reach = taps_y.shape[0] // 2
    with nogil:
        _blur(&belief[0, 0], &taps_y[0], &taps_x[0], reach, 1, n, &scratch[0, 0], &out[0, 0])
        _weigh(&out[0, 0], &likelihood[0, 0], n)


def fuse(
    const float[:, :, ::1] likelihood,
    const float[:, ::1] taps_y,
    const float[:, ::1] taps_x,
    const float[:, ::1] first,
    const float[:, ::1] last,
    float[:, :, ::1] scratch,
    float[:, :, ::1] out,
) -> None:
    """Write the belief at each image from all images, before and after it.

    likelihood (n, S, S) above 0; taps_y, taps_x (n, odd) the moves from each image to the
    next as in `advance`, the last ones not used; first, last (S, S) what is known of both ends;
    scratch (3, S, S); out (n, S, S).
    """
    cdef Py_ssize_t k, i, n = likelihood.shape[0], side = likelihood.shape[1]
    cdef Py_ssize_t reach = taps_y.shape[1] // 2
    cdef float* rows = &scratch[0, 0, 0]
    cdef float* later = &scratch[1, 0, 0]
    cdef float* moved = &scratch[2, 0, 0]
    with nogil:
        for i in range(side * side):
            (&out[0, 0, 0])[i] = (&first[0, 0])[i]
            later[i] = (&last[0, 0])[i]
        _weigh(&out[0, 0, 0], &likelihood[0, 0, 0], side)
        for k in range(1, n):
            _blur(
                &out[k - 1, 0, 0], &taps_y[k - 1, 0], &taps_x[k - 1, 0], reach, 1, side,
                rows, &out[k, 0, 0],
            )
            _weigh(&out[k, 0, 0], &likelihood[k, 0, 0], side)
        _weigh(&out[n - 1, 0, 0], later, side)
        for k in range(n - 2, -1, -1):
            _weigh(later, &likelihood[k + 1, 0, 0], side)
            # The way back of a move is the move mirrored.
            _blur(later, &taps_y[k, 0], &taps_x[k, 0], reach, -1, side, rows, moved)
            for i in range(side * side):
                later[i] = moved[i]
            _weigh(&out[k, 0, 0], later, side)
