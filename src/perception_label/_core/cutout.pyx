"""Cutting a thing out of an image: what moves with it, what looks like it, and its outline."""

from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint8_t

DEF FAR = 1e12


cdef inline int _within(int i, int n) noexcept nogil:
    return 0 if i < 0 else (n - 1 if i >= n else i)


def describe(
    const uint8_t[:, :, ::1] rgb, int32_t[:, ::1] scratch, uint8_t[:, :, ::1] out
) -> None:
    """Write each pixel's brightness and two colour differences, blurred by [1 2 1] both ways.

    rgb, out (H, W, 3); scratch (W + 2, 3) is used up. The border is repeated. A difference is 128
    without colour and counts one and a half times, since shading changes it little.
    """
    cdef int h = <int>rgb.shape[0], w = <int>rgb.shape[1], y, x, k, up, down
    cdef int r, g, b
    cdef float light, blue, red
    if h == 0 or w == 0:
        return
    with nogil:
        for y in range(h):
            up = _within(y - 1, h)
            down = _within(y + 1, h)
            for x in range(w):
                for k in range(3):
                    scratch[x + 1, k] = rgb[up, x, k] + 2 * rgb[y, x, k] + rgb[down, x, k]
            for k in range(3):
                scratch[0, k] = scratch[1, k]
                scratch[w + 1, k] = scratch[w, k]
            for x in range(w):
                r = scratch[x, 0] + 2 * scratch[x + 1, 0] + scratch[x + 2, 0]
                g = scratch[x, 1] + 2 * scratch[x + 1, 1] + scratch[x + 2, 1]
                b = scratch[x, 2] + 2 * scratch[x + 1, 2] + scratch[x + 2, 2]
                light = (<float>0.299 * r + <float>0.587 * g + <float>0.114 * b) / 16
                blue = 128 + <float>0.846 * (b / <float>16 - light)
                red = 128 + <float>1.07 * (r / <float>16 - light)
                out[y, x, 0] = <uint8_t>(light + <float>0.5)
                out[y, x, 1] = <uint8_t>(min(max(blue, 0), 255) + <float>0.5)
                out[y, x, 2] = <uint8_t>(min(max(red, 0), 255) + <float>0.5)


cdef void _lower_envelope(double* f, int n, int* at, double* cut, double* out) noexcept nogil:
    """Write the squared distances along one line (Felzenszwalb and Huttenlocher 2012)."""
    cdef int k = 0, q
    cdef double s
    at[0] = 0
    cut[0] = -FAR
    cut[1] = FAR
    for q in range(1, n):
        s = ((f[q] + <double>q * q) - (f[at[k]] + <double>at[k] * at[k])) / (2.0 * (q - at[k]))
        while s <= cut[k]:
            k -= 1
            s = (
                (f[q] + <double>q * q) - (f[at[k]] + <double>at[k] * at[k])
            ) / (2.0 * (q - at[k]))
        k += 1
        at[k] = q
        cut[k] = s
        cut[k + 1] = FAR
    k = 0
    for q in range(n):
        while cut[k + 1] < q:
            k += 1
        out[q] = <double>(q - at[k]) * (q - at[k]) + f[at[k]]


def squared_distances(
    const uint8_t[:, ::1] mask,
    int value,
    double[:, ::1] lines,
    int[::1] at,
    double[:, ::1] out,
) -> None:
    """Write each pixel's squared distance to the nearest pixel that has a value.

    mask (H, W); out (H, W), pixels, 1e10 and more where no pixel has it. Scratch: lines (3, n + 1)
    and at (n,) for n the longer side.
    """
    cdef int h = <int>mask.shape[0], w = <int>mask.shape[1], y, x
    cdef double far
    if h == 0 or w == 0:
        return
    with nogil:
        for x in range(w):
            far = 1e5
            for y in range(h):
                far = 0 if mask[y, x] == value else far + 1
                out[y, x] = far
            far = 1e5
            for y in range(h - 1, -1, -1):
                far = min(out[y, x], far + 1)
                out[y, x] = far * far
        for y in range(h):
            for x in range(w):
                lines[0, x] = out[y, x]
            _lower_envelope(&lines[0, 0], w, &at[0], &lines[1, 0], &out[y, 0])


def trace(
    double y0,
    double x0,
    const double[:, ::1] matrix,
    double grid_y0,
    double grid_x0,
    double spacing,
    const float[:, :, ::1] grid,
    float[:, :, ::1] out,
) -> None:
    """Write where each pixel of a window goes under an affine motion and a smooth shift.

    Pixel (y, x) of the window lies at (x0 + x, y0 + y). matrix (2, 3) takes (x, y, 1) to
    (x, y); grid (h, w, 2) holds shifts at (grid_x0, grid_y0) and every `spacing` pixels on,
    bilinear between and as at its border outside; out (H, W, 2) right, down, pixels, a million
    at most.
    """
    cdef int h = <int>out.shape[0], w = <int>out.shape[1], gh = <int>grid.shape[0]
    cdef int gw = <int>grid.shape[1], i, j, k, a, b, a1, b1
    cdef double px, py, u, v, place
    cdef float fu, fv, top, low
    with nogil:
        for i in range(h):
            py = y0 + i
            v = min(max((py - grid_y0) / spacing, 0), gh - 1)
            a = <int>v
            a1 = min(a + 1, gh - 1)
            fv = <float>(v - a)
            for j in range(w):
                px = x0 + j
                u = min(max((px - grid_x0) / spacing, 0), gw - 1)
                b = <int>u
                b1 = min(b + 1, gw - 1)
                fu = <float>(u - b)
                for k in range(2):
                    top = grid[a, b, k] + fu * (grid[a, b1, k] - grid[a, b, k])
                    low = grid[a1, b, k] + fu * (grid[a1, b1, k] - grid[a1, b, k])
                    place = (
                        matrix[k, 0] * px + matrix[k, 1] * py + matrix[k, 2]
                        + top + fv * (low - top)
                    )
                    out[i, j, k] = <float>min(max(place, -1e6), 1e6)


def sample(
    const float[:, :, ::1] values, const float[:, :, ::1] where, float[:, :, ::1] out
) -> None:
    """Write values between pixels, bilinear; outside, those of the border.

    values (h, w, C); where (H, W, 2) right, down, pixels, all finite; out (H, W, C).
    """
    cdef int h = <int>values.shape[0], w = <int>values.shape[1], n = <int>values.shape[2]
    cdef int i, j, k, a, b, a1, b1
    cdef float u, v, top, low
    with nogil:
        for i in range(where.shape[0]):
            for j in range(where.shape[1]):
                u = min(max(where[i, j, 0], 0), w - 1)
                v = min(max(where[i, j, 1], 0), h - 1)
                a = <int>v
                b = <int>u
                a1 = min(a + 1, h - 1)
                b1 = min(b + 1, w - 1)
                u -= b
                v -= a
                for k in range(n):
                    top = values[a, b, k] + u * (values[a, b1, k] - values[a, b, k])
                    low = values[a1, b, k] + u * (values[a1, b1, k] - values[a1, b, k])
                    out[i, j, k] = top + v * (low - top)


def differ(
    const uint8_t[:, :, ::1] here,
    int y0,
    int x0,
    const uint8_t[:, :, ::1] there,
    const float[:, :, ::1] where,
    float[:, ::1] out,
) -> None:
    """Write how much each pixel of a window differs from the place it is said to go to.

    here, there (H, W, C) of one size; the window begins at (y0, x0) and lies in the image;
    where, out as large as the window. Root of the summed squares; -1 where it goes outside.
    """
    cdef int h = <int>there.shape[0], w = <int>there.shape[1], n = <int>there.shape[2]
    cdef int i, j, k, a, b, a1, b1
    cdef float u, v, top, low, d, total
    with nogil:
        for i in range(where.shape[0]):
            for j in range(where.shape[1]):
                u = where[i, j, 0]
                v = where[i, j, 1]
                if not (u >= -0.5 and v >= -0.5 and u <= w - 0.5 and v <= h - 0.5):
                    out[i, j] = -1
                    continue
                u = min(max(u, 0), w - 1)
                v = min(max(v, 0), h - 1)
                a = <int>v
                b = <int>u
                a1 = min(a + 1, h - 1)
                b1 = min(b + 1, w - 1)
                u -= b
                v -= a
                total = 0
                for k in range(n):
                    top = there[a, b, k] + u * (<float>there[a, b1, k] - there[a, b, k])
                    low = there[a1, b, k] + u * (<float>there[a1, b1, k] - there[a1, b, k])
                    d = top + v * (low - top) - here[y0 + i, x0 + j, k]
                    total += d * d
                out[i, j] = sqrt(total)


def vote(
    const uint8_t[:, :, ::1] here,
    int y0,
    int x0,
    const uint8_t[:, ::1] active,
    const uint8_t[:, :, ::1] there,
    int label_y0,
    int label_x0,
    const uint8_t[:, ::1] labels,
    const float[:, :, ::1] where,
    const float[:, ::1] offsets,
    const float[::1] likeness,
    float[:, :, ::1] out,
) -> None:
    """Add to each pixel the labels that look like it around the place it is said to come from.

    here, there (H, W, 3); active, where (h, w, …) and out (h, w, 2) belong to the window of
    `here` at (y0, x0); labels (h', w') to that of `there` at (label_y0, label_x0): 0 outside the
    thing, 1 inside, else unknown; where in pixels of `there`. offsets (n, 3): right, down,
    pixels, and weight. A label adds weight * likeness[d / 64] to out[..., label], d the
    squared difference; likeness (3048,).
    """
    cdef int h = <int>labels.shape[0], w = <int>labels.shape[1]
    cdef int n = <int>offsets.shape[0], i, j, m, x, y, a, b, c, da, db, dc
    cdef float u, v
    cdef float sums[2]
    with nogil:
        for i in range(active.shape[0]):
            for j in range(active.shape[1]):
                if not active[i, j]:
                    continue
                sums[0] = 0
                sums[1] = 0
                a = here[y0 + i, x0 + j, 0]
                b = here[y0 + i, x0 + j, 1]
                c = here[y0 + i, x0 + j, 2]
                # Shifted up so that truncation rounds below 0 as well.
                u = where[i, j, 0] - label_x0 + <float>1024.5
                v = where[i, j, 1] - label_y0 + <float>1024.5
                for m in range(n):
                    x = <int>(u + offsets[m, 0]) - 1024
                    y = <int>(v + offsets[m, 1]) - 1024
                    if x < 0 or y < 0 or x >= w or y >= h or labels[y, x] > 1:
                        continue
                    da = a - there[label_y0 + y, label_x0 + x, 0]
                    db = b - there[label_y0 + y, label_x0 + x, 1]
                    dc = c - there[label_y0 + y, label_x0 + x, 2]
                    sums[labels[y, x]] += (
                        offsets[m, 2] * likeness[(da * da + db * db + dc * dc) >> 6]
                    )
                out[i, j, 0] += sums[0]
                out[i, j, 1] += sums[1]


def cut(
    const float[:, ::1] cost,
    const float[:, :, ::1] edges,
    int n_rounds,
    float[:, :, ::1] scratch,
    float[:, ::1] inside,
) -> None:
    """Move an outline to where it costs least: a minimal cut, relaxed.

    Least sum of cost * inside + edges * |difference of neighbours|, inside in 0..1, by the
    primal-dual steps of Chambolle and Pock (2011). cost (H, W); edges (2, H, W) right and down;
    pixels of the border stay. inside (H, W) holds the start and the result; scratch (3, H, W) is
    used up.
    """
    cdef int h = <int>inside.shape[0], w = <int>inside.shape[1], i, j, _
    cdef float v, m, step = 0.35
    with nogil:
        for i in range(h):
            for j in range(w):
                scratch[0, i, j] = 0
                scratch[1, i, j] = 0
                scratch[2, i, j] = inside[i, j]
        for _ in range(n_rounds):
            for i in range(h - 1):
                for j in range(w - 1):
                    m = edges[0, i, j]
                    v = scratch[0, i, j] + step * (scratch[2, i, j + 1] - scratch[2, i, j])
                    v = v if v < m else m
                    scratch[0, i, j] = v if v > -m else -m
                for j in range(w - 1):
                    m = edges[1, i, j]
                    v = scratch[1, i, j] + step * (scratch[2, i + 1, j] - scratch[2, i, j])
                    v = v if v < m else m
                    scratch[1, i, j] = v if v > -m else -m
            for i in range(1, h - 1):
                for j in range(1, w - 1):
                    v = inside[i, j] + step * (
                        scratch[0, i, j] - scratch[0, i, j - 1]
                        + scratch[1, i, j] - scratch[1, i - 1, j] - cost[i, j]
                    )
                    v = v if v < 1 else <float>1
                    v = v if v > 0 else <float>0
                    scratch[2, i, j] = 2 * v - inside[i, j]
                    inside[i, j] = v
