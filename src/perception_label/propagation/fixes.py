"""Measured poses of a track: one at most in each sweep, with how sure each is."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perception_label.arrays import Floats, Mask, Points
from perception_label.propagation.shape import Shape

# A likeness of n points falls off as n; fitted to the errors against exact truth on simulated
# logs, where n points say less than n independent measurements would.
_WORTH = np.sqrt(np.array([0.12, 0.2, 0.2]))
_LEAST = np.diag([3e-3, 3e-3, 3e-2])  # a flat likeness still is a pose found
_NOISE = np.diag(np.array([0.07, 0.04, 0.02]) ** 2)  # that no number of points takes away


@dataclass(frozen=True, slots=True)
class Fixes:
    """S measurements of x, y and yaw, world frame less an origin.

    Attributes
    ----------
    poses : (S, 4) float64
        x, y, z, yaw; where nothing was found, anything.
    weights : (S, 3, 3) float64
        Information (inverse covariance) of x, y, yaw; zero where nothing was found.
    """

    poses: Floats
    weights: Floats

    @classmethod
    def none(cls, n_sweeps: int) -> Self:
        """Return fixes that say nothing."""
        return cls(np.zeros((n_sweeps, 4)), np.zeros((n_sweeps, 3, 3)))

    @property
    def found(self) -> Mask:
        """Where there is a measurement, (S,)."""
        return self.weights[:, 2, 2] + self.weights[:, 0, 0] > 0

    def set(self, i: int, pose: Floats, covariance: Floats) -> None:
        """Store one; covariance (3, 3) ahead, sideways, turned in the object's own axes."""
        c, s = np.cos(pose[3]), np.sin(pose[3])
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        self.poses[i] = pose
        self.weights[i] = turn @ np.linalg.inv(covariance) @ turn.T


def aligned_covariance(shape: Shape, points_m: Points, pose: Floats) -> Floats:
    """Return the covariance (3, 3) of an aligned pose: ahead, sideways, turned.

    What the points do not hold, such as the way along a wall of a lorry, comes out large.
    """
    curved = shape.curvature(points_m, pose)
    values, vectors = np.linalg.eigh(curved * np.outer(_WORTH, _WORTH))
    information = (vectors * np.maximum(values, 0.0)) @ vectors.T + _LEAST
    return np.linalg.inv(information) + _NOISE
