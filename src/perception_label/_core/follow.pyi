import numpy as np
from numpy.typing import NDArray

def follow(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    points: NDArray[np.float32],
    side: int,
    n_steps: int,
    enough: float,
    least_texture: float,
    places: NDArray[np.float32],
    texture: NDArray[np.float32],
) -> None: ...
