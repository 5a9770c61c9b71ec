"""Small image sequences of a patterned disc before a patterned ground, with exact masks."""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates


def pattern(rng, h, w, colour):
    """Smooth blotches around a colour, (h, w, 3)."""
    grey = gaussian_filter(rng.normal(size=(h, w)), 2.5, mode="wrap")
    tint = gaussian_filter(rng.normal(size=(h, w, 3)), (6, 6, 0), mode="wrap")
    return colour + 35 * (grey / grey.std())[..., None] + 12 * tint / tint.std()


def moving_disc(
    n=8,
    size=(96, 128),
    *,
    seed=0,
    radius=20.0,
    start=(50, 40),
    speed=(2.0, 0.5),
    pan=-1.0,
    grow=1.0,
):
    """Return (n, H, W, 3) uint8 and (n, H, W) bool; speed and start are x, y in pixels."""
    rng = np.random.default_rng(seed)
    h, w = size
    ground, thing = pattern(rng, h, 3 * w, [90, 100, 95]), pattern(rng, 128, 128, [150, 120, 110])
    y, x = np.mgrid[:h, :w].astype(float)
    images, masks = np.empty((n, h, w, 3), np.uint8), np.empty((n, h, w), bool)
    for t in range(n):
        scale = grow**t
        u, v = (x - start[0] - speed[0] * t) / scale, (y - start[1] - speed[1] * t) / scale
        cover = np.clip(radius - np.hypot(u, v) + 0.5, 0, 1)[..., None]
        behind, before = (
            np.stack(
                [map_coordinates(a[..., k], at, order=1, mode="grid-wrap") for k in range(3)], -1
            )
            for a, at in ((ground, (y, x + w + pan * t)), (thing, (v + 64, u + 64)))
        )
        image = behind * (1 - cover) + before * cover + rng.normal(0, 2, (h, w, 1))
        images[t], masks[t] = np.clip(image, 0, 255), cover[..., 0] >= 0.5
    return images, masks
