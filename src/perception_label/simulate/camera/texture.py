"""Grain of surfaces: noise that tiles, kept at many scales so that far grain does not flicker."""

import numpy as np
from numpy.typing import NDArray

from perception_label.simulate.town import stream

Singles = NDArray[np.float32]

_SIZE = 512  # texels of the finest level; a power of two
_LEVELS = 9


class Noise:
    """Random brightness over a plane, -1 to 1, in levels that halve the detail.

    A lookup is bilinear in the level whose texels are about as large as what a pixel sees
    (mip mapping), so that a surface looks the same, only coarser, from farther away.
    """

    def __init__(self, seed: int, purpose: int) -> None:
        random = stream(seed, 20, purpose)
        sheet = np.zeros((_SIZE, _SIZE), dtype=np.float32)
        # Octaves from 16 texels to 1: blotches with grain.
        for step, weight in ((16, 0.8), (8, 0.6), (4, 0.5), (2, 0.5), (1, 0.5)):
            coarse = random.standard_normal((_SIZE // step, _SIZE // step)).astype(np.float32)
            sheet += np.float32(weight) * _enlarged(coarse, step)
        sheet = np.tanh(sheet / (1.6 * sheet.std()))
        levels = [sheet]
        for _ in range(_LEVELS - 1):
            last = levels[-1]
            levels.append(
                (last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4
            )
        self._texels = np.concatenate([level.ravel() for level in levels])
        sizes = np.array([level.shape[0] for level in levels], dtype=np.int64)
        self._sizes = sizes.astype(np.int32)
        self._starts = (np.cumsum(sizes**2) - sizes**2).astype(np.int32)

    def at(self, u: Singles, v: Singles, footprint: Singles) -> Singles:
        """Return the noise at N places, (N,).

        Parameters
        ----------
        u, v : (N,) float32
            In texels of the finest level; the sheet repeats every 512.
        footprint : (N,) float32
            How many texels a pixel covers there, across.
        """
        # Half a level too fine: a little sharper than exact, as real lenses are.
        level = np.clip(np.log2(np.maximum(footprint, 0.5)) + 0.2, 0, _LEVELS - 1).astype(np.int32)
        shrink = np.ldexp(np.float32(1), -level)
        size, start = self._sizes[level], self._starts[level]
        x, y = u * shrink - np.float32(0.5), v * shrink - np.float32(0.5)
        x0, y0 = np.floor(x), np.floor(y)
        fx, fy = x - x0, y - y0
        mask = size - 1
        xi, yi = x0.astype(np.int32), y0.astype(np.int32)
        left, right = xi & mask, (xi + 1) & mask
        top, bottom = start + (yi & mask) * size, start + ((yi + 1) & mask) * size
        texels = self._texels
        a, b = texels[top + left], texels[top + right]
        c, d = texels[bottom + left], texels[bottom + right]
        upper = a + fx * (b - a)
        out: Singles = upper + fy * (c + fx * (d - c) - upper)
        return out


def _enlarged(coarse: Singles, step: int) -> Singles:
    """Return the tile enlarged by a whole number, bilinear, without a seam."""
    for axis in (0, 1):
        if step == 1:
            break
        n = coarse.shape[axis] * step
        at = (np.arange(n) + 0.5) / step - 0.5
        low = np.floor(at).astype(np.int64)
        share = (at - low).astype(np.float32)
        size = coarse.shape[axis]
        share = share[:, None] if axis == 0 else share[None, :]
        near = np.take(coarse, low % size, axis=axis)
        far = np.take(coarse, (low + 1) % size, axis=axis)
        coarse = near + share * (far - near)
    return coarse


def hashed(a: NDArray[np.int32], b: NDArray[np.int32], c: NDArray[np.int32] | int = 0) -> Singles:
    """Return a random number from 0 to 1 for each triple of whole numbers, (N,)."""
    mixed = a.astype(np.uint32) * np.uint32(0x9E3779B1) ^ b.astype(np.uint32) * np.uint32(
        0x85EBCA77
    )
    mixed ^= np.asarray(c).astype(np.uint32) * np.uint32(0xC2B2AE3D)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    mixed = (mixed ^ (mixed >> np.uint32(12))) * np.uint32(0x297A2D39)
    mixed ^= mixed >> np.uint32(15)
    return np.asarray((mixed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24))
