import numpy as np
from numpy.typing import NDArray

def grow_each(
    points_m: NDArray[np.float32],
    ends: NDArray[np.int64],
    order: NDArray[np.int64],
    poses: NDArray[np.float64],
    half_m: NDArray[np.float64],
    apart_m: float,
    side_m: float,
    n_model: int,
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    apart2: NDArray[np.float32],
) -> int: ...
def align_each(
    points_m: NDArray[np.float32],
    ends: NDArray[np.int64],
    poses: NDArray[np.float64],
    spreads_m: NDArray[np.float64],
    starts: NDArray[np.int64],
    before: NDArray[np.float64],
    limits: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    measures: NDArray[np.float64],
    steps: NDArray[np.float64],
    half_m: NDArray[np.float64],
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    found: NDArray[np.float64],
    curved: NDArray[np.float64],
) -> None: ...
