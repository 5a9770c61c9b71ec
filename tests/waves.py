"""Images made of waves: textured everywhere, and known between pixels."""

import numpy as np


def waves(size, *, seed=0, shift=(0.0, 0.0), zoom=1.0, contrast=1.0):
    """Return a smooth textured image; a shift moves what is seen right and down."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    y, x = (y - shift[1]) / zoom, (x - shift[0]) / zoom
    total = np.full(size, 128.0)
    for _ in range(12):
        pace = 0.6 * rng.uniform(0.05, 1)
        fx, fy, phase = rng.uniform(-pace, pace), rng.uniform(-pace, pace), rng.uniform(0, 6)
        total += contrast * rng.uniform(5, 20) * np.sin(fx * x + fy * y + phase)
    return np.clip(total.round(), 0, 255).astype(np.uint8)
