"""Upright cuboids, held as columns."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Pose
from perception_label.errors import ShapeError


def wrap(angle_rad: Floats) -> Floats:
    """Wrap angles to [-pi, pi)."""
    return np.asarray((np.asarray(angle_rad) + np.pi) % (2 * np.pi) - np.pi)


@dataclass(frozen=True, slots=True)
class Cuboids:
    """M upright cuboids in one coordinate frame.

    Anything array-like is accepted and stored as float64.

    Attributes
    ----------
    center_m : (M, 3) float64
        Centres (the middle of the box), metres.
    size_m : (M, 3) float64
        Length, width, height, metres.
    yaw_rad : (M,) float64
        Heading of the length axis about +z, radians, counter-clockwise from +x.

    Raises
    ------
    ShapeError
        If the shapes do not agree.
    """

    center_m: Floats
    size_m: Floats
    yaw_rad: Floats

    def __init__(self, center_m: ArrayLike, size_m: ArrayLike, yaw_rad: ArrayLike) -> None:
        try:
            center = np.ascontiguousarray(center_m, dtype=np.float64)
            size = np.ascontiguousarray(size_m, dtype=np.float64)
            yaw = np.ascontiguousarray(yaw_rad, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ShapeError(f"cuboids: expected columns of numbers, got: {error}") from None
        if yaw.ndim != 1 or center.shape != (len(yaw), 3) or size.shape != (len(yaw), 3):
            raise ShapeError(
                f"cuboids: expected (M, 3), (M, 3), (M,), got {center.shape}, {size.shape}, "
                f"{yaw.shape}"
            )
        object.__setattr__(self, "center_m", center)
        object.__setattr__(self, "size_m", size)
        object.__setattr__(self, "yaw_rad", yaw)

    def __len__(self) -> int:
        return len(self.yaw_rad)

    def __getitem__(self, rows: ArrayLike | slice) -> Self:
        """Return the chosen cuboids; `rows` is a mask, a slice or an array of indices."""
        index = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        return type(self)(self.center_m[index], self.size_m[index], self.yaw_rad[index])

    def packed(self) -> Floats:
        """Return one (M, 7) array: centre, size, yaw."""
        return np.column_stack([self.center_m, self.size_m, self.yaw_rad])

    @classmethod
    def unpack(cls, packed: Floats) -> Self:
        """Return the cuboids of an (M, 7) array: centre, size, yaw."""
        rows = np.asarray(packed, dtype=np.float64).reshape(-1, 7)
        return cls(rows[:, :3], rows[:, 3:6], rows[:, 6])

    def corners_m(self) -> Floats:
        """Return the (M, 8, 3) corners: bottom four counter-clockwise from front left, then top."""
        unit = np.array([[1, 1, -1], [-1, 1, -1], [-1, -1, -1], [1, -1, -1]], dtype=np.float64)
        unit = np.concatenate([unit, unit * [1, 1, -1]]) / 2
        local = unit[None] * self.size_m[:, None]
        c, s = np.cos(self.yaw_rad)[:, None], np.sin(self.yaw_rad)[:, None]
        x = c * local[..., 0] - s * local[..., 1]
        y = s * local[..., 0] + c * local[..., 1]
        return np.stack([x, y, local[..., 2]], axis=-1) + self.center_m[:, None]

    def moved(self, a_from_b: Pose) -> Self:
        """Return the cuboids in frame a, given in b; they stay upright, heading is projected.

        `a_from_b` is (4, 4), or (M, 4, 4) with one transform per cuboid.
        """
        poses = np.broadcast_to(np.asarray(a_from_b, dtype=np.float64), (len(self), 4, 4))
        center = np.einsum("mij,mj->mi", poses[:, :3, :3], self.center_m) + poses[:, :3, 3]
        ahead = np.column_stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad), np.zeros(len(self))])
        turned = np.einsum("mij,mj->mi", poses[:, :3, :3], ahead)
        return type(self)(center, self.size_m, np.arctan2(turned[:, 1], turned[:, 0]))

    def seen_from(self, a_from_b: Pose) -> Self:
        """Return the cuboids in frame b whose `moved(a_from_b)` are these, given in a.

        On a slope a heading that is projected there and back is another; formats that know a
        yaw alone hold the one from which readers that project it get the heading in a.
        `a_from_b` is (4, 4), or (M, 4, 4); b's z axis must not lie level in a.
        """
        poses = np.broadcast_to(np.asarray(a_from_b, dtype=np.float64), (len(self), 4, 4))
        center = np.einsum("mji,mj->mi", poses[:, :3, :3], self.center_m - poses[:, :3, 3])
        ahead = np.column_stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad)])
        level = np.linalg.solve(poses[:, :2, :2], ahead[..., None])[..., 0]
        return type(self)(center, self.size_m, np.arctan2(level[:, 1], level[:, 0]))


def concatenate(parts: list[Cuboids]) -> Cuboids:
    """Join cuboids of one coordinate frame; no parts give no cuboids."""
    if not parts:
        return Cuboids(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))
    return Cuboids.unpack(np.concatenate([part.packed() for part in parts]))
