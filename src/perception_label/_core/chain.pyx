"""A chain of Gaussian states: its most likely values and their covariances.

Block elimination of a block-tridiagonal system, forwards and back (Rauch, Tung and Striebel
1965 in information form).
"""

from libc.math cimport sqrt

DEF MOST = 4  # numbers in a state


cdef inline void _invert(const double* a, double* out, int d) noexcept nogil:
    """Write the inverse of a symmetric positive definite matrix (Cholesky)."""
    cdef double low[MOST * MOST]
    cdef double inv[MOST * MOST]
    cdef double total
    cdef int i, j, k
    for i in range(d):
        for j in range(i + 1):
            total = a[i * d + j]
            for k in range(j):
                total -= low[i * d + k] * low[j * d + k]
            if i == j:
                # Rounding may push a tiny pivot below zero.
                low[i * d + i] = sqrt(total) if total > 1e-300 else 1e-150
            else:
                low[i * d + j] = total / low[j * d + j]
    for j in range(d):
        for i in range(d):
            if i < j:
                inv[i * d + j] = 0
                continue
            total = 1.0 if i == j else 0.0
            for k in range(j, i):
                total -= low[i * d + k] * inv[k * d + j]
            inv[i * d + j] = total / low[i * d + i]
    for i in range(d):
        for j in range(d):
            total = 0
            for k in range(max(i, j), d):
                total += inv[k * d + i] * inv[k * d + j]
            out[i * d + j] = total


def solve_chain(
    double[:, :, ::1] diagonal,
    const double[:, :, ::1] beside,
    double[:, ::1] right,
    double[:, ::1] states,
    double[:, :, ::1] covariances,
) -> None:
    """Write the solution of a block-tridiagonal system, and the diagonal blocks of its inverse.

    diagonal (S, d, d), d <= 4, and right (S, d) are used up; beside (S - 1, d, d) the blocks above
    the diagonal; states (S, d); covariances (S, d, d). The matrix is symmetric and positive
    definite.
    """
    if diagonal.shape[0] == 0:
        return
    # Sizes known when compiling: loops over a block are unrolled.
    with nogil:
        if diagonal.shape[1] == 4:
            _solve(diagonal, beside, right, states, covariances, 4)
        elif diagonal.shape[1] == 2:
            _solve(diagonal, beside, right, states, covariances, 2)
        else:
            _solve(diagonal, beside, right, states, covariances, <int>diagonal.shape[1])


cdef inline void _solve(
    double[:, :, ::1] diagonal, const double[:, :, ::1] beside, double[:, ::1] right,
    double[:, ::1] states, double[:, :, ::1] covariances, int d,
) noexcept nogil:
    cdef Py_ssize_t n = diagonal.shape[0], t
    cdef int i, j, k
    cdef double w[MOST * MOST]
    cdef double u[MOST * MOST]
    cdef double v[MOST]
    cdef double total
    # covariances hold the inverses of the pivots until the way back.
    for t in range(n):
        if t > 0:
            for i in range(d):
                for j in range(d):
                    total = 0
                    for k in range(d):
                        total += beside[t - 1, k, i] * covariances[t - 1, k, j]
                    w[i * d + j] = total
            for i in range(d):
                for j in range(d):
                    total = 0
                    for k in range(d):
                        total += w[i * d + k] * beside[t - 1, k, j]
                    diagonal[t, i, j] -= total
                total = 0
                for k in range(d):
                    total += w[i * d + k] * right[t - 1, k]
                right[t, i] -= total
        _invert(&diagonal[t, 0, 0], &covariances[t, 0, 0], d)
    for t in range(n - 1, -1, -1):
        for i in range(d):
            total = right[t, i]
            if t < n - 1:
                for k in range(d):
                    total -= beside[t, i, k] * states[t + 1, k]
            v[i] = total
        for i in range(d):
            total = 0
            for k in range(d):
                total += covariances[t, i, k] * v[k]
            states[t, i] = total
        if t == n - 1:
            continue
        for i in range(d):
            for j in range(d):
                total = 0
                for k in range(d):
                    total += covariances[t, i, k] * beside[t, k, j]
                u[i * d + j] = total
        for i in range(d):
            for j in range(d):
                total = 0
                for k in range(d):
                    total += u[i * d + k] * covariances[t + 1, k, j]
                w[i * d + j] = total
        for i in range(d):
            for j in range(d):
                total = 0
                for k in range(d):
                    total += w[i * d + k] * u[j * d + k]
                covariances[t, i, j] += total
