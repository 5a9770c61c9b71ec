from typing import Any

import numpy as np
from numpy.typing import NDArray

def fill_cells(
    spans: NDArray[np.int64], n_x: int, starts: NDArray[np.int64], items: NDArray[np.int32]
) -> None: ...
def count_inside(
    points_m: NDArray[Any],
    boxes: NDArray[np.float64],
    grid: NDArray[np.float64],
    n_x: int,
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    out: NDArray[np.int64],
) -> None: ...
def count_raised(
    points_m: NDArray[Any],
    boxes: NDArray[np.float64],
    grid: NDArray[np.float64],
    n_x: int,
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    rise_m: float,
    out: NDArray[np.int64],
) -> None: ...
def mark_inside(
    points_m: NDArray[Any],
    boxes: NDArray[np.float64],
    grid: NDArray[np.float64],
    n_x: int,
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None: ...
def assign_first(
    points_m: NDArray[Any],
    boxes: NDArray[np.float64],
    grid: NDArray[np.float64],
    n_x: int,
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None: ...
