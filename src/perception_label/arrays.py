"""Names for the arrays that cross module borders, and the checks they pass.

N counts points, M cuboids, S sweeps, T tracks, K keyframes. Lengths are metres, angles
radians, times integer nanoseconds.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.errors import ShapeError

Points = NDArray[np.float32]  # (N, 3) x, y, z in metres
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ClusterIds = NDArray[np.int32]  # (N,) cluster of each point, -1 = none
Mask = NDArray[np.bool_]
Pose = NDArray[np.float64]  # (4, 4) rigid transform, named a_from_b


def as_points(points_m: ArrayLike) -> Points:
    """Return the points as (N, 3) C-contiguous float32, copying only if needed."""
    try:
        given = np.asarray(points_m)
    except ValueError:
        raise ShapeError("points_m: expected (N, 3), got rows of different lengths") from None
    if given.ndim != 2 or given.shape[1] != 3:
        raise ShapeError(f"points_m: expected (N, 3), got {given.shape}")
    if given.dtype.kind not in "fiu":
        raise ShapeError(f"points_m: expected numbers, got dtype {given.dtype}")
    return np.ascontiguousarray(given, dtype=np.float32)


def as_timestamps(timestamps_ns: ArrayLike, name: str = "timestamps_ns") -> Ints:
    """Return the times as (S,) C-contiguous int64; floats are refused, they lose nanoseconds."""
    times = np.asarray(timestamps_ns)
    if times.ndim != 1 or (times.size and times.dtype.kind not in "iu"):
        raise ShapeError(f"{name}: expected (S,) integers, got {times.shape} {times.dtype}")
    return np.ascontiguousarray(times, dtype=np.int64)
