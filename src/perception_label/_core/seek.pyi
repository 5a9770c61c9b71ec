import numpy as np
from numpy.typing import NDArray

def starts(
    points_m: NDArray[np.float32],
    reach_m: NDArray[np.float64],
    turned: NDArray[np.float64],
    weight: NDArray[np.float64],
    price: NDArray[np.float64],
    search: NDArray[np.float64],
    half_m: NDArray[np.float64],
    side_m: float,
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    out: NDArray[np.float64],
) -> None: ...
def find(
    points_m: NDArray[np.float32],
    begun: NDArray[np.float64],
    weight: NDArray[np.float64],
    price: NDArray[np.float64],
    limits: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    measures: NDArray[np.float64],
    steps: NDArray[np.float64],
    half_m: NDArray[np.float64],
    own_m: NDArray[np.float64],
    n_model: int,
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    apart2: NDArray[np.float32],
    pose: NDArray[np.float64],
    curved: NDArray[np.float64],
) -> int: ...
