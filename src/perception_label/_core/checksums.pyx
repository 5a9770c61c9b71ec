"""Checksums of bytes in files."""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed

# What each byte adds that stands 0 to 7 places before the last one: eight bytes in one step.
cdef uint32_t TABLE[8][256]


cdef void _fill_table() noexcept nogil:
    cdef uint32_t value
    cdef int i, k, _bit
    for i in range(256):
        value = i
        for _bit in range(8):
            value = (value >> 1) ^ (<uint32_t>POLYNOMIAL if value & 1 else 0)
        TABLE[0][i] = value
    for i in range(256):
        for k in range(1, 8):
            TABLE[k][i] = (TABLE[k - 1][i] >> 8) ^ TABLE[0][TABLE[k - 1][i] & 0xFF]


_fill_table()


def crc32c(const uint8_t[::1] data, uint32_t before) -> int:
    """Return the CRC-32C of bytes that follow others whose CRC-32C is `before`, 0 for none.

    data (n,).
    """
    cdef Py_ssize_t n = data.shape[0], i = 0
    cdef uint32_t value = before ^ <uint32_t>0xFFFFFFFF
    with nogil:
        while i + 8 <= n:
            value ^= (
                data[i] | <uint32_t>data[i + 1] << 8 | <uint32_t>data[i + 2] << 16
                | <uint32_t>data[i + 3] << 24
            )
            value = (
                TABLE[7][value & 0xFF] ^ TABLE[6][value >> 8 & 0xFF]
                ^ TABLE[5][value >> 16 & 0xFF] ^ TABLE[4][value >> 24]
                ^ TABLE[3][data[i + 4]] ^ TABLE[2][data[i + 5]]
                ^ TABLE[1][data[i + 6]] ^ TABLE[0][data[i + 7]]
            )
            i += 8
        while i < n:
            value = value >> 8 ^ TABLE[0][(value ^ data[i]) & 0xFF]
            i += 1
    return value ^ <uint32_t>0xFFFFFFFF
