"""Triangle meshes with a material per triangle, and the solids they are put together from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Pose


class Material(IntEnum):
    """What a surface is made of; `REFLECTIVITY` has the share of light it gives back."""

    ASPHALT = 0
    PAVING = 1
    GRASS = 2
    WALL = 3
    BODY = 4
    GLASS = 5
    RUBBER = 6
    METAL = 7
    CLOTH = 8
    LEAF = 9
    BARK = 10
    SIGN = 11
    PAINT = 12


REFLECTIVITY: Floats = np.array(
    [0.13, 0.25, 0.35, 0.38, 0.45, 0.15, 0.06, 0.35, 0.30, 0.38, 0.22, 2.0, 0.75]
)


@dataclass(frozen=True, slots=True)
class Mesh:
    """F triangles over V vertices.

    Attributes
    ----------
    vertices_m : (V, 3) float64
        In the object's frame (x ahead, z up, origin on the ground) or, once moved, the world's.
    triangles : (F, 3) int64
        Rows of `vertices_m`.
    materials : (F,) uint8
        `Material` of each triangle.
    """

    vertices_m: Floats
    triangles: NDArray[np.int64]
    materials: NDArray[np.uint8]

    @classmethod
    def of(cls, vertices_m: ArrayLike, triangles: ArrayLike, material: int | ArrayLike) -> Self:
        """Return a mesh; one material may stand for all triangles."""
        faces = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
        materials = np.array(np.broadcast_to(np.asarray(material, np.uint8), (len(faces),)))
        return cls(np.asarray(vertices_m, dtype=np.float64).reshape(-1, 3), faces, materials)

    def moved(self, a_from_b: Pose) -> Self:
        """Return the mesh in frame a, given in b."""
        vertices = self.vertices_m @ a_from_b[:3, :3].T + a_from_b[:3, 3]
        return type(self)(vertices, self.triangles, self.materials)

    def shifted(self, offset_m: ArrayLike) -> Self:
        """Return the mesh moved by `offset_m`, (3,)."""
        return type(self)(
            self.vertices_m + np.asarray(offset_m, np.float64), self.triangles, self.materials
        )


def merge(parts: Sequence[Mesh]) -> Mesh:
    """Return one mesh of all parts."""
    if not parts:
        return Mesh.of(np.empty((0, 3)), np.empty((0, 3)), 0)
    lengths = [len(part.vertices_m) for part in parts]
    starts = np.cumsum(lengths) - lengths
    return Mesh(
        np.concatenate([part.vertices_m for part in parts]),
        np.concatenate([p.triangles + start for p, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.materials for part in parts]),
    )


_BOX_FACES = np.array(
    [
        [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7]],
        [[0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5]],
        [[2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]],
    ]
)


def block(low_m: ArrayLike, high_m: ArrayLike, material: int) -> Mesh:
    """Return an upright box between two corners, each (3,)."""
    low, high = np.asarray(low_m, np.float64), np.asarray(high_m, np.float64)
    unit = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float64)
    unit = np.concatenate([unit, unit + np.array([0, 0, 1])])
    return Mesh.of(low + unit * (high - low), _BOX_FACES, material)


def loft(rings_m: Floats, materials: ArrayLike, *, closed: bool = True, caps: int = -1) -> Mesh:
    """Join K rings of P points into a skin.

    Parameters
    ----------
    rings_m : (K, P, 3) float64
        The rings, in order along the body.
    materials : int or (K - 1, P) of int
        Material of the panel between ring k and k + 1, from point p to p + 1.
    closed : bool
        Join the last point of a ring to its first.
    caps : int
        Material of the two ends, -1 to leave them open.
    """
    k, p = rings_m.shape[:2]
    panels = p if closed else p - 1
    at, along = np.meshgrid(np.arange(panels), np.arange(k - 1))
    a, b = along * p + at, along * p + (at + 1) % p
    quads = np.stack([a, b, b + p, a, b + p, a + p], axis=-1).reshape(-1, 3)
    kinds = np.broadcast_to(np.asarray(materials, np.uint8), (k - 1, p))[:, :panels]
    parts = [Mesh.of(rings_m.reshape(-1, 3), quads, np.repeat(kinds.reshape(-1), 2))]
    if caps >= 0:
        fan = np.stack([np.zeros(p - 2), np.arange(1, p - 1), np.arange(2, p)], axis=-1)
        parts += [Mesh.of(rings_m[end], fan, caps) for end in (0, -1)]
    return merge(parts)


def tube(
    points_m: ArrayLike, radii_m: ArrayLike, material: int, *, sides: int = 6, flat: float = 1.0
) -> Mesh:
    """Return a round bar through K points, (K, 3), with K radii; `flat` squeezes one axis."""
    points = np.asarray(points_m, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radii_m, dtype=np.float64), (len(points),))
    along = points[-1] - points[0]
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    side = np.cross(along, [1.0, 0, 0] if abs(along[0]) < 0.9 else [0, 1.0, 0])
    side /= np.linalg.norm(side)
    other = np.cross(along, side)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = np.cos(angle)[:, None] * side + flat * np.sin(angle)[:, None] * other
    return loft(points[:, None] + radii[:, None, None] * ring[None], material, caps=material)


def ball(center_m: ArrayLike, radii_m: ArrayLike, material: int, *, sides: int = 8) -> Mesh:
    """Return an ellipsoid with the given centre (3,) and half axes (3,) or one radius."""
    center = np.asarray(center_m, dtype=np.float64)
    half = np.broadcast_to(np.asarray(radii_m, dtype=np.float64), (3,))
    down = np.linspace(0.02, np.pi - 0.02, 6)
    turn = np.arange(sides) * (2 * np.pi / sides)
    rings = np.stack(
        [
            np.sin(down)[:, None] * np.cos(turn),
            np.sin(down)[:, None] * np.sin(turn),
            np.repeat(np.cos(down)[:, None], sides, axis=1),
        ],
        axis=-1,
    )
    return loft(center + rings * half, material, caps=material)


def wheel(center_m: ArrayLike, radius_m: float, width_m: float, *, sides: int = 12) -> Mesh:
    """Return a wheel whose axle runs along y."""
    center = np.asarray(center_m, dtype=np.float64)
    half = np.array([0, width_m / 2, 0])
    return tube(np.stack([center - half, center + half]), radius_m, Material.RUBBER, sides=sides)
