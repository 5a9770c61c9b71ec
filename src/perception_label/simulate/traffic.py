"""Who drives where and when: the ego vehicle and all that moves on the road.

Vehicles follow their lanes by the Intelligent Driver Model (Treiber, Hennecke, Helbing 2000):
they hold their distance to whatever is ahead on their own path, slow down for bends, wait at
red lights and go on. What would have driven into something else is taken out afterwards.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from perception_label.arrays import Floats
from perception_label.simulate.bodies import TRAILER_M, Body
from perception_label.simulate.paths import Node, Path, drive
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.town import Town, stream

DT_S = 0.1
_LEAD_S = 12.0  # traffic runs this long before the log starts, so that it looks settled
_COMFORT_MPS2, _BRAKE_MPS2, _HEADWAY_S, _GAP_M = 1.6, 2.2, 1.3, 2.0
_LOOK_M = np.arange(1.0, 46.0, 1.5)
_BEND_M = np.arange(0, 30, 3.0)
_CYCLE_S, _GREEN_S = 26.0, 11.0


@dataclass(slots=True)
class Drive:
    """One vehicle's way through the log.

    Attributes
    ----------
    body : Body
        What drives.
    path : Path
        Its lane.
    cruise_mps : float
        What it aims at.
    start_s : float
        When it appears, seconds from the start of the log.
    tow_m : float
        Length of what it tows, with the bar.
    s_m, v_mps : list of float
        Arc length and speed every `DT_S` from `start_s`.
    """

    body: Body
    path: Path
    cruise_mps: float
    start_s: float
    tow_m: float = 0.0
    s_m: list[float] = field(default_factory=list)
    v_mps: list[float] = field(default_factory=list)
    _table: Floats | None = None  # both as an array, once asked for

    @property
    def end_s(self) -> float:
        """The last instant it is there."""
        return self.start_s + DT_S * (len(self.s_m) - 1)

    def travelled_m(self, time_s: Floats) -> Floats:
        """Return the arc length at times, (…,): cubic between the steps, so speed is smooth."""
        if len(self.s_m) == 1:
            return np.full(np.shape(time_s), self.s_m[0])
        if self._table is None or self._table.shape[1] != len(self.s_m):
            self._table = np.array([self.s_m, self.v_mps])
        s, v = self._table
        x = np.clip((np.asarray(time_s) - self.start_s) / DT_S, 0, len(s) - 1)
        k = np.minimum(x.astype(np.int64), len(s) - 2)
        t = x - k
        d = s[k + 1] - s[k]
        out: Floats = (
            s[k]
            + (t**3 - 2 * t**2 + t) * DT_S * v[k]
            + (3 * t**2 - 2 * t**3) * d
            + (t**3 - t**2) * DT_S * v[k + 1]
        )
        return out


def wander(town: Town, node: Node, first: int, n_streets: int, random: Generator) -> list[int]:
    """Return directions: mostly straight on, sometimes left or right."""
    out = [first]
    while len(out) < n_streets:
        out.append((out[-1] + int(random.choice([0, 1, 3], p=[0.5, 0.22, 0.28]))) % 4)
    return out


class Traffic:
    """All drives of a log, computed once from the start; afterwards any instant can be asked."""

    def __init__(self, town: Town, settings: SceneSettings) -> None:
        self._town, self._settings = town, settings
        self._random = stream(settings.seed, 4)
        self._offsets: dict[Node, float] = {}
        self.ego = self._ego()
        self.others: list[Drive] = []
        self._active: list[Drive] = [self.ego]
        self._run()

    def _ego(self) -> Drive:
        settings = self._settings
        n_streets = int((settings.duration_s + _LEAD_S) * settings.cruise_mps / 70) + 4
        random = stream(settings.seed, 5)
        directions = wander(self._town, (0, 0), int(random.integers(4)), n_streets, random)
        path = drive(self._town, (0, 0), directions)
        ego = Drive(Body("suv", (4.7, 1.9, 1.7)), path, settings.cruise_mps, -_LEAD_S)
        ego.s_m.append(float(random.uniform(5, 25)))
        ego.v_mps.append(0.6 * settings.cruise_mps)
        return ego

    def _run(self) -> None:
        steps = int(np.ceil((self._settings.duration_s + _LEAD_S + 0.3) / DT_S))
        for step in range(steps):
            time = -_LEAD_S + step * DT_S
            if step % 5 == 0:
                self._fill(time, anywhere=step == 0)
            self._step(time)

    def _fill(self, time_s: float, *, anywhere: bool) -> None:
        """Let vehicles appear: anywhere at the start, later only at the edge of the scene."""
        settings = self._settings
        radius = settings.traffic_radius_m
        here = self.ego.path.at(np.array([self.ego.s_m[-1]]))[0, :2]
        self._active = [d for d in self._active if d is self.ego or self._stays(d, here)]
        for kinds, wanted in (("motor", settings.vehicles), ("cycle", settings.cyclists)):
            cycles = kinds == "cycle"
            have = sum(
                (d.body.style == "cyclist") == cycles for d in self._active if d is not self.ego
            )
            tries = 4 * (wanted - have) if anywhere else min(3, wanted - have)
            for _ in range(max(0, tries)):
                if have >= wanted:
                    break
                new = self._spawn(here, (0.0 if anywhere else 0.75) * radius, time_s, cycles)
                if new is not None:
                    self._active.append(new)
                    self.others.append(new)
                    have += 1

    def _stays(self, drive_: Drive, here: Floats) -> bool:
        at = drive_.path.at(np.array([drive_.s_m[-1]]))[0, :2]
        near = float(np.hypot(*(at - here))) < 1.35 * self._settings.traffic_radius_m
        return near and drive_.s_m[-1] < drive_.path.length_m - 10

    def _spawn(self, here: Floats, inner_m: float, time_s: float, cycles: bool) -> Drive | None:
        """Put a new vehicle on a lane between two distances from the ego vehicle, if free."""
        town, random, radius = self._town, self._random, self._settings.traffic_radius_m
        place = here + random.uniform(-radius, radius, 2)
        plan = town.plan(place)
        node = town.crossing_near(plan)
        left = self._settings.duration_s - time_s + _LEAD_S
        n_streets = min(40, int(left * self._settings.cruise_mps / 75) + 2)
        directions = wander(town, node, int(random.integers(4)), n_streets, random)
        if not cycles and random.random() < 0.25:  # some share the ego vehicle's own street
            path = self.ego.path
        else:
            lane = int(random.integers(2))
            shift = float(random.uniform(1.45, 1.6)) if cycles else float(random.normal(0, 0.12))
            path = drive(town, node, directions, lane=lane, shift_m=shift)
        gap = np.hypot(*(path.xy_m - here).T)
        free = np.flatnonzero((gap > max(inner_m, 12)) & (gap < 1.1 * radius))
        free = free[(path.s_m[free] > 8) & (path.s_m[free] < path.length_m - 30)]
        if len(free) == 0:
            return None
        at = int(free[random.integers(len(free))])
        body = _draw_body(random, self._settings, cycles=cycles)
        tow = TRAILER_M + 1.0 if body.style == "box_truck" and random.random() < 0.3 else 0.0
        others = np.array([d.path.at(np.array([d.s_m[-1]]))[0, :2] for d in self._active])
        if np.min(np.hypot(*(others - path.xy_m[at]).T)) < 9 + body.size_m[0] + tow:
            return None
        aim = self._settings.cruise_mps * float(random.uniform(0.8, 1.2))
        if cycles:
            aim = float(random.uniform(3.2, 6.0))
        new = Drive(body, path, aim, time_s, tow)
        new.s_m.append(float(path.s_m[at]))
        new.v_mps.append(0.6 * min(aim, float(path.limit_mps[at])))
        return new

    def _step(self, time_s: float) -> None:
        """Move everyone by one time step."""
        drives = self._active
        s = np.array([d.s_m[-1] for d in drives])
        v = np.array([d.v_mps[-1] for d in drives])
        size = np.array([[*d.body.size_m[:2], d.tow_m] for d in drives])
        where = np.array([d.path.at(x) for d, x in zip(drives, s, strict=True)])
        gaps, speed_ahead, aim = np.empty(len(s)), np.zeros(len(s)), np.empty(len(s))
        for i, each in enumerate(drives):
            ahead = each.path.at(s[i] + size[i, 0] / 2 + _LOOK_M)
            limit = np.interp(s[i] + _BEND_M, each.path.s_m, each.path.limit_mps)
            # What a bend allows, seen from here with comfortable braking in between.
            allowed = np.sqrt(limit**2 + 2 * _COMFORT_MPS2 * _BEND_M)
            aim[i] = min(each.cruise_mps, float(allowed.min()))
            gap, speed = self._leader(i, ahead, where, v, size)
            stop = self._stop_gap(each, float(s[i]), float(v[i]), time_s)
            gaps[i], speed_ahead[i] = (gap, speed) if gap < stop else (stop, 0.0)
        new = np.maximum(v + DT_S * _acceleration(v, aim, gaps, speed_ahead), 0)
        for i, each in enumerate(drives):
            each.s_m.append(float(s[i] + 0.5 * (v[i] + new[i]) * DT_S))
            each.v_mps.append(float(new[i]))

    def _leader(
        self, i: int, ahead: Floats, where: Floats, v: Floats, sizes: Floats
    ) -> tuple[float, float]:
        """Return the free gap to what is next on the path, and how fast it drives away."""
        near = np.hypot(*(where[:, :2] - where[i, :2]).T) < 65
        near[i] = False
        rows = np.flatnonzero(near)
        if len(rows) == 0:
            return np.inf, 0.0
        size = sizes[rows]
        c, t = np.cos(where[rows, 2])[:, None], np.sin(where[rows, 2])[:, None]
        d = ahead[None, :, :2] - where[rows, None, :2]
        along, across = d[..., 0] * c + d[..., 1] * t, -d[..., 0] * t + d[..., 1] * c
        half = size[:, :1] / 2 + 0.8
        beside = (size[:, 1:2] + sizes[i, 1]) / 2 + 0.15
        heading = np.cos(where[rows, 2][:, None] - ahead[None, :, 2])
        hit = (along < half) & (along > -half - size[:, 2:]) & (np.abs(across) < beside)
        hit &= heading > -0.8  # oncoming in a bend: both would wait for ever
        first = np.where(hit.any(axis=1), np.argmax(hit, axis=1), len(_LOOK_M))
        k = int(np.argmin(first))
        if first[k] == len(_LOOK_M):
            return np.inf, 0.0
        speed = float(v[rows[k]]) * max(float(heading[k, first[k]]), 0.0)
        return max(float(_LOOK_M[first[k]]) - 1.2, 0.0), speed

    def _stop_gap(self, each: Drive, s_m: float, v_mps: float, time_s: float) -> float:
        """Return the distance to the next stop line if its light is red and it can be obeyed."""
        front = s_m + each.body.size_m[0] / 2
        for stop in each.path.stops:
            gap = stop.at_m - front
            if gap < -0.5:
                continue
            brakes = gap > 0.5 * v_mps**2 / 4.0 - 0.5
            if gap < 60 and brakes and self._is_red(stop.node, stop.axis, time_s):
                return max(gap, 0.0) + _GAP_M - 0.5
            break
        return np.inf

    def _is_red(self, node: Node, axis: int, time_s: float) -> bool:
        if node not in self._offsets:
            self._offsets[node] = float(stream(self._town.seed, 3, *node).uniform(0, _CYCLE_S))
        phase = (time_s + self._offsets[node]) % _CYCLE_S
        start = 0.0 if axis == 0 else _CYCLE_S / 2
        return not start <= phase < start + _GREEN_S


def _acceleration(v: Floats, aim: Floats, gaps: Floats, speed_ahead: Floats) -> Floats:
    """Return the Intelligent Driver Model's acceleration of everyone, (n,) m/s2."""
    closing = v * (v - speed_ahead) / (2 * np.sqrt(_COMFORT_MPS2 * _BRAKE_MPS2))
    wish = np.maximum(_GAP_M + v * _HEADWAY_S + closing, 0)
    free = (v / np.maximum(aim, 0.5)) ** 4
    out: Floats = _COMFORT_MPS2 * (1 - free - (wish / np.maximum(gaps, 0.3)) ** 2)
    return np.clip(out, -6.0, _COMFORT_MPS2)


def _draw_body(random: Generator, settings: SceneSettings, *, cycles: bool) -> Body:
    if cycles:
        return Body.drawn("cyclist", random)
    lorry, digger = settings.lorry_share, settings.digger_share
    share = {
        "car": 0.96 - lorry - digger,
        "box_truck": lorry * 11 / 14,
        "bus": lorry * 3 / 14,
        "motorcyclist": 0.04,
        "excavator": digger,
    }
    return Body.drawn(str(random.choice(list(share), p=list(share.values()))), random)
