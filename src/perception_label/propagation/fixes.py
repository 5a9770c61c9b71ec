"""Measured poses of a track: one at most in each sweep, with how sure each is."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perception_label._core import drive
from perception_label.arrays import Floats, Ints, Mask

# A likeness of n points falls off as n; fitted to the errors against exact truth on simulated
# logs, where n points say less than n independent measurements would.
_WORTH = np.sqrt(np.array([0.12, 0.2, 0.2]))
_LEAST = np.array([3e-3, 3e-3, 3e-2])  # a flat likeness still is a pose found
_NOISE = np.array([0.07, 0.04, 0.02]) ** 2  # that no number of points takes away


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

    def or_else(self, other: Self) -> Self:
        """Return these, and the other ones where there is none of these."""
        found = self.found
        return type(self)(
            np.where(found[:, None], self.poses, other.poses),
            np.where(found[:, None, None], self.weights, other.weights),
        )

    def take(self, other: Self, rows: range) -> None:
        """Store the other's fixes of some sweeps."""
        self.poses[rows.start : rows.stop] = other.poses[rows.start : rows.stop]
        self.weights[rows.start : rows.stop] = other.weights[rows.start : rows.stop]

    def drop(self, rows: range) -> None:
        """Say nothing of some sweeps."""
        self.weights[rows.start : rows.stop] = 0.0

    def set(self, i: int, pose: Floats, spread: Floats) -> None:
        """Store one; spread (3, 3) is the covariance of x, y, yaw."""
        self.poses[i] = pose
        self.weights[i] = np.linalg.inv(spread)

    def set_aligned(
        self, rows: list[int] | Ints, poses: list[Floats] | Floats, curved: list[Floats] | Floats
    ) -> None:
        """Store aligned poses with the curvatures of their likeness (`Shape.curvature`).

        What the points do not hold, such as the way along a lorry's side, gets little weight.
        """
        if len(rows) == 0:
            return
        self.poses[rows] = poses
        self.weights[rows] = information(
            np.array(curved), np.ascontiguousarray(self.poses[rows, 3])
        )


def information(curved: Floats, yaw_rad: Floats) -> Floats:
    """Return the information (R, 3, 3) of aligned poses from the curvatures of their likeness."""
    out = np.empty_like(curved)
    drive.information(curved, yaw_rad, _WORTH, _LEAST, _NOISE, out)
    return out
