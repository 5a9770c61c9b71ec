"""One object looked for in one sweep after another, and in all of them again.

Each kernel does for a sweep what `register` has the pieces of: crop, align from several starts,
choose, and let the shape grow.
"""

from libc.math cimport ceil, cos, fabs, sin
from libc.stdint cimport int32_t, int64_t

from perception_label._core.lattice cimport (
    MOST_STARTS,
    Lattice,
    align_all,
    crop_box,
    curvature_at,
    first_of,
    grow_by,
    lattice,
    likeness_at,
)

cdef enum:
    MOST_PLACES = 2048


cdef double _deviation(const double* a, const double* b, const double[::1] cost) noexcept nogil:
    """Return what pose a loses for being off b: ahead, sideways and turned."""
    cdef double c = cos(b[3]), s = sin(b[3]), x = a[0] - b[0], y = a[1] - b[1]
    return fabs(c * x + s * y) * cost[0] + fabs(c * y - s * x) * cost[1] + (
        fabs(a[3] - b[3]) * cost[2]
    )


cdef double _squared(const double* pose, const double[:, ::1] weight) noexcept nogil:
    """Return the squared deviation of x, y and yaw from zero by a weight (3, 3)."""
    cdef double total = 0
    cdef double off[3]
    cdef int i, j
    off[0], off[1], off[2] = pose[0], pose[1], pose[3]
    for i in range(3):
        for j in range(3):
            total += off[i] * weight[i, j] * off[j]
    return total


def stroll(
    const float[:, ::1] points_m,
    const double[::1] guess,
    const double[::1] around_m,
    const double[:, ::1] starts,
    const double[::1] deviation,
    const double[::1] limits,
    const double[::1] radius_m,
    const double[::1] measures,
    const double[::1] steps,
    const double[::1] half_m,
    const double[::1] own_m,
    int64_t n_model,
    float[:, ::1] model_m,
    int32_t[:, :, ::1] nearest,
    float[:, :, ::1] apart2,
    float[:, ::1] scratch,
    double[::1] pose,
    double[:, ::1] curved,
) -> int64_t:
    """Look for a shape around a guess; return its new number of points, -1 if it is not there.

    Parameters
    ----------
    points_m : (N, 3)
        Sorted as for `register.crop`.
    guess : (4,)
        x, y, z, yaw in the points' axes; around_m (3,) half sizes of the box that is searched.
    starts : (M, 4)
        Poses about the guess, M <= 16, where alignment starts.
    deviation : (3,)
        Points that a metre ahead, one sideways, and a radian off the guess take off.
    limits : (2,)
        Least likeness, most turn, radians.
    measures : (6,)
        Side of a cell, metres; where starts meet; spread of the likeness; what a strange point
        takes off; spread of the curvature; distance of points in the shape (`register`).
    half_m, own_m : (3,)
        Half sizes of the boxes whose points count, and join the shape.
    scratch : (n, 3)
        n points of the sweep are looked at, at most.
    pose, curved : (4,), (3, 3)
        Where it was found, about the guess, and the curvature of the likeness there.
    """
    cdef Lattice on = lattice(model_m, nearest, measures[0], half_m)
    cdef double poses[4 * MOST_STARTS]
    cdef double found[MOST_STARTS]
    cdef double origin[4]
    cdef Py_ssize_t i, best = 0, n, n_starts = starts.shape[0], result = -1
    cdef float* points = <float*>first_of(scratch)
    with nogil:
        n = crop_box(
            first_of(points_m), points_m.shape[0], &guess[0], &around_m[0], points,
            scratch.shape[0],
        )
        if n >= 5:
            origin[0] = origin[1] = origin[2] = origin[3] = 0
            for i in range(4 * n_starts):
                poses[i] = starts[i // 4, i % 4]
            align_all(
                points, n, poses, n_starts, &on, radius_m, measures[1], measures[2],
                measures[3], found,
            )
            for i in range(n_starts):
                found[i] -= _deviation(poses + 4 * i, origin, deviation)
                if found[i] > found[best]:
                    best = i
            if found[best] >= limits[0] and fabs(poses[4 * best + 3]) <= limits[1]:
                result = _take(
                    points, n, poses + 4 * best, &on, measures, steps, own_m, n_model,
                    model_m.shape[0], &apart2[0, 0, 0], pose, curved,
                )
    return result


cdef Py_ssize_t _take(
    const float* points, Py_ssize_t n, const double* best, Lattice* on,
    const double[::1] measures, const double[::1] steps, const double[::1] own_m,
    Py_ssize_t n_model, Py_ssize_t most, float* apart2, double[::1] pose, double[:, ::1] curved,
) noexcept nogil:
    """Write a pose and the curvature there, and let the shape grow; return its new number."""
    cdef int i
    curvature_at(points, n, best, on, measures[4], &steps[0], &curved[0, 0])
    for i in range(4):
        pose[i] = best[i]
    on.half_x, on.half_y, on.half_z = own_m[0], own_m[1], own_m[2]
    return grow_by(points, n, best, on, measures[5], n_model, most, apart2)


def chase(
    const float[:, ::1] points_m,
    const double[::1] guess,
    const double[::1] around_m,
    const double[::1] reach_m,
    const double[::1] turned,
    const double[:, ::1] weight,
    const double[::1] search,
    const double[::1] limits,
    const double[::1] radius_m,
    const double[::1] measures,
    const double[::1] steps,
    const double[::1] half_m,
    const double[::1] own_m,
    int64_t n_model,
    float[:, ::1] model_m,
    int32_t[:, :, ::1] nearest,
    float[:, :, ::1] apart2,
    float[:, ::1] scratch,
    double[::1] pose,
    double[:, ::1] curved,
) -> int64_t:
    """Look for a shape all over a reach; as `stroll`, but for where alignment starts.

    Parameters
    ----------
    reach_m : (2,)
        How far to look ahead and sideways.
    turned : (T,)
        Turns tried at each place, radians.
    weight : (3, 3)
        Inverse covariance of the guess: ahead, sideways, turned.
    search : (8,)
        Distance of the places, metres; how many of them are starts, besides the middle; distance
        of those; spread of the likeness there, metres; what a strange point takes off there; points
        that a squared deviation takes off; up to which squared deviation; a share of the points
        looked at tells the places apart: every one more for so many points.
    """
    cdef Lattice on = lattice(model_m, nearest, measures[0], half_m)
    cdef double poses[4 * MOST_STARTS]
    cdef double found[MOST_STARTS]
    cdef Py_ssize_t i, best = 0, n, n_starts, result = -1
    cdef float* points = <float*>first_of(scratch)
    with nogil:
        n = crop_box(
            first_of(points_m), points_m.shape[0], &guess[0], &around_m[0], points,
            scratch.shape[0],
        )
        if n >= 5:
            n_starts = _starts(points, n, reach_m, turned, weight, search, &on, poses)
            align_all(
                points, n, poses, n_starts, &on, radius_m, measures[1], measures[2],
                measures[3], found,
            )
            for i in range(n_starts):
                found[i] -= search[5] * min(_squared(poses + 4 * i, weight), search[6])
                if found[i] > found[best]:
                    best = i
            if found[best] >= limits[0] and fabs(poses[4 * best + 3]) <= limits[1]:
                result = _take(
                    points, n, poses + 4 * best, &on, measures, steps, own_m, n_model,
                    model_m.shape[0], &apart2[0, 0, 0], pose, curved,
                )
    return result


cdef Py_ssize_t _starts(
    const float* points, Py_ssize_t n, const double[::1] reach_m, const double[::1] turned,
    const double[:, ::1] weight, const double[::1] search, const Lattice* on, double* poses,
) noexcept nogil:
    """Write the middle and the likeliest places all over the reach; return how many."""
    cdef double places[4 * MOST_PLACES]
    cdef double found[MOST_PLACES]
    cdef Py_ssize_t ahead = <Py_ssize_t>ceil(reach_m[0] / search[0])
    cdef Py_ssize_t aside = <Py_ssize_t>ceil(reach_m[1] / search[0])
    cdef Py_ssize_t i, j, k, n_places = 0, best, n_poses = 1
    cdef Py_ssize_t every = 1 + <Py_ssize_t>(n / search[7])
    cdef double* at
    for i in range(-ahead, ahead + 1):
        for j in range(-aside, aside + 1):
            for k in range(turned.shape[0]):
                if n_places == MOST_PLACES:
                    break
                at = places + 4 * n_places
                at[0] = reach_m[0] * i / ahead if ahead > 0 else 0
                at[1] = reach_m[1] * j / aside if aside > 0 else 0
                at[2] = 0
                at[3] = turned[k]
                n_places += 1
    for i in range(n_places):
        at = places + 4 * i
        found[i] = likeness_at(
            points, n, at[0], at[1], 0, at[3], on, search[3], search[4], every
        )
        found[i] -= search[5] * min(_squared(at, weight), search[6])
    poses[0] = poses[1] = poses[2] = poses[3] = 0
    while n_poses < 1 + search[1]:
        best = 0
        for i in range(n_places):
            if found[i] > found[best]:
                best = i
        for j in range(4):
            poses[4 * n_poses + j] = places[4 * best + j]
        n_poses += 1
        for i in range(n_places):
            if (
                fabs(places[4 * i] - places[4 * best]) < search[2]
                and fabs(places[4 * i + 1] - places[4 * best + 1]) < search[2]
            ):
                found[i] = -1e12
    return n_poses
