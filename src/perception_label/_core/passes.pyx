"""All sweeps of one object at once, along a path: its shape, and where it is in each of them.

The pieces are those of `register`; points lie one sweep after the other.
"""

from libc.math cimport cos, fabs, sin
from libc.stdint cimport int32_t, int64_t

from perception_label._core.lattice cimport (
    Lattice,
    align_all,
    curvature_at,
    first_of,
    grow_by,
    is_same,
    lattice,
)


def grow_each(
    const float[:, ::1] points_m,
    const int64_t[:, ::1] ends,
    const int64_t[::1] order,
    const double[:, ::1] poses,
    const double[::1] half_m,
    double apart_m,
    double side_m,
    int64_t n_model,
    float[:, ::1] model_m,
    int32_t[:, :, ::1] nearest,
    float[:, :, ::1] apart2,
) -> int64_t:
    """Add the points of several sweeps to a shape; return its new number of points.

    As `register.grow`. points_m (N, 3), those of sweep i from ends[i, 0] to ends[i, 1]; order (R,)
    the sweeps to add, poses (S, 4) of the object in the axes of each sweep's points.
    """
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef const float* points = first_of(points_m)
    cdef Py_ssize_t k, i, n = n_model
    with nogil:
        for k in range(order.shape[0]):
            i = order[k]
            n = grow_by(
                points + 3 * ends[i, 0], ends[i, 1] - ends[i, 0], &poses[i, 0], &on, apart_m, n,
                model_m.shape[0], &apart2[0, 0, 0],
            )
    return n


def align_each(
    const float[:, ::1] points_m,
    const int64_t[:, ::1] ends,
    double[:, ::1] poses,
    const double[::1] spreads_m,
    const int64_t[::1] starts,
    const double[:, ::1] before,
    const double[::1] limits,
    const double[::1] radius_m,
    const double[::1] measures,
    const double[::1] steps,
    const double[::1] half_m,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double[::1] found,
    double[:, :, ::1] curved,
) -> None:
    """Align every sweep to a shape, from its pose and so far ahead of it and behind.

    Parameters
    ----------
    points_m, ends : (N, 3), (S, 2)
        As for `grow_each`; a sweep of fewer than 5 points is left out.
    poses : (S, 4)
        Where to start in each sweep, and where it ends.
    spreads_m : (S,)
        How far ahead and behind; a spread ahead takes off two points of the likeness.
    starts : (S,)
        3 starts there too; 1 at the pose alone, in the sharper half of the reaches radius_m.
    before : (S, 4)
        Where `curved` was taken before: as near as limits[4] metres, and a fifth of it in radians,
        it still holds. NaN if it was not.
    limits : (5,)
        Least likeness; most turn, radians; points that a metre sideways and a radian take off; see
        `before`.
    radius_m, measures, steps, half_m :
        As for `seek.find`.
    found, curved : (S,), (S, 3, 3)
        Likeness, -1e9 where it was not found, and its curvature where it was.
    """
    cdef Lattice on = lattice(model_m, nearest, measures[0], half_m)
    cdef const float* points = first_of(points_m)
    cdef const float* own
    cdef double tried[12]
    cdef double alike[3]
    cdef double c, s, x, y
    cdef Py_ssize_t i, m, n, best
    cdef const double[::1] sharper_m = radius_m[radius_m.shape[0] // 2:]
    with nogil:
        for i in range(poses.shape[0]):
            found[i] = -1e9
            own, n = points + 3 * ends[i, 0], ends[i, 1] - ends[i, 0]
            if n < 5:
                continue
            c, s = cos(poses[i, 3]), sin(poses[i, 3])
            for m in range(starts[i]):
                x = 0 if m == 0 else spreads_m[i] * (3 - 2 * m)
                tried[4 * m] = poses[i, 0] + c * x
                tried[4 * m + 1] = poses[i, 1] + s * x
                tried[4 * m + 2], tried[4 * m + 3] = poses[i, 2], poses[i, 3]
            align_all(
                own, n, tried, starts[i], &on, radius_m if starts[i] > 1 else sharper_m,
                measures[1], measures[2], measures[3], alike,
            )
            best = 0
            for m in range(starts[i]):
                x, y = tried[4 * m] - poses[i, 0], tried[4 * m + 1] - poses[i, 1]
                alike[m] -= 2 * fabs(c * x + s * y) / spreads_m[i]
                alike[m] -= limits[2] * fabs(c * y - s * x)
                alike[m] -= limits[3] * fabs(tried[4 * m + 3] - poses[i, 3])
                if alike[m] > alike[best]:
                    best = m
            if alike[best] < limits[0] or fabs(tried[4 * best + 3] - poses[i, 3]) > limits[1]:
                continue
            found[i] = alike[best]
            for m in range(4):
                poses[i, m] = tried[4 * best + m]
            if not is_same(&poses[i, 0], &before[i, 0], limits[4]):
                curvature_at(
                    own, n, &poses[i, 0], &on, measures[4], &steps[0], &curved[i, 0, 0]
                )
