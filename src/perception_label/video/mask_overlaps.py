"""Pixels that several masks of one image claim go to one of them."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from perception_label.arrays import Mask
from perception_label.video.mask_passes import Carried, Track
from perception_label.video.windows import FAR_PX, Field, Window, bounds, depth


def settle(found: Sequence[Track], keyframes: Sequence[Mapping[int, Mask]]) -> list[Track]:
    """Give each pixel to one track: to the one whose outline is farther from it.

    What a person drew in that image stays whole; of two as deep, the earlier keeps the pixel.
    Tracks that share pixels in keyframes of one image are left alone with each other.

    Parameters
    ----------
    found : sequence of Track
        Each track's masks.
    keyframes : sequence of {image number: (H, W) bool}
        Each track's keyframes.

    Returns
    -------
    list of Track
        The same, fewer pixels; a track that lost all in an image has no mask there.
    """
    out = [dict(track) for track in found]
    apart = [
        (i, j)
        for i, j in combinations(range(len(found)), 2)
        if not any(
            (keyframes[i][t] & keyframes[j][t]).any() for t in keyframes[i].keys() & keyframes[j]
        )
    ]
    for i, j in apart:
        for t in sorted((out[i].keys() | keyframes[i]) & (out[j].keys() | keyframes[j])):
            if t not in keyframes[i] or t not in keyframes[j]:
                _part(out[i], keyframes[i], out[j], keyframes[j], t)
    return out


def _part(
    first: Track,
    first_keys: Mapping[int, Mask],
    second: Track,
    second_keys: Mapping[int, Mask],
    t: int,
) -> None:
    a, b = _deep(first, first_keys, t), _deep(second, second_keys, t)
    if a is None or b is None:
        return
    both = Window(
        max(a[0].y0, b[0].y0), max(a[0].x0, b[0].x0), min(a[0].y1, b[0].y1), min(a[0].x1, b[0].x1)
    )
    if both.y0 >= both.y1 or both.x0 >= both.x1:
        return
    deep_a, deep_b = (both.fit(deep, window, 0) for window, deep in (a, b))
    shared = (deep_a > 0) & (deep_b > 0)
    if not shared.any():
        return
    _take(first, t, both, shared & (deep_b > deep_a))
    _take(second, t, both, shared & (deep_a >= deep_b))


def _deep(track: Track, keys: Mapping[int, Mask], t: int) -> tuple[Window, Field] | None:
    """Return where a track is and how deep its pixels lie; a keyframe's are deepest."""
    if t in keys:
        if not keys[t].any():
            return None
        window = Window.around(bounds(keys[t]), 0, keys[t].shape)
        return window, np.where(keys[t][window.slices], FAR_PX, 0).astype(np.float32)
    return track[t].window, depth(track[t].mask)


def _take(track: Track, t: int, where: Window, lost: Mask) -> None:
    if not lost.any():
        return
    one = track[t]
    left = one.mask & ~one.window.fit(lost, where, False).astype(np.bool_)
    if left.any():
        track[t] = Carried(one.window, np.packbits(left), one.error)
    else:
        del track[t]
