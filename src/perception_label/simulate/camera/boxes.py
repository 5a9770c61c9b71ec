"""Exact 2-D boxes of one image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class ImageBoxes:
    """What is labelled in one image: n instances of which at least one pixel shows.

    A box is x0, y0, x1, y1 in pixels; the pixel in column 3 reaches from 3 to 4. All boxes end
    at the border of the image.

    Attributes
    ----------
    instances : (n,) int64
        Instance k is track `Plan.names()[k - 1]`.
    visible_px : (n, 4) float64
        Around the pixels that show it.
    amodal_px : (n, 4) float64
        Around the pixels that would show it if nothing hid it.
    n_pixels : (n,) int64
        Pixels that show it.
    visible_share : (n,) float64
        Of the pixels that would show it if nothing hid it.
    is_cut : (n,) bool
        Whether it reaches out of the image.
    """

    instances: Ints
    visible_px: Floats
    amodal_px: Floats
    n_pixels: Ints
    visible_share: Floats
    is_cut: Mask

    def __len__(self) -> int:
        return len(self.instances)


def around(mask: Mask) -> Floats:
    """Return the box around the set pixels of a mask (H, W), (4,); NaN if there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return np.full(4, np.nan)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def around_each(instances: NDArray[np.int32]) -> tuple[Ints, Floats, Ints]:
    """Return which instances an image of them (H, W) holds, their boxes and their pixels."""
    height, width = instances.shape
    flat = instances.ravel()
    rows = np.flatnonzero(flat > 0)
    found, index, counts = np.unique(flat[rows], return_inverse=True, return_counts=True)
    boxes = np.empty((len(found), 4))
    for k, at in enumerate((rows % width, rows // width)):
        low, high = np.full(len(found), max(height, width)), np.full(len(found), -1)
        np.minimum.at(low, index, at)
        np.maximum.at(high, index, at)
        boxes[:, k], boxes[:, k + 2] = low, high + 1
    return found.astype(np.int64), boxes, counts.astype(np.int64)
