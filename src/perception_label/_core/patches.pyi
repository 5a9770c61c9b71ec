import numpy as np
from numpy.typing import NDArray

def search(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    margin: int,
    stride: int,
    n_steps: int,
    n_passes: int,
    flow: NDArray[np.float32],
) -> None: ...
def spread(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    margin: int,
    stride: int,
    flow: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
