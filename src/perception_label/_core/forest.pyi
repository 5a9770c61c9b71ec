import numpy as np
from numpy.typing import NDArray

def predict(
    features: NDArray[np.float32],
    rows: NDArray[np.int64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    keep: NDArray[np.uint32],
    questions: NDArray[np.int32],
    value: NDArray[np.float32],
    leaves: NDArray[np.int32],
    base: float,
    block: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
