import numpy as np
from numpy.typing import NDArray

def overlap_matrix(
    a: NDArray[np.float64], b: NDArray[np.float64], measure: int, out: NDArray[np.float64]
) -> None: ...
def overlap_pairs(
    a: NDArray[np.float64], b: NDArray[np.float64], measure: int, out: NDArray[np.float64]
) -> None: ...
def suppress(
    a: NDArray[np.float64],
    order: NDArray[np.int64],
    max_overlap: float,
    measure: int,
    kept: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None: ...
