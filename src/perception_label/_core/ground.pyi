import numpy as np
from numpy.typing import NDArray

def place_points(
    points_m: NDArray[np.float32],
    edges_m: NDArray[np.float32],
    ring_at: NDArray[np.int32],
    places: NDArray[np.float32],
    counts: NDArray[np.int32],
) -> None: ...
def heights_by_cell(
    points_m: NDArray[np.float32],
    places: NDArray[np.float32],
    ends: NDArray[np.int32],
    heights_m: NDArray[np.float32],
) -> None: ...
def second_lowest(
    heights_m: NDArray[np.float32], ends: NDArray[np.int32], low_m: NDArray[np.float64]
) -> None: ...
def grow(
    heights_m: NDArray[np.float32],
    ends: NDArray[np.int32],
    edges_m: NDArray[np.float64],
    seed: NDArray[np.float64],
    seed_radius_m: float,
    step_m: float,
    slope: float,
    ground_m: NDArray[np.float64],
    rise: NDArray[np.float64],
    gap_m: NDArray[np.float64],
    support: NDArray[np.float64],
) -> None: ...
def relax(support: NDArray[np.float64], n_rounds: int, ground_m: NDArray[np.float64]) -> None: ...
def height_above(
    ground_m: NDArray[np.float64],
    support: NDArray[np.float64],
    points_m: NDArray[np.float32],
    places: NDArray[np.float32],
    out_m: NDArray[np.float32],
) -> None: ...
def count_offsets(
    height_m: NDArray[np.float32], places: NDArray[np.float32], counts: NDArray[np.int32]
) -> None: ...
def choose_ground(
    height_m: NDArray[np.float32],
    places: NDArray[np.float32],
    tolerance_m: NDArray[np.float64],
    depth_m: float,
    share: float,
    counts: NDArray[np.int32],
    is_ground: NDArray[np.uint8],
) -> None: ...
