"""Broken bytes from whole ones, the same for the same seed."""

import gzip
import random
import re
import zlib

NUMBERS = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORDS = (
    b"-1", b"0", b"1e400", b"-1e308", b"NaN", b"Infinity", b"4294967296", b"9" * 30, b"1e-320",
    b"", b"null", b"true", b'"x"', b"[]", b"{}", b"0x10", b"1.5", b"\xff\xfe", b"\0",
)  # fmt: skip
TOKENS = (
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\u0000", b"\\ud800", b"\n", b"\r", b"\t", b" ",
    b"<", b">", b"</a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[", b"../", b"/etc/",
    b"[" * 3000, b"\xef\xbb\xbf", b"PK\x03\x04", b"\x1f\x8b", b"%s%n", b"\x80\x04.",
)  # fmt: skip
SIZES = (1, 2, 4, 8)
EXTREMES = (0, 1, -1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 1 << 40)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes changed in one to some places; gzip is mostly changed inside."""
    if data[:2] == b"\x1f\x8b" and rng.random() < 0.8:
        try:
            return gzip.compress(mutated(gzip.decompress(data), rng), 1)
        except (OSError, EOFError, zlib.error):
            pass
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 30))):
        rng.choice(KINDS)(out, rng)
    return bytes(out)


def _place(out: bytearray, rng: random.Random) -> int:
    """Return a place, near the beginning or the end more often: there are the headers."""
    n = max(len(out), 1)
    return rng.choice(
        (rng.randrange(n), rng.randrange(min(n, 300)), n - 1 - rng.randrange(min(n, 200)))
    )


def flip(out: bytearray, rng: random.Random) -> None:
    if out:
        out[_place(out, rng)] ^= 1 << rng.randrange(8)


def byte(out: bytearray, rng: random.Random) -> None:
    if out:
        out[_place(out, rng)] = rng.choice((0, 255, 0x2E, 0x39, rng.randrange(256)))


def extreme(out: bytearray, rng: random.Random) -> None:
    size, at = rng.choice(SIZES), _place(out, rng)
    value = rng.choice(EXTREMES) % (1 << 8 * size)
    out[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))


def cut(out: bytearray, rng: random.Random) -> None:
    del out[_place(out, rng) :]


def remove(out: bytearray, rng: random.Random) -> None:
    at = _place(out, rng)
    del out[at : at + rng.choice((1, 4, 16, 200))]


def repeat(out: bytearray, rng: random.Random) -> None:
    at = _place(out, rng)
    part = out[at : at + rng.choice((1, 8, 64, 500))]
    out[at:at] = part * rng.choice((1, 2, 20))


def splice(out: bytearray, rng: random.Random) -> None:
    at, there, n = _place(out, rng), _place(out, rng), rng.choice((4, 32, 300))
    out[at : at + n] = out[there : there + n]


def noise(out: bytearray, rng: random.Random) -> None:
    at = _place(out, rng)
    out[at:at] = rng.randbytes(rng.choice((1, 4, 33)))


def token(out: bytearray, rng: random.Random) -> None:
    at = _place(out, rng)
    out[at:at] = rng.choice(TOKENS)


def number(out: bytearray, rng: random.Random) -> None:
    at = _place(out, rng)
    found = NUMBERS.search(out, at) or NUMBERS.search(out)
    if found:
        out[found.start() : found.end()] = rng.choice(WORDS)


KINDS = (flip, byte, extreme, extreme, cut, remove, repeat, splice, noise, token, number, number)
