"""Points of shapes between two keyframes: each followed by its own texture, from both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats
from perception_label.video.follow import follow_points
from perception_label.video.images import ImageSource
from perception_label.video.pyramid import Pyramid

CLOSED_SHARE, CLOSED_PX = 0.04, 1.0  # how far off a point may arrive: of the images, and at all
WINDOW_PX = 15


@dataclass(frozen=True, slots=True)
class Gap:
    """P points of a shape at two keyframes, the same points in the same order.

    Attributes
    ----------
    first, last : int
        Numbers of the keyframes' images, last > first.
    begin_px, end_px : (P, 2) float64
        Where the points are in them, pixel centres at whole numbers.
    """

    first: int
    last: int
    begin_px: Floats
    end_px: Floats


def follow_gaps(images: ImageSource, gaps: Sequence[Gap]) -> list[Floats]:
    """Return where the points of shapes go between their keyframes, (n, P, 2) each.

    Every point is followed forwards from the first keyframe and backwards from the last, checked
    against the way back each time. What it misses the other keyframe by is spread over the way;
    both directions are averaged by nearness to their keyframes. NaN where a point was lost, or
    missed the other keyframe by more than it may: it says nothing of the way then.

    Parameters
    ----------
    images : ImageSource
        The images.
    gaps : sequence of Gap
        The shapes; images first to last are answered, both keyframes included.
    """
    ahead, back = (_passed(images, gaps, step) for step in (1, -1))
    return [_joined(gap, a, b) for gap, a, b in zip(gaps, ahead, back, strict=True)]


def _passed(images: ImageSource, gaps: Sequence[Gap], step: int) -> list[Floats]:
    """Follow from the first keyframes on (step 1), or from the last ones back (-1)."""
    paths = [np.full((g.last - g.first + 1, len(g.begin_px), 2), np.nan) for g in gaps]
    if not gaps:
        return paths
    low, high = min(g.first for g in gaps), max(g.last for g in gaps)
    numbers = range(low, high + 1) if step > 0 else range(high, low - 1, -1)
    stop = high + 1 if step > 0 else (low - 1 if low > 0 else None)
    before: Pyramid | None = None
    for number, grey in zip(numbers, images.greys(numbers[0], stop, step), strict=True):
        now = Pyramid.of(grey)
        going = [
            k for k, g in enumerate(gaps) if g.first <= number - step and number - step <= g.last
        ]
        going = [k for k in going if gaps[k].first <= number <= gaps[k].last]
        if before is not None and going:
            was = [paths[k][number - step - gaps[k].first] for k in going]
            at, ok, _ = follow_points(before, now, np.concatenate(was), window_px=WINDOW_PX)
            found = np.where(ok[:, None], at, np.nan)
            cuts = np.cumsum([len(one) for one in was])[:-1]
            for k, one in zip(going, np.split(found, cuts), strict=True):
                paths[k][number - gaps[k].first] = one
        for k, g in enumerate(gaps):
            if number == (g.first if step > 0 else g.last):
                paths[k][number - g.first] = g.begin_px if step > 0 else g.end_px
        before = now
    return paths


def _joined(gap: Gap, ahead: Floats, back: Floats) -> Floats:
    n = gap.last - gap.first
    share = (np.arange(n + 1) / n)[:, None, None]
    most = CLOSED_PX + CLOSED_SHARE * n * np.maximum(_step_px(gap), 1.0)
    missed = gap.end_px - ahead[-1], gap.begin_px - back[0]
    ways = ahead + share * missed[0], back + (1 - share) * missed[1]
    out = np.zeros((n + 1, len(gap.begin_px), 2))
    total = np.zeros((n + 1, len(gap.begin_px), 1))
    for way, miss, near in zip(ways, missed, (1 - share, share), strict=True):
        # One side alone may say it where the other was lost.
        sure = (np.linalg.norm(miss, axis=1) <= most)[None, :, None]
        weight = np.where(sure, np.maximum(near, 1e-3), 0.0)
        out += np.where(sure, weight * way, 0.0)
        total += weight
    return np.asarray(np.where(total > 0, out / np.maximum(total, 1e-9), np.nan))


def _step_px(gap: Gap) -> Floats:
    """Return how far each point moves an image, on average, (P,)."""
    return np.asarray(np.linalg.norm(gap.end_px - gap.begin_px, axis=1) / (gap.last - gap.first))


def filled(followed_px: Floats, guess_px: Floats) -> Floats:
    """Return points (n, P, 2) with those that were lost moved from a guess as their neighbours.

    The nearer a followed point of the same shape, the more it counts; without any the guess
    stays.
    """
    is_found = np.isfinite(followed_px[0, :, 0])
    out = np.where(is_found[None, :, None], followed_px, guess_px)
    if is_found.all() or not is_found.any():
        return np.asarray(out)
    lost = np.flatnonzero(~is_found)
    apart = np.linalg.norm(guess_px[:, lost, None] - guess_px[:, None, is_found], axis=3)
    weight = 1 / (apart + 1.0) ** 2
    off = (followed_px - guess_px)[:, is_found]
    moved = np.einsum("tlf,tfc->tlc", weight, off) / weight.sum(axis=2)[..., None]
    out[:, lost] = guess_px[:, lost] + moved
    return np.asarray(out)
