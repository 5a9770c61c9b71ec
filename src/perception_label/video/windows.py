"""A part of an image that holds a mask, and what a pixel of it is to the mask's outline."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perception_label._core import cutout as core
from perception_label.arrays import Mask

Field = NDArray[np.float32]
FAR_PX = 1e4  # from an outline that is not there


@dataclass(frozen=True, slots=True)
class Window:
    """Rows y0 up to y1 and columns x0 up to x1 of an image."""

    y0: int
    x0: int
    y1: int
    x1: int

    @classmethod
    def around(
        cls, box: tuple[float, float, float, float], margin_px: float, size: tuple[int, int]
    ) -> Self:
        """Return the whole pixels of a box (x0, y0, x1, y1) and a margin, cut at the image."""
        x0, y0, x1, y1 = box
        h, w = size
        top = min(max(int(y0 - margin_px), 0), h - 1)
        left = min(max(int(x0 - margin_px), 0), w - 1)
        bottom = max(min(int(y1 + margin_px) + 1, h), top + 1)
        right = max(min(int(x1 + margin_px) + 1, w), left + 1)
        return cls(top, left, bottom, right)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as an index of an image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def places(self) -> Field:
        """Return each pixel's own place, (h, w, 2) right, down."""
        out = np.empty((*self.shape, 2), dtype=np.float32)
        out[..., 0] = np.arange(self.x0, self.x1)
        out[..., 1] = np.arange(self.y0, self.y1)[:, None]
        return out

    def fit(self, values: NDArray[Any], of: "Window", fill: float) -> NDArray[Any]:
        """Return another window's values for this one, `fill` where it has none."""
        out = np.full((*self.shape, *values.shape[2:]), fill, dtype=values.dtype)
        y0, y1 = max(self.y0, of.y0), min(self.y1, of.y1)
        x0, x1 = max(self.x0, of.x0), min(self.x1, of.x1)
        if y0 < y1 and x0 < x1:
            out[y0 - self.y0 : y1 - self.y0, x0 - self.x0 : x1 - self.x0] = values[
                y0 - of.y0 : y1 - of.y0, x0 - of.x0 : x1 - of.x0
            ]
        return out


def bounds(mask: Mask) -> tuple[int, int, int, int]:
    """Return a mask's bounds (x0, y0, x1, y1); it must have a pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def depth(mask: Mask) -> Field:
    """Return each pixel's distance to the mask's outline, above 0 inside, (h, w) float32 pixels.

    The outline runs half a pixel before the next pixel. Without one, 1e4 inside or outside.
    """
    h, w = mask.shape
    n = max(h, w, 1)
    given = np.ascontiguousarray(mask).view(np.uint8)
    lines, at = np.empty((3, n + 1)), np.empty(n, dtype=np.int32)
    to_inside, to_outside = np.empty((h, w)), np.empty((h, w))
    core.squared_distances(given, 1, lines, at, to_inside)
    core.squared_distances(given, 0, lines, at, to_outside)
    distance = np.where(mask, np.sqrt(to_outside) - 0.5, 0.5 - np.sqrt(to_inside))
    return np.clip(distance, -FAR_PX, FAR_PX).astype(np.float32)
