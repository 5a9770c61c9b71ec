"""Points to pixels and back, through lenses that bend.

A lens is (16,): fx, skew, cx, fy, cy, then k1 k2 p1 p2 k3 k4 k5 k6 of a pinhole (Brown 1966, with
the rational term) or k1 k2 k3 k4 of a fisheye (Kannala and Brandt 2006), 0 0 0 0, then the model
(0 pinhole, 1 fisheye), the greatest radius (of the tangent; of the angle) at which the bent radius
still grows, and the bent radius there.
"""

from libc.math cimport INFINITY, NAN, atan2, cos, fabs, isfinite, sin, sqrt
from libc.stdint cimport uint8_t

ctypedef fused real:
    float
    double

cdef enum:
    FISHEYE = 14  # past the coefficients
    LIMIT = 13
    BENT_LIMIT = 15
    ROUNDS = 60


cdef inline double bend(const double* lens, double r) noexcept nogil:
    """Return the bent radius of a radius within the limit."""
    cdef double u = r * r
    if lens[FISHEYE] != 0:
        return r * (1 + u * (lens[5] + u * (lens[6] + u * (lens[7] + u * lens[8]))))
    return r * (1 + u * (lens[5] + u * (lens[6] + u * lens[9]))) / (
        1 + u * (lens[10] + u * (lens[11] + u * lens[12]))
    )


cdef inline double slope(const double* lens, double r) noexcept nogil:
    """Return how much the bent radius grows with a radius."""
    cdef double u = r * r, above, below
    if lens[FISHEYE] != 0:
        return 1 + u * (3 * lens[5] + u * (5 * lens[6] + u * (7 * lens[7] + u * 9 * lens[8])))
    above = 1 + u * (lens[5] + u * (lens[6] + u * lens[9]))
    below = 1 + u * (lens[10] + u * (lens[11] + u * lens[12]))
    return above / below + 2 * u * (
        (lens[5] + u * (2 * lens[6] + u * 3 * lens[9])) * below
        - above * (lens[10] + u * (2 * lens[11] + u * 3 * lens[12]))
    ) / (below * below)


cdef inline double straighten(const double* lens, double bent, double r) noexcept nogil:
    """Return the radius that is bent to `bent`, which is within the limit's; r is a guess."""
    cdef double low = 0, high = lens[LIMIT], value, ahead
    cdef int _k
    if high == INFINITY:
        # The tangent of an unlimited lens: doubled until it encloses the answer.
        high = bent if bent > 1 else 1
        while bend(lens, high) < bent and high < 1e12:
            high *= 2
    if r > high:
        r = high
    for _k in range(ROUNDS):
        value = bend(lens, r) - bent
        if value > 0:
            high = r
        else:
            low = r
        if fabs(value) <= 4e-16 * (1 + bent):
            break
        ahead = slope(lens, r)
        r = r - value / ahead if ahead > 0 else high
        if not (low < r < high):
            r = (low + high) / 2
        if high - low <= 1e-15 * (1 + high):
            break
    return r


cdef inline void lean(const double* lens, double x, double y, double* out) noexcept nogil:
    """Write the tangential part of a pinhole's distortion."""
    cdef double u = x * x + y * y
    out[0] = 2 * lens[7] * x * y + lens[8] * (u + 2 * x * x)
    out[1] = lens[7] * (u + 2 * y * y) + 2 * lens[8] * x * y


def project(
    const real[:, ::1] points_m,
    const double[:, ::1] camera_from_points,
    const double[::1] lens,
    double near_m,
    bint beyond,
    double[:, ::1] pixels,
    double[::1] range_m,
    uint8_t[::1] valid,
) -> None:
    """Write where points appear, how far they are, and whether the lens can say so.

    points_m (N, 3); camera_from_points (4, 4); lens as above; a pinhole sees nothing nearer than
    near_m ahead. Not valid: pixels are NaN; unless `beyond`, which carries on straight from the
    limit outwards. pixels (N, 2), range_m (N,), valid (N,).
    """
    cdef Py_ssize_t i
    cdef double x, y, z, r, angle, out_r, scale, a, b, d
    cdef double tilt[2]
    cdef const double* p = &lens[0]
    cdef bint fisheye = lens[FISHEYE] != 0
    with nogil:
        for i in range(points_m.shape[0]):
            a, b, d = points_m[i, 0], points_m[i, 1], points_m[i, 2]
            x = (camera_from_points[0, 0] * a + camera_from_points[0, 1] * b
                 + camera_from_points[0, 2] * d + camera_from_points[0, 3])
            y = (camera_from_points[1, 0] * a + camera_from_points[1, 1] * b
                 + camera_from_points[1, 2] * d + camera_from_points[1, 3])
            z = (camera_from_points[2, 0] * a + camera_from_points[2, 1] * b
                 + camera_from_points[2, 2] * d + camera_from_points[2, 3])
            range_m[i] = sqrt(x * x + y * y + z * z)
            valid[i] = 0
            pixels[i, 0] = NAN
            pixels[i, 1] = NAN
            if not isfinite(range_m[i]):
                continue
            if fisheye:
                if range_m[i] < near_m:
                    continue
                r = sqrt(x * x + y * y)
                angle = atan2(r, z)
                # Straight ahead has no direction to go; straight back neither, but is far out.
                scale = 1 / r if r > 0 else 0
                x, y, r = x * scale, y * scale, angle
            else:
                if not z >= near_m:
                    continue
                x, y = x / z, y / z
                r = sqrt(x * x + y * y)
                scale = 1 / r if r > 0 else 0
                x, y = x * scale, y * scale
            valid[i] = r <= p[LIMIT]
            if not valid[i] and not beyond:
                continue
            out_r = bend(p, r) if valid[i] else p[BENT_LIMIT] + r - p[LIMIT]
            a, b = out_r * x, out_r * y
            if not fisheye:
                if r > p[LIMIT]:
                    r = p[LIMIT]
                lean(p, r * x, r * y, tilt)
                a, b = a + tilt[0], b + tilt[1]
            pixels[i, 0] = p[0] * a + p[1] * b + p[2]
            pixels[i, 1] = p[3] * b + p[4]


def unproject(
    const double[:, ::1] pixels, const double[::1] lens, double[:, ::1] rays, uint8_t[::1] valid
) -> None:
    """Write the unit direction, camera axes, that appears at each pixel.

    pixels (P, 2); lens as above; rays (P, 3), NaN and not valid (P,) where no direction within the
    limit appears there.
    """
    cdef Py_ssize_t i
    cdef int _k
    cdef double a, b, x, y, r, bent, before_x, before_y, z
    cdef double tilt[2]
    cdef const double* p = &lens[0]
    cdef bint fisheye = lens[FISHEYE] != 0
    with nogil:
        for i in range(pixels.shape[0]):
            valid[i] = 0
            rays[i, 0] = NAN
            rays[i, 1] = NAN
            rays[i, 2] = NAN
            b = (pixels[i, 1] - p[4]) / p[3]
            a = (pixels[i, 0] - p[2] - p[1] * b) / p[0]
            if not (isfinite(a) and isfinite(b)):
                continue
            x, y, r = 0, 0, 0
            for _k in range(ROUNDS):
                tilt[0] = 0
                tilt[1] = 0
                if not fisheye:
                    lean(p, x, y, tilt)
                before_x, before_y = x, y
                x, y = a - tilt[0], b - tilt[1]
                bent = sqrt(x * x + y * y)
                if bent > p[BENT_LIMIT]:
                    r = INFINITY
                    break
                r = straighten(p, bent, r if _k > 0 else bent)
                if bent > 0:
                    x, y = x / bent * r, y / bent * r
                if fisheye or fabs(x - before_x) + fabs(y - before_y) <= 1e-13:
                    break
            if r > p[LIMIT] * (1 + 1e-12) or not isfinite(r):
                continue
            valid[i] = 1
            if fisheye:
                a = sin(r) / r if r > 0 else 1
                x, y, z = x * a, y * a, cos(r)
            else:
                z = 1
            a = sqrt(x * x + y * y + z * z)
            rays[i, 0] = x / a
            rays[i, 1] = y / a
            rays[i, 2] = z / a
