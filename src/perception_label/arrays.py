"""Names for the arrays that cross module borders, and the checks they pass.

N counts points, M cuboids, S sweeps, T tracks, K keyframes. Lengths are metres, angles
radians, times integer nanoseconds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.errors import ShapeError

Points = NDArray[np.float32]  # (N, 3) x, y, z in metres
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ClusterIds = NDArray[np.int32]  # (N,) cluster of each point, -1 = none
Mask = NDArray[np.bool_]
Pose = NDArray[np.float64]  # (4, 4) rigid transform, named a_from_b


def as_points(points_m: NDArray[Any]) -> Points:
    """Return the points as (N, 3) C-contiguous float32, copying only if needed."""
    if points_m.ndim != 2 or points_m.shape[1] != 3:
        raise ShapeError(f"points_m: expected (N, 3), got {points_m.shape}")
    if points_m.dtype.kind not in "fiu":
        raise ShapeError(f"points_m: expected numbers, got dtype {points_m.dtype}")
    return np.ascontiguousarray(points_m, dtype=np.float32)


def as_timestamps(timestamps_ns: NDArray[Any], name: str = "timestamps_ns") -> Ints:
    """Return the times as (S,) C-contiguous int64; floats are refused, they lose nanoseconds."""
    times = np.asarray(timestamps_ns)
    if times.ndim != 1 or (times.size and times.dtype.kind not in "iu"):
        raise ShapeError(f"{name}: expected (S,) integers, got {times.shape} {times.dtype}")
    return np.ascontiguousarray(times, dtype=np.int64)
