import numpy as np
from numpy.typing import NDArray

def place_points(
    points_m: NDArray[np.float32],
    edges_m: NDArray[np.float64],
    ring_at: NDArray[np.int32],
    n_sectors: int,
    cells: NDArray[np.int32],
    starts: NDArray[np.int32],
) -> None: ...
def heights_by_cell(
    points_m: NDArray[np.float32],
    cells: NDArray[np.int32],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    heights_m: NDArray[np.float32],
) -> None: ...
def grow(
    heights_m: NDArray[np.float32],
    starts: NDArray[np.int32],
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
def ground_below(
    ground_m: NDArray[np.float64],
    edges_m: NDArray[np.float64],
    ring_at: NDArray[np.int32],
    points_m: NDArray[np.float32],
    out_m: NDArray[np.float32],
) -> None: ...
