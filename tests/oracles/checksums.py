"""CRC-32C bit by bit, as RFC 3720 defines it."""


def crc32c(data, before):
    value = before ^ 0xFFFFFFFF
    for byte in bytes(data):
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
