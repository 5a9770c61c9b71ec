"""From surfaces to light: paint, shadows, haze, and smooth edges."""

import numpy as np
from numpy.typing import NDArray

from perception_label.simulate.camera.light import Daylight
from perception_label.simulate.camera.paint import Painter
from perception_label.simulate.camera.surfaces import SKY, Bundle, Instant, Surfaces
from perception_label.simulate.camera.texture import Singles
from perception_label.simulate.plan import Plan
from perception_label.simulate.shapes.mesh import Material

_LIFT_M = 0.015  # shadow rays start this far off the surface, or it would shade itself
_EDGE = 0.10  # share by which neighbours differ where more rays are spent
# Where the further rays of a pixel go, pixels right and down of its centre.
AROUND = ((-0.125, -0.375), (0.375, -0.125), (-0.375, 0.125), (0.125, 0.375))


class Renderer:
    """Paint and light of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._painter = Painter(plan)
        self._day = Daylight(plan.settings.seed)

    def light(
        self,
        instant: Instant,
        bundle: Bundle,
        surfaces: Surfaces,
        pixel_rad: float,
    ) -> Singles:
        """Return the light that comes along N rays, (N, 3) float32.

        `pixel_rad` is the angle that a pixel covers.
        """
        rays = bundle.rays
        out = np.empty((len(rays), 3), dtype=np.float32)
        sky = surfaces.owners == SKY
        out[sky] = self._day.sky(rays[sky])
        rows = np.flatnonzero(~sky)
        distance, normals = surfaces.distance_m[rows], surfaces.normals[rows]
        owners, materials = surfaces.owners[rows], surfaces.materials[rows]
        points = bundle.origin_m + rays[rows] * distance[:, None].astype(np.float64)
        at, facing = instant.local(owners, points, normals)
        cosine = -np.einsum("ni,ni->n", normals, rays[rows])
        # A slanted pixel covers a long strip: between its width and its length.
        footprint = distance * np.float32(pixel_rad) / np.sqrt(np.maximum(cosine, 0.02))
        albedo = self._painter.colours(materials, owners, at, facing, footprint)
        leaf = materials == Material.LEAF
        shadow = (normals @ self._day.towards_sun.astype(np.float32) <= 0) & ~leaf
        asked = np.flatnonzero(~shadow)
        start = points[asked] + _LIFT_M * normals[asked]
        shadow[asked] = instant.in_shadow(bundle, rows[asked], start, self._day.towards_sun)
        out[rows] = self._day.lit(albedo, normals, shadow, distance, leaf)
        return out


def edges(light: Singles, owners: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the pixels whose neighbour is another thing, or much brighter or darker."""
    tone = np.sqrt(light.sum(axis=1) / 3).reshape(shape)
    owner = owners.reshape(shape)
    found = np.zeros(shape, dtype=bool)
    for a, b in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        differs = (np.abs(tone[a] - tone[b]) > _EDGE) | (owner[a] != owner[b])
        found[a] |= differs
        found[b] |= differs
    return np.flatnonzero(found)
