import numpy as np
from numpy.typing import NDArray

def describe(
    image: NDArray[np.uint8],
    x_px: float,
    y_px: float,
    step_px: float,
    samples: NDArray[np.float32],
    sums: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
def contrast(
    cells: NDArray[np.float32],
    height: int,
    width: int,
    sums: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None: ...
def likeness(
    cells: NDArray[np.float32],
    template: NDArray[np.float32],
    contrasts: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None: ...
