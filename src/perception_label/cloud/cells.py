"""Points sorted into cubic cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label._core import cells as core
from perception_label.arrays import Floats, Ints, Points
from perception_label.errors import SettingError

MOST_CELLS = 2**40  # along one axis: beyond it, double precision no longer tells cells apart


@dataclass(frozen=True, slots=True)
class Cells:
    """n usable points sorted by the cell they lie in; C cells that hold any.

    Attributes
    ----------
    points_m : (n, 3) float32
        The points, cell by cell.
    rows : (n,) int32
        Where each stood before; ascending within a cell.
    keys : (C,) uint64
        The cells, x in the high bits, then y, then z.
    starts : (C + 1,) int32
        Where each cell's points start; then n.
    shifts : (2,) int64
        Bits below x and below y in a key.
    """

    points_m: Points
    rows: NDArray[np.int32]
    keys: NDArray[np.uint64]
    starts: NDArray[np.int32]
    shifts: Ints


def sort_into_cells(points_m: Points, side_m: float, *, name: str, whole: bool = False) -> Cells:
    """Sort points by the cubic cell of `side_m` they lie in.

    Cells start at the lowest point or, if `whole`, at whole multiples of their side. A point
    that is not finite, or beyond 1e9 m, is left out. `name` is the setting an error speaks of.
    """
    keys, rows, bits = number_cells(points_m, side_m, name=name, whole=whole)
    n_usable = len(keys)
    shifts = np.array([bits[1] + bits[2], bits[2]], dtype=np.int64)
    spare_keys, spare_rows = np.empty_like(keys), np.empty_like(rows)
    if core.sort_keys(keys, rows, spare_keys, spare_rows, sum(bits)):
        keys, rows, spare_keys = spare_keys, spare_rows, keys
    points, starts = np.empty((n_usable, 3), dtype=np.float32), np.empty(n_usable + 1, np.int32)
    n_cells = core.lay_out(points_m, keys, rows, points, spare_keys, starts)
    return Cells(points, rows, spare_keys[:n_cells], starts[: n_cells + 1], shifts)


def number_cells(
    points_m: Points, side_m: float, *, name: str, whole: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int32], list[int]]:
    """Return the cell of each usable point as a key, its row, and the bits of each axis.

    Arguments and cells are those of `sort_into_cells`; no key is 0.
    """
    low, high = np.empty(3), np.empty(3)
    n_usable = core.bounds(points_m, low, high)
    if whole:
        low = np.floor(low / side_m) * side_m
    extents = (high - low) / side_m if n_usable else np.zeros(3)
    if extents.max() >= MOST_CELLS:
        raise SettingError(
            f"{name}: expected a larger one for points {(high - low).max():.3g} m apart, got "
            f"cells of {side_m:.3g} m"
        )
    keys, rows = np.empty(n_usable, dtype=np.uint64), np.empty(n_usable, dtype=np.int32)
    bits = [int(extent + 5).bit_length() for extent in extents]
    shifts = np.array([bits[1] + bits[2], bits[2]], dtype=np.int64)
    if sum(bits) <= 64:
        core.cell_keys(points_m, low, side_m, shifts, keys, rows)
    else:
        bits = _far_apart(points_m, low, side_m, keys, rows, name)
    return keys, rows, bits


def _far_apart(
    points_m: Points,
    low_m: Floats,
    side_m: float,
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    name: str,
) -> list[int]:
    """Write the keys of cells too far apart for 64 bits: empty stretches are shortened."""
    rows[:] = np.flatnonzero((np.abs(points_m) <= 1e9).all(axis=1))
    cells = ((points_m[rows] - low_m) / side_m).astype(np.int64)
    for axis in range(3):
        values, places = np.unique(cells[:, axis], return_inverse=True)
        # Three cells apart is as good as a million: neither are neighbours.
        steps = np.minimum(np.diff(values, prepend=values[0]), 3)
        cells[:, axis] = np.cumsum(steps)[places] + 2
    bits = [int(most + 3).bit_length() for most in cells.max(axis=0)]
    if sum(bits) > 64:
        raise SettingError(f"{name}: expected a larger one for {len(rows)} scattered points")
    shifts = np.array([bits[1] + bits[2], bits[2]], dtype=np.int64)
    packed = (cells[:, 0] << shifts[0]) | (cells[:, 1] << shifts[1]) | cells[:, 2]
    keys[:] = packed.astype(np.uint64)
    return bits
