"""The objects of a log that have to be labelled, as its truth knows them."""

from dataclasses import dataclass, replace

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import MissingPosesError, WorkspaceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.pipeline.score import judged_instants, with_counts
from perception_label.quality.passing import group_of, pass_iou
from perception_label.storage.logs import Log

MIN_POINTS = 5  # in a box for a person to tell whether it is right
MAX_RANGE_M = 75.0  # of the sensor: as far as proposals are searched, and Waymo's labels reach


@dataclass(frozen=True, slots=True)
class Thing:
    """One object from the first to the last sweep in which it shows.

    Attributes
    ----------
    name, class_name : str
        As the truth spells them.
    threshold : float
        3-D IoU at which a box on it passes.
    timestamps_ns : (n,) int64
        The sweeps of its boxes, rising.
    cuboids : Cuboids
        n boxes, world frame.
    shown : (n,) bool
        Whether the box holds enough points to be judged.
    n_points : (n,) int64
        Points inside, -1 where nobody counted.
    """

    name: str
    class_name: str
    threshold: float
    timestamps_ns: Ints
    cuboids: Cuboids
    shown: Mask
    n_points: Ints

    def __len__(self) -> int:
        return len(self.timestamps_ns)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a log's labels are held against.

    Attributes
    ----------
    truth : Labels
        Boxes at the judged sweeps, points counted.
    things : tuple of Thing
        The objects among them that have to be labelled, by name.
    timestamps_ns : (S,) int64
        The judged sweeps.
    world_from_sensor : (S, 4, 4) float64
        The sensor at each.
    sensor_s : float
        Recording time they stand for.
    min_points : int
        In a box that shows.
    max_range_m : float
        Of the sensor, to the centre of a box that shows.
    """

    truth: Labels
    things: tuple[Thing, ...]
    timestamps_ns: Ints
    world_from_sensor: Floats
    sensor_s: float
    min_points: int
    max_range_m: float = float("inf")

    def within(self, timestamps_ns: Ints, cuboids: Cuboids) -> Mask:
        """Tell which boxes lie in range of the sensor at the judged sweep next to them, (n,)."""
        at = np.searchsorted(self.timestamps_ns, timestamps_ns)
        at = np.minimum(at, len(self.timestamps_ns) - 1)
        away = cuboids.center_m[:, :2] - self.world_from_sensor[at, :2, 3]
        near: Mask = np.hypot(away[:, 0], away[:, 1]) <= self.max_range_m
        return near

    @property
    def n_boxes(self) -> int:
        """Boxes that show."""
        return sum(int(np.count_nonzero(thing.shown)) for thing in self.things)


def judged(log: Log, *, min_points: int = MIN_POINTS, max_range_m: float = MAX_RANGE_M) -> Judged:
    """Return what has to be labelled in a log.

    Boxes out of range are set aside as those with few points are: as if they held none.

    Raises
    ------
    WorkspaceError
        If the log has no truth.
    MissingPosesError
        If it has no ego poses.
    """
    truth = log.truth()
    if truth is None:
        raise WorkspaceError(f"log {log.id}: expected truth that came with the log, got none")
    if log.world_from_sensor is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    seen = log.timestamps_ns[log.n_points > 0]
    instants = judged_instants(seen if len(seen) else log.timestamps_ns, truth.timestamps_ns)
    here = truth[np.isin(truth.timestamps_ns, instants)]
    here = with_counts(log, here, np.ones(len(here), dtype=np.bool_))
    at = np.searchsorted(log.timestamps_ns, instants)
    period_s = float(np.median(np.diff(log.timestamps_ns))) / 1e9 if len(instants) > 1 else 0.1
    span_s = float(instants[-1] - instants[0]) / 1e9 if len(instants) else 0.0
    target = Judged(
        truth=here,
        things=(),
        timestamps_ns=instants,
        world_from_sensor=log.world_from_sensor[at],
        sensor_s=span_s + period_s,
        min_points=min_points,
        max_range_m=max_range_m,
    )
    here = in_range(target, here)
    return replace(target, truth=here, things=things_of(here, min_points))


def in_range(judged: Judged, labels: Labels) -> Labels:
    """Return labels in which boxes out of range hold no points."""
    near = judged.within(labels.timestamps_ns, labels.cuboids)
    return replace(labels, n_points=np.where(near, labels.n_points, 0))


def things_of(truth: Labels, min_points: int = MIN_POINTS) -> tuple[Thing, ...]:
    """Return the objects with at least one box that shows; what a road user is not is left out."""
    order = np.lexsort((truth.timestamps_ns, truth.tracks))
    cuts = np.flatnonzero(np.diff(truth.tracks[order])) + 1
    found = []
    for rows in np.split(order, cuts) if len(order) else []:
        class_name = truth.class_names[truth.classes[rows[0]]]
        n_points = truth.n_points[rows]
        shown = (n_points < 0) | (n_points >= min_points)
        if group_of(class_name) is None or not shown.any():
            continue
        first, last = np.flatnonzero(shown)[[0, -1]]
        mine = rows[first : last + 1]
        found.append(
            Thing(
                name=truth.track_names[truth.tracks[rows[0]]],
                class_name=class_name,
                threshold=pass_iou(class_name),
                timestamps_ns=truth.timestamps_ns[mine],
                cuboids=truth.cuboids[mine],
                shown=shown[first : last + 1],
                n_points=truth.n_points[mine],
            )
        )
    return tuple(sorted(found, key=lambda thing: thing.name))
