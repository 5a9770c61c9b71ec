"""Truth tracks of a log as exact keyframes, and how the solver's boxes lie on them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

import perception_label as pl
from perception_label.geometry.cuboids import Cuboids, concatenate
from perception_label.geometry.overlap import overlap_3d_pairs
from perception_label.geometry.poses import inverse
from perception_label.pipeline.solve_track import SolvedTrack
from perception_label.storage.logs import Log

LEAST_POINTS = 5
STANDS_M = 0.5  # centres that never leave a square of this side stand still
EXACT_M = 0.005  # a box this near the line between its neighbours was interpolated
SMALL = ("pedestrian", "cyclist", "bicycle", "motorcycle", "animal")


@dataclass(frozen=True)
class Thing:
    """One truth track: `at` (R,) sweeps of its boxes, in the world frame and the sensor's."""

    log: Log
    name: str
    class_name: str
    at: np.ndarray
    world: Cuboids
    n_points: np.ndarray  # in each box; -1 where nobody knows

    @cached_property
    def sensor(self) -> Cuboids:
        poses = self.log.world_from_sensor
        return concatenate(
            [self.world[[r]].moved(inverse(poses[i])) for r, i in enumerate(self.at)]
        )

    @property
    def counts(self):
        """Boxes that are judged, (R,)."""
        return (self.n_points >= LEAST_POINTS) | (self.n_points < 0)

    @property
    def best_seen(self) -> int:
        known = self.n_points.max() >= 0
        return int(self.n_points.argmax()) if known else len(self.at) // 2

    @property
    def need(self) -> float:
        """3-D IoU at which a box passes."""
        return 0.5 if self.class_name in SMALL else 0.7

    @property
    def is_static(self) -> bool:
        return bool(np.ptp(self.world.center_m[:, :2], axis=0).max() < STANDS_M)

    @property
    def times_ns(self):
        return self.log.timestamps_ns[self.at]

    def resized(self, boxes: Cuboids) -> Cuboids:
        """The boxes in the size of the best-seen one: each track has one size."""
        size = np.repeat(self.world.size_m[[self.best_seen]], len(boxes), axis=0)
        return Cuboids(boxes.center_m, size, boxes.yaw_rad)

    def iou(self, boxes: Cuboids, coordinates: str = "world"):
        """3-D IoU of boxes, one for each of the track's, (R,)."""
        return overlap_3d_pairs(self.resized(boxes), getattr(self, coordinates))

    def knots(self):
        """Boxes that lie on no straight line between their neighbours, (R,)."""
        t = self.times_ns
        found = np.ones(len(t), dtype=bool)
        for boxes in (self.world, self.sensor):
            p = boxes.center_m
            share = ((t[1:-1] - t[:-2]) / (t[2:] - t[:-2]))[:, None]
            off = np.linalg.norm(p[1:-1] - (p[:-2] + share * (p[2:] - p[:-2])), axis=1)
            found[1:-1] &= off > EXACT_M
        return found


def things(log: Log) -> list[Thing]:
    """The log's truth tracks that have a judged box, by name."""
    truth, times = log.truth(), log.timestamps_ns
    at = np.minimum(np.searchsorted(times, truth.timestamps_ns), len(times) - 1)
    hit = times[at] == truth.timestamps_ns
    n_points = truth.n_points.copy()
    # Logs of labels alone have (nearly) no sweeps with points: there every box is judged.
    if (n_points < 0).any() and np.mean(log.n_points > 0) > 0.5:
        for i in range(len(times)):
            rows = np.flatnonzero(hit & (at == i))
            if len(rows):
                boxes = truth.cuboids[rows].moved(inverse(log.world_from_sensor[i]))
                n_points[rows] = pl.points_inside(log.sweep(i).points_m, boxes)
    found = []
    for track, name in enumerate(truth.track_names):
        rows = np.flatnonzero(hit & (truth.tracks == track))
        rows = rows[np.argsort(at[rows], kind="stable")]
        if len(rows) == 0:
            continue
        class_name = truth.class_names[truth.classes[rows[0]]]
        thing = Thing(log, name, class_name, at[rows], truth.cuboids[rows], n_points[rows])
        if thing.counts.any():
            found.append(thing)
    return found


@dataclass(frozen=True)
class Solved:
    """The solver's answer at the truth's sweeps, (R,)."""

    track: SolvedTrack
    iou: np.ndarray
    expected: np.ndarray


def solve(thing: Thing, keys: list[int]) -> Solved:
    """Solve with exact keyframes at these rows of the track, over its lifespan."""
    rows, times = sorted(keys), thing.times_ns
    track = pl.solve_track(
        thing.log,
        thing.resized(thing.world[rows]),
        times[rows],
        class_name=thing.class_name,
        span_ns=(int(times[0]), int(times[-1])),
    )
    at = np.searchsorted(track.timestamps_ns, times)
    return Solved(track, thing.iou(track.cuboids[at]), track.expected_iou[at])
