import numpy as np
from numpy.typing import NDArray

def cluster_shape(
    xy_m: NDArray[np.float32],
    height_m: NDArray[np.float32],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None: ...
def closeness_yaw(
    xy_m: NDArray[np.float32],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    max_points: int,
    floor_m: float,
    out: NDArray[np.float64],
) -> None: ...
def extents(
    xy_m: NDArray[np.float32],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    owner: NDArray[np.int64],
    yaw_rad: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
def suggest(
    yaw_rad: NDArray[np.float64],
    rect_m: NDArray[np.float64],
    highest_m: NDArray[np.float64],
    templates: NDArray[np.float64],
    groups: NDArray[np.int64],
    row: NDArray[np.int64],
    template: NDArray[np.int64],
    footprint: NDArray[np.float64],
    seen_m: NDArray[np.float64],
) -> int: ...
def group_points(
    labels: NDArray[np.int32],
    start: NDArray[np.int64],
    order: NDArray[np.int64],
) -> None: ...
def average_near(
    cuboids: NDArray[np.float64],
    scores: NDArray[np.float64],
    kept: NDArray[np.int64],
    reach_m: float,
    size_m: float,
    turn_rad: float,
    least: float,
    out: NDArray[np.float64],
) -> None: ...
