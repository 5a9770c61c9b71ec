"""What a sweep says of objects: its points above the ground, and where the ground is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label._core import terrain
from perception_label.arrays import Floats, Ints, Points, Pose
from perception_label.cloud.ground import split_ground
from perception_label.cloud.thin import thin

APART_M = 0.05  # points closer than this say the same of an object
CELL_M = 0.5  # side of the ground's cells; a car covers about 40 of them
GROUND_REACH_M = 80.0  # farther ground is too thin to be told from kerbs and bodies
GRAIN_M = 1e-3  # points are kept to whole millimetres, so that they sort as integers

_HALF = 1 << 30  # cells are numbered from here, so that numbers stay positive
_LEAST_CELLS = 6  # a plane through fewer says little
_UPRIGHT = 2.0  # cells' worth of belief that the ground is level, against a lopsided few


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one sweep says, in the world frame less an origin.

    Attributes
    ----------
    points_m : (N, 3) float32
        Points above ground, thinned, sorted by whole metres of y, then by x: what
        `_core.register.crop` searches.
    cells : (C,) int64
        Numbers of ground cells, ascending.
    heights_m : (C,) float64
        Mean height of the ground points in each.
    """

    points_m: Points
    cells: Ints
    heights_m: Floats


def sweep_evidence(level_points_m: Points, world_from_level: Pose, origin_m: Floats) -> Evidence:
    """Split a sweep into points above ground and cells of ground.

    Parameters
    ----------
    level_points_m : (N, 3) float32
        The sweep at the sensor, upright (z up), metres.
    world_from_level : (4, 4) float64
        Its pose.
    origin_m : (3,) float64
        Taken off world coordinates, so that single precision is enough.
    """
    is_ground = split_ground(level_points_m)
    rows = np.flatnonzero(~is_ground)
    rows = rows[thin(level_points_m[rows], APART_M)]
    move = world_from_level[:3, 3] - origin_m
    turn = world_from_level[:3, :3].T
    above = level_points_m[rows].astype(np.float64) @ turn + move
    ground = level_points_m[is_ground]
    ground = ground[np.hypot(ground[:, 0], ground[:, 1]) < GROUND_REACH_M]
    return Evidence(_in_rows(above), *_ground_cells(ground.astype(np.float64) @ turn + move))


def _in_rows(points_m: Floats) -> Points:
    """Return points as whole millimetres in single precision, sorted by row of y, then x."""
    if len(points_m) == 0:
        return np.empty((0, 3), dtype=np.float32)
    grains = np.rint(points_m / GRAIN_M)
    rounded = np.ascontiguousarray(grains * GRAIN_M, dtype=np.float32)
    row = np.floor(rounded[:, 1]).astype(np.int64)
    along = grains[:, 0].astype(np.int64)
    key = (row - row.min()) * (np.ptp(along) + 1) + along - along.min()
    return rounded[np.argsort(key, kind="stable")]


def _ground_cells(points_m: Floats) -> tuple[Ints, Floats]:
    key = cell_numbers(np.floor(points_m[:, :2] / CELL_M).astype(np.int64))
    cells, place = np.unique(key, return_inverse=True)
    total = np.bincount(place, weights=points_m[:, 2], minlength=len(cells))
    return cells, total / np.maximum(np.bincount(place, minlength=len(cells)), 1)


def cell_numbers(cells: Ints) -> Ints:
    """Return one number per ground cell; cells (C, 2) whole cells of x and y."""
    return (cells[:, 0] + _HALF) * (1 << 32) + cells[:, 1] + _HALF


@dataclass(frozen=True, slots=True)
class GroundMap:
    """The ground of a whole log, from all sweeps: the median of what they say in each cell.

    `cells` (C,) ascending numbers, `heights_m` (C,) metres above the origin.
    """

    cells: Ints
    heights_m: NDArray[np.float32]

    @classmethod
    def of(cls, parts: list[Evidence]) -> "GroundMap":
        """Return the map of several sweeps."""
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0, np.float32))
        cells = np.concatenate([p.cells for p in parts])
        heights = np.concatenate([p.heights_m for p in parts])
        order = np.lexsort((heights, cells))
        unique, start, count = np.unique(cells[order], return_index=True, return_counts=True)
        return cls(unique, heights[order][start + count // 2].astype(np.float32))

    def heights_at(self, xy_m: Floats, reach_m: float) -> Floats:
        """Return the height of the ground at places, (P,) metres; NaN where nothing is known.

        A plane is fitted to the cells in a square of `reach_m` around each place, leaning to
        level where there are few. xy_m (P, 2), metres from the origin.
        """
        out = np.empty(len(xy_m))
        terrain.plane_heights(
            self.cells, self.heights_m, np.ascontiguousarray(xy_m), CELL_M, reach_m, _UPRIGHT,
            _LEAST_CELLS, _HALF, out,
        )  # fmt: skip
        return out
