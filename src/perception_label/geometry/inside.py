"""Points inside cuboids."""

from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import inside as core
from perception_label.arrays import ClusterIds, Floats, Ints, Mask, as_points
from perception_label.geometry.cuboids import Cuboids

# Rounding in the rotation must not push a point on a face outside.
FACE_M = 1e-9


@overload
def points_inside(
    points_m: ArrayLike, cuboids: Cuboids, *, mask: Literal[False] = False
) -> Ints: ...
@overload
def points_inside(points_m: ArrayLike, cuboids: Cuboids, *, mask: Literal[True]) -> Mask: ...
def points_inside(points_m: ArrayLike, cuboids: Cuboids, *, mask: bool = False) -> Ints | Mask:
    """Count the points inside each cuboid, or say which they are.

    Parameters
    ----------
    points_m : (N, 3) float32 or float64
        Points in the cuboids' coordinate frame; float64 keeps its digits (UTM coordinates).
    cuboids : Cuboids
        M cuboids; they may overlap.
    mask : bool
        Return membership instead of counts.

    Returns
    -------
    (M,) int64, or (M, N) bool with `mask`
        A point on a face (within 1e-9 m) is inside; a point or cuboid with a NaN is not.

    Raises
    ------
    ShapeError
        If the points are not (N, 3) numbers.

    Examples
    --------
    >>> box = Cuboids([[0, 0, 0]], [[4, 2, 1.5]], [0])
    >>> points_inside(np.array([[2.0, 1.0, 0.0], [3.0, 0.0, 0.0]]), box).tolist()
    [1]
    """
    points = _points(points_m)
    lookup = _Lookup.build(cuboids)
    if not mask:
        counts = np.zeros(len(cuboids), dtype=np.int64)
        core.count_inside(points, *lookup.arrays(), counts)
        return counts
    marks = np.zeros((len(cuboids), len(points)), dtype=np.uint8)
    core.mark_inside(points, *lookup.arrays(), marks)
    return marks.view(np.bool_)


def points_above_bottom(points_m: ArrayLike, cuboids: Cuboids, rise_m: float) -> Ints:
    """Count the points inside each cuboid, and those of them `rise_m` or more above its bottom.

    Returns (M, 2) int64. Points, borders and errors are those of `points_inside`.
    """
    counts = np.zeros((len(cuboids), 2), dtype=np.int64)
    points, lookup = _points(points_m), _Lookup.build(cuboids)
    core.count_raised(points, *lookup.arrays(), float(rise_m), counts)
    return counts


def assign_points(points_m: ArrayLike, cuboids: Cuboids) -> ClusterIds:
    """Return for each point the first cuboid that holds it, (N,) int32, -1 for none.

    Borders and errors are those of `points_inside`.
    """
    points = _points(points_m)
    out = np.full(len(points), -1, dtype=np.int32)
    core.assign_first(points, *_Lookup.build(cuboids).arrays(), out)
    return out


def _points(points_m: ArrayLike) -> NDArray[Any]:
    checked = as_points(points_m)
    given = np.asarray(points_m)
    if given.dtype != np.float64:
        return checked
    return np.ascontiguousarray(given)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A grid over the footprints; each cell lists the cuboids whose bounding square meets it."""

    boxes: Floats
    grid: Floats
    n_x: int
    starts: Ints
    items: NDArray[np.int32]

    def arrays(self) -> tuple[Floats, Floats, int, Ints, NDArray[np.int32]]:
        return self.boxes, self.grid, self.n_x, self.starts, self.items

    @classmethod
    def build(cls, cuboids: Cuboids) -> "_Lookup":
        """Choose a cell size, span the finite cuboids and list them per cell."""
        boxes = np.empty((len(cuboids), 8))
        boxes[:, :3] = cuboids.center_m
        boxes[:, 3] = np.cos(cuboids.yaw_rad)
        boxes[:, 4] = np.sin(cuboids.yaw_rad)
        boxes[:, 5:] = cuboids.size_m / 2 + FACE_M
        c, s = np.abs(boxes[:, 3]), np.abs(boxes[:, 4])
        reach = np.column_stack(
            [c * boxes[:, 5] + s * boxes[:, 6], s * boxes[:, 5] + c * boxes[:, 6]]
        )
        finite = np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 5:] > 0).all(axis=1))
        if not finite.any():
            return cls(boxes, np.zeros(3), 1, np.zeros(2, np.int64), np.zeros(0, np.int32))
        low = boxes[:, :2] - reach * (1 + 1e-12)
        high = boxes[:, :2] + reach * (1 + 1e-12)
        origin = low[finite].min(axis=0)
        span, n_x, n_y, cell_m = _cells(low - origin, high - origin, finite)
        starts = np.zeros(n_x * n_y + 1, dtype=np.int64)
        sides = span[:, 1::2] - span[:, ::2] + 1
        items = np.empty(int(np.prod(sides, axis=1).sum()), dtype=np.int32)
        core.fill_cells(span, n_x, starts, items)
        return cls(boxes, np.array([*origin, 1 / cell_m]), n_x, starts, items)


def _cells(low: Floats, high: Floats, finite: Mask) -> tuple[Ints, int, int, float]:
    """Return first and last column and row of each cuboid, the grid's size and its cell."""
    extent = high[finite].max(axis=0)
    cell_m = 1.0
    # Cells double until neither huge extents nor huge cuboids make the grid large.
    while True:
        n_x, n_y = (np.floor(extent / cell_m) + 1).tolist()
        scale = 1 / cell_m
        first, last = np.floor(low * scale), np.floor(high * scale)
        listed = np.prod(last[finite] - first[finite] + 1, axis=1).sum()
        if n_x * n_y <= 1 << 18 and listed <= 16 * len(low) + (1 << 16):
            break
        cell_m *= 2
    span = np.empty((len(low), 4), dtype=np.int64)
    span[~finite] = [0, -1, 0, -1]
    # The ends are widened by rounding at most, so clipping to the grid loses nothing.
    for axis, n in enumerate((n_x, n_y)):
        span[finite, 2 * axis] = np.clip(first[finite, axis], 0, n - 1)
        span[finite, 2 * axis + 1] = np.clip(last[finite, axis], 0, n - 1)
    return span, int(n_x), int(n_y), cell_m
