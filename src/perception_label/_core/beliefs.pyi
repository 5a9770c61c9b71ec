import numpy as np
from numpy.typing import NDArray

def advance(
    belief: NDArray[np.float32],
    taps_y: NDArray[np.float32],
    taps_x: NDArray[np.float32],
    likelihood: NDArray[np.float32],
    scratch: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
def fuse(
    likelihood: NDArray[np.float32],
    taps_y: NDArray[np.float32],
    taps_x: NDArray[np.float32],
    first: NDArray[np.float32],
    last: NDArray[np.float32],
    scratch: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
