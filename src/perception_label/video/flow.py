"""Where each pixel of an image goes in the next."""

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import patches, pyramid, variation, warp
from perception_label.arrays import Floats
from perception_label.errors import SettingError, ShapeError
from perception_label.video.pyramid import LEAST_PX, MARGIN_PX, Pyramid

Flow = NDArray[np.float32]  # (H, W, 2) right, down, pixels
Planes = NDArray[np.float32]  # (2, h, w) right, down


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done on one level."""

    stride_px: int  # from patch to patch
    n_steps: int  # of a patch downhill, in each pass
    n_passes: int  # over all patches, forwards and backwards in turn
    n_weighings: int  # of the penalties, each followed by N_SWEEPS of the solver


# From the full size to the coarsest level; the last stands for all coarser ones too. On levels
# without any the flow is enlarged. Chosen by benchmarks/video/bench_flow.py.
QUALITIES: dict[str, tuple[_Work | None, ...]] = {
    "draft": (None, None, _Work(4, 8, 2, 3), _Work(3, 8, 2, 3)),
    "fast": (None, _Work(5, 6, 1, 1), _Work(4, 8, 2, 2), _Work(3, 8, 2, 3)),
    "medium": (_Work(5, 4, 1, 1), _Work(4, 12, 2, 3), _Work(3, 12, 2, 5)),
    "fine": (_Work(3, 12, 2, 5),),
}
N_SWEEPS = 5
# Smoothness, brightness, its gradient; over-relaxation.
WEIGHTS = np.array([20.0, 5.0, 10.0, 1.6])


def dense_flow(
    image0: ArrayLike | Pyramid,
    image1: ArrayLike | Pyramid,
    *,
    quality: str = "medium",
    initial: ArrayLike | None = None,
) -> Flow:
    """Say for each pixel of an image where it is in another.

    Parameters
    ----------
    image0, image1 : (H, W) or (H, W, 3) uint8, or Pyramid
        The first and the second image, of one size; see `pyramid` for reuse.
    quality : str
        `draft`, `fast`, `medium` or `fine`: patches down to a quarter, half, full, full size.
    initial : (H, W, 2) numbers, optional
        Flow to begin with, pixels; not finite counts as none.

    Returns
    -------
    (H, W, 2) float32
        Pixels to the right and down: image0 at (x, y) is image1 at (x, y) + flow[y, x].

    Raises
    ------
    ShapeError
        If an image is none, or their sizes or that of `initial` differ.
    SettingError
        If the quality is not known.

    Notes
    -----
    Patches by dense inverse search from the coarsest level to the finest, then variational
    smoothing on each (Kroeger et al. 2016). A gain and an
    offset of the whole image between the two are taken out, and a patch's own offset.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8)
    >>> float(np.abs(dense_flow(image, image)).max())
    0.0
    """
    first, second = pair(image0, image1)
    if quality not in QUALITIES:
        raise SettingError(f"quality: expected one of {', '.join(QUALITIES)}, got {quality!r}")
    works = [work for work in QUALITIES[quality] if work is not None]
    coarsest = _coarsest(first, second)
    finest = min(QUALITIES[quality].count(None), coarsest)
    flow = _begin(first, coarsest, initial)
    light = np.array([1.0, 0.0])
    for level in range(coarsest, finest - 1, -1):
        if level < coarsest:
            flow = _enlarged(flow, first, level)
        work = works[min(level - finest, len(works) - 1)]
        flow = _improved(first.wide(level), second.wide(level), flow, light, work)
    for level in range(finest - 1, 0, -1):
        flow = _enlarged(flow, first, level)
    out = np.empty((first.height_px, first.width_px, 2), dtype=np.float32)
    if finest:
        pyramid.enlarge_joined(flow, np.empty(flow.shape[2] + 2, np.float32), out)
    else:
        pyramid.join(flow, out)
    return out


def pair(image0: ArrayLike | Pyramid, image1: ArrayLike | Pyramid) -> tuple[Pyramid, Pyramid]:
    """Return two images as pyramids.

    Raises
    ------
    ShapeError
        If one is no image, or their sizes differ.
    """
    first, second = Pyramid.of(image0, "image0"), Pyramid.of(image1, "image1")
    size0, size1 = (first.height_px, first.width_px), (second.height_px, second.width_px)
    if size0 != size1:
        raise ShapeError(f"image1: expected the size of image0, {size0}, got {size1}")
    return first, second


def _coarsest(first: Pyramid, second: Pyramid) -> int:
    """Return the level where the longer side is about four patches and the shorter at least one."""
    long, short = sorted((first.height_px, first.width_px), reverse=True)
    by_long = int(log2(long / (4 * LEAST_PX)) + 0.5) if long > 4 * LEAST_PX else 0
    by_short = int(log2(short / LEAST_PX)) if short > LEAST_PX else 0
    return min(by_long, by_short, first.n_levels - 1, second.n_levels - 1)


def _size(wide: NDArray[np.float32]) -> tuple[int, int]:
    return wide.shape[0] - 2 * MARGIN_PX, wide.shape[1] - 2 * MARGIN_PX


def _begin(first: Pyramid, level: int, initial: ArrayLike | None) -> Planes:
    flow = np.zeros((2, *_size(first.wide(level))), dtype=np.float32)
    if initial is None:
        return flow
    given = np.asarray(initial, dtype=np.float32)
    size = (first.height_px, first.width_px)
    if given.shape != (*size, 2):
        raise ShapeError(f"initial: expected {(*size, 2)}, got {given.shape}")
    h, w = first.grey(level).shape
    rows = np.minimum((np.arange(h) * 2 + 1) << level >> 1, size[0] - 1)
    columns = np.minimum((np.arange(w) * 2 + 1) << level >> 1, size[1] - 1)
    sampled = np.nan_to_num(given[np.ix_(rows, columns)], posinf=0, neginf=0) / 2**level
    flow[:, :h, :w] = np.moveaxis(sampled, 2, 0)
    return flow


def _enlarged(flow: Planes, first: Pyramid, level: int) -> Planes:
    out = np.empty((2, *_size(first.wide(level))), dtype=np.float32)
    pyramid.enlarge(flow, np.empty(flow.shape[2] + 2, np.float32), out)
    return out


def _improved(
    a: NDArray[np.float32], b: NDArray[np.float32], flow: Planes, light: Floats, work: _Work
) -> Planes:
    """Seek the patches of a level from the flow so far, and smooth what they say."""
    h, w = _size(a)
    rows, columns = (_corners(n, work.stride_px) for n in (h, w))
    found = np.empty((len(rows), len(columns), 2), dtype=np.float32)
    middle = np.ix_(rows + LEAST_PX // 2, columns + LEAST_PX // 2)
    found[..., 0], found[..., 1] = flow[0][middle], flow[1][middle]
    patches.search(a, b, MARGIN_PX, work.stride_px, work.n_steps, work.n_passes, found)
    spread = np.zeros((3, h, w), dtype=np.float32)
    patches.spread(a, b, MARGIN_PX, work.stride_px, found, spread)
    return _smoothed(a, b, spread[:2], light, work.n_weighings)


def _corners(size: int, stride: int) -> NDArray[np.int64]:
    """Return where patches begin: every stride, and at the last place where one fits."""
    n = -(-(size - LEAST_PX) // stride) + 1
    return np.asarray(np.minimum(np.arange(n) * stride, size - LEAST_PX))


def _smoothed(
    a: NDArray[np.float32], b: NDArray[np.float32], start: Planes, light: Floats, n_weighings: int
) -> Planes:
    _, h, w = start.shape
    mean, difference = np.empty((2, h + 4, w + 4), dtype=np.float32)
    seen = np.empty((h, w), dtype=np.float32)
    warp.linearise(a, b, MARGIN_PX, start, light, mean, difference, seen)
    _balance(mean, difference, seen, light)
    n_rows, k = 2 * N_SWEEPS + 4, (w + 1) // 2 + 2
    stiffness = np.empty((3, w + 2), dtype=np.float32)
    planes = np.zeros((n_rows, 2, 9, k), dtype=np.float32)
    dealt = np.zeros((n_rows, 2, 2, k), dtype=np.float32)
    flow = start.copy()
    for _ in range(n_weighings):
        variation.smooth(
            mean, difference, seen, start, WEIGHTS, N_SWEEPS, stiffness, planes, dealt, flow
        )
    return flow


def _balance(
    mean: NDArray[np.float32],
    difference: NDArray[np.float32],
    seen: NDArray[np.float32],
    light: Floats,
) -> None:
    """Set the light so that both images have one mean and spread where they show the same.

    The level at hand was made with the light of the one before: its own serves the next.
    """
    step = max(1, seen.shape[1] // 160)
    known = seen[::step, ::step] > 0
    m, d = (plane[2:-2, 2:-2][::step, ::step][known] for plane in (mean, difference))
    if m.size < LEAST_PX**2:
        return
    first, second = m - d / 2, m + d / 2
    spread0, spread1 = float(first.std()), float(second.std())
    # A flat image has no gain.
    gain = min(max(spread0 / spread1, 0.5), 2.0) if min(spread0, spread1) > 1 else 1.0
    light[1] = gain * light[1] + float(first.mean()) - gain * float(second.mean())
    light[0] *= gain
