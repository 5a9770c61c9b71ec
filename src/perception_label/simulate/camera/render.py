"""From surfaces to light: paint, shadows, haze, and smooth edges."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Mask
from perception_label.simulate.camera.light import Daylight
from perception_label.simulate.camera.paint import Painter
from perception_label.simulate.camera.surfaces import SKY, Bundle, Instant, Surfaces
from perception_label.simulate.camera.texture import Singles
from perception_label.simulate.plan import Plan
from perception_label.simulate.shapes.mesh import Material

_LIFT_M = 0.015  # shadow rays start this far off the surface, or it would shade itself
_BLOCK = 16384  # rays painted at a time: what they need stays in the processor's cache
_EDGE = 0.12  # share by which neighbours differ where more rays are spent
# Where the further rays of a pixel go, pixels right and down of its centre.
AROUND = ((-0.36, -0.12), (0.24, -0.36), (0.12, 0.36))


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
        sun = self._day.towards_sun
        start = (bundle.origin_m - instant.origin_m).astype(np.float32)
        solid = surfaces.owners != SKY
        distance = np.where(solid, surfaces.distance_m, np.float32(0))
        points = start + bundle.rays * distance[:, None]
        leaf = surfaces.materials == Material.LEAF
        lit = solid & ((surfaces.normals @ sun.astype(np.float32) > 0) | leaf)
        rows = np.flatnonzero(lit)
        lift = points[rows] + np.float32(_LIFT_M) * surfaces.normals[rows]
        lit[rows] = ~instant.in_shadow(bundle, rows, lift, sun)
        out = np.empty((len(bundle), 3), dtype=np.float32)
        for first in range(0, len(bundle), _BLOCK):
            part = slice(first, first + _BLOCK)
            self._shade(instant, bundle, surfaces, points, lit, pixel_rad, part, out)
        return out

    def _shade(
        self,
        instant: Instant,
        bundle: Bundle,
        surfaces: Surfaces,
        points: Singles,
        lit: Mask,
        pixel_rad: float,
        part: slice,
        out: Singles,
    ) -> None:
        """Write the light along some rays."""
        owners = surfaces.owners[part]
        sky, rows = np.flatnonzero(owners == SKY), np.flatnonzero(owners != SKY)
        rays = bundle.rays[part]
        if len(sky):
            out[part][sky] = self._day.sky(rays[sky])
        if len(rows) == 0:
            return
        normals, distance = surfaces.normals[part][rows], surfaces.distance_m[part][rows]
        owners, materials = owners[rows], surfaces.materials[part][rows]
        at, facing = instant.local(owners, points[part][rows], normals)
        cosine = -np.einsum("ni,ni->n", normals, rays[rows])
        # A slanted pixel covers a long strip: between its width and its length.
        footprint = distance * np.float32(pixel_rad) / np.sqrt(np.maximum(cosine, 0.02))
        albedo = self._painter.colours(materials, owners, at, facing, footprint)
        leaf = materials == Material.LEAF
        out[part][rows] = self._day.lit(albedo, normals, ~lit[part][rows], distance, leaf)


def edges(
    light: Singles, surfaces: Surfaces, shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels whose neighbour is another thing, or much brighter or darker.

    Those of the scenery at leaves come apart, second: there are very many.
    """
    tone = np.sqrt(light.sum(axis=1) / 3).reshape(shape)
    owner = surfaces.owners.reshape(shape)
    leaf = ((surfaces.materials == Material.LEAF) & (surfaces.owners > 0)).reshape(shape)
    found, near = np.zeros(shape, dtype=bool), leaf.copy()
    for a, b in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        differs = (np.abs(tone[a] - tone[b]) > _EDGE) | (owner[a] != owner[b])
        found[a] |= differs
        found[b] |= differs
        near[a] |= leaf[b]
        near[b] |= leaf[a]
    near &= (owner <= 0) | leaf
    return np.flatnonzero(found & ~near), np.flatnonzero(found & near)


def blurred(levels: Singles, rows: NDArray[np.int64]) -> Singles:
    """Return some pixels (K,) of a picture (H, W, 3) with half of their neighbours', (K, 3)."""
    height, width = levels.shape[:2]
    y, x = rows // width, rows % width
    up, down = np.maximum(y - 1, 0), np.minimum(y + 1, height - 1)
    left, right = np.maximum(x - 1, 0), np.minimum(x + 1, width - 1)
    out: Singles = levels[y, x] / 2
    for at in ((up, x), (down, x), (y, left), (y, right)):
        out += levels[at] / 8
    return out
