"""Fewer points that still show everything."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label._core import cells as core
from perception_label.arrays import Ints, as_points
from perception_label.cloud.cells import number_cells, sort_into_cells
from perception_label.errors import SettingError

CHOICES = ("central", "first")


def thin(points_m: NDArray[Any], voxel_m: float, *, keep: str = "first") -> Ints:
    """Choose one point of each cube of space.

    Parameters
    ----------
    points_m : (N, 3) numbers
        Points in any coordinate frame, metres.
    voxel_m : float
        Side of the cubes, which lie at whole multiples of it: the choice in one cube does not
        depend on points elsewhere.
    keep : str
        `first`: the earliest point of the cube. `central`: the one nearest to the mean of the
        cube's points.

    Returns
    -------
    (M,) int64
        Which points to keep, ascending. Points that are not finite are not kept.

    Raises
    ------
    ShapeError
        If `points_m` is not (N, 3) numbers.
    SettingError
        If `voxel_m` is not positive or `keep` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> thin(np.array([[0.1, 0, 0], [0.3, 0, 0], [0.6, 0, 0]]), 0.5).tolist()
    [0, 2]
    """
    if not (np.isfinite(voxel_m) and voxel_m > 0):
        raise SettingError(f"voxel_m: expected a positive number of metres, got {voxel_m}")
    if keep not in CHOICES:
        raise SettingError(f"keep: expected one of {', '.join(CHOICES)}, got {keep!r}")
    points = as_points(points_m)
    if keep == "first":
        keys, rows, _ = number_cells(points, float(voxel_m), name="voxel_m", whole=True)
        # At most half full, so that a free place is near.
        table = np.zeros(1 << (2 * len(keys) + 1).bit_length(), dtype=np.uint64)
        first = np.empty(len(keys), dtype=np.int64)
        return first[: core.keep_first(keys, rows, table, first)].copy()
    cells = sort_into_cells(points, float(voxel_m), name="voxel_m", whole=True)
    picked = np.empty(len(cells.keys), dtype=np.int32)
    core.pick_central(cells.points_m, cells.rows, cells.starts, picked)
    return np.sort(picked).astype(np.int64)
