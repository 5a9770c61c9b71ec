import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]

def describe(rgb: Bytes, scratch: NDArray[np.int32], out: Bytes) -> None: ...
def squared_distances(
    mask: Bytes, value: int, lines: Doubles, at: NDArray[np.int32], out: Doubles
) -> None: ...
def trace(
    y0: float,
    x0: float,
    matrix: Doubles,
    grid_y0: float,
    grid_x0: float,
    spacing: float,
    grid: Singles,
    out: Singles,
) -> None: ...
def sample(values: Singles, where: Singles, out: Singles) -> None: ...
def differ(here: Bytes, y0: int, x0: int, there: Bytes, where: Singles, out: Singles) -> None: ...
def vote(
    here: Bytes,
    y0: int,
    x0: int,
    active: Bytes,
    there: Bytes,
    label_y0: int,
    label_x0: int,
    labels: Bytes,
    where: Singles,
    offsets: Singles,
    likeness: Singles,
    out: Singles,
) -> None: ...
def cut(
    cost: Singles,
    edges: Singles,
    n_rounds: int,
    scratch: Singles,
    inside: Singles,
) -> None: ...
