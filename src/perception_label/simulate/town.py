"""The town plan: a bent grid of streets over rolling ground, as formulas without an end.

Streets are the lines u = u_i and v = v_j of a plane (u, v) that a smooth map bends into the
world: x = u + f(v), y = v + g(u). So streets curve and cross at slanted angles, any place of the
plan can be asked for on its own, and a log can be of any length.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Mask
from perception_label.simulate.settings import SceneSettings

KERB_M = 0.14
SIDEWALK_M = 2.8
LANE_M = 3.3
PARKING_M = 2.3
_CORNER_M = 5.0  # rounding of the kerbs where streets meet


def stream(seed: int, *key: int) -> Generator:
    """Return the random numbers of one place or purpose: the same whenever they are asked for."""
    return np.random.default_rng(np.random.SeedSequence([seed, *(k + (1 << 20) for k in key)]))


@dataclass(frozen=True, slots=True)
class Street:
    """One line of the grid.

    Attributes
    ----------
    axis : int
        0: u is constant (the street runs along v); 1: v is constant.
    index : int
        Which line.
    at_m : float
        The constant.
    lanes : int
        Lanes per direction.
    has_parking : bool
        Whether the outermost strip on both sides is for parking.
    """

    axis: int
    index: int
    at_m: float
    lanes: int
    has_parking: bool

    @property
    def half_width_m(self) -> float:
        """From the middle to the kerb, metres."""
        return self.lanes * LANE_M + (PARKING_M if self.has_parking else 0.5)


class Town:
    """The plan of one seed."""

    def __init__(self, settings: SceneSettings) -> None:
        random = stream(settings.seed, 1)
        self.seed = settings.seed
        self._streets: dict[tuple[int, int], Street] = {}
        self._spacing_m = random.uniform([75, 85], [105, 120])
        self._bend_m = random.uniform(3, 15, 2)
        self._bend_wave = 2 * np.pi / random.uniform(220, 380, 2)
        self._bend_phase = random.uniform(0, 2 * np.pi, 2)
        angle = random.uniform(0, 2 * np.pi, 4)
        wave = 2 * np.pi / np.array([420.0, 300.0, 210.0, 120.0])
        self._hill_wave = np.column_stack([np.cos(angle), np.sin(angle)]) * wave[:, None]
        self._hill_phase = random.uniform(0, 2 * np.pi, 4)
        self._hill_m = settings.hill_height_m * np.array([1.0, 0.6, 0.3, 0.1])

    def street(self, axis: int, index: int) -> Street:
        """Return one line of the grid."""
        if (axis, index) not in self._streets:
            self._streets[axis, index] = self._draw_street(axis, index)
        return self._streets[axis, index]

    def _draw_street(self, axis: int, index: int) -> Street:
        random = stream(self.seed, 2, axis, index)
        jitter = float(random.uniform(-0.15, 0.15)) * self._spacing_m[axis]
        wide = bool(random.random() < 0.25)
        return Street(
            axis=axis,
            index=index,
            at_m=float(index * self._spacing_m[axis] + jitter),
            lanes=2 if wide else 1,
            has_parking=bool(random.random() < 0.93),
        )

    def streets_near(self, axis: int, low_m: float, high_m: float) -> list[Street]:
        """Return the streets of one axis whose constant may lie between two values."""
        step = self._spacing_m[axis]
        first, last = int(np.floor(low_m / step)) - 1, int(np.ceil(high_m / step)) + 1
        return [self.street(axis, index) for index in range(first, last + 1)]

    def crossing_near(self, plan_m: Floats) -> tuple[int, int]:
        """Return the crossing nearest to a place (2,) of the plan, roughly."""
        u, v = np.rint(plan_m / self._spacing_m).astype(int).tolist()
        return u, v

    def world(self, u_m: ArrayLike, v_m: ArrayLike) -> Floats:
        """Return (…, 2) world x and y of places of the plan."""
        u, v = np.asarray(u_m, np.float64), np.asarray(v_m, np.float64)
        return np.stack([u + self._bent(0, v), v + self._bent(1, u)], axis=-1)

    def plan(self, xy_m: Floats) -> Floats:
        """Return (…, 2) u and v of world places; the map is undone by iteration."""
        u, v = xy_m[..., 0], xy_m[..., 1]
        for _ in range(7):  # each turn shrinks the error by the product of both slopes, < 0.15
            u = xy_m[..., 0] - self._bent(0, v)
            v = xy_m[..., 1] - self._bent(1, u)
        return np.stack([u, v], axis=-1)

    def along(self, street: Street, at_m: Floats, lateral_m: ArrayLike = 0.0) -> Floats:
        """Return (K, 3): x, y and heading on a street, `lateral_m` to the left of its middle.

        `at_m` (K,) is the running coordinate of the plan (v for axis 0, u for axis 1).
        """
        constant = np.full_like(at_m, street.at_m)
        slope = self._slope(street.axis, at_m)
        if street.axis == 0:
            xy = self.world(constant, at_m)
            heading = np.arctan2(np.ones_like(slope), slope)
        else:
            xy = self.world(at_m, constant)
            heading = np.arctan2(slope, np.ones_like(slope))
        xy = xy + np.asarray(lateral_m)[..., None] * np.stack(
            [-np.sin(heading), np.cos(heading)], axis=-1
        )
        return np.column_stack([xy, heading])

    def outside_road_m(self, xy_m: Floats) -> Floats:
        """Return the signed distance to the nearest kerb, (…,): negative on the road.

        First order in the bend of the streets, so exact at the kerb of a straight street and
        within some centimetres of a curved one.
        """
        plan = self.plan(xy_m)
        slopes = [self._slope(0, plan[..., 1]), self._slope(1, plan[..., 0])]
        shear = np.abs(1 - slopes[0] * slopes[1])
        distances = []
        for axis in (0, 1):
            scale = shear / np.sqrt(1 + slopes[axis] ** 2)
            near = np.full(plan.shape[:-1], np.inf)
            value = plan[..., axis]
            if value.size:
                for street in self.streets_near(axis, float(value.min()), float(value.max())):
                    gap = np.abs(value - street.at_m) * scale - street.half_width_m
                    near = np.minimum(near, gap)
            distances.append(near)
        a, b = distances
        blend = np.clip(0.5 + 0.5 * (a - b) / _CORNER_M, 0, 1)
        out: Floats = a * (1 - blend) + b * blend - _CORNER_M * blend * (1 - blend)
        return out

    def is_painted(self, xy_m: Floats) -> Mask:
        """Return which places (N, 2) of the road carry a line: lanes, parking, zebra crossings."""
        plan = self.plan(xy_m)
        slopes = [self._slope(0, plan[..., 1]), self._slope(1, plan[..., 0])]
        shear = np.abs(1 - slopes[0] * slopes[1])
        out = np.zeros(len(plan), dtype=bool)
        gaps = np.full((2, len(plan)), np.inf)
        nearest: list[list[tuple[Street, Mask, Floats]]] = [[], []]
        for axis in (0, 1):
            scale = shear / np.sqrt(1 + slopes[axis] ** 2)
            value = plan[:, axis]
            if not value.size:
                return out
            for street in self.streets_near(axis, float(value.min()), float(value.max())):
                aside = (value - street.at_m) * scale
                mine = np.abs(aside) < street.half_width_m
                gap = np.abs(aside) - street.half_width_m
                gaps[axis] = np.minimum(gaps[axis], gap)
                if mine.any():
                    nearest[axis].append((street, mine, aside))
        for axis in (0, 1):
            to_crossing = gaps[1 - axis]
            for street, mine, aside in nearest[axis]:
                along = plan[:, 1 - axis]
                out |= mine & _is_line(street, aside, along, to_crossing)
        return out

    def height_m(self, xy_m: Floats) -> Floats:
        """Return the height of the road surface, (…,), extended under everything else."""
        phase = xy_m @ self._hill_wave.T + self._hill_phase
        out: Floats = np.sin(phase) @ self._hill_m
        return out

    def slope(self, xy_m: Floats) -> Floats:
        """Return (…, 2): how much the road rises along x and y."""
        phase = xy_m @ self._hill_wave.T + self._hill_phase
        out: Floats = (np.cos(phase) * self._hill_m) @ self._hill_wave
        return out

    def ground_m(self, xy_m: Floats) -> Floats:
        """Return the height of the ground, kerb included, (…,)."""
        return self.height_m(xy_m) + KERB_M * (self.outside_road_m(xy_m) > 0)

    def _bent(self, axis: int, value: Floats) -> Floats:
        wave, phase = float(self._bend_wave[axis]), float(self._bend_phase[axis])
        out: Floats = float(self._bend_m[axis]) * np.sin(wave * value + phase)
        return out

    def _slope(self, axis: int, value: Floats) -> Floats:
        wave, phase = float(self._bend_wave[axis]), float(self._bend_phase[axis])
        out: Floats = float(self._bend_m[axis]) * wave * np.cos(wave * value + phase)
        return out


def _is_line(street: Street, aside_m: Floats, along_m: Floats, to_crossing_m: Floats) -> Mask:
    """Return which places of a street are painted; `to_crossing_m` is to the crossing kerb."""
    aside = np.abs(aside_m)
    open_road = to_crossing_m > 5.2
    dashed = (along_m % 9.0) < 3.0
    out = open_road & (aside < 0.08) & (dashed | (street.lanes == 2))
    if street.lanes == 2:
        out |= open_road & (np.abs(aside - LANE_M) < 0.07) & dashed
    if street.has_parking:
        out |= (to_crossing_m > 7.0) & (np.abs(aside - street.lanes * LANE_M) < 0.06)
    zebra = (to_crossing_m > 1.4) & (to_crossing_m < 4.2) & ((aside_m % 1.1) < 0.5)
    stop_line = (to_crossing_m > 4.7) & (to_crossing_m < 5.1) & (aside < street.lanes * LANE_M)
    return np.asarray(out | zebra | stop_line)
