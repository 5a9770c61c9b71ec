"""What a box looks like, coarse enough to compare it with every place around."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label._core import appearance as core
from perception_label.arrays import Floats
from perception_label.video.pyramid import Pyramid

Cells = NDArray[np.float32]  # (5, rows, columns) outlines along four directions, brightness

N_CHANNELS = 5
N_CELLS = 96  # that a box is divided into, about
MOST_ASPECT = 8.0  # boxes longer than this are compared as if they were this long


@dataclass(frozen=True, slots=True)
class Mesh:
    """How boxes of one object are divided into square cells.

    Attributes
    ----------
    rows, columns : int
        Cells down and across a box.
    """

    rows: int
    columns: int

    @classmethod
    def of(cls, size_px: Floats) -> "Mesh":
        """Return the division of a box of (2,) width and height, pixels."""
        aspect = float(np.clip(size_px[0] / size_px[1], 1 / MOST_ASPECT, MOST_ASPECT))
        rows = max(2, round(np.sqrt(N_CELLS / aspect)))
        return cls(rows, max(2, round(np.sqrt(N_CELLS * aspect))))

    def cell_px(self, size_px: Floats) -> Floats:
        """Return the side of a cell for boxes of (..., 2) width and height, pixels."""
        return np.asarray(np.sqrt(size_px[..., 0] * size_px[..., 1] / (self.rows * self.columns)))


def describe(
    image: Pyramid, center_px: Floats, cell_px: float, mesh: Mesh, reach: int = 0
) -> Cells:
    """Return the cells of a region, (5, rows + 2 reach, columns + 2 reach).

    Parameters
    ----------
    image : Pyramid
        Of the image.
    center_px : (2,) float64
        The region's middle in box coordinates: the first pixel spans 0 to 1. Beyond the border
        the border's pixels repeat.
    cell_px : float
        Side of a cell in pixels.
    mesh : Mesh
        Rows and columns.
    reach : int
        Cells more on each side.
    """
    rows, columns = mesh.rows + 2 * reach, mesh.columns + 2 * reach
    out = np.empty((N_CHANNELS, rows, columns), dtype=np.float32)
    step_px = cell_px / 2
    # Samples lie one to two pixels of their level apart: nothing between them goes unseen.
    level = int(np.clip(np.floor(np.log2(max(step_px, 1.0))), 0, image.n_levels - 1))
    size = 2.0**level
    samples = np.empty((2 * rows + 2, 2 * columns + 2), dtype=np.float32)
    first = center_px / size - 0.5 - (np.array(samples.shape[::-1]) - 1) / 2 * step_px / size
    core.describe(
        image.grey(level), first[0], first[1], step_px / size, samples,
        np.empty((2, rows, columns), dtype=np.float32), out,
    )  # fmt: skip
    return out


def template(cells: Cells) -> Cells:
    """Return cells as `likeness` compares them: channels of mean 0, all of length 1."""
    out = cells - cells.mean(axis=(1, 2), keepdims=True)
    return np.asarray(out / max(float(np.sqrt((out * out).sum())), 1e-6), dtype=np.float32)


def middle(cells: Cells, mesh: Mesh, row: int, column: int) -> Cells:
    """Return the cells of one window."""
    return cells[:, row : row + mesh.rows, column : column + mesh.columns]


def contrast(cells: Cells, mesh: Mesh) -> NDArray[np.float32]:
    """Return how much each window of a region varies, (S, S') float32, for `likeness`."""
    _, rows, columns = cells.shape
    out = np.empty((rows - mesh.rows + 1, columns - mesh.columns + 1), dtype=np.float32)
    core.contrast(cells, mesh.rows, mesh.columns, np.empty((2, rows + 1, columns + 1)), out)
    return out


def likeness(cells: Cells, pattern: Cells, contrasts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much each window of a region looks like a template, (S, S') from -1 to 1."""
    out = np.empty(contrasts.shape, dtype=np.float32)
    core.likeness(cells, pattern, contrasts, out)
    return out
