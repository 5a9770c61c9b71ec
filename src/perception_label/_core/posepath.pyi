import numpy as np
from numpy.typing import NDArray

def interpolate_poses(
    times_ns: NDArray[np.int64],
    poses: NDArray[np.float64],
    quaternions: NDArray[np.float64],
    at_ns: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None: ...
