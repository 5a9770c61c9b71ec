import numpy as np
from numpy.typing import NDArray

def information(
    curved: NDArray[np.float64],
    yaw_rad: NDArray[np.float64],
    worth: NDArray[np.float64],
    least: NDArray[np.float64],
    noise: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
def after(
    state: NDArray[np.float64],
    spread: NDArray[np.float64],
    dt: float,
    rules: NDArray[np.float64],
    new_state: NDArray[np.float64],
    new_spread: NDArray[np.float64],
) -> None: ...
def seen(
    state: NDArray[np.float64],
    spread: NDArray[np.float64],
    pose: NDArray[np.float64],
    weight: NDArray[np.float64],
    top_mps: float,
) -> None: ...
