"""Gradient-boosted regression trees, applied."""

from libc.stdint cimport int16_t, int32_t

cdef enum:
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
    cdef int32_t a, b, c, d
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
                # Four rows at once: their look-ups do not wait for one another.
                while m + 4 <= stop:
                    a = b = c = d = root
                    for _step in range(depth):
                        a = left[a] + (features[m, feature[a]] > threshold[a])
                        b = left[b] + (features[m + 1, feature[b]] > threshold[b])
                        c = left[c] + (features[m + 2, feature[c]] > threshold[c])
                        d = left[d] + (features[m + 3, feature[d]] > threshold[d])
                    total[m - start] += value[a]
                    total[m - start + 1] += value[b]
                    total[m - start + 2] += value[c]
                    total[m - start + 3] += value[d]
                    m += 4
                while m < stop:
                    a = root
                    for _step in range(depth):
                        a = left[a] + (features[m, feature[a]] > threshold[a])
                    total[m - start] += value[a]
                    m += 1
            for m in range(stop - start):
                out[start + m] = <float>total[m]
            start = stop
