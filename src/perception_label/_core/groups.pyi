import numpy as np
from numpy.typing import NDArray

def sort_out_core(
    points_m: NDArray[np.float32],
    rows: NDArray[np.int32],
    cells: NDArray[np.uint64],
    starts: NDArray[np.int32],
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
    shifts: NDArray[np.int64],
    radius_m: float,
    min_points: int,
    stops: NDArray[np.int32],
) -> None: ...
def join_near(
    points_m: NDArray[np.float32],
    rows: NDArray[np.int32],
    cells: NDArray[np.uint64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
    shifts: NDArray[np.int64],
    radius_m: float,
    whole: NDArray[np.uint8],
    parents: NDArray[np.int32],
) -> None: ...
def name_joined(
    points_m: NDArray[np.float32],
    rows: NDArray[np.int32],
    cells: NDArray[np.uint64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
    shifts: NDArray[np.int64],
    radius_m: float,
    parents: NDArray[np.int32],
    names: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> int: ...
