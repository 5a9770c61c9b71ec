"""Images with their halves, made once and used by every flow from or to them."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import pyramid as core
from perception_label.errors import SettingError
from perception_label.video.images import Picture, as_grey, as_picture

MARGIN_PX = 16  # how far patches may leave an image, in pixels of the level
LEAST_PX = 8  # a level is at least one patch wide and high


class Pyramid:
    """A grey image and its halves; levels are made when first asked for, and kept.

    Attributes
    ----------
    height_px, width_px : int
        The size of the image, (H, W).
    n_levels : int
        How many levels there are, the image itself included.
    """

    __slots__ = ("_grey", "_wide", "height_px", "n_levels", "width_px")

    def __init__(self, grey: Picture, n_levels: int) -> None:
        self.height_px, self.width_px = grey.shape
        self.n_levels = n_levels
        self._grey = {0: grey}
        self._wide: dict[int, NDArray[np.float32]] = {}

    @classmethod
    def of(cls, image: "ArrayLike | Pyramid", what: str = "image") -> "Pyramid | Self":
        """Return a pyramid as it is, or that of an image."""
        if isinstance(image, Pyramid):
            return image
        grey = as_grey(as_picture(np.asarray(image), what))
        return cls(grey, max(grey.shape).bit_length())

    def grey(self, level: int) -> Picture:
        """Return a level as (h, w) uint8; each is half of the one before, rounded up."""
        if level not in self._grey:
            below = self.grey(level - 1)
            h, w = below.shape
            half = np.empty(((h + 1) // 2, (w + 1) // 2), dtype=np.uint8)
            core.halve(below, half)
            self._grey[level] = half
        return self._grey[level]

    def wide(self, level: int) -> NDArray[np.float32]:
        """Return a level as float32 with its border repeated `MARGIN_PX` times on each side.

        Levels narrower or lower than `LEAST_PX` are extended to it first, right and down.
        """
        if level not in self._wide:
            grey = self.grey(level)
            h, w = (max(n, LEAST_PX) + 2 * MARGIN_PX for n in grey.shape)
            out = np.empty((h, w), dtype=np.float32)
            core.widen(grey, MARGIN_PX, out)
            self._wide[level] = out
        return self._wide[level]


def pyramid(image: ArrayLike, *, levels: int | None = None) -> Pyramid:
    """Prepare an image for several flows.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8
        Grey or RGB; RGB becomes grey. A grey uint8 image is not copied: leave it as it is.
    levels : int, optional
        How many levels, the image itself included; as many as there are by default. Fewer
        levels follow less motion.

    Returns
    -------
    Pyramid
        Accepted wherever a flow takes an image.

    Raises
    ------
    ShapeError
        If the image is none.
    SettingError
        If `levels` is not positive.
    """
    whole = Pyramid.of(image)
    if levels is not None:
        if levels < 1:
            raise SettingError(f"levels: expected 1 or more, got {levels}")
        whole.n_levels = min(levels, whole.n_levels)
    return whole
