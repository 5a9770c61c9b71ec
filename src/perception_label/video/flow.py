"""Where each pixel of an image goes in the next."""

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import patches, variation
from perception_label.errors import SettingError, ShapeError
from perception_label.video.pyramid import LEAST_PX, MARGIN_PX, Pyramid

Flow = NDArray[np.float32]  # (H, W, 2) right, down, pixels
Planes = NDArray[np.float32]  # (3, h, w) right, down, weight


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much work a quality is worth."""

    finest: int  # level of the finest patches; the flow is enlarged from there
    stride_px: int
    n_steps: int  # of a patch, in each of two passes
    n_weighings: int
    n_sweeps: int  # of the solver, between two weighings


QUALITIES = {
    "fast": _Effort(2, 4, 8, 5, 5),
    "medium": _Effort(1, 3, 12, 5, 5),
    "fine": _Effort(0, 3, 12, 5, 5),
}
N_PASSES = 2
ALPHA, DELTA, GAMMA = 20.0, 5.0, 10.0
OMEGA = 1.6


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
        `fast`, `medium` or `fine`: patches down to a quarter, half or the full size.
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
    smoothing on each (Kroeger et al. 2016). A change of brightness between the images is taken out.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8)
    >>> float(np.abs(dense_flow(image, image)).max())
    0.0
    """
    first, second = pair(image0, image1)
    if quality not in QUALITIES:
        raise SettingError(f"quality: expected one of {', '.join(QUALITIES)}, got {quality!r}")
    effort = QUALITIES[quality]
    coarsest = _coarsest(first, second)
    finest = min(effort.finest, coarsest)
    flow = _begin(first, coarsest, initial)
    for level in range(coarsest, finest - 1, -1):
        if level < coarsest:
            flow = _enlarged(flow, first, level)
        a, b = first.wide(level), second.wide(level)
        flow = _smoothed(a, b, _from_patches(a, b, flow, effort), effort)
    for level in range(finest - 1, 0, -1):
        flow = _enlarged(flow, first, level)
    out = np.empty((first.height_px, first.width_px, 2), dtype=np.float32)
    if finest:
        variation.enlarge_joined(flow, np.empty(flow.shape[2] + 2, np.float32), out)
    else:
        out[:] = np.moveaxis(flow[:2, : out.shape[0], : out.shape[1]], 0, 2)
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
    flow = np.zeros((3, *_size(first.wide(level))), dtype=np.float32)
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
    flow[:2, :h, :w] = np.moveaxis(sampled, 2, 0)
    return flow


def _enlarged(flow: Planes, first: Pyramid, level: int) -> Planes:
    out = np.empty((3, *_size(first.wide(level))), dtype=np.float32)
    variation.enlarge(flow, np.empty(flow.shape[2] + 2, np.float32), out)
    return out


def _from_patches(
    a: NDArray[np.float32], b: NDArray[np.float32], flow: Planes, effort: _Effort
) -> Planes:
    h, w = _size(a)
    stride = effort.stride_px
    rows = np.minimum(np.arange(-(-(h - LEAST_PX) // stride) + 1) * stride, h - LEAST_PX)
    columns = np.minimum(np.arange(-(-(w - LEAST_PX) // stride) + 1) * stride, w - LEAST_PX)
    middle = flow[:2, rows[:, None] + LEAST_PX // 2, columns + LEAST_PX // 2]
    found = np.ascontiguousarray(np.moveaxis(middle, 0, 2))
    patches.search(a, b, MARGIN_PX, stride, effort.n_steps, N_PASSES, found)
    out = np.zeros_like(flow)
    patches.spread(a, b, MARGIN_PX, stride, found, out)
    return out


def _smoothed(
    a: NDArray[np.float32], b: NDArray[np.float32], flow: Planes, effort: _Effort
) -> Planes:
    if not effort.n_weighings:
        return flow
    _, h, w = flow.shape
    mean, difference = np.empty((2, h + 4, w + 4), dtype=np.float32)
    seen = np.empty((h, w), dtype=np.float32)
    variation.linearise(a, b, MARGIN_PX, flow, mean, difference, seen)
    scratch = np.empty((17, w + 2), dtype=np.float32)
    k = (w + 1) // 2 + 2
    planes = np.zeros((h, 2, 9, k), dtype=np.float32)
    dealt = np.zeros((h, 2, 2, k), dtype=np.float32)
    solved = flow.copy()
    variation.deal(flow, dealt)
    for _ in range(effort.n_weighings):
        variation.weigh(mean, difference, seen, flow, solved, ALPHA, DELTA, GAMMA, scratch, planes)
        variation.relax(planes, OMEGA, effort.n_sweeps, dealt)
        variation.gather(dealt, solved)
    return solved
