import numpy as np
from numpy.typing import NDArray

def smooth(
    mean: NDArray[np.float32],
    difference: NDArray[np.float32],
    seen: NDArray[np.float32],
    start: NDArray[np.float32],
    weights: NDArray[np.float64],
    n_sweeps: int,
    stiffness: NDArray[np.float32],
    planes: NDArray[np.float32],
    dealt: NDArray[np.float32],
    flow: NDArray[np.float32],
) -> None: ...
