"""One object between two keyframes: where it looks like both, moving as little as it must."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from perception_label.arrays import Floats
from perception_label.geometry.boxes import center_and_size, from_center
from perception_label.video.appearance import (
    Cells,
    Mesh,
    contrast,
    describe,
    likeness,
    middle,
    template,
)
from perception_label.video.beliefs import fuse, mean_overlap, mean_places, moves
from perception_label.video.expected import expected_between
from perception_label.video.pyramid import Pyramid

SHARPNESS = 8.0  # how fast likeness becomes likelihood, per unit of correlation
HIDDEN = 0.2  # likeness at which an image as well shows something else
SMOOTHNESS = 40.0  # weight of changes of speed against strays from what was seen
# Cells an object strays from the straight way in an image, mostly and now and then.
STRAY = moves(0.42, 1.2, 0.1)
# Cells that are searched around the straight way, by the images between the keyframes.
LEAST_REACH, REACH_PER_IMAGE, MOST_REACH = 4.0, 0.3, 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """Boxes of one object in consecutive images.

    Attributes
    ----------
    first : int
        Number of the first image.
    boxes_px : (n, 4) float64
        The boxes.
    seen : (n,) float64
        The chance that the object is seen there and not hidden.
    expected_iou : (n,) float64
        With the truth.
    """

    first: int
    boxes_px: Floats
    seen: Floats
    expected_iou: Floats


class Between:
    """Gathers the images from one keyframe to the next, then says where the object was.

    A discrete Bayes smoother: a grid of places around the straight way between the keyframes; what
    looks like the two keyframes is likely; both keyframes are certain. The sums over all ways give
    the place and its error.

    Parameters
    ----------
    first, last : int
        Numbers of the images of the two keyframes, last > first.
    boxes_px : (2, 4) float64
        Their boxes.
    """

    def __init__(self, first: int, last: int, boxes_px: Floats) -> None:
        self.first, self.last = first, last
        center, size = center_and_size(boxes_px)
        share = np.linspace(0.0, 1.0, last - first + 1)[:, None]
        self._share = share[:, 0]
        self._center_px = center[0] + (center[1] - center[0]) * share
        # Sizes grow by the same factor each image, as those of what comes nearer about do.
        self._size_px = np.exp(np.log(size[0]) * (1 - share) + np.log(size[1]) * share)
        self._mesh = Mesh.of(np.exp(np.log(size).mean(axis=0)))
        self._cell_px = self._mesh.cell_px(self._size_px)
        reach = LEAST_REACH + REACH_PER_IMAGE * len(share)
        self._reach = int(min(reach, MOST_REACH))
        self._cells: list[Cells] = []

    def see(self, image: Pyramid) -> None:
        """Take the next image, from `first` to `last`."""
        k = len(self._cells)
        cell_px = float(self._cell_px[k])
        self._cells.append(describe(image, self._center_px[k], cell_px, self._mesh, self._reach))

    def solve(self) -> Stretch:
        """Return where the object was in each image, both keyframes included."""
        likelihood, hidden, alike = self._likelihood()
        belief = fuse(likelihood, STRAY)
        places = mean_places(belief)
        places[[0, -1]] = 0.0
        cells = self._size_px / self._cell_px[:, None]
        way = (self._center_px[-1] - self._center_px[0]) / self._size_px[[0, -1]].mean(axis=0)
        row, column = (np.rint(places[:, ::-1]).astype(np.int64) + self._reach).T
        expected = expected_between(
            mean_overlap(belief, places, cells),
            self._apart(),
            alike[np.arange(len(alike)), row, column],
            float(np.abs(np.log(self._size_px[-1] / self._size_px[0])).max()),
            float(np.hypot(*way)) / (self.last - self.first),
        )
        center_px = _smooth(self._center_px + places * self._cell_px[:, None])
        seen = 1 - (belief * hidden).sum(axis=(1, 2))
        expected[[0, -1]] = seen[[0, -1]] = 1.0
        return Stretch(self.first, from_center(center_px, self._size_px), seen, expected)

    def _apart(self) -> Floats:
        """Return how many images away the nearer keyframe is, (n,)."""
        at = np.arange(self.last - self.first + 1.0)
        return np.asarray(np.minimum(at, at[::-1]))

    def _likelihood(self) -> tuple[NDArray[np.float32], ...]:
        """Return what each image says of each place, (n, S, S) each.

        How likely the object is there, the chance that it is hidden if so, and how much the
        place looks like the keyframe that it is more like.
        """
        side, mesh, reach = 2 * self._reach + 1, self._mesh, self._reach
        n = len(self._cells)
        ends = [template(middle(c, mesh, reach, reach)) for c in (self._cells[0], self._cells[-1])]
        likelihood, alike = np.empty((2, n, side, side), dtype=np.float32)
        for k, cells in enumerate(self._cells):
            contrasts = contrast(cells, mesh)
            first, last = (likeness(cells, t, contrasts) for t in ends)
            before, after = np.exp(SHARPNESS * first), np.exp(SHARPNESS * last)
            alike[k] = np.maximum(first, last)
            likelihood[k] = (1 - self._share[k]) * before + self._share[k] * after
        nothing = np.float32(np.exp(SHARPNESS * HIDDEN))
        likelihood += nothing
        hidden = nothing / likelihood
        likelihood /= likelihood.max(axis=(1, 2), keepdims=True)
        return likelihood, hidden, alike


def _smooth(center_px: Floats) -> Floats:
    """Return the (n, 2) places with little change of speed, both ends kept.

    Whittaker's smoother (1923): legs swing and templates jump by fractions of a cell; objects do
    not.
    """
    n = len(center_px)
    if n < 3:
        return center_px
    # The normal equations have two bands beside the diagonal: second differences.
    bands = np.zeros((3, n))
    bands[2] = 1.0
    bands[2, [0, -1]] = 1e6
    right = bands[2][:, None] * center_px
    for offset, products in enumerate(((1.0, 4.0, 1.0), (-2.0, -2.0), (1.0,))):
        for start, product in enumerate(products):
            bands[2 - offset, offset + start : n - 2 + offset + start] += SMOOTHNESS * product
    return np.asarray(solveh_banded(bands, right))
