"""The hand of a person: where a keyframe lands that was meant to be exact."""

from dataclasses import dataclass

import numpy as np

from perception_label.geometry.cuboids import Cuboids, wrap

LEAST_M = 0.05  # no edge is drawn shorter


@dataclass(frozen=True, slots=True)
class Noise:
    """How far a hand misses, standard deviations; zero is a perfect hand."""

    place_m: float = 0.05  # each axis of the centre, and each edge
    turn_rad: float = 0.017453292519943295  # one degree


class Hand:
    """Sets keyframes with noise, from a seeded generator."""

    def __init__(self, noise: Noise, seed: int = 0) -> None:
        self._noise = noise
        self._generator = np.random.default_rng(seed)

    def set(self, meant: Cuboids) -> Cuboids:
        """Return M cuboids as a hand would set them: centre, edges and heading are off a bit."""
        m = len(meant)
        off = self._generator.standard_normal((m, 7))
        if self._noise.place_m == 0 and self._noise.turn_rad == 0:
            return meant
        return Cuboids(
            meant.center_m + self._noise.place_m * off[:, :3],
            np.maximum(meant.size_m + self._noise.place_m * off[:, 3:6], LEAST_M),
            wrap(meant.yaw_rad + self._noise.turn_rad * off[:, 6]),
        )
