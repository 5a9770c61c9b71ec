"""What a thing in the town looks like: a style, a size and its own random numbers."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.random import Generator

from perception_label.simulate.shapes import people, street, vehicles
from perception_label.simulate.shapes.mesh import Mesh
from perception_label.simulate.shapes.vehicles import Size

if TYPE_CHECKING:
    from collections.abc import Callable

TRAILER_M = 7.2

_CARS = ("sedan", "hatch", "suv", "pickup", "van")
# Style → class of our vocabulary; what is not here is never labelled.
CLASSES = {
    **dict.fromkeys(_CARS, "car"),
    "box_truck": "truck",
    "bus": "bus",
    "trailer": "trailer",
    "excavator": "construction_vehicle",
    "bicycle": "bicycle",
    "motorcycle": "motorcycle",
    "cyclist": "cyclist",
    "motorcyclist": "cyclist",
    "walker": "pedestrian",
    "stander": "pedestrian",
}


@dataclass(frozen=True, slots=True)
class Body:
    """A shape to be built when it is needed.

    Attributes
    ----------
    style : str
        `sedan`, `walker`, `tree`, …
    size_m : (float, float, float)
        Length, width, height of the upright box around it (all postures of a walker), metres.
    variant : int
        Seed of what makes it differ from others of its style and size.
    """

    style: str
    size_m: Size
    variant: int = 0

    @property
    def class_name(self) -> str:
        """The class it is labelled as, empty if it is not."""
        return CLASSES.get(self.style, "")

    @classmethod
    def drawn(cls, style: str, random: Generator) -> Self:
        """Draw a body; `car` draws one of the car styles."""
        variant = int(random.integers(1 << 31))
        if style == "car":
            return cls(*vehicles.random_car(random), variant)
        low, high = _RANGES[style]
        size = tuple(float(x) for x in random.uniform(low, high))
        if style in _MEASURED:
            # A few dozen people, each met more than once: their shapes are made once.
            height, variant = round(size[2] / 0.03) * 0.03, variant % 5
            return cls(style, _extent(style, height, variant), variant)
        return cls(style, (size[0], size[1], size[2]), variant)

    def meshes(self) -> list[Mesh]:
        """Build the shape in its own frame; a walker has one mesh per posture, others one."""
        if self.style in _CARS:
            return [vehicles.car(self.style, self.size_m)]
        if self.style in _VEHICLES:
            return [_VEHICLES[self.style](self.size_m)]
        if self.style in _MEASURED:
            return list(_postures(self.style, self.size_m[2], self.variant))
        return [_street(self.style, self.size_m, np.random.default_rng(self.variant))]


_VEHICLES = {
    "box_truck": vehicles.box_truck,
    "bus": vehicles.bus,
    "trailer": vehicles.trailer,
    "excavator": vehicles.excavator,
    "bicycle": vehicles.bicycle,
    "motorcycle": vehicles.motorcycle,
}
# Smallest and largest size of each style that is not a car.
_RANGES: dict[str, tuple[Size, Size]] = {
    "box_truck": ((6.2, 2.2, 2.8), (9.6, 2.5, 3.6)),
    "bus": ((10.4, 2.5, 2.95), (12.2, 2.55, 3.2)),
    "trailer": ((TRAILER_M, 2.4, 2.9), (TRAILER_M, 2.5, 3.4)),
    "excavator": ((6.2, 2.4, 2.8), (7.6, 2.7, 3.2)),
    "bicycle": ((1.6, 0.45, 0.98), (1.85, 0.62, 1.12)),
    "motorcycle": ((1.85, 0.7, 1.05), (2.2, 0.85, 1.2)),
    "cyclist": ((0, 0, 1.58), (0, 0, 1.85)),
    "motorcyclist": ((0, 0, 1.5), (0, 0, 1.7)),
    "walker": ((0, 0, 1.5), (0, 0, 1.92)),
    "stander": ((0, 0, 1.5), (0, 0, 1.92)),
}
_MEASURED = ("cyclist", "motorcyclist", "walker", "stander")


@lru_cache(maxsize=512)
def _postures(style: str, height_m: float, variant: int) -> tuple[Mesh, ...]:
    """Build what is measured rather than told its size, centred in its box."""
    random = np.random.default_rng(variant)
    girth = float(random.uniform(0.85, 1.25))
    if style == "cyclist":
        meshes = [people.cyclist((float(random.uniform(1.65, 1.85)), 0.58, height_m), 1.72)]
    elif style == "motorcyclist":
        meshes = [people.motorcyclist((float(random.uniform(1.9, 2.2)), 0.78, height_m), 1.75)]
    elif style == "stander":
        meshes = [people.pedestrian(height_m, girth, None)]
    else:
        meshes = [people.pedestrian(height_m, girth, k) for k in range(people.PHASES)]
    points = np.concatenate([mesh.vertices_m for mesh in meshes])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    rise = height_m / points[:, 2].max()
    out = []
    for mesh in meshes:
        vertices = (mesh.vertices_m - [middle[0], middle[1], 0]) * [1, 1, rise]
        out.append(Mesh(np.maximum(vertices, [-9, -9, 0.0]), mesh.triangles, mesh.materials))
    return tuple(out)


@lru_cache(maxsize=512)
def _extent(style: str, height_m: float, variant: int) -> Size:
    points = np.concatenate([m.vertices_m for m in _postures(style, height_m, variant)])
    length, width = 2 * np.abs(points[:, :2]).max(axis=0)
    return float(length), float(width), height_m


def _street(style: str, size_m: Size, random: Generator) -> Mesh:
    length, depth, height = size_m
    build: dict[str, Callable[[], Mesh]] = {
        "building": lambda: street.building(length, depth, height, random),
        "wall": lambda: street.wall(length, height),
        "fence": lambda: street.fence(length, height),
        "hedge": lambda: street.hedge(length, height, random),
        "tree": lambda: street.tree(height, random),
        "bush": lambda: street.bush(length / 2, height, random),
        "lamp": lambda: street.lamp(height),
        "sign": lambda: street.sign(height),
        "signal": street.signal,
        "hydrant": street.hydrant,
        "bench": street.bench,
        "bin": lambda: street.bin_(random),
    }
    return build[style]()
