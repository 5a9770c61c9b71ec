"""How a thing and what lies around it move between two images: affine, and a smooth rest."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter

from perception_label._core import cutout as core
from perception_label.arrays import Floats, Mask
from perception_label.video.windows import Field, Window

MOST_POINTS = 1500  # of a thing; more do not move the fit
CONSISTENT_PX = 1.0  # flow there and back ends this near its start
NOISE_PX = 1.0  # of a point's flow
FIRST_NOISE_PX = 6.0  # the fit begins generous
N_ROUNDS = 8
STIFF = 1.0  # points that the affine part must beat
REST_SHARE = 1 / 16  # of the thing's size: how far neighbours share their shift
REST_NOISE_PX = 3.0


@dataclass(frozen=True, slots=True)
class Motion:
    """Where places of one image are in another.

    Attributes
    ----------
    matrix : (2, 3) float64
        Affine, (x, y, 1) to (x, y), pixels.
    origin_px : (2,) float64
        Where the grid begins, (x, y).
    spacing_px : float
        Between the grid's nodes.
    grid : (h, w, 2) float32
        Shifts to add, right and down, bilinear between the nodes.
    residual_px : float
        What the points still miss, root mean square.
    """

    matrix: Floats
    origin_px: Floats
    spacing_px: float
    grid: Field
    residual_px: float

    def trace(self, window: Window) -> Field:
        """Return where each pixel of a window goes, (h, w, 2) float32 right, down."""
        out = np.empty((*window.shape, 2), dtype=np.float32)
        x, y = self.origin_px.tolist()
        core.trace(window.y0, window.x0, self.matrix, y, x, self.spacing_px, self.grid, out)
        return out

    def moved(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Return the bounds of a box (x0, y0, x1, y1) after the affine part."""
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]]) @ self.matrix.T
        low, high = corners.min(axis=0), corners.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @classmethod
    def still(cls) -> Self:
        """Return the motion of what does not move."""
        return cls(np.eye(2, 3), np.zeros(2), 1.0, np.zeros((1, 1, 2), np.float32), 0.0)


@dataclass(frozen=True, slots=True)
class Matches:
    """P points of one image and where the flow finds them in another; both (P, 2) x, y."""

    here: Floats
    there: Floats
    share: float  # of the points asked for that flow there and back agrees on

    @property
    def reversed(self) -> "Matches":
        """The same points, from the other image."""
        return Matches(self.there, self.here, self.share)


def match(mask: Mask, window: Window, flow: Field, back: Field) -> Matches:
    """Follow a mask's pixels by the flow and keep those that the flow back agrees on.

    Parameters
    ----------
    mask : (h, w) bool
        Pixels of the window to follow; at most `MOST_POINTS` of them are.
    flow, back : (H, W, 2) float32
        From this image to the other, and from the other to this.
    """
    stride = max(1, int(np.sqrt(np.count_nonzero(mask) / MOST_POINTS)))
    rows, columns = np.nonzero(mask[::stride, ::stride])
    rows, columns = rows * stride + window.y0, columns * stride + window.x0
    here = np.column_stack([columns, rows]).astype(np.float64)
    there = here + flow[rows, columns]
    h, w = flow.shape[:2]
    x, y = np.rint(there[:, 0]).astype(np.int64), np.rint(there[:, 1]).astype(np.int64)
    inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    returned = there + back[np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)] - here
    agree = inside & (np.square(returned).sum(axis=1) < CONSISTENT_PX**2)
    # Of points that left the image nothing is known, for or against.
    share = int(np.count_nonzero(agree)) / max(int(np.count_nonzero(inside)), 1)
    return Matches(here[agree], there[agree], share)


def fit(matches: Matches, size_px: float) -> Motion | None:
    """Return the motion that most of the points follow, or None without points.

    An affine motion by iteratively reweighted least squares (Geman and McClure's weights, wide
    to narrow), then the points' own shifts, averaged over neighbours and drawn to 0 where
    there are few. `size_px` is the thing's, the root of its pixels.
    """
    here, shift = matches.here, matches.there - matches.here
    if len(here) == 0:
        return None
    middle = here.mean(axis=0)
    spread = max(float(np.sqrt(np.square(here - middle).sum(axis=1).mean())), 1.0)
    terms = np.column_stack([(here - middle) / spread, np.ones(len(here))])
    solution = np.zeros((3, 2))
    solution[2] = np.median(shift, axis=0)
    for k in range(N_ROUNDS):
        noise = max(FIRST_NOISE_PX - k, NOISE_PX)
        missed = np.square(shift - terms @ solution).sum(axis=1)
        weights = 1 / np.square(1 + missed / noise**2)
        normal = terms.T @ (terms * weights[:, None]) + np.diag([STIFF, STIFF, 1e-9])
        solution = np.linalg.solve(normal, terms.T @ (shift * weights[:, None]))
    rest = shift - terms @ solution
    missed = np.square(rest).sum(axis=1)
    linear = np.eye(2) + solution[:2].T / spread
    matrix = np.column_stack([linear, solution[2] + middle - linear @ middle])
    weights = 1 / np.square(1 + missed / NOISE_PX**2)
    residual = float(np.sqrt((weights * missed).sum() / weights.sum()))
    spacing, grid, origin = _rest(here, rest, missed, size_px)
    return Motion(np.ascontiguousarray(matrix), origin, spacing, grid, residual)


def _rest(
    here: Floats, rest: Floats, missed: Floats, size_px: float
) -> tuple[float, Field, Floats]:
    reach = max(size_px * REST_SHARE, 2.0)
    spacing = max(reach / 3, 2.0)
    origin = here.min(axis=0) - 3 * reach
    cells = np.rint((here - origin) / spacing).astype(np.int64)
    w, h = (int(n) + 2 for n in (here.max(axis=0) + 3 * reach - origin) / spacing)
    at = cells[:, 1] * w + cells[:, 0]
    weights = 1 / np.square(1 + missed / REST_NOISE_PX**2)
    sums = np.stack(
        [np.bincount(at, values, h * w) for values in (weights, *(weights[:, None] * rest).T)]
    ).reshape(3, h, w)
    wide = gaussian_filter(sums, (0, reach / spacing, reach / spacing), mode="constant")
    # As strong as a tenth of the usual density: alone, neighbours are believed.
    prior = 0.1 * len(here) / int(np.count_nonzero(sums[0]))
    grid = np.moveaxis(wide[1:] / (wide[0] + prior), 0, 2)
    return spacing, np.ascontiguousarray(grid, dtype=np.float32), origin
