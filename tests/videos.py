"""Small videos whose images say their own number, however badly they are compressed."""

from fractions import Fraction

import av
import numpy as np

BITS = 10
CELL = 16
QUICK = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=2"},
    "libsvtav1": {"preset": "12"},
}


def numbered(i, width=176, height=96):
    """Return image i, (H, W, 3) uint8: its number in black and white squares, and a moving bar."""
    picture = np.full((height, width, 3), 96, np.uint8)
    picture[48:64, (7 * i) % (width - 16) : (7 * i) % (width - 16) + 16] = (200, 60, 30)
    for bit in range(BITS):
        picture[8 : 8 + CELL, bit * CELL : (bit + 1) * CELL] = 255 if i >> bit & 1 else 0
    return picture


def number_in(picture):
    """Return the number an image shows (RGB or grey, full size or a preview)."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    scale = grey.shape[1] / 176
    row = round(16 * scale)
    columns = [round((bit * CELL + CELL / 2) * scale) for bit in range(BITS)]
    return sum(int(grey[row, column] > 127) << bit for bit, column in enumerate(columns))


def write(path, pts, codec="libx264", *, options=None, gop=10, pix="yuv420p", ms=True,
          size=(176, 96), first=0, rotate=None, container_options=None):  # fmt: skip
    """Write a video of len(pts) numbered images at these times in ms (or in images, 10/s)."""
    base = Fraction(1, 1000) if ms else Fraction(1, 10)
    with av.open(str(path), "w", options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=10, options=QUICK.get(codec, {}) | (options or {}))
        stream.width, stream.height, stream.pix_fmt = *size, pix
        stream.time_base = stream.codec_context.time_base = base
        stream.codec_context.gop_size = gop
        if rotate is not None:
            stream.set_display_rotation(rotate)
        for k, at in enumerate(pts):
            picture = av.VideoFrame.from_ndarray(numbered(first + k, *size), format="rgb24")
            picture.pts, picture.time_base = int(at), base
            for packet in stream.encode(picture):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path
