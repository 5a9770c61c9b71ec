import numpy as np
from numpy.typing import NDArray

def crop(
    points_m: NDArray[np.float32],
    pose: NDArray[np.float64],
    half_m: NDArray[np.float64],
    out: NDArray[np.float32],
) -> int: ...
def grow(
    points_m: NDArray[np.float32],
    move: NDArray[np.float64],
    half_m: NDArray[np.float64],
    apart_m: float,
    side_m: float,
    n_model: int,
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    apart2: NDArray[np.float32],
) -> int: ...
def likeness(
    points_m: NDArray[np.float32],
    poses: NDArray[np.float64],
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    side_m: float,
    half_m: NDArray[np.float64],
    spread_m: float,
    strange: float,
    out: NDArray[np.float64],
) -> None: ...
def align(
    points_m: NDArray[np.float32],
    poses: NDArray[np.float64],
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    side_m: float,
    half_m: NDArray[np.float64],
    radius_m: NDArray[np.float64],
    same_m: float,
    spread_m: float,
    strange: float,
    out: NDArray[np.float64],
) -> None: ...
def curvature(
    points_m: NDArray[np.float32],
    pose: NDArray[np.float64],
    model_m: NDArray[np.float32],
    nearest: NDArray[np.int32],
    side_m: float,
    half_m: NDArray[np.float64],
    spread_m: float,
    steps: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
