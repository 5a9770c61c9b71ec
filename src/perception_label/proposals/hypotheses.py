"""Several cuboids for each cluster: what it may be, and which way it may extend unseen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label._core import hypotheses as core
from perception_label.arrays import Floats, Ints
from perception_label.proposals.clusters import (
    HIGHEST,
    LOWEST,
    N_POINTS,
    SPAN_X,
    SPAN_Y,
    ClusterList,
)

VEHICLE, PEDESTRIAN, CYCLIST = range(3)
GROUPS = ("vehicle", "pedestrian", "cyclist")


@dataclass(frozen=True, slots=True)
class Template:
    """A size that objects of a class come in; a cluster may be larger by the slack."""

    group: int
    length_m: float
    width_m: float
    slack: float  # share by which the cluster may be longer or wider
    slack_m: float  # and metres on top
    longest_m: float = 99.0  # clusters longer than this do not fit
    shortest_m: float = 0.0  # nor do those with both sides shorter


# Passenger cars from the 10th to the 90th percentile of length, vans and pick-ups, then lorries
# up to a bus.
TEMPLATES = (
    Template(VEHICLE, 4.2, 1.75, 0.08, 0.10),
    Template(VEHICLE, 4.6, 1.90, 0.08, 0.10),
    Template(VEHICLE, 5.0, 2.00, 0.08, 0.10),
    Template(VEHICLE, 5.6, 2.05, 0.08, 0.10),
    Template(VEHICLE, 6.5, 2.40, 0.08, 0.10, shortest_m=2.1),
    Template(VEHICLE, 7.5, 2.35, 0.08, 0.10, shortest_m=2.1),
    Template(VEHICLE, 8.8, 2.45, 0.08, 0.10, shortest_m=2.1),
    Template(VEHICLE, 11.3, 2.55, 0.08, 0.10, shortest_m=2.1),
    Template(PEDESTRIAN, 0.70, 0.70, 0.0, 0.55, longest_m=1.25),
    Template(CYCLIST, 1.80, 0.70, 0.0, 0.30, longest_m=2.2, shortest_m=0.5),
)
FIRST_LOOK = (1, 5, 8, 9, len(TEMPLATES))  # common car, lorry, small classes, as seen
AS_SEEN = len(TEMPLATES)  # the cluster's own rectangle, a vehicle of any size
_SIZES = np.array(
    [[t.length_m, t.width_m, t.slack, t.slack_m, t.longest_m, t.shortest_m] for t in TEMPLATES]
)
_GROUPS = np.array([*(t.group for t in TEMPLATES), VEHICLE])
_IS_FIRST = np.isin(np.arange(len(TEMPLATES) + 1), FIRST_LOOK)


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """M cuboid hypotheses; sensor coordinates, heading along the length axis.

    Attributes
    ----------
    owner : (M,) int64
        The cluster each comes from.
    template : (M,) int64
        Index into `TEMPLATES`, or `AS_SEEN`.
    group : (M,) int64
        VEHICLE, PEDESTRIAN or CYCLIST.
    footprint : (M, 5) float64
        x, y, length, width, metres; yaw, radians.
    seen_m : (M, 2) float64
        Length and width of the cluster along the same axes, metres.
    """

    owner: Ints
    template: Ints
    group: Ints
    footprint: Floats
    seen_m: Floats

    def __len__(self) -> int:
        return len(self.owner)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> "Hypotheses":
        """Return the chosen hypotheses; `rows` is a mask or an array of indices."""
        # Taken by index: far faster than by a mask.
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Hypotheses(
            self.owner.take(index),
            self.template.take(index),
            self.group.take(index),
            self.footprint.take(index, axis=0),
            self.seen_m.take(index, axis=0),
        )


def first_look(hypotheses: Hypotheses) -> NDArray[np.bool_]:
    """Return the hypotheses that tell whether a cluster is worth the others: one per kind."""
    return _IS_FIRST[hypotheses.template]


def object_sized(clusters: ClusterList) -> NDArray[np.bool_]:
    """Return which clusters can be a road user or a part of one: not flat, not a wall."""
    shape = clusters.shape
    span = np.maximum(shape[:, SPAN_X], shape[:, SPAN_Y])
    rise = shape[:, HIGHEST] - shape[:, LOWEST]
    big: NDArray[np.bool_] = (
        (shape[:, N_POINTS] >= 4) & (span < 14) & (rise > 0.2) & (shape[:, HIGHEST] > 0.4)
    )
    return big & (shape[:, LOWEST] < 1.8)


def dominant_headings(clusters: ClusterList, yaw_rad: Floats, most: int = 2) -> Floats:
    """Return the scene's main directions in [0, pi/2), at most `most`.

    Streets, walls and parked cars share them, so they are the likeliest headings where a
    cluster's own points do not tell. Each cluster votes for its heading with its extent.
    """
    span = np.hypot(clusters.shape[:, SPAN_X], clusters.shape[:, SPAN_Y])
    weight = np.where(clusters.shape[:, 0] >= 20, np.minimum(span, 8.0), 0.0)
    votes, _ = np.histogram(yaw_rad, 90, (0, np.pi / 2), weights=weight)
    votes = votes + np.roll(votes, 1) + np.roll(votes, -1)
    found: list[float] = []
    strongest = votes.max()
    while len(found) < most and strongest > 0 and votes.max() > 0.35 * strongest:
        best = int(votes.argmax())
        found.append((best + 0.5) * np.pi / 180)
        votes[np.arange(best - 12, best + 13) % 90] = 0
    return np.array(found)


def suggest(clusters: ClusterList, yaw_rad: Floats, headings: Floats) -> Hypotheses:
    """Return the hypotheses of clusters whose closeness headings are `yaw_rad`, (K,).

    Each cluster is tried at its own heading and at the scene's main ones (`headings`), either
    side as the length. A template grows the seen rectangle away from the sensor, as only the
    faces towards it are seen; along its length also towards it and both ways, since
    something nearer may hide either end.
    """
    owner, yaw = _headings(yaw_rad, headings)
    rect = clusters.extents(owner, yaw)
    owner = np.concatenate([owner, owner])
    yaw = np.concatenate([yaw, yaw + np.pi / 2])
    rect = np.concatenate([rect, np.stack([rect[:, 2], rect[:, 3], -rect[:, 1], -rect[:, 0]], 1)])
    most = len(owner) * (3 * len(TEMPLATES) + 1)
    row, template = np.empty((2, most), dtype=np.int64)
    footprint, seen = np.empty((most, 5)), np.empty((most, 2))
    high = clusters.shape[owner, HIGHEST].astype(np.float64)
    n = core.suggest(yaw, rect, high, _SIZES, _GROUPS[:-1], row, template, footprint, seen)
    # Copies: views would keep the much larger arrays alive.
    chosen = template[:n].copy()
    return Hypotheses(
        owner[row[:n]], chosen, _GROUPS[chosen], footprint[:n].copy(), seen[:n].copy()
    )


def join(parts: list[Hypotheses]) -> Hypotheses:
    """Return the hypotheses of all parts, in order; at least one part."""
    return Hypotheses(
        owner=np.concatenate([p.owner for p in parts]),
        template=np.concatenate([p.template for p in parts]),
        group=np.concatenate([p.group for p in parts]),
        footprint=np.concatenate([p.footprint for p in parts]),
        seen_m=np.concatenate([p.seen_m for p in parts]),
    )


def _headings(yaw_rad: Floats, headings: Floats) -> tuple[Ints, Floats]:
    clusters = np.arange(len(yaw_rad))
    owner, yaw = [clusters], [yaw_rad]
    for heading in headings:
        apart = np.abs((yaw_rad - heading + np.pi / 4) % (np.pi / 2) - np.pi / 4)
        other = apart > np.radians(2)
        owner.append(clusters[other])
        yaw.append(np.full(other.sum(), heading))
    return np.concatenate(owner), np.concatenate(yaw)
