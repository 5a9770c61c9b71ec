"""Where single points of an image go in another."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import follow as core
from perception_label.arrays import Mask
from perception_label.errors import SettingError, ShapeError
from perception_label.video.flow import pair
from perception_label.video.pyramid import Pyramid

Places = NDArray[np.float32]  # (P, 2) x, y, pixels

WINDOWS_PX = (3, 29)
N_STEPS = 20
ENOUGH_PX = 0.02
# Grey levels squared per pixel squared: with noise of one level, 0.1 px in a window of 21.
LEAST_TEXTURE = 0.25


def follow_points(
    image0: ArrayLike | Pyramid,
    image1: ArrayLike | Pyramid,
    points_px: ArrayLike,
    *,
    predicted_px: ArrayLike | None = None,
    window_px: int = 21,
    levels: int = 4,
    max_error_px: float = 1.0,
) -> tuple[Places, Mask, NDArray[np.float32]]:
    """Follow points from an image to another, and back as a check.

    Parameters
    ----------
    image0, image1 : (H, W) or (H, W, 3) uint8, or Pyramid
        The first and the second image, of one size; see `pyramid` for reuse.
    points_px : (P, 2) numbers
        x, y in image0, pixels; pixel centres are at integers. As many as there are in one call.
    predicted_px : (P, 2) numbers, optional
        Where they are expected in image1; at the same place by default.
    window_px : int
        Side of the square window around each point, odd, 3 to 29.
    levels : int
        Halvings that are used, the image itself included: each doubles the motion in reach.
    max_error_px : float
        A point that comes back farther than this from where it began is not `ok`.

    Returns
    -------
    points : (P, 2) float32
        x, y in image1, pixels: the best guess also where not `ok`.
    ok : (P,) bool
        Followed there and back: with texture, both ends in the image, the error small.
    error_px : (P,) float32
        Forward-backward distance (Kalal et al. 2010), pixels; infinite where nothing was found:
        a point without texture or outside the image, or NaN.

    Raises
    ------
    ShapeError
        If an image is none, their sizes differ or the points are not (P, 2).
    SettingError
        If the window, the levels or the error allowed are out of range.

    Notes
    -----
    Pyramidal Lucas-Kanade, inverse compositional (Baker and Matthews 2004); gain and offset of each
    window may differ between the images.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    >>> points, ok, error_px = follow_points(image, np.roll(image, 2, axis=1), [[30, 30]])
    >>> points.round(1).tolist(), ok.tolist()
    ([[32.0, 30.0]], [True])
    """
    first, second = pair(image0, image1)
    points = as_places(points_px, "points_px")
    guess = points if predicted_px is None else as_places(predicted_px, "predicted_px")
    if guess.shape != points.shape:
        raise ShapeError(f"predicted_px: expected {points.shape}, got {guess.shape}")
    _check(window_px, levels, max_error_px)
    found, forth = _follow(first, second, points, guess, window_px, levels)
    returned, back = _follow(second, first, found, found + (points - guess), window_px, levels)
    error = np.linalg.norm(returned - points, axis=1).astype(np.float32)
    sound = forth & back & _inside(points, first) & _inside(found, second)
    error[~sound] = np.inf
    return found, error <= max_error_px, error


def as_places(points_px: ArrayLike, name: str) -> Places:
    """Return places as (P, 2) C-contiguous float32, what is not finite as NaN.

    Raises
    ------
    ShapeError
        If they are not (P, 2) numbers.
    """
    try:
        given = np.asarray(points_px)
    except ValueError:
        raise ShapeError(f"{name}: expected (P, 2), got rows of different lengths") from None
    if given.size == 0 and given.ndim == 1:
        given = given.reshape(0, 2)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "fiu":
        raise ShapeError(f"{name}: expected (P, 2) numbers, got {given.shape} {given.dtype}")
    with np.errstate(over="ignore"):
        places = np.array(given, dtype=np.float32, order="C")
    places[~np.isfinite(places)] = np.nan
    return places


def _check(window_px: int, levels: int, max_error_px: float) -> None:
    low, high = WINDOWS_PX
    if not low <= window_px <= high or window_px % 2 == 0:
        raise SettingError(f"window_px: expected an odd number, {low} to {high}, got {window_px}")
    if levels < 1:
        raise SettingError(f"levels: expected 1 or more, got {levels}")
    if not max_error_px >= 0:
        raise SettingError(f"max_error_px: expected 0 or more, got {max_error_px}")


def _follow(
    first: Pyramid, second: Pyramid, points: Places, guess: Places, window_px: int, levels: int
) -> tuple[Places, Mask]:
    """Return the places found, and which have texture at the finest level."""
    texture = np.zeros(len(points), dtype=np.float32)
    found = guess.copy()
    n_levels = min(levels, first.n_levels, second.n_levels)
    for level in range(n_levels - 1, -1, -1):
        scale = np.float32(2**level)
        at = (points + np.float32(0.5)) / scale - np.float32(0.5)
        found = (found + np.float32(0.5)) / scale - np.float32(0.5)
        core.follow(
            first.grey(level), second.grey(level), at,
            window_px, N_STEPS, ENOUGH_PX, LEAST_TEXTURE, found, texture,
        )  # fmt: skip
        found = (found + np.float32(0.5)) * scale - np.float32(0.5)
    return found, texture >= LEAST_TEXTURE


def _inside(points: Places, image: Pyramid) -> Mask:
    """Say which points lie on a pixel of the image; NaN does not."""
    low = points >= -0.5
    high = points <= np.array([image.width_px - 0.5, image.height_px - 0.5], np.float32)
    return np.asarray((low & high).all(axis=1))
