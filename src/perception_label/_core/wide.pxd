"""How the image kernels are compiled: for wide vectors where the processor has them.

`wide` is the return type of a function that GCC compiles twice, with and without AVX2; the
loader takes the one that the processor can run. Contraction to fused multiply-add is off
(setup.py) and sums run in eight fixed lanes, so that both give the same bytes.
`Row` is a pointer to a row that no other argument of the function overlaps.
"""

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define PL_WIDE __attribute__((target_clones("avx2", "default")))
    #else
    #define PL_WIDE
    #endif
    #if defined(__GNUC__) || defined(__clang__)
    #define PL_INLINE __attribute__((always_inline))
    #define PL_PREFETCH(address) __builtin_prefetch(address)
    #else
    #define PL_INLINE
    #define PL_PREFETCH(address)
    #endif
    typedef float *__restrict pl_row;
    typedef unsigned char *__restrict pl_byte_row;
    """
    ctypedef void wide "PL_WIDE void"
    ctypedef void inlined "PL_INLINE void"
    ctypedef float* Row "pl_row"
    ctypedef unsigned char* ByteRow "pl_byte_row"
    void prefetch "PL_PREFETCH" (const void* address) noexcept nogil
