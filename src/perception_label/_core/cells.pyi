import numpy as np
from numpy.typing import NDArray

def bounds(
    points_m: NDArray[np.float32], low_m: NDArray[np.float64], high_m: NDArray[np.float64]
) -> int: ...
def cell_keys(
    points_m: NDArray[np.float32],
    low_m: NDArray[np.float64],
    side_m: float,
    shifts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
) -> None: ...
def keep_first(
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    table: NDArray[np.uint64],
    picked: NDArray[np.int64],
) -> int: ...
def sort_keys(
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    spare_keys: NDArray[np.uint64],
    spare_rows: NDArray[np.int32],
    n_bits: int,
) -> bool: ...
def lay_out(
    points_m: NDArray[np.float32],
    keys: NDArray[np.uint64],
    rows: NDArray[np.int32],
    sorted_m: NDArray[np.float32],
    cells: NDArray[np.uint64],
    starts: NDArray[np.int32],
) -> int: ...
def pick_central(
    sorted_m: NDArray[np.float32],
    rows: NDArray[np.int32],
    starts: NDArray[np.int32],
    picked: NDArray[np.int32],
) -> None: ...
