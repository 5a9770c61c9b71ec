"""The whole system at once, dense."""

import numpy as np


def solve_chain(diagonal, beside, right, states, covariances):
    n, d = right.shape
    whole = np.zeros((n * d, n * d))
    for t in range(n):
        whole[t * d : (t + 1) * d, t * d : (t + 1) * d] = diagonal[t]
        if t + 1 < n:
            whole[t * d : (t + 1) * d, (t + 1) * d : (t + 2) * d] = beside[t]
            whole[(t + 1) * d : (t + 2) * d, t * d : (t + 1) * d] = beside[t].T
    inverse = np.linalg.inv(whole)
    states[:] = (inverse @ right.ravel()).reshape(n, d)
    for t in range(n):
        covariances[t] = inverse[t * d : (t + 1) * d, t * d : (t + 1) * d]
