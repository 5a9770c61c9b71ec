"""What stands on each block of the town: parked cars, houses, gardens, trees, poles."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from perception_label.simulate.bodies import Body
from perception_label.simulate.paths import Node
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.town import KERB_M, SIDEWALK_M, Street, Town, stream


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that never moves.

    Attributes
    ----------
    body : Body
        What it is.
    x_m, y_m, z_m : float
        The ground under its middle, world frame.
    yaw_rad : float
        Where its x axis points.
    follows_slope : bool
        Wheels follow the slope of the ground, poles and houses do not.
    """

    body: Body
    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float
    follows_slope: bool = False


def things_of(town: Town, block: Node, settings: SceneSettings) -> list[Thing]:
    """Return what stands on block (i, j), between the crossings (i, j) and (i + 1, j + 1)."""
    random = stream(town.seed, 6, *block)
    kinds = ["houses", "city", "park", "car_park", "mixed"]
    kind = kinds[int(random.choice(5, p=[0.36, 0.24, 0.12, 0.10, 0.18]))]
    out: list[Thing] = []
    for direction in range(4):
        side = _Side(town, block, direction, random)
        if side.length_m < 30:
            continue
        _parked(side, settings.parked_share, out)
        _kerbside(side, out)
        if kind in ("park", "car_park"):
            _open_front(side, kind, out)
        else:
            _plots(side, kind, out)
    if kind in ("park", "car_park"):
        _inner(town, block, kind, random, out)
    return out


class _Side:
    """One side of a block: places along its kerb and inwards from it."""

    def __init__(self, town: Town, block: Node, direction: int, random: Generator) -> None:
        i, j = block
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        start, end = corners[direction], corners[(direction + 1) % 4]
        axis = 1 if direction % 2 == 0 else 0
        first = town.street(1 - axis, start[1 - axis])
        last = town.street(1 - axis, end[1 - axis])
        self.town, self.random = town, random
        self.street: Street = town.street(axis, start[axis])
        self._sign = 1.0 if direction in (0, 1) else -1.0
        self._low_m = first.at_m + self._sign * first.half_width_m
        self.length_m = abs(last.at_m - self._sign * last.half_width_m - self._low_m)

    def at(self, along_m: float, inwards_m: float) -> tuple[float, float, float]:
        """Return x, y and the heading along the side, the block to the left."""
        lateral = self._sign * (self.street.half_width_m + inwards_m)
        at = np.array([self._low_m + self._sign * along_m])
        x, y, heading = self.town.along(self.street, at, np.array([lateral]))[0].tolist()
        return x, y, heading if self._sign > 0 else heading + np.pi

    def put(
        self,
        body: Body,
        along_m: float,
        inwards_m: float,
        turn_rad: float = 0.0,
        *,
        follows_slope: bool = False,
    ) -> Thing:
        """Return a thing at a place of this side, on whatever ground is there."""
        x, y, heading = self.at(along_m, inwards_m)
        z = float(self.town.height_m(np.array([x, y]))) + (KERB_M if inwards_m > 0 else 0)
        return Thing(body, x, y, z, heading + turn_rad, follows_slope)


def _parked(side: _Side, share: float, out: list[Thing]) -> None:
    """Park cars along the kerb, nose to tail, with gaps; a few on two wheels."""
    if not side.street.has_parking:
        return
    random, at = side.random, 11.0
    busy = share * float(random.uniform(0.7, 1.3))
    while at < side.length_m - 12:
        if random.random() > busy:
            at += float(random.uniform(3.5, 7.5))
            continue
        style = ["car", "box_truck", "motorcycle", "bicycle", "trailer"]
        pick = style[int(random.choice(5, p=[0.93, 0.025, 0.02, 0.015, 0.01]))]
        body = Body.drawn(pick, random)
        length, width, _ = body.size_m
        at += length / 2
        inwards = -(width / 2 + float(random.uniform(0.12, 0.4)))
        # Traffic keeps right, so cars at this kerb point against the walk round the block.
        turn = (0.0 if random.random() < 0.07 else np.pi) + float(random.normal(0, 0.02))
        if pick in ("motorcycle", "bicycle"):
            turn += float(random.uniform(0.8, 1.4))
            inwards = -0.75
        out.append(side.put(body, at, inwards, turn, follows_slope=True))
        at += length / 2 + float(random.uniform(0.45, 1.6))


def _kerbside(side: _Side, out: list[Thing]) -> None:
    """Put lamps, trees, signs and small things between kerb and pavement, lights at the end."""
    random = side.random
    rows: list[tuple[str, tuple[float, float, float], float, float]] = []
    for at in np.arange(float(random.uniform(6, 14)), side.length_m - 5, 29.0):
        rows.append(("lamp", (1, 1, float(random.uniform(6.0, 8.0))), float(at), 0.45))
    if random.random() < 0.6:
        for at in np.arange(float(random.uniform(8, 14)), side.length_m - 8, 11.5):
            if random.random() < 0.8:
                tall = float(random.uniform(4.5, 9.5))
                rows.append(("tree", (3, 3, tall), float(at + random.normal(0, 0.6)), 0.7))
    for style, chance, size in (
        ("sign", 0.9, (0.6, 0.1, 2.6)),
        ("sign", 0.7, (0.6, 0.1, 2.3)),
        ("hydrant", 0.5, (0.3, 0.3, 0.8)),
        ("bench", 0.3, (1.8, 0.5, 0.9)),
        ("bin", 0.7, (0.6, 0.6, 1.0)),
        ("bin", 0.5, (0.6, 0.6, 1.0)),
    ):
        if random.random() < chance:
            rows.append((style, size, float(random.uniform(7, side.length_m - 7)), 0.55))
    for style, size, along, inwards in rows:
        body = Body(style, size, int(random.integers(1 << 31)))
        out.append(side.put(body, along, inwards, np.pi if style == "sign" else 0.0))
    out.append(side.put(Body("signal", (0.4, 0.4, 3.4)), side.length_m - 3.5, 0.7))
    if random.random() < 0.25:
        at = float(random.uniform(10, side.length_m - 14))
        for k in range(int(random.integers(2, 6))):
            body = Body.drawn("bicycle", random)
            out.append(side.put(body, at + 0.75 * k, 0.95, 1.57 + float(random.normal(0, 0.08))))


def _plots(side: _Side, kind: str, out: list[Thing]) -> None:
    """Line the pavement with plots: a house or block each, a garden or a drive before it."""
    random, at, edge = side.random, 13.0, SIDEWALK_M + 0.35
    while at < side.length_m - 22:
        wide = float(random.uniform(10, 20))
        wide = min(wide, side.length_m - 12 - at)
        city = kind == "city" or (kind == "mixed" and random.random() < 0.5)
        back = 0.3 if city and random.random() < 0.7 else float(random.uniform(2.5, 8.5))
        tall = float(random.uniform(8, 19) if city else random.uniform(3.2, 6.5))
        deep = float(random.uniform(8, 12))
        front = wide - (0.6 if city else float(random.uniform(1.5, 4)))
        body = Body("building", (front, deep, tall), int(random.integers(1 << 31)))
        out.append(side.put(body, at + wide / 2, edge + back + deep / 2))
        if back > 2.4:
            _garden(side, at, wide, edge, back, out)
        at += wide + (0.0 if random.random() < 0.6 else float(random.uniform(1, 5)))


def _garden(
    side: _Side, at: float, wide: float, edge: float, back: float, out: list[Thing]
) -> None:
    """Fill the strip between pavement and house."""
    random = side.random
    drive_m = 0.0
    if back > 5.8 and random.random() < 0.7:
        drive_m = 3.4
        body = Body.drawn("car", random)
        turn = float(random.choice([-1, 1])) * np.pi / 2 + float(random.normal(0, 0.05))
        inwards = edge + 0.3 + body.size_m[0] / 2
        if body.size_m[0] < back - 0.4:
            out.append(side.put(body, at + 1.9, inwards, turn, follows_slope=True))
    border = ["hedge", "fence", "wall", "none"][int(random.choice(4, p=[0.3, 0.25, 0.2, 0.25]))]
    long = wide - drive_m - 0.6
    if border != "none" and long > 2:
        tall = float(random.uniform(0.8, 1.7))
        body = Body(border, (long, 0.3, tall), int(random.integers(1 << 31)))
        out.append(side.put(body, at + drive_m + 0.3 + long / 2, edge + 0.2))
    for style, most in (("bush", 4), ("tree", 2)):
        for _ in range(int(random.integers(0, most))):
            radius, tall = float(random.uniform(0.8, 2.0)), float(random.uniform(0.7, 1.8))
            if style == "tree":
                tall = float(random.uniform(3, 7))
            body = Body(style, (radius, radius, tall), int(random.integers(1 << 31)))
            along = at + drive_m + float(random.uniform(0.8, max(1.0, wide - drive_m - 0.8)))
            out.append(side.put(body, along, edge + float(random.uniform(0.7, back - 0.5))))


def _open_front(side: _Side, kind: str, out: list[Thing]) -> None:
    """Border a park or a car park: hedges and fences with ways in."""
    random, at = side.random, 12.0
    while at < side.length_m - 20:
        long = float(random.uniform(5, 14))
        style = ["hedge", "fence", "none"][int(random.choice(3, p=[0.35, 0.25, 0.4]))]
        if style != "none":
            size = (long, 0.3, float(random.uniform(0.7, 1.3)))
            body = Body(style, size, int(random.integers(1 << 31)))
            out.append(side.put(body, at + long / 2, SIDEWALK_M + 0.6))
        at += long + float(random.uniform(0.5, 4))
    if kind == "park":
        for _ in range(int(random.integers(2, 6))):
            body = Body(
                "bush", (2, 2, float(random.uniform(0.6, 2))), int(random.integers(1 << 31))
            )
            along = float(random.uniform(14, side.length_m - 14))
            out.append(side.put(body, along, float(random.uniform(5, 9))))


def _inner(town: Town, block: Node, kind: str, random: Generator, out: list[Thing]) -> None:
    """Fill the middle of a park with trees, of a car park with rows of cars."""
    low = np.array([town.street(0, block[0]).at_m, town.street(1, block[1]).at_m])
    high = np.array([town.street(0, block[0] + 1).at_m, town.street(1, block[1] + 1).at_m])
    low, high = low + 22, high - 22
    if (high - low).min() < 14:
        return
    if kind == "park":
        for u, v in random.uniform(low, high, (24, 2)):
            tree = Body("tree", (4, 4, float(random.uniform(5, 12))), int(random.integers(1 << 31)))
            out.append(_on_lot(town, tree, u, v, float(random.uniform(0, 6))))
        return
    angle = float(random.choice([np.pi / 2, np.pi / 2, 1.05]))
    digger = random.random() < 0.3
    for row, v in enumerate(np.arange(low[1], high[1] - 5, 8.6)):
        for u in np.arange(low[0], high[0], 2.75 / np.sin(angle)):
            if random.random() < 0.3:
                continue
            turn = (angle if row % 2 else angle + np.pi) + float(random.normal(0, 0.03))
            out.append(_on_lot(town, Body.drawn("car", random), u, v, turn, wheels=True))
    if digger:
        x = float(random.uniform(low[0], high[0]))
        body = Body.drawn("excavator", random)
        out.append(
            _on_lot(town, body, x, float(low[1]) - 8, float(random.uniform(0, 6)), wheels=True)
        )


def _on_lot(
    town: Town, body: Body, u: float, v: float, yaw: float, *, wheels: bool = False
) -> Thing:
    xy = town.world(u, v)
    z = float(town.height_m(xy)) + KERB_M
    return Thing(body, float(xy[0]), float(xy[1]), z, yaw, wheels)
