import numpy as np
from numpy.typing import NDArray

def linearise(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    margin: int,
    flow: NDArray[np.float32],
    mean: NDArray[np.float32],
    difference: NDArray[np.float32],
    seen: NDArray[np.float32],
) -> None: ...
def weigh(
    mean: NDArray[np.float32],
    difference: NDArray[np.float32],
    seen: NDArray[np.float32],
    start: NDArray[np.float32],
    flow: NDArray[np.float32],
    alpha: float,
    delta: float,
    gamma: float,
    scratch: NDArray[np.float32],
    planes: NDArray[np.float32],
) -> None: ...
def relax(
    planes: NDArray[np.float32], omega: float, n_sweeps: int, dealt: NDArray[np.float32]
) -> None: ...
def deal(flow: NDArray[np.float32], dealt: NDArray[np.float32]) -> None: ...
def gather(dealt: NDArray[np.float32], flow: NDArray[np.float32]) -> None: ...
def enlarge(
    flow: NDArray[np.float32], scratch: NDArray[np.float32], out: NDArray[np.float32]
) -> None: ...
def enlarge_joined(
    flow: NDArray[np.float32], scratch: NDArray[np.float32], out: NDArray[np.float32]
) -> None: ...
