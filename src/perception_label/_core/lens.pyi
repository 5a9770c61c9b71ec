from typing import Any

import numpy as np
from numpy.typing import NDArray

def project(
    points_m: NDArray[Any],
    camera_from_points: NDArray[np.float64],
    lens: NDArray[np.float64],
    near_m: float,
    beyond: bool,
    pixels: NDArray[np.float64],
    range_m: NDArray[np.float64],
    valid: NDArray[np.uint8],
) -> None: ...
def unproject(
    pixels: NDArray[np.float64],
    lens: NDArray[np.float64],
    rays: NDArray[np.float64],
    valid: NDArray[np.uint8],
) -> None: ...
