"""Compile the Numba kernels into their cache once, so that no command or test worker waits."""

import numpy as np

import perception_label as pl

TIMES_NS = np.arange(4) * 100_000_000


def main() -> None:
    """Call every function that a Numba kernel is behind, as users call it."""
    path = pl.Cuboids(np.arange(12.0).reshape(4, 3), np.ones((4, 3)), np.zeros(4))
    pl.track_cuboids(path, TIMES_NS, scores=np.ones(4), class_names=np.full(4, "car"))
    for method in ("linear", "makima", "motion"):
        pl.interpolate(path, TIMES_NS, TIMES_NS, method=method)


if __name__ == "__main__":
    main()
