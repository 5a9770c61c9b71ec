"""Masks of several tracks through the images once, in time or against it, and both joined."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Mask
from perception_label.video.cutout import Cutout, Keyframe, Pair, Scene, describe, step
from perception_label.video.flow import dense_flow
from perception_label.video.images import ImageSource, Picture
from perception_label.video.pyramid import Pyramid
from perception_label.video.windows import Window, depth

LEAST_ERROR = 0.01  # of a mask, 1 - J: what even the next image misses


@dataclass(frozen=True, slots=True)
class Carried:
    """What a pass left in one image: a mask in its window, packed, and its expected 1 - J."""

    window: Window
    bits: NDArray[np.uint8]
    error: float

    @property
    def mask(self) -> Mask:
        """The mask, (h, w) bool of the window."""
        h, w = self.window.shape
        return np.unpackbits(self.bits, count=h * w).reshape(h, w).view(np.bool_)


def keep(cutout: Cutout) -> Carried:
    """Pack what a cutout shows."""
    return Carried(cutout.window, np.packbits(cutout.shown), cutout.error)


# One track's masks by image number.
Track = dict[int, Carried]


def run(
    images: ImageSource,
    keyframes: Sequence[Mapping[int, Mask]],
    direction: int,
    *,
    least_j: float,
    quality: str,
) -> list[Track]:
    """Carry every track from each of its keyframes to the next one, that included.

    Parameters
    ----------
    images : ImageSource
        n images.
    keyframes : sequence of {image number: (H, W) bool}
        Those of each track; an empty mask ends it.
    direction : {1, -1}
        In time or against it.
    least_j : float
        A mask expected to be worse is not carried on.
    quality : str
        Of the flow, see `dense_flow`.

    Returns
    -------
    list of Track
        What each track reached, its keyframes left out.
    """
    found: list[Track] = [{} for _ in keyframes]
    going: dict[int, tuple[Cutout, Keyframe]] = {}
    firsts = [min(keys) if direction > 0 else max(keys) for keys in keyframes]
    order = range(min(firsts), len(images)) if direction > 0 else range(max(firsts), -1, -1)
    walk = _Walk(images, order, quality)
    for at, t in enumerate(order):
        if going:
            scene = walk.scene(at)
            for i, (was, key) in list(going.items()):
                now = step(was, key, scene)
                if now is None or 1 - now.error < least_j:
                    del going[i]
                else:
                    found[i][t], going[i] = keep(now), (now, key)
        for i, keys in enumerate(keyframes):
            if t in keys:
                going.pop(i, None)
                if keys[t].any():
                    key = Keyframe.of(keys[t], walk.look(at))
                    going[i] = key.cutout, key
        if not going and all(direction * t >= direction * _last(k, direction) for k in keyframes):
            break
    return found


def _last(keys: Mapping[int, Mask], direction: int) -> int:
    return max(keys) if direction > 0 else min(keys)


class _Walk:
    """The images in one order, with what steps need of them, each made once and dropped again."""

    def __init__(self, images: ImageSource, order: range, quality: str) -> None:
        self._images, self._order, self._quality = images, order, quality
        self._looks: dict[int, Picture] = {}
        self._pyramids: dict[int, Pyramid] = {}
        self._pairs: dict[int, Pair] = {}

    def look(self, at: int) -> Picture:
        if at not in self._looks:
            self._looks[at] = describe(self._images.image(self._order[at]))
        return self._looks[at]

    def scene(self, at: int) -> Scene:
        """Return what a step from place at - 1 of the order to place `at` may see."""
        for kept in (self._looks, self._pyramids, self._pairs):
            for old in [k for k in kept if k < at - 1]:
                del kept[old]
        more = at + 1 < len(self._order)
        return Scene(
            self.look(at - 1),
            self.look(at),
            self._pair(at - 1),
            self.look(at + 1) if more else None,
            self._pair(at) if more else None,
        )

    def _pyramid(self, at: int) -> Pyramid:
        if at not in self._pyramids:
            self._pyramids[at] = Pyramid.of(self._images.grey(self._order[at]))
        return self._pyramids[at]

    def _pair(self, at: int) -> Pair:
        if at not in self._pairs:
            a, b = self._pyramid(at), self._pyramid(at + 1)
            self._pairs[at] = Pair(
                dense_flow(a, b, quality=self._quality), dense_flow(b, a, quality=self._quality)
            )
        return self._pairs[at]


def fuse(
    ahead: Track, back: Track, keyframes: Mapping[int, Mask], n: int
) -> Iterator[tuple[int, Carried]]:
    """Join what came in time and against it, by their errors, where both came.

    How far each was off when it arrived at the other's keyframe says how its error grew on
    the way; distances to the two outlines are averaged with the inverse squares of the errors.
    Yields image number and mask, keyframes left out.
    """
    keys = sorted(keyframes)
    for t in range(n):
        if t in keyframes:
            continue
        first, second = ahead.get(t), back.get(t)
        before = max((k for k in keys if k < t), default=None)
        behind = min((k for k in keys if k > t), default=None)
        if before is not None and behind is not None:
            share = (t - before) / (behind - before)
            if first is not None:
                first = _measured(first, ahead.get(behind), keyframes[behind], share)
            if second is not None:
                second = _measured(second, back.get(before), keyframes[before], 1 - share)
        if first is not None and second is not None:
            yield t, _joined(first, second)
        elif first is not None or second is not None:
            yield t, first if first is not None else second  # type: ignore[misc]


def _measured(one: Carried, arrived: Carried | None, truth: Mask, share: float) -> Carried:
    """Return a mask with the error that its pass turned out to have, this far on its way."""
    if arrived is None:
        return one
    inside = truth[arrived.window.slices]
    shared = np.count_nonzero(inside & arrived.mask)
    joined = np.count_nonzero(truth) + np.count_nonzero(arrived.mask) - shared
    error = LEAST_ERROR + (1 - shared / joined) * share
    return Carried(one.window, one.bits, float(error))


def _joined(first: Carried, second: Carried) -> Carried:
    a, b = first.window, second.window
    window = Window(min(a.y0, b.y0), min(a.x0, b.x0), max(a.y1, b.y1), max(a.x1, b.x1))
    weights = [1 / max(one.error, LEAST_ERROR) ** 2 for one in (first, second)]
    total = np.zeros(window.shape)
    for one, weight in zip((first, second), weights, strict=True):
        whole = window.fit(one.mask, one.window, False)
        total += weight * depth(np.asarray(whole, dtype=np.bool_))
    return Carried(window, np.packbits(total > 0), float(sum(weights) ** -0.5))
