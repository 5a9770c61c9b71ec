"""Gradient-boosted regression trees, applied."""

from libc.stdint cimport int16_t, int32_t

cdef enum:
    LANES = 8
    BLOCK = 64  # rows whose features stay in the nearest cache while all trees pass


def predict(
    const float[:, ::1] features,
    const int16_t[::1] feature,
    const float[::1] threshold,
    const int32_t[::1] left,
    const float[::1] value,
    const int32_t[::1] roots,
    int depth,
    double base,
    float[::1] out,
) -> None:
    """Write base + the sum of the leaf values that each row of features reaches.

    Nodes are rows of `feature`, `threshold`, `left`, `value`. A row goes to `left` when its
    feature is at most the threshold, else to the node after it. A leaf's threshold is infinite
    and its `left` is itself, so every tree is walked `depth` steps without asking where it ends.
    """
    cdef Py_ssize_t m, t, start, stop, n = features.shape[0]
    cdef int32_t root
    cdef int32_t a
    cdef int32_t[LANES] at
    cdef int k
    cdef int _step
    cdef double total[BLOCK]

    with nogil:
        start = 0
        while start < n:
            stop = min(start + BLOCK, n)
            for m in range(stop - start):
                total[m] = base
            for t in range(roots.shape[0]):
                root = roots[t]
                m = start
                # Many rows at once: their look-ups do not wait for one another.
                while m + LANES <= stop:
                    for k in range(LANES):
                        at[k] = root
                    for _step in range(depth):
                        for k in range(LANES):
                            a = at[k]
                            at[k] = left[a] + (features[m + k, feature[a]] > threshold[a])
                    for k in range(LANES):
                        total[m - start + k] += value[at[k]]
                    m += LANES
                while m < stop:
                    a = root
                    for _step in range(depth):
                        a = left[a] + (features[m, feature[a]] > threshold[a])
                    total[m - start] += value[a]
                    m += 1
            for m in range(stop - start):
                out[start + m] = <float>total[m]
            start = stop
