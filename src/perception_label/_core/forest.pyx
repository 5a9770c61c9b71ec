"""Gradient-boosted regression trees, applied to many rows at once."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t

cdef extern from *:
    """
    #define ROWS 64

    /* One version for each width of vectors, chosen when the module is loaded: comparisons,
       bits, and sums in one order, so all give the same bytes. Jammed loops would not be
       vectorised. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define FOR_EACH_CPU __attribute__(( \\
        target_clones("avx512f", "avx2", "default"), optimize("no-loop-unroll-and-jam")))
    #else
    #define FOR_EACH_CPU
    #endif

    FOR_EACH_CPU static void add_leaves(
        const float *block, const int16_t *feature, const float *threshold, const uint32_t *keep,
        int32_t n, const float *value, double *total)
    {
        uint32_t left[ROWS];
        int32_t leaf[ROWS];
        union { float real; uint32_t bits; } lowest;
        int32_t q;
        int r;
        for (r = 0; r < ROWS; r++)
            left[r] = ~(uint32_t)0;
        for (q = 0; q < n; q++) {
            const float *row = block + feature[q] * ROWS, limit = threshold[q];
            const uint32_t mask = keep[q];
            for (r = 0; r < ROWS; r++)
                left[r] &= mask | ((uint32_t)(row[r] > limit) - 1u);
        }
        for (r = 0; r < ROWS; r++) {
            /* A power of two as a float: its exponent is the place of the bit. */
            lowest.real = (float)(int32_t)(left[r] & (0u - left[r]));
            leaf[r] = (int32_t)((lowest.bits >> 23) & 255u) - 127;
        }
        for (r = 0; r < ROWS; r++)
            total[r] += value[leaf[r]];
    }
    """
    void add_leaves(
        const float* block, const int16_t* feature, const float* threshold, const uint32_t* keep,
        int32_t n, const float* value, double* total
    ) nogil

cdef enum:
    ROWS = 64


def predict(
    const float[:, ::1] features,
    const int64_t[::1] rows,
    const int16_t[::1] feature,
    const float[::1] threshold,
    const uint32_t[::1] keep,
    const int32_t[::1] questions,
    const float[::1] value,
    const int32_t[::1] leaves,
    double base,
    float[:, ::1] block,
    float[::1] out,
) -> None:
    """Write base + the sum of the leaf values that each of the chosen rows reaches to out[rows].

    features (M, F); rows (R,). Tree t asks the questions from questions[t] to questions[t + 1],
    in any order; its leaves, 32 at most, have the values from leaves[t] on, left to right. A
    question is a `feature`, a `threshold` and the leaves that are left (bits of `keep`) when the
    feature is above it; the first leaf left at the end is the one reached: QuickScorer (Lucchese
    et al., 2015). block (F, 64) scratch.
    """
    cdef Py_ssize_t m = 0, f, t, q, n = rows.shape[0]
    cdef int r, k
    cdef double[ROWS] total

    with nogil:
        while m < n:
            k = <int>min(<Py_ssize_t>ROWS, n - m)
            # Feature by feature, so that a question reads its rows in one go.
            for r in range(ROWS):
                total[r] = base
                for f in range(block.shape[0]):
                    block[f, r] = features[rows[m + min(r, k - 1)], f]
            for t in range(leaves.shape[0]):
                q = questions[t]
                add_leaves(
                    &block[0, 0], &feature[0] + q, &threshold[0] + q, &keep[0] + q,
                    questions[t + 1] - questions[t], &value[leaves[t]], total,
                )
            for r in range(k):
                out[rows[m + r]] = <float>total[r]
            m += ROWS
