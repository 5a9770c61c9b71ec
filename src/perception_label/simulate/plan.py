"""A log before any ray is cast: who is where at any instant, and what it is called."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.simulate.actors import (
    Actor,
    poses_on,
    road_actors,
)
from perception_label.simulate.blocks import Thing, things_of
from perception_label.simulate.bodies import Body
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.town import Town
from perception_label.simulate.traffic import Drive, Traffic
from perception_label.simulate.walkers import walkers_of

START_NS = 1_700_000_000_000_000_000  # any instant will do, as long as it is always the same
_SEEN_M = 130.0  # blocks farther than this from the ego vehicle are never built


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a log is made of, except the points.

    Attributes
    ----------
    settings : SceneSettings
        What it was made from.
    town : Town
        Streets and ground.
    ego : Drive
        The ego vehicle's way.
    parked : tuple of Thing
        Labelled things that never move: instances 1 … P.
    actors : tuple of Actor
        Movers: instances P + 1 …
    scenery : tuple of Thing
        Everything else.
    """

    settings: SceneSettings
    town: Town
    ego: Drive
    parked: tuple[Thing, ...]
    actors: tuple[Actor, ...]
    scenery: tuple[Thing, ...]

    @property
    def bodies(self) -> list[Body]:
        """The body of each instance, from instance 1."""
        return [*(t.body for t in self.parked), *(a.body for a in self.actors)]

    def names(self) -> list[str]:
        """Return the track id of each instance, from instance 1."""
        return [f"{body.class_name}-{k:05d}" for k, body in enumerate(self.bodies, start=1)]

    def sweep_times_s(self) -> Floats:
        """Return the instant of each sweep, seconds from the start of the log."""
        sweep = np.arange(self.settings.n_sweeps, dtype=np.float64)
        return np.asarray((sweep + 0.5) / self.settings.rate_hz)

    def timestamps_ns(self) -> Ints:
        """Return the instant of each sweep, (S,) int64."""
        return START_NS + np.rint(self.sweep_times_s() * 1e9).astype(np.int64)

    def world_from_ego(self, time_s: Floats) -> Floats:
        """Return (K, 4, 4) poses; the ego frame lies on the ground, x ahead, z off the road."""
        place = self.ego.path.at(self.ego.travelled_m(time_s))
        z = self.town.height_m(place[:, :2])
        return poses_on(self.town, place, z, follows_slope=True)

    def ego_from_lidar(self) -> Pose:
        """Return where the sensor sits, (4, 4)."""
        lidar = self.settings.lidar
        return mount(lidar.position_m, lidar.rotation_rpy_rad)


def mount(position_m: tuple[float, ...], rotation_rpy_rad: tuple[float, ...]) -> Pose:
    """Return where a sensor sits in the ego frame, (4, 4), from roll, pitch and yaw."""
    c, s = np.cos(rotation_rpy_rad), np.sin(rotation_rpy_rad)
    turn = np.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    nod = np.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    lean = np.array([[1, 0, 0], [0, c[0], -s[0]], [0, s[0], c[0]]])
    out = np.eye(4)
    out[:3, :3] = turn @ nod @ lean
    out[:3, 3] = position_m
    return out


def make_plan(settings: SceneSettings) -> Plan:
    """Lay out the town along the drive, let the traffic run, drop what would collide."""
    town = Town(settings)
    traffic = Traffic(town, settings)
    times = np.arange(0, settings.duration_s + 0.5, 0.5)
    path = traffic.ego.path.at(traffic.ego.travelled_m(times))[:, :2]
    parked: list[Thing] = []
    scenery: list[Thing] = []
    people: list[Actor] = []
    for block in _blocks(town, path):
        for thing in things_of(town, block, settings):
            (parked if thing.body.class_name else scenery).append(thing)
        people += walkers_of(town, block, settings)
    actors = [a for a in road_actors(traffic.others) if a.drive.end_s > 0]
    actors += people
    reach = settings.label_radius_m + 15
    parked = [
        t for t in parked if np.hypot(*(path - [t.x_m, t.y_m]).T).min() < reach + t.body.size_m[0]
    ]
    parked, actors = _without_collisions(parked, actors, traffic.ego, settings.duration_s)
    return Plan(settings, town, traffic.ego, tuple(parked), tuple(actors), tuple(scenery))


def _blocks(town: Town, path_m: Floats) -> list[tuple[int, int]]:
    """Return the blocks that any ray of the log may reach, in order."""
    plan = town.plan(path_m)
    out = set()
    for u, v in plan:
        columns = town.streets_near(0, u - _SEEN_M, u + _SEEN_M)
        rows = town.streets_near(1, v - _SEEN_M, v + _SEEN_M)
        for a, b in pairwise(columns):
            for c, d in pairwise(rows):
                gap_u = max(a.at_m - u, u - b.at_m, 0.0)
                gap_v = max(c.at_m - v, v - d.at_m, 0.0)
                if np.hypot(gap_u, gap_v) < _SEEN_M:
                    out.add((a.index, c.index))
    return sorted(out)


def _without_collisions(
    parked: list[Thing], actors: list[Actor], ego: Drive, duration_s: float
) -> tuple[list[Thing], list[Actor]]:
    """Take out parked things that overlap others, then movers that ever touch anything."""
    still = _rectangles(
        np.array([[t.x_m, t.y_m, t.yaw_rad] for t in parked]).reshape(-1, 3),
        [t.body for t in parked],
    )
    bad = _dropped(_touching_pairs(still, still))
    parked = [t for k, t in enumerate(parked) if k not in bad]
    still = still[[k for k in range(len(still)) if k not in bad]]
    times = np.arange(0, duration_s + 0.3, 0.25)
    own = _rectangles(ego.path.at(ego.travelled_m(times)), [ego.body] * len(times))
    moving = np.array(
        [_rectangles(actor.place(times), [actor.body] * len(times)) for actor in actors]
    ).reshape(len(actors), len(times), 5)
    span = np.array([[a.drive.start_s, a.drive.end_s] for a in actors]).reshape(-1, 2)
    alive = np.ones(len(actors), dtype=bool)
    for k, time in enumerate(times):
        index = np.flatnonzero(alive & (span[:, 0] <= time) & (time <= span[:, 1]))
        mine = moving[index, k]
        fixed = np.concatenate([own[k : k + 1], still])
        alive[index[_touching_pairs(mine, fixed)[:, 0]]] = False
        index, mine = index[alive[index]], mine[alive[index]]
        alive[index[sorted(_dropped(_touching_pairs(mine, mine)))]] = False
    broken = {id(a.drive) for a, ok in zip(actors, alive, strict=True) if not ok}
    return parked, [a for a in actors if id(a.drive) not in broken]


def _touching_pairs(a: Floats, b: Floats) -> Ints:
    """Return (P, 2) rows of rectangles of a and b that touch; a row never meets itself."""
    if len(a) == 0 or len(b) == 0:
        return np.empty((0, 2), dtype=np.int64)
    reach_a, reach_b = (np.hypot(r[:, 3], r[:, 4]) / 2 + 0.1 for r in (a, b))
    near = cKDTree(b[:, :2]).query_ball_point(a[:, :2], reach_a + reach_b.max())
    i = np.repeat(np.arange(len(a)), [len(found) for found in near])
    j = np.array([k for found in near for k in found], dtype=np.int64)
    pairs = np.column_stack([i, j])
    pairs = pairs[i != j] if a is b else pairs
    return pairs[touching(a[pairs[:, 0]], b[pairs[:, 1]])]


def _dropped(pairs: Ints) -> set[int]:
    """Return which of the rows that touch must go: the later of two, unless one went before."""
    out: set[int] = set()
    for later, earlier in sorted((max(p), min(p)) for p in pairs.tolist()):
        if earlier not in out:
            out.add(later)
    return out


def _rectangles(place: Floats, bodies: list[Body]) -> Floats:
    """Return (K, 5): x, y, heading, length, width."""
    size = np.array([b.size_m[:2] for b in bodies]).reshape(-1, 2)
    return np.concatenate([place, size], axis=1)


def touching(a: Floats, b: Floats, *, gap_m: float = 0.05) -> Mask:
    """Return which pairs of (P, 5) and (P, 5) rectangles come nearer than `gap_m`, (P,).

    Rows are x, y, heading, length, width. Separating axes: two rectangles are apart exactly if
    they are apart along a side of one of them.
    """
    d = b[:, :2] - a[:, :2]
    c, s = np.abs(np.cos(b[:, 2] - a[:, 2])), np.abs(np.sin(b[:, 2] - a[:, 2]))
    out = np.ones(len(a), dtype=bool)
    for one, other in ((a, b), (b, a)):
        yaw = one[:, 2]
        along = np.abs(d[:, 0] * np.cos(yaw) + d[:, 1] * np.sin(yaw))
        across = np.abs(-d[:, 0] * np.sin(yaw) + d[:, 1] * np.cos(yaw))
        out &= along < (one[:, 3] + other[:, 3] * c + other[:, 4] * s) / 2 + gap_m
        out &= across < (one[:, 4] + other[:, 3] * s + other[:, 4] * c) / 2 + gap_m
    return out
