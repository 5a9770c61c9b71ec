import numpy as np
from numpy.typing import NDArray

def fill_raster(
    points_m: NDArray[np.float32],
    height_m: NDArray[np.float32],
    is_ground: NDArray[np.uint8],
    half_m: float,
    cell_m: float,
    hit: NDArray[np.uint8],
) -> None: ...
def first_returns(
    points_m: NDArray[np.float32],
    height_m: NDArray[np.float32],
    is_ground: NDArray[np.uint8],
    out: NDArray[np.float32],
) -> None: ...
def describe(
    xy_m: NDArray[np.float32],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    shape: NDArray[np.float32],
    owner: NDArray[np.int64],
    cuboids: NDArray[np.float64],
    seen_m: NDArray[np.float64],
    template: NDArray[np.int64],
    max_points: int,
    hit: NDArray[np.uint8],
    half_m: float,
    cell_m: float,
    first: NDArray[np.float32],
    ray: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None: ...
