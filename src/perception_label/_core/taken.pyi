import numpy as np
from numpy.typing import NDArray

def mark(
    points_m: NDArray[np.float32],
    pose: NDArray[np.float64],
    half_m: NDArray[np.float64],
    side_m: float,
    bit: int,
    scratch: NDArray[np.float32],
    cells: NDArray[np.uint8],
) -> None: ...
def free(
    points_m: NDArray[np.float32],
    half_m: NDArray[np.float64],
    side_m: float,
    least: int,
    cells: NDArray[np.uint8],
) -> int: ...
