"""What the sensor saw along a track: the solver's window on a log."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Points
from perception_label.propagation.motion import Motion


@dataclass(frozen=True, slots=True)
class Views:
    """S sweeps of a track's lifespan, in the world frame less an origin.

    Attributes
    ----------
    seconds : (S,) float64
        Times, ascending.
    points : callable
        Number of a sweep in the span → its (N, 3) points as in `cloud.evidence.Evidence`.
    ground : callable
        (P, 2) places, metres, and a reach, metres → (P,) heights of the ground, NaN where
        unknown.
    """

    seconds: Floats
    points: Callable[[int], Points]
    ground: Callable[[Floats, float], Floats]

    def __len__(self) -> int:
        return len(self.seconds)


@dataclass(frozen=True, slots=True)
class Keys:
    """K >= 1 instants of a track that a person labelled.

    `at` (K,) int64 numbers of their sweeps, ascending; `poses` (K, 4) x, y, z, yaw (unwrapped).
    """

    at: Ints
    poses: Floats

    def nearest(self, i: int) -> int:
        """Return which key is nearest to sweep i."""
        return int(np.argmin(np.abs(self.at - i)))

    def distance(self, i: int) -> int:
        """Return how many sweeps away the nearest key is."""
        return int(np.abs(self.at - i).min())

    def between(self, k: int, n_sweeps: int) -> tuple[range, range]:
        """Return the sweeps to follow from key k, forwards and backwards, to the next key's."""
        first = int(self.at[k - 1]) if k else 0
        last = int(self.at[k + 1]) if k + 1 < len(self.at) else n_sweeps - 1
        here = int(self.at[k])
        return range(here + 1, last + 1), range(here - 1, first - 1, -1)


@dataclass(frozen=True, slots=True)
class Subject:
    """One track to be solved: what was seen, what is known, how it moves.

    `size_m` (3,) is its length, width and height.
    """

    views: Views
    keys: Keys
    size_m: Floats
    motion: Motion
