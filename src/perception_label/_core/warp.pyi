import numpy as np
from numpy.typing import NDArray

def linearise(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    margin: int,
    flow: NDArray[np.float32],
    light: NDArray[np.float64],
    mean: NDArray[np.float32],
    difference: NDArray[np.float32],
    seen: NDArray[np.float32],
) -> None: ...
