"""Where an object is: a chance for each place of a grid of cells around where it is expected."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from perception_label._core import beliefs as core
from perception_label.arrays import Floats

Belief = NDArray[np.float32]  # (S, S) the chance of each place, S = 2 reach + 1; sum 1

TAPS_REACH = 5  # cells an object is moved at most from one image to the next


@cache
def moves(spread: float, wide_spread: float, wide_share: float) -> NDArray[np.float32]:
    """Return the chance of moving by -5 to 5 cells: mostly little, now and then far.

    spread and wide_spread are the standard deviations of the two, in cells.
    """
    at = np.arange(-TAPS_REACH, TAPS_REACH + 1)
    near, far = (np.exp(-0.5 * (at / s) ** 2) for s in (spread, wide_spread))
    taps = (1 - wide_share) * near / near.sum() + wide_share * far / far.sum()
    out = np.asarray(taps, dtype=np.float32)
    out.flags.writeable = False
    return out


def certain(reach: int) -> Belief:
    """Return the belief that it is in the middle of the grid."""
    out = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    out[reach, reach] = 1
    return out


def advance(belief: Belief, taps: NDArray[np.float32], likelihood: NDArray[np.float32]) -> Belief:
    """Return the belief one image later; `likelihood` (S, S) above 0 is what that image shows."""
    out = np.empty_like(belief)
    core.advance(belief, taps, taps, likelihood, np.empty_like(belief), out)
    return out


def fuse(likelihood: NDArray[np.float32], taps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the beliefs (n, S, S) between two images that are certain, from both sides.

    The forward-backward algorithm on a grid (Rabiner 1989); likelihood is (n, S, S) above 0.
    """
    n, side, _ = likelihood.shape
    all_taps = np.repeat(taps[None], n, axis=0)
    sure = certain(side // 2)
    out = np.empty_like(likelihood)
    scratch = np.empty((3, side, side), dtype=np.float32)
    core.fuse(likelihood, all_taps, all_taps, sure, sure, scratch, out)
    return out


def mean_places(beliefs: NDArray[np.float32]) -> Floats:
    """Return the mean place of beliefs (..., S, S): (..., 2) cells right and down of the middle."""
    reach = beliefs.shape[-1] // 2
    at = np.arange(-reach, reach + 1)
    across, down = beliefs.sum(axis=-2), beliefs.sum(axis=-1)
    return np.stack([across @ at, down @ at], axis=-1).astype(np.float64)


def mean_overlap(beliefs: NDArray[np.float32], places: Floats, size_cells: Floats) -> Floats:
    """Return the IoU to expect of boxes at `places` if the belief is right, (n,).

    Parameters
    ----------
    beliefs : (n, S, S) float32
        The chances.
    places : (n, 2) float64
        Where the boxes are put, cells right and down of the middle.
    size_cells : (n, 2) float64
        Width and height of the boxes.
    """
    reach = beliefs.shape[-1] // 2
    at = np.arange(-reach, reach + 1)
    apart = np.abs(at[None, :, None] - places[:, None, :])
    share = np.maximum(1 - apart / size_cells[:, None, :], 0.0)
    shared = share[:, :, 1][:, :, None] * share[:, :, 0][:, None, :]
    return np.asarray((beliefs * (shared / (2 - shared))).sum(axis=(1, 2)))


def shifted(belief: Belief, right: int, down: int) -> Belief:
    """Return the belief moved by whole cells; what leaves the grid is gone."""
    out = np.zeros_like(belief)
    side = len(belief)
    if abs(right) < side and abs(down) < side:
        to_y, to_x = (slice(max(0, d), side + min(0, d)) for d in (down, right))
        from_y, from_x = (slice(max(0, -d), side + min(0, -d)) for d in (down, right))
        out[to_y, to_x] = belief[from_y, from_x]
    return out
