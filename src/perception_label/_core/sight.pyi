import numpy as np
from numpy.typing import NDArray

def cast(
    rays: NDArray[np.float64],
    first_ray: NDArray[np.int64],
    cuboids: NDArray[np.float64],
    first_rival: NDArray[np.int64],
    rivals: NDArray[np.int32],
    margin_m: float,
    entry_m: NDArray[np.float64],
    hider: NDArray[np.int32],
) -> None: ...
def sort_points(
    points_m: NDArray[np.float64],
    pixels: NDArray[np.float64],
    cuboids: NDArray[np.float64],
    boxes: NDArray[np.float64],
    spans: NDArray[np.int64],
    margin_m: float,
    margin_share: float,
    counts: NDArray[np.int32],
) -> None: ...
