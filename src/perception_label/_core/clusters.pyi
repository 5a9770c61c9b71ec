import numpy as np
from numpy.typing import NDArray

def list_columns(
    cells: NDArray[np.uint64],
    shift: int,
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
) -> int: ...
def join_dense(
    points_m: NDArray[np.float32],
    cells: NDArray[np.uint64],
    starts: NDArray[np.int32],
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
    shifts: NDArray[np.int64],
    radius_m: float,
    min_points: int,
    parents: NDArray[np.int32],
    is_core: NDArray[np.uint8],
) -> None: ...
def name_clusters(
    points_m: NDArray[np.float32],
    cells: NDArray[np.uint64],
    rows: NDArray[np.int32],
    starts: NDArray[np.int32],
    columns: NDArray[np.uint64],
    firsts: NDArray[np.int32],
    shifts: NDArray[np.int64],
    radius_m: float,
    is_core: NDArray[np.uint8],
    parents: NDArray[np.int32],
    names: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> int: ...
def join_groups(
    rows: NDArray[np.int64],
    groups: NDArray[np.int32],
    first: NDArray[np.int32],
    parents: NDArray[np.int32],
) -> None: ...
def name_groups(
    parents: NDArray[np.int32],
    min_points: int,
    counts: NDArray[np.int32],
    labels: NDArray[np.int32],
) -> int: ...
