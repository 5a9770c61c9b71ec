"""The ground as a mesh: roads, kerbs, pavements, verges."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats
from perception_label.simulate.shapes.mesh import Material, Mesh, merge
from perception_label.simulate.town import KERB_M, SIDEWALK_M, Town

_CELL_M = 1.0


def ground_mesh(town: Town, center_m: Floats, radius_m: float) -> Mesh:
    """Return the ground within a square of 2 x `radius_m` around a world place (2,).

    The road lies on the hills; what is outside the kerbs lies `KERB_M` higher, and an upright
    face joins both. The kerb is where the signed distance to the road crosses zero, found along
    the edges of a grid of triangles (marching triangles), so it is straight where the street is.
    """
    low = np.floor((center_m - radius_m) / _CELL_M).astype(np.int64)
    n = int(np.ceil(2 * radius_m / _CELL_M)) + 1
    gx, gy = np.meshgrid(low[0] + np.arange(n), low[1] + np.arange(n), indexing="ij")
    xy = np.stack([gx, gy], axis=-1).reshape(-1, 2) * _CELL_M
    outside = town.outside_road_m(xy)
    z = town.height_m(xy) + _roughness(town.seed, gx.ravel(), gy.ravel(), outside)
    vertices = np.column_stack([xy, z])
    cell = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).reshape(-1)
    triangles = np.concatenate(
        [
            np.column_stack([cell, cell + n, cell + n + 1]),
            np.column_stack([cell, cell + n + 1, cell + 1]),
        ]
    )
    above = (outside > 0)[triangles]
    mixed = above.any(axis=1) & ~above.all(axis=1)
    verge = outside[triangles].mean(axis=1) > SIDEWALK_M
    kinds = np.where(verge, Material.GRASS, Material.PAVING)
    high, low_side = above.all(axis=1), ~above.any(axis=1)
    raised = vertices + np.array([0, 0, KERB_M])
    return merge(
        [
            _compact(vertices, triangles[low_side], Material.ASPHALT),
            _compact(raised, triangles[high], kinds[high]),
            _kerbs(vertices, triangles[mixed], outside),
        ]
    )


def _compact(vertices: Floats, triangles: NDArray[np.int64], material: object) -> Mesh:
    used, index = np.unique(triangles, return_inverse=True)
    kinds = np.broadcast_to(np.asarray(material, np.uint8), (len(triangles),))
    return Mesh.of(vertices[used], index.reshape(-1, 3), kinds)


def _kerbs(vertices: Floats, triangles: NDArray[np.int64], outside: Floats) -> Mesh:
    """Cut the triangles that the kerb crosses into a low part, a high part and a face."""
    above = outside[triangles] > 0
    # Turn each triangle so that its odd corner (alone on its side of the kerb) comes first.
    alone_above = above.sum(axis=1) == 1
    odd = np.argmax(above == alone_above[:, None], axis=1)
    order = (odd[:, None] + np.arange(3)) % 3
    corner = np.take_along_axis(triangles, order, axis=1)
    a, b, c = (vertices[corner[:, k]] for k in range(3))
    da, db, dc = (outside[corner[:, k]] for k in range(3))
    ab = a + (da / (da - db))[:, None] * (b - a)
    ac = a + (da / (da - dc))[:, None] * (c - a)
    up = np.array([0, 0, KERB_M])
    lift_odd = np.where(alone_above[:, None], up, 0 * up)
    lift_rest = up - lift_odd
    tip = np.stack([a + lift_odd, ab + lift_odd, ac + lift_odd], axis=1)
    rest = [
        np.stack([ab + lift_rest, b + lift_rest, c + lift_rest], axis=1),
        np.stack([ab + lift_rest, c + lift_rest, ac + lift_rest], axis=1),
    ]
    face = [np.stack([ab, ac, ac + up], axis=1), np.stack([ab, ac + up, ab + up], axis=1)]
    kind_odd = np.where(alone_above, Material.PAVING, Material.ASPHALT)
    kind_rest = np.where(alone_above, Material.ASPHALT, Material.PAVING)
    paving = np.full(len(face[0]), Material.PAVING)
    corners = np.concatenate([tip, *rest, *face])
    kinds = np.concatenate([kind_odd, kind_rest, kind_rest, paving, paving])
    return Mesh.of(corners.reshape(-1, 3), np.arange(3 * len(corners)), kinds)


def _roughness(
    seed: int, gx: NDArray[np.int64], gy: NDArray[np.int64], outside_m: Floats
) -> Floats:
    """Return bumps, metres: millimetres on the road, centimetres on the verge.

    A hash of the grid place, so that a place has the same bump in every mesh.
    """
    mixed = (gx * 73856093) ^ (gy * 19349663) ^ (seed * 83492791 + 1013904223)
    mixed = (mixed ^ (mixed >> 13)) * 1274126177
    unit = ((mixed ^ (mixed >> 16)) & 0xFFFF) / 65536.0 - 0.5
    size = np.where(outside_m > SIDEWALK_M, 0.04, np.where(outside_m > 0, 0.008, 0.005))
    return np.asarray(unit * size)
