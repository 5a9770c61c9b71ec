"""What passes before the middle of a thing: pixels that look like nothing the thing showed."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label, uniform_filter

from perception_label._core import cutout as core
from perception_label.arrays import Mask
from perception_label.video.images import Picture
from perception_label.video.windows import Field, Window

UNLIKE = 0.25  # of how much the keyframe looks like itself; less is something else
LOOKED_AT = 40  # places across a thing that are looked at
INSIDE_PX = 2.0  # nearer to the outline, the outline itself decides
MOST_OF_PATCH = 0.5  # of the places around one, that must be something else too
LEAST_PX, LEAST_WAY = 1.0, 0.01  # pixels, share of the thing's size, that it moves apart from it
COHERENT = 0.5  # of that way: how far its pixels differ, in the middle
STAYED = 0.5  # share of it that was hidden before
LEAST_SHARE = 0.01  # of the mask; less is noise


def occluded(
    here: Picture,
    window: Window,
    depth: Field,
    size_px: float,
    shown: tuple[tuple[Picture, Window, Mask, Field, Field], ...],
    likeness: NDArray[np.float32],
    usual: float,
) -> Mask:
    """Return which pixels of a mask show something that is not the thing, (h, w).

    Parameters
    ----------
    here : (H, W, 3) uint8
        The image, described.
    window, depth : Window, (h, w) float32
        Where the mask is, and the distance to its outline, above 0 inside.
    size_px : float
        The root of the mask's pixels.
    shown : tuples
        Other images of the thing: the image, the window of its mask there, the pixels of that
        window that showed the thing, the place there of each pixel of `window`, and where to look
        around it, (n, 3), as `vote` takes them.
    likeness : (3048,) float32
        By squared difference.
    usual : float
        How much the keyframe looks like itself.
    """
    stride = 1 + int(size_px / LOOKED_AT)
    inside = depth > INSIDE_PX
    marks = np.zeros(window.shape, dtype=np.uint8)
    marks[::stride, ::stride] = inside[::stride, ::stride]
    alike = np.zeros(window.shape, dtype=np.float32)
    for there, at, thing, where, offsets in shown:
        votes = np.zeros((*window.shape, 2), dtype=np.float32)
        labels = np.where(thing, np.uint8(1), np.uint8(2))
        core.vote(
            here, window.y0, window.x0, marks, there, at.y0, at.x0, labels, where, offsets,
            likeness, votes,
        )  # fmt: skip
        np.maximum(alike, votes[..., 1], out=alike)
    looked = marks[::stride, ::stride] > 0
    other = (looked & (alike[::stride, ::stride] < UNLIKE * usual)).astype(np.float32)
    around = uniform_filter(looked.astype(np.float32), 3, mode="constant")
    share = uniform_filter(other, 3, mode="constant") / np.maximum(around, 1e-6)
    coarse = looked & (share > MOST_OF_PATCH)
    if not coarse.any():
        return np.zeros(window.shape, dtype=np.bool_)
    whole = np.repeat(np.repeat(coarse, stride, axis=0), stride, axis=1)
    hidden = whole[: window.shape[0], : window.shape[1]] & (depth > 0)
    # What reaches almost to the outline reaches it.
    grown = binary_dilation(hidden, iterations=int(np.ceil(INSIDE_PX)))
    hidden |= grown & (depth > 0) & ~inside
    if np.count_nonzero(hidden) < LEAST_SHARE * np.count_nonzero(depth > 0):
        return np.zeros(window.shape, dtype=np.bool_)
    return np.asarray(hidden)


def passing(unlike: Mask, apart_px: Field, was_hidden: Field, size_px: float) -> Mask:
    """Return the pieces that something hides: that move apart from the thing, or did before.

    Reflections and shadows make pixels unlike too, but move with no sense or with the thing.

    Parameters
    ----------
    unlike : (h, w) bool
        Pixels that are not like the thing.
    apart_px : (h, w, 2) float32
        How their flow differs from the thing's motion, pixels.
    was_hidden : (h, w) float32
        1 where the pixel's place on the thing was hidden in the last image.
    size_px : float
        The root of the mask's pixels.
    """
    pieces, n = label(unlike)
    out = np.zeros(unlike.shape, dtype=np.bool_)
    for k in range(1, n + 1):
        piece = pieces == k
        ways = apart_px[piece]
        middle = np.median(ways, axis=0)
        way = float(np.hypot(*middle))
        spread = float(np.median(np.hypot(*(ways - middle).T)))
        moves = way > max(LEAST_PX, LEAST_WAY * size_px) and spread < COHERENT * way
        if moves or float(was_hidden[piece].mean()) > STAYED:
            out |= piece
    return out
