"""One object looked for in one sweep: where to start, and where it is.

`find` does what `register` has the pieces of: align from several starts, choose, and let the
shape grow.
"""

from libc.math cimport ceil, fabs
from libc.stdint cimport int32_t, int64_t

from perception_label._core.lattice cimport (
    MOST_STARTS,
    Lattice,
    align_all,
    curvature_at,
    first_of,
    grow_by,
    lattice,
    likeness_at,
)

cdef enum:
    MOST_PLACES = 2048


cdef double _loss(
    const double* pose, const double[:, ::1] weight, const double[::1] price
) noexcept nogil:
    """Return the points that a pose loses for being off the guess; as in `find`."""
    cdef double squared = 0
    cdef double off[3]
    cdef int i, j
    off[0], off[1], off[2] = pose[0], pose[1], pose[3]
    for i in range(3):
        for j in range(3):
            squared += off[i] * weight[i, j] * off[j]
    return price[3] * min(squared, price[4]) + (
        price[0] * fabs(off[0]) + price[1] * fabs(off[1]) + price[2] * fabs(off[2])
    )


def starts(
    const float[:, ::1] points_m,
    const double[::1] reach_m,
    const double[::1] turned,
    const double[:, ::1] weight,
    const double[::1] price,
    const double[::1] search,
    const double[::1] half_m,
    double side_m,
    const float[:, ::1] model_m,
    const int32_t[:, :, ::1] nearest,
    double[:, ::1] out,
) -> None:
    """Write poses to start from: the middle, and the likeliest places all over a reach.

    Parameters
    ----------
    points_m, weight, price, half_m, model_m, nearest :
        As in `find`; side_m of a cell.
    reach_m : (2,)
        How far to look ahead and sideways.
    turned : (T,)
        Turns tried at each place, radians.
    search : (5,)
        Distance of the places, metres; distance of two starts; spread of the likeness there,
        metres; what a strange point takes off there; a share of the points looked at tells the
        places apart: every one more for so many points.
    out : (M, 4)
        M starts about the guess.
    """
    cdef Lattice on = lattice(model_m, nearest, side_m, half_m)
    cdef double places[4 * MOST_PLACES]
    cdef double found[MOST_PLACES]
    cdef const float* points = first_of(points_m)
    cdef Py_ssize_t n = points_m.shape[0], n_places = 0, best, m, i, j, k
    cdef Py_ssize_t ahead = <Py_ssize_t>ceil(reach_m[0] / search[0])
    cdef Py_ssize_t aside = <Py_ssize_t>ceil(reach_m[1] / search[0])
    cdef Py_ssize_t every = 1 + <Py_ssize_t>(n / search[4])
    cdef double* at
    with nogil:
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
                    found[n_places] = likeness_at(
                        points, n, at[0], at[1], 0, at[3], &on, search[2], search[3], every
                    ) - _loss(at, weight, price)
                    n_places += 1
        out[0, 0] = out[0, 1] = out[0, 2] = out[0, 3] = 0
        for m in range(1, out.shape[0]):
            best = 0
            for i in range(n_places):
                if found[i] > found[best]:
                    best = i
            for j in range(4):
                out[m, j] = places[4 * best + j]
            for i in range(n_places):
                if (
                    fabs(places[4 * i] - places[4 * best]) < search[1]
                    and fabs(places[4 * i + 1] - places[4 * best + 1]) < search[1]
                ):
                    found[i] = -1e12


def find(
    const float[:, ::1] points_m,
    const double[:, ::1] begun,
    const double[:, ::1] weight,
    const double[::1] price,
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
    double[::1] pose,
    double[:, ::1] curved,
) -> int64_t:
    """Look for a shape about a guess; return its new number of points, -1 if it is not there.

    Parameters
    ----------
    points_m : (N, 3)
        What is there, in the guess's own axes (`register.crop`); fewer than 5 points are nothing.
    begun : (M, 4)
        Poses about the guess, M <= 16, where alignment starts.
    weight : (3, 3)
        Inverse covariance of the guess: ahead, sideways, turned.
    price : (5,)
        Points that a metre ahead, one sideways, and a radian off the guess take off; those that
        one of the squared deviation by `weight` takes off; up to which squared deviation.
    limits : (2,)
        Least likeness, most turn, radians.
    radius_m : (I,)
        As for `register.align`.
    measures : (6,)
        Side of a cell, metres; where starts meet; spread of the likeness; what a strange point
        takes off; spread of the curvature; distance of points in the shape (`register`).
    steps : (3,)
        As for `register.curvature`.
    half_m, own_m : (3,)
        Half sizes of the boxes whose points count, and join the shape.
    n_model, model_m, nearest, apart2 :
        The shape, as for `register.grow`.
    pose, curved : (4,), (3, 3)
        Where it was found, about the guess, and the curvature of the likeness there.
    """
    cdef Lattice on = lattice(model_m, nearest, measures[0], half_m)
    cdef double poses[4 * MOST_STARTS]
    cdef double found[MOST_STARTS]
    cdef double* at
    cdef Py_ssize_t i, best = 0, n = points_m.shape[0], n_starts = begun.shape[0], result = -1
    cdef const float* points = first_of(points_m)
    if n < 5:
        return -1
    with nogil:
        for i in range(4 * n_starts):
            poses[i] = begun[i // 4, i % 4]
        align_all(
            points, n, poses, n_starts, &on, radius_m, measures[1], measures[2], measures[3],
            found,
        )
        for i in range(n_starts):
            found[i] -= _loss(poses + 4 * i, weight, price)
            if found[i] > found[best]:
                best = i
        at = poses + 4 * best
        if found[best] >= limits[0] and fabs(at[3]) <= limits[1]:
            curvature_at(points, n, at, &on, measures[4], &steps[0], &curved[0, 0])
            for i in range(4):
                pose[i] = at[i]
            on.half_x, on.half_y, on.half_z = own_m[0], own_m[1], own_m[2]
            result = grow_by(
                points, n, at, &on, measures[5], n_model, model_m.shape[0], &apart2[0, 0, 0]
            )
    return result
