"""Gradient-boosted regression trees, applied."""

from libc.stdint cimport int16_t, int32_t


def predict(
    const float[:, ::1] features,
    const int16_t[::1] feature,
    const float[::1] threshold,
    const int32_t[::1] left,
    const float[::1] value,
    const int32_t[::1] roots,
    double base,
    float[::1] out,
) -> None:
    """Write base + the sum of the leaf values that each row of features reaches.

    Nodes are rows of `feature`, `threshold`, `left`, `value`; a leaf has feature -1. A row
    goes left when its feature is at most the threshold, else to the node after left.
    """
    cdef Py_ssize_t m, t
    cdef int32_t node
    cdef double total

    with nogil:
        for m in range(features.shape[0]):
            total = base
            for t in range(roots.shape[0]):
                node = roots[t]
                while feature[node] >= 0:
                    node = left[node] + (features[m, feature[node]] > threshold[node])
                total += value[node]
            out[m] = <float>total
