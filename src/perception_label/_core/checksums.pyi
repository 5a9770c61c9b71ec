import numpy as np
from numpy.typing import NDArray

def crc32c(data: NDArray[np.uint8] | bytes, before: int) -> int: ...
