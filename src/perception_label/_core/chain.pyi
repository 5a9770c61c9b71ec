import numpy as np
from numpy.typing import NDArray

def solve_chain(
    diagonal: NDArray[np.float64],
    beside: NDArray[np.float64],
    right: NDArray[np.float64],
    states: NDArray[np.float64],
    covariances: NDArray[np.float64],
) -> None: ...
