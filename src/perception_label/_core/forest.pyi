import numpy as np
from numpy.typing import NDArray

def predict(
    features: NDArray[np.float32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    value: NDArray[np.float32],
    roots: NDArray[np.int32],
    depth: int,
    base: float,
    out: NDArray[np.float32],
) -> None: ...
