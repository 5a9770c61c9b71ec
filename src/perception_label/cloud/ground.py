"""Which points are ground, and how high the ground is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import ground as core
from perception_label.arrays import Floats, Mask, Points, as_points
from perception_label.errors import SettingError, ShapeError

N_SECTORS = 160
STEPS_PER_M = 4  # as in the kernel
FARTHEST_M = 200.0


def _rings() -> tuple[Floats, NDArray[np.int32]]:
    """Return the radii of the rings, and the ring at each range step."""
    edges = [0.0]
    while edges[-1] < FARTHEST_M:
        # As wide as the sectors far out, where the beams that meet the ground lie far apart.
        edges.append(edges[-1] + max(0.75, 0.045 * edges[-1]))
    # Radii on whole range steps, so that a step lies in one ring.
    radii = np.round(np.array(edges) * STEPS_PER_M) / STEPS_PER_M
    steps = np.arange(int(radii[-1] * STEPS_PER_M)) / STEPS_PER_M
    return radii, (np.searchsorted(radii, steps, side="right") - 1).astype(np.int32)


EDGES_M, RING_AT = _rings()


@dataclass(frozen=True, slots=True)
class GroundSurface:
    """Heights of the ground on a polar grid around the sensor, bilinear in between.

    Attributes
    ----------
    ground_m : (R, S) float64
        Height at the middle of each ring and sector, in the coordinate frame of the points it
        was made from, metres.
    support : (R, S) float64
        Ground points seen in the cell; 0 where the height was carried over from neighbours.
    """

    ground_m: Floats
    support: Floats

    def z_at(self, xy_m: ArrayLike) -> NDArray[np.float32]:
        """Return the ground's height at (N, 2) places, NaN where a place is not finite."""
        xy = np.asarray(xy_m)
        if xy.ndim != 2 or xy.shape[1] != 2:
            raise ShapeError(f"xy_m: expected (N, 2), got {xy.shape}")
        return self._below(as_points(np.column_stack([xy, np.zeros(len(xy))])))

    def height_above(self, points_m: NDArray[Any]) -> NDArray[np.float32]:
        """Return the height of (N, 3) points above the ground, NaN where one is not finite."""
        points = as_points(points_m)
        height: NDArray[np.float32] = points[:, 2] - self._below(points)
        return height

    def _below(self, points_m: Points) -> NDArray[np.float32]:
        out = np.empty(len(points_m), dtype=np.float32)
        core.ground_below(self.ground_m, EDGES_M, RING_AT, points_m, out)
        return out


def ground_surface(points_m: NDArray[Any]) -> GroundSurface:
    """Estimate the ground under a sweep.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points of one sweep around the sensor or the ego vehicle, z up, metres. The origin may
        be at any height above the ground. Points that are not finite are passed over.

    Returns
    -------
    GroundSurface
        Heights in the same coordinate frame; flat at the lowest point if too few points lie
        near, at 0 if there are none.

    Raises
    ------
    ShapeError
        If `points_m` is not (N, 3) numbers.

    Notes
    -----
    Own method. A plane that many low points share and few lie below is found near the sensor;
    from it the ground is grown outwards on a polar grid, each cell taking the low points within
    reach of what its inner neighbours' height and slope predict. So nothing is assumed of the
    mounting height, reflections below the ground and other levels are out of reach, and a
    shadow is crossed with a reach that widens with its length.
    """
    points = as_points(points_m)
    n_rings = len(EDGES_M) - 1
    cells = np.empty(len(points), dtype=np.int32)
    starts = np.empty(n_rings * N_SECTORS + 1, dtype=np.int32)
    core.place_points(points, EDGES_M, RING_AT, N_SECTORS, cells, starts)
    heights = np.empty(starts[-1], dtype=np.float32)
    core.heights_by_cell(points, cells, starts, np.empty(len(starts) - 1, dtype=np.int32), heights)
    seed, radius_m = _seed(heights, starts)
    shape = (n_rings, N_SECTORS)
    ground, support = np.empty(shape), np.empty(shape)
    core.grow(
        heights,
        starts,
        EDGES_M,
        seed,
        radius_m,
        0.25,
        0.12,
        ground,
        np.empty(shape),
        np.empty(shape),
        support,
    )
    core.relax(support, 8, ground)
    return GroundSurface(ground, support)


def split_ground(points_m: NDArray[Any], *, tolerance_m: float = 0.1) -> Mask:
    """Tell ground from everything that stands on it.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points of one sweep around the sensor or the ego vehicle, z up, metres.
    tolerance_m : float
        A point up to this far above the ground surface is ground.

    Returns
    -------
    (N,) bool
        True is ground. A point that is not finite is not ground.

    Raises
    ------
    ShapeError
        If `points_m` is not (N, 3) numbers.
    SettingError
        If `tolerance_m` is not positive.

    See Also
    --------
    ground_surface : The surface itself, and the method.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.meshgrid(np.arange(-20.0, 20.0), np.arange(-20.0, 20.0))
    >>> road = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.7)])
    >>> bool(split_ground(road).all())
    True
    """
    if not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise SettingError(f"tolerance_m: expected a positive number of metres, got {tolerance_m}")
    points = as_points(points_m)
    height = ground_surface(points).height_above(points)
    is_ground: Mask = (height < tolerance_m) & (height > -0.4)
    return is_ground


def _seed(heights_m: NDArray[np.float32], starts: NDArray[np.int32]) -> tuple[Floats, float]:
    """Return the plane the ground near the sensor lies in, (3,), and how far it was seen."""
    counts = np.diff(starts)
    middle = np.repeat((EDGES_M[:-1] + EDGES_M[1:]) / 2, N_SECTORS)
    cells = np.flatnonzero((counts >= 3) & (middle < 20))
    if len(cells) == 0:
        height = float(heights_m.min()) if len(heights_m) else 0.0
        return np.array([height, 0.0, 0.0]), 0.0
    low = heights_m[starts[cells] + counts[cells] // 10].astype(np.float64)
    r = middle[cells]
    turn = (cells % N_SECTORS + 0.5) / N_SECTORS * 2 * np.pi
    design = np.column_stack([np.ones(len(r)), r * np.cos(turn), r * np.sin(turn)])
    plane = np.array([_level(low, r), 0.0, 0.0])
    for widening in (0.04, 0.03, 0.02, 0.01, 0.01):
        near = np.abs(low - design @ plane) < 0.15 + widening * r
        if not near.any():
            break
        a = design[near]
        plane = np.linalg.solve(
            a.T @ a + np.diag([1e-6, 5.0, 5.0]), a.T @ low[near] + np.array([1e-6 * plane[0], 0, 0])
        )
    close = near & (r < 10)
    return plane, float(np.median(r[close])) if close.any() else 0.0


def _level(low_m: Floats, range_m: Floats) -> float:
    """Return the height that many cells' low points share and few lie below."""
    band = 0.15 + 0.04 * range_m
    near = low_m[range_m < 12] if (range_m < 12).any() else low_m
    tries = np.unique(np.round(near, 1))
    off = low_m[None, :] - tries[:, None]
    score = (np.abs(off) < band).sum(axis=1) - 2 * (off < -band).sum(axis=1)
    return float(tries[np.argmax(score)])
