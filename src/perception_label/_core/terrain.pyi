import numpy as np
from numpy.typing import NDArray

def plane_heights(
    cells: NDArray[np.int64],
    heights_m: NDArray[np.float32],
    xy_m: NDArray[np.float64],
    side_m: float,
    reach_m: float,
    upright: float,
    least: int,
    half: int,
    out: NDArray[np.float64],
) -> None: ...
def choose_points(
    points_m: NDArray[np.float32],
    height_m: NDArray[np.float32],
    lowest_m: float,
    highest_m: float,
    reach_m: float,
    is_ground: NDArray[np.uint8],
    rows: NDArray[np.int64],
) -> int: ...
