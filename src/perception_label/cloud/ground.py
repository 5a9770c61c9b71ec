"""Which points are ground, and how high the ground is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import ground as core
from perception_label.arrays import Floats, Mask, Points, as_points
from perception_label.errors import SettingError, ShapeError

N_SECTORS = 128
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
MIDDLES_M = (EDGES_M[:-1] + EDGES_M[1:]) / 2
N_RINGS = len(MIDDLES_M)
N_NEAR = int((MIDDLES_M < 20).sum())  # rings the ground near the sensor is sought in
STEP_M, SLOPE = 0.25, 0.12  # a kerb with a margin, and the steepest change of slope
N_ROUNDS = 4
LEAST_M, MOST_M = 0.05, 0.15  # thinner than any real road, thicker than any lawn to drive on


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
        below: NDArray[np.float32] = -self.height_above(np.column_stack([xy, np.zeros(len(xy))]))
        return below

    def height_above(self, points_m: NDArray[Any]) -> NDArray[np.float32]:
        """Return the height of (N, 3) points above the ground, NaN where one is not finite."""
        points = as_points(points_m)
        return _height_above(self, points, _place(points)[0])


def ground_surface(points_m: ArrayLike) -> GroundSurface:
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
    return _surface(points, *_place(points))


def heights_above_ground(points_m: NDArray[Any]) -> NDArray[np.float32]:
    """Return the height of each point of a sweep above the ground under it, (N,).

    As `ground_surface(points_m).height_above(points_m)`, in less time.
    """
    points = as_points(points_m)
    places, counts = _place(points)
    return _height_above(_surface(points, places, counts), points, places)


def split_ground(points_m: ArrayLike, *, tolerance_m: float | None = None) -> Mask:
    """Tell ground from everything that stands on it.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points of one sweep around the sensor or the ego vehicle, z up, metres.
    tolerance_m : float, optional
        A point up to this far above the ground surface is ground. By default it follows the
        spread of the ground's own points at that range, from 0.05 m to 0.15 m.

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

    Notes
    -----
    The foot of a wall or a car is as low as the ground, yet not ground: where a cell holds more
    points just above the surface than on it, something upright stands there, and the cell has
    no ground. A surface seen from above piles its points up at one height instead.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.meshgrid(np.arange(-20.0, 20.0), np.arange(-20.0, 20.0))
    >>> road = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.7)])
    >>> bool(split_ground(road).all())
    True
    """
    if tolerance_m is not None and not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise SettingError(f"tolerance_m: expected a positive number of metres, got {tolerance_m}")
    points = as_points(points_m)
    places, counts = _place(points)
    height = _height_above(_surface(points, places, counts), points, places)
    tolerance = np.full(N_RINGS, tolerance_m) if tolerance_m else _tolerance(height, places)
    is_ground = np.empty(len(points), dtype=np.bool_)
    cells = np.empty((N_RINGS, N_SECTORS, 2), dtype=np.int32)
    core.choose_ground(height, places, tolerance, 0.1, 1 / 3, cells, is_ground.view(np.uint8))
    return is_ground


def _place(points_m: Points) -> tuple[Points, NDArray[np.int32]]:
    """Return the (N, 2) ring and sector of each point, and the (R, S) points in each cell."""
    places = np.empty((len(points_m), 2), dtype=np.float32)
    counts = np.empty((N_RINGS, N_SECTORS), dtype=np.int32)
    core.place_points(points_m, EDGES_M.astype(np.float32), RING_AT, places, counts)
    return places, counts


def _height_above(surface: GroundSurface, points_m: Points, places: Points) -> Points:
    out = np.empty(len(points_m), dtype=np.float32)
    core.height_above(surface.ground_m, surface.support, points_m, places, out)
    return out


def _surface(points_m: Points, places: Points, counts: NDArray[np.int32]) -> GroundSurface:
    # Where cells start; the kernel turns it into where they end.
    ends = (np.cumsum(counts) - counts.ravel()).astype(np.int32).reshape(counts.shape)
    heights = np.empty(int(counts.sum()), dtype=np.float32)
    core.heights_by_cell(points_m, places, ends, heights)
    seed, radius_m = _seed(heights, ends)
    ground, rise, gap, support = np.empty((4, *counts.shape))
    core.grow(heights, ends, EDGES_M, seed, radius_m, STEP_M, SLOPE, ground, rise, gap, support)
    core.relax(support, N_ROUNDS, ground)
    return GroundSurface(ground, support)


def _tolerance(height_m: Points, places: Points) -> Floats:
    """Return how far above the surface its own points lie, ring by ring, (R,)."""
    counts = np.empty((N_RINGS, 24), dtype=np.int32)
    core.count_offsets(height_m, places, counts)
    # The share within one sigma; a ring with few points takes its inner neighbours' counts too.
    sums = np.cumsum(counts, axis=1, dtype=np.float64)
    one_sigma = np.argmax(sums >= 0.68 * sums[:, -1:], axis=1) * 0.005 + 0.0025
    seen = sums[:, -1] >= 50
    if not seen.any():
        return np.full(N_RINGS, LEAST_M)
    nearest = np.maximum.accumulate(np.where(seen, np.arange(N_RINGS), np.argmax(seen)))
    return np.asarray(np.clip(0.02 + 2 * one_sigma[nearest], LEAST_M, MOST_M))


def _seed(heights_m: NDArray[np.float32], ends: NDArray[np.int32]) -> tuple[Floats, float]:
    """Return the plane the ground near the sensor lies in, (3,), and how far it was seen."""
    low_m = np.empty((N_NEAR, N_SECTORS))
    core.second_lowest(heights_m, ends, low_m)
    low_m[:, ::2] = np.nan  # every other sector is enough
    ring, sector = np.nonzero(~np.isnan(low_m))
    if len(ring) == 0:
        height = float(heights_m.min()) if len(heights_m) else 0.0
        return np.array([height, 0.0, 0.0]), 0.0
    low, r = low_m[ring, sector], MIDDLES_M[ring]
    turn = (sector + 0.5) / N_SECTORS * 2 * np.pi
    design = np.column_stack([np.ones(len(r)), r * np.cos(turn), r * np.sin(turn)])
    plane = np.array([_level(low, r), 0.0, 0.0])
    near = np.zeros(len(r), dtype=np.bool_)
    for widening in (0.04, 0.03, 0.02, 0.01, 0.01):
        near = np.abs(low - design @ plane) < 0.15 + widening * r
        a = design[near]
        # einsum, not matmul: BLAS may add in another order on another number of threads.
        # A weak pull towards level keeps a lopsided view from tilting the plane.
        normal = np.einsum("ni,nj->ij", a, a) + np.diag([1e-6, 5.0, 5.0])
        drive = np.einsum("ni,n->i", a, low[near]) + np.array([1e-6 * plane[0], 0.0, 0.0])
        plane = np.linalg.solve(normal, drive)
    close = near & (r < 10)
    return plane, float(np.median(r[close])) if close.any() else 0.0


def _level(low_m: Floats, range_m: Floats) -> float:
    """Return the height that many cells' low points share and few lie below."""
    close = range_m <= max(12.0, float(range_m.min()))
    low, band = low_m[close], 0.15 + 0.04 * range_m[close]
    tries = np.unique(np.round(low, 1))
    off = low[None, :] - tries[:, None]
    score = (np.abs(off) < band).sum(axis=1) - 2 * (off < -band).sum(axis=1)
    return float(tries[np.argmax(score)])
