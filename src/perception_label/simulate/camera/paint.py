"""What colour each place of each surface has: patterns fixed to the thing, not to the picture."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from perception_label.simulate.bodies import Body
from perception_label.simulate.camera.texture import Noise, Singles, hashed
from perception_label.simulate.camera.vehicle_paint import body_work, glass, shop_wall, tyres
from perception_label.simulate.plan import Plan
from perception_label.simulate.shapes.mesh import Material
from perception_label.simulate.town import stream

if TYPE_CHECKING:
    from perception_label.arrays import Floats

_LINE_M = 0.6  # where a pixel covers more, no line can be made out
_LOOKS = 8  # random numbers per thing
_SHIRTS = np.array(
    [[0.55, 0.06, 0.05], [0.05, 0.10, 0.40], [0.70, 0.70, 0.68], [0.03, 0.03, 0.035],
     [0.60, 0.42, 0.05], [0.08, 0.28, 0.12], [0.35, 0.12, 0.35], [0.25, 0.38, 0.55]],
    dtype=np.float32,
)  # fmt: skip
_TROUSERS = np.array(
    [[0.03, 0.05, 0.12], [0.03, 0.03, 0.03], [0.25, 0.20, 0.13], [0.15, 0.16, 0.17]],
    dtype=np.float32,
)
_SKINS = np.array([[0.50, 0.30, 0.20], [0.36, 0.20, 0.12], [0.14, 0.07, 0.04]], dtype=np.float32)
_WALLS = np.array(
    [[0.42, 0.17, 0.11], [0.55, 0.45, 0.30], [0.62, 0.58, 0.50], [0.35, 0.30, 0.26],
     [0.50, 0.28, 0.16], [0.48, 0.50, 0.50], [0.60, 0.50, 0.22], [0.33, 0.40, 0.46]],
    dtype=np.float32,
)  # fmt: skip


class Places:
    """N places of surfaces of one material, and what is known of their owners.

    Parameters
    ----------
    told : Told
        Of all owners.
    at_m : (N, 3) float32
        In the owner's frame; for the ground in the world's.
    normals : (N, 3) float32
        In the owner's frame, towards the viewer.
    owners : (N,) int32
        Rows of what is told.
    grain : (N, 2) float32
        Noise at a fine and at a coarse scale, -1 to 1.
    footprint_m : (N,) float32
        How much of the surface a pixel covers, across.
    """

    def __init__(
        self,
        told: "Told",
        at_m: Singles,
        normals: Singles,
        owners: NDArray[np.int32],
        grain: Singles,
        footprint_m: Singles,
    ) -> None:
        self._told, self.owners = told, owners
        self.at_m, self.normals, self.grain, self.footprint_m = at_m, normals, grain, footprint_m

    @cached_property
    def looks(self) -> Singles:
        """The owners' own random numbers, 0 to 1, (N, 8)."""
        return self._told.looks[self.owners]

    @cached_property
    def size_m(self) -> Singles:
        """The owners' length, width and height, (N, 3)."""
        return self._told.size_m[self.owners]

    @cached_property
    def kinds(self) -> NDArray[np.int8]:
        """What the owners are: rows of `Painter.kinds`, (N,)."""
        return self._told.kinds[self.owners]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of each owner: random looks (n, 8), size (n, 3), kind (n,)."""

    looks: Singles
    size_m: Singles
    kinds: NDArray[np.int8]


class Painter:
    """Knows what every owner of a plan looks like."""

    kinds = ("scenery", "car", "lorry", "bus", "rider", "person", "building", "digger")

    def __init__(self, plan: Plan) -> None:
        self._town = plan.town
        bodies: list[Body | None] = [None, *plan.bodies, *(t.body for t in plan.scenery)]
        n = len(bodies)
        looks = stream(plan.settings.seed, 21).random((n, _LOOKS)).astype(np.float32)
        size = [(1.0, 1.0, 1.0) if body is None else body.size_m for body in bodies]
        kinds = np.array([_kind(body) for body in bodies], dtype=np.int8)
        self._told = Told(looks, np.array(size, dtype=np.float32), kinds)
        self._noise = Noise(plan.settings.seed, 0)

    def colours(
        self,
        materials: NDArray[np.uint8],
        owners: NDArray[np.int32],
        at_m: Singles,
        normals: Singles,
        footprint_m: Singles,
    ) -> Singles:
        """Return the share of red, green and blue light that N places give back, (N, 3)."""
        out = np.zeros((len(owners), 3), dtype=np.float32)
        grain = self._grain(owners, at_m, normals, footprint_m)
        for material in np.unique(materials):
            rows = np.flatnonzero(materials == material)
            places = Places(
                self._told, at_m[rows], normals[rows], owners[rows], grain[rows], footprint_m[rows]
            )
            paint = _PAINTS[Material(material)]
            out[rows] = np.maximum(paint(places), 0.003)
            if material == Material.ASPHALT:
                # Single precision: a line's border to a tenth of a millimetre.
                near = np.flatnonzero(places.footprint_m < _LINE_M)
                line = near[self._town.is_painted(cast("Floats", places.at_m[near, :2]))]
                worn = 0.62 + 0.16 * places.grain[line].sum(axis=1)
                out[rows[line]] = worn[:, None]
        return out

    def _grain(
        self, owners: NDArray[np.int32], at_m: Singles, normals: Singles, footprint_m: Singles
    ) -> Singles:
        """Return noise of two scales at N places, (N, 2), laid over the side that faces most."""
        side = np.argmax(np.abs(normals), axis=1)
        u = np.where(side == 0, at_m[:, 1], at_m[:, 0])
        v = np.where(side == 2, at_m[:, 1], at_m[:, 2])
        shift = self._told.looks[owners, 7] * 512
        fine = self._noise.at(u * 32 + shift, v * 32 + shift, footprint_m * 32)
        coarse = self._noise.at(u * 5 + shift, v * 5 - shift, footprint_m * 5)
        return np.stack([fine, coarse], axis=1)


def _kind(body: Body | None) -> int:
    style = "" if body is None else body.style
    kinds = {
        **dict.fromkeys(("sedan", "hatch", "suv", "pickup", "van"), "car"),
        **dict.fromkeys(("box_truck", "trailer"), "lorry"),
        **dict.fromkeys(("bicycle", "motorcycle", "cyclist", "motorcyclist"), "rider"),
        **dict.fromkeys(("walker", "stander"), "person"),
        "bus": "bus", "building": "building", "excavator": "digger",
    }  # fmt: skip
    return Painter.kinds.index(kinds.get(style, "scenery"))


def _grey(value: Singles) -> Singles:
    return np.repeat(value[:, None], 3, axis=1)


def _asphalt(p: Places) -> Singles:
    value = 0.115 + 0.028 * p.grain[:, 0] + 0.030 * p.grain[:, 1]
    # Tar joints and patches of another age.
    cell = hashed(np.floor(p.at_m[:, 0] / 7.3).astype(np.int32),
                  np.floor(p.at_m[:, 1] / 6.1).astype(np.int32))  # fmt: skip
    return _grey(value * (0.82 + 0.36 * cell)) * np.array([1.0, 1.0, 1.03], np.float32)


def _paving(p: Places) -> Singles:
    x, y = p.at_m[:, 0] / 0.6, p.at_m[:, 1] / 0.6
    slab = hashed(np.floor(x).astype(np.int32), np.floor(y).astype(np.int32))
    value = (0.26 + 0.09 * (slab - 0.5)) * (1 + 0.14 * p.grain[:, 0] + 0.16 * p.grain[:, 1])
    edge = np.minimum(np.abs(x - np.round(x)), np.abs(y - np.round(y))) * 0.6
    value = np.where(_near(edge, 0.012, p.footprint_m) > 0.5, 0.12, value)
    return _grey(value) * np.array([1.0, 0.97, 0.92], np.float32)


def _grass(p: Places) -> Singles:
    value = 1 + 0.42 * p.grain[:, :1] + 0.45 * p.grain[:, 1:]
    dry = np.clip(0.3 + 0.6 * p.grain[:, 1:], 0, 1)
    green = np.array([0.08, 0.155, 0.035], np.float32)
    return np.asarray(value * (green + dry * np.array([0.07, 0.035, 0.02], np.float32)))


def _wall(p: Places) -> Singles:
    lorry = p.kinds == Painter.kinds.index("lorry")
    out = _house(p)
    if lorry.any():
        out[lorry] = shop_wall(p)[lorry]
    return out


def _house(p: Places) -> Singles:
    """Return bricks or render, a band per storey, a plinth, a door, tiles on slopes."""
    base = _WALLS[(p.looks[:, 0] * len(_WALLS)).astype(np.int64)]
    along = np.where(np.abs(p.normals[:, 0]) > np.abs(p.normals[:, 1]), p.at_m[:, 1], p.at_m[:, 0])
    z = p.at_m[:, 2]
    row = np.floor(z / 0.15)
    brick = along / 0.5 + 0.5 * (row % 2)
    tone = hashed(np.floor(brick).astype(np.int32), row.astype(np.int32), p.owners)
    # Patterns finer than a pixel are left to the grain.
    sharp = np.clip(1.6 - p.footprint_m / 0.12, 0, 1) * (p.looks[:, 1] < 0.6)
    joint = (z / 0.15 - row < 0.12) | (brick - np.floor(brick) < 0.05)
    value = 1 + sharp * (0.5 * (tone - 0.5) + np.where(joint, 0.25, 0.0))
    value *= 1 + 0.10 * p.grain[:, 0] + 0.20 * p.grain[:, 1]
    value = np.where((z % 3.0) < 0.14, value * 1.35, value)
    value = np.where(z < 0.7, value * 0.55, value)
    door = np.abs(along - (p.looks[:, 2] - 0.5) * 0.6 * p.size_m[:, 0]) < 0.55
    value = np.where(door & (z < 2.15) & (p.normals[:, 1] < -0.5), 0.22, value)
    roof = p.normals[:, 2] > 0.3
    tiles = np.where(p.looks[:, 3:4] < 0.6, [[0.30, 0.10, 0.06]], [[0.13, 0.13, 0.14]])
    base = np.where(roof[:, None], tiles.astype(np.float32), base)
    value = np.where(roof, 0.85 + 0.3 * p.grain[:, 1] + 0.25 * ((p.at_m[:, 1] / 0.35) % 1), value)
    return base * value[:, None]


def _cloth(p: Places) -> Singles:
    height = p.at_m[:, 2] / np.maximum(p.size_m[:, 2], 0.1)
    looks = p.looks
    shirt = _SHIRTS[(looks[:, 0] * len(_SHIRTS)).astype(np.int64)]
    second = _SHIRTS[(looks[:, 1] * len(_SHIRTS)).astype(np.int64)]
    stripes = (looks[:, 2] < 0.35) & ((p.at_m[:, 2] / 0.09) % 1 < 0.5)
    badge = (looks[:, 2] > 0.7) & (np.abs(height - 0.70) < 0.05) & (np.abs(p.at_m[:, 1]) < 0.11)
    shirt = np.where((stripes | badge)[:, None], second, shirt)
    trousers = _TROUSERS[(looks[:, 3] * len(_TROUSERS)).astype(np.int64)]
    skin = _SKINS[(looks[:, 4] * len(_SKINS)).astype(np.int64)]
    hair = np.where(looks[:, 5:6] < 0.6, [[0.03, 0.02, 0.015]], [[0.30, 0.19, 0.08]])
    rider = p.kinds == Painter.kinds.index("rider")
    waist, neck = np.where(rider, 0.60, 0.51), np.where(rider, 0.86, 0.865)
    out = np.where((height < waist)[:, None], trousers, shirt)
    out = np.where((height > neck)[:, None], skin, out)
    scalp = (height > 0.95) | ((height > 0.90) & (p.at_m[:, 0] < 0.0))
    out = np.where(scalp[:, None], hair.astype(np.float32), out)
    return np.asarray(out * (1 + 0.16 * p.grain[:, :1] + 0.22 * p.grain[:, 1:]))


def _leaf(p: Places) -> Singles:
    green = np.array([0.075, 0.14, 0.03], np.float32)
    warm = np.array([0.10, 0.05, 0.01], np.float32) * p.looks[:, :1]
    return (green + warm) * (1 + 0.5 * p.grain[:, :1] + 0.4 * p.grain[:, 1:])


def _bark(p: Places) -> Singles:
    white = np.array([0.55, 0.53, 0.48], np.float32)
    brown = np.array([0.16, 0.11, 0.07], np.float32)
    base = np.where(p.looks[:, :1] < 0.25, white, brown)
    return base * (1 + 0.3 * p.grain[:, :1] + 0.2 * p.grain[:, 1:])


def _metal(p: Places) -> Singles:
    tint = np.where(p.kinds[:, None] == Painter.kinds.index("rider"), p.looks[:, 4:7] * 0.6, 0.22)
    value = (1 + 0.12 * p.grain[:, 0] + 0.1 * p.grain[:, 1])[:, None]
    out: Singles = (tint * value).astype(np.float32)
    # Lamps of a traffic light, on the faces that look back along the street.
    z = p.at_m[:, 2]
    lamps = (p.kinds == 0) & (p.normals[:, 0] < -0.7) & (np.abs(p.at_m[:, 1]) < 0.16)
    lamps &= (z > 2.4) & (z < 3.4) & (np.abs(p.size_m[:, 2] - 3.4) < 1e-3)
    for height, colour in (
        (3.2, (0.9, 0.05, 0.03)),
        (2.9, (0.25, 0.16, 0.0)),
        (2.6, (0.0, 0.2, 0.1)),
    ):
        spot = lamps & (np.hypot(z - height, p.at_m[:, 1]) < 0.11)
        out[spot] = colour
    return out


def _sign(p: Places) -> Singles:
    radius = np.hypot(p.at_m[:, 1], p.at_m[:, 2] - (p.size_m[:, 2] - 0.32))
    rim = np.array([[0.60, 0.03, 0.03], [0.03, 0.10, 0.45], [0.65, 0.45, 0.02]], np.float32)
    colour = rim[(p.looks[:, 0] * 3).astype(np.int64)]
    out = np.where((radius < 0.19)[:, None], np.float32(0.75), colour)
    bar = (np.abs(p.at_m[:, 2] - (p.size_m[:, 2] - 0.32)) < 0.05) & (radius < 0.15)
    out = np.where(bar[:, None], np.float32(0.04), out)
    out = np.where((p.normals[:, 0] > -0.5)[:, None], np.float32(0.3), out)
    return np.asarray(out * (1 + 0.08 * p.grain[:, 1:]))


def _paint(p: Places) -> Singles:
    return _grey(0.6 + 0.1 * p.grain[:, 0])


def _near(distance_m: Singles, half_m: float, footprint_m: Singles) -> Singles:
    """Return how much of a pixel a thin line fills, 0 to 1."""
    return np.clip((half_m + footprint_m / 2 - distance_m) / np.maximum(footprint_m, 1e-4), 0, 1)


_PAINTS: dict[Material, Callable[[Places], Singles]] = {
    Material.ASPHALT: _asphalt,
    Material.PAVING: _paving,
    Material.GRASS: _grass,
    Material.WALL: _wall,
    Material.BODY: body_work,
    Material.GLASS: glass,
    Material.RUBBER: tyres,
    Material.METAL: _metal,
    Material.CLOTH: _cloth,
    Material.LEAF: _leaf,
    Material.BARK: _bark,
    Material.SIGN: _sign,
    Material.PAINT: _paint,
}
