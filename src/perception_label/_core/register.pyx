"""Aligning the points of one object: crop them, remember its shape, find its pose.

A shape is a box of cubic cells in the object frame; each cell knows the point of the shape
nearest to its middle, so that asking for a neighbour costs one look-up. It is what the
distance transform is to Fitzgibbon's (2003) registration, but it keeps the neighbour too.
What works is in `lattice.pxd`: the kernels of `seek` go through the same.
"""

from libc.stdint cimport int32_t, int64_t

from perception_label._core.lattice cimport (
    Lattice,
    align_all,
    crop_box,
    curvature_at,
    first_of,
    grow_by,
    lattice,
    likeness_at,
)


def crop(
    const float[:, ::1] points_m,
    const double[::1] pose,
    const double[::1] half_m,
    float[:, ::1] out,
) -> int64_t:
    """Write the points in an upright box, in its own axes, and return how many there are.

    points_m (N, 3) sorted by whole metres of y, then by x; pose (4,) x, y, z, yaw; half_m (3,) half
    sizes; out (n, 3): at most n points are written, evenly chosen if there are more.
    """
    cdef Py_ssize_t n
    with nogil:
        n = crop_box(
            first_of(points_m), points_m.shape[0], &pose[0], &half_m[0],
            <float*>first_of(out), out.shape[0],
        )
    return n


def grow(
    const float[:, ::1] points_m,
    const double[::1] move,
    const double[::1] half_m,
    double apart_m,
    double side_m,
    int64_t n_model,
    float[:, ::1] model_m,
    int32_t[:, :, ::1] nearest,
    float[:, :, ::1] apart2,
) -> int64_t:
    """Add points to a shape where it has none yet and return its new number of points.

    points_m (N, 3) in the axes of a pose; move (4,) x, y, z, yaw of the object in those axes;
    half_m (3,) half sizes, points outside are not taken; apart_m closer ones are there already;
    side_m of a cell; model_m (C, 3), n_model of it filled; nearest (X, Y, Z) index of the point
    nearest to each cell's middle, -1 where none is within five cells, and apart2 (X, Y, Z) its
    squared distance, huge there.
    """
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef Py_ssize_t n
    with nogil:
        n = grow_by(
            first_of(points_m), points_m.shape[0], &move[0], &on, apart_m, n_model,
            model_m.shape[0], &apart2[0, 0, 0],
        )
    return n


def likeness(
    const float[:, ::1] points_m,
    const double[:, ::1] poses,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
    double strange,
    double[::1] out,
) -> None:
    """Write how well the points fit the shape at each pose.

    points_m (N, 3); poses (M, 4) x, y, z, yaw of the object in the points' axes; model_m (C, 3) and
    nearest (X, Y, Z) as `grow` makes them; half_m (3,) points outside this box do not count;
    out (M,) sum over points of exp(-(distance / spread_m)^2), less `strange` for each that is
    farther than two spreads.
    """
    cdef Py_ssize_t m, n = points_m.shape[0]
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef const float* points = first_of(points_m)
    with nogil:
        for m in range(poses.shape[0]):
            out[m] = likeness_at(
                points, n, poses[m, 0], poses[m, 1], poses[m, 2], poses[m, 3], &on, spread_m,
                strange, 1,
            )


def align(
    const float[:, ::1] points_m,
    double[:, ::1] poses,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    const double[::1] radius_m,
    double same_m,
    double spread_m,
    double strange,
    double[::1] out,
) -> None:
    """Move each pose so that the points lie on the shape, and write how well they do.

    As `likeness`, but poses (M, 4), M <= 16, are where to start and become where the alignment
    ends: one weighted closed-form step (Kabsch in the plane) per radius_m (I,), the reach of
    the robust weight (Cauchy). A pose with fewer than 5 points is left, with a likeness of -1e9.
    Poses that come closer than same_m, and a fifth of that in radians, go on as the first of them.
    """
    cdef Py_ssize_t n = points_m.shape[0]
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef const float* points = first_of(points_m)
    if poses.shape[0] == 0:
        return
    with nogil:
        align_all(
            points, n, &poses[0, 0], poses.shape[0], &on, radius_m, same_m, spread_m, strange,
            &out[0],
        )


def curvature(
    const float[:, ::1] points_m,
    const double[::1] pose,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double side_m,
    const double[::1] half_m,
    double spread_m,
    const double[::1] steps,
    double[:, ::1] out,
) -> None:
    """Write how sharply the likeness falls off around a pose: minus its second derivatives.

    As `likeness`; pose (4,); steps (3,) how far to look ahead, metres, sideways, metres, and
    turned, radians, in the object's own axes; out (3, 3).
    """
    cdef Py_ssize_t n = points_m.shape[0]
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef const float* points = first_of(points_m)
    with nogil:
        curvature_at(points, n, &pose[0], &on, spread_m, &steps[0], &out[0, 0])
