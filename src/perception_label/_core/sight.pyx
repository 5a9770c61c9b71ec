"""What stands between a camera and its cuboids.

Everything is in world axes from the camera's centre. Cuboids are (M, 8): centre, cosine and sine of
yaw, half sizes, metres.
"""

from libc.math cimport INFINITY, NAN, fabs
from libc.stdint cimport int32_t, int64_t


cdef inline double enter(const double* box, double x, double y, double z) noexcept nogil:
    """Return how far along a ray from the camera a cuboid begins, NaN if it is missed.

    A camera inside the cuboid enters it at 0.
    """
    cdef double start = 0, end = INFINITY, at, way, near, far
    cdef double center[3]
    cdef double ray[3]
    cdef int axis
    center[0] = box[3] * box[0] + box[4] * box[1]
    center[1] = box[3] * box[1] - box[4] * box[0]
    center[2] = box[2]
    ray[0] = box[3] * x + box[4] * y
    ray[1] = box[3] * y - box[4] * x
    ray[2] = z
    for axis in range(3):
        at, way = center[axis], ray[axis]
        if fabs(way) < 1e-300:
            if fabs(at) > box[5 + axis]:
                return NAN
            continue
        near, far = (at - box[5 + axis]) / way, (at + box[5 + axis]) / way
        if near > far:
            near, far = far, near
        if near > start:
            start = near
        if far < end:
            end = far
    return start if start <= end else NAN


def cast(
    const double[:, ::1] rays,
    const int64_t[::1] first_ray,
    const double[:, ::1] cuboids,
    const int64_t[::1] first_rival,
    const int32_t[::1] rivals,
    double margin_m,
    double[::1] entry_m,
    int32_t[::1] hider,
) -> None:
    """Write where each ray enters its cuboid, and which other cuboid it enters before.

    rays (R, 3) unit; those of cuboid j are first_ray[j] to first_ray[j + 1], (M + 1,), and its
    rivals those of first_rival (M + 1,) in rivals (K,). entry_m (R,) NaN where it is missed; hider
    (R,) the rival entered first, by margin_m at least before the cuboid, -1 for none.
    """
    cdef Py_ssize_t j, i, k
    cdef double at, nearest
    with nogil:
        for j in range(cuboids.shape[0]):
            for i in range(first_ray[j], first_ray[j + 1]):
                entry_m[i] = enter(&cuboids[j, 0], rays[i, 0], rays[i, 1], rays[i, 2])
                hider[i] = -1
                if not entry_m[i] >= 0:
                    continue
                nearest = entry_m[i] - margin_m
                for k in range(first_rival[j], first_rival[j + 1]):
                    at = enter(&cuboids[rivals[k], 0], rays[i, 0], rays[i, 1], rays[i, 2])
                    # Written so that a NaN is no hider.
                    if at <= nearest and (hider[i] < 0 or at < nearest):
                        nearest = at
                        hider[i] = rivals[k]


def sort_points(
    const double[:, ::1] points_m,
    const double[:, ::1] pixels,
    const double[:, ::1] cuboids,
    const double[:, ::1] boxes,
    const int64_t[:, ::1] spans,
    double margin_m,
    double margin_share,
    int32_t[:, :, :, ::1] counts,
) -> None:
    """Count the points that lie before each cuboid, and those on or behind it, in cells of its box.

    points_m (P, 3) and where they appear, pixels (P, 2), by rising x; boxes (M, 4) x0 y0 x1 y1 in
    the same pixels; spans (M, 2) first point from x0 on and from x1 on; a point lies before a
    cuboid if it is nearer than where its direction enters it by margin_m and margin_share of that.
    counts (M, G, G, 2) zeros: rows, columns, before or not.
    """
    cdef Py_ssize_t i, j, row, column
    cdef Py_ssize_t n = counts.shape[1]
    cdef double x, y, z, away, at
    with nogil:
        for j in range(cuboids.shape[0]):
            for i in range(spans[j, 0], spans[j, 1]):
                if not (boxes[j, 1] <= pixels[i, 1] < boxes[j, 3]):
                    continue
                x, y, z = points_m[i, 0], points_m[i, 1], points_m[i, 2]
                # In shares of the way to the point: the cuboid begins at `at` times it.
                at = enter(&cuboids[j, 0], x, y, z)
                if not at >= 0:
                    continue
                away = (x * x + y * y + z * z) ** 0.5
                column = <Py_ssize_t>(
                    (pixels[i, 0] - boxes[j, 0]) / (boxes[j, 2] - boxes[j, 0]) * n
                )
                row = <Py_ssize_t>((pixels[i, 1] - boxes[j, 1]) / (boxes[j, 3] - boxes[j, 1]) * n)
                if column >= n:
                    column = n - 1
                if row >= n:
                    row = n - 1
                if away < at * away * (1 - margin_share) - margin_m:
                    counts[j, row, column, 0] += 1
                else:
                    counts[j, row, column, 1] += 1
