"""From the points of one sweep to scored cuboids."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label._core import hypotheses as core
from perception_label._core import terrain
from perception_label.arrays import Floats, Ints, as_points
from perception_label.cloud.clusters import nested_groups
from perception_label.cloud.ground import heights_above_ground
from perception_label.cloud.thin import thin
from perception_label.config import Proposals
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import keep_best
from perception_label.proposals.clusters import HIGHEST, ClusterList, choose, list_clusters
from perception_label.proposals.features import (
    HIGHEST_INSIDE,
    NAMES,
    Surroundings,
    describe,
    describe_clusters,
    survey,
)
from perception_label.proposals.hypotheses import (
    VEHICLE,
    Hypotheses,
    dominant_headings,
    first_look,
    join,
    object_sized,
    suggest,
)
from perception_label.proposals.scorer import Scorer

REACH_M = 78.0  # hypotheses start within this range; the raster reaches 80 m
LOWEST_M, HIGHEST_M = 0.2, 4.5  # heights above ground that are looked at
SCALES_M = (0.2, 0.6)  # clustering radii: people apart in a group, and cars whole
THIN_M = 0.1  # one point of each cube this wide tells as much
GATE = 0.18  # clusters whose best hypothesis is expected below are passed over
SECOND_LOOK = 0.38  # so are those none of whose first few hypotheses scores more
ROOF_M = 2.2  # of cars and vans; branches and signs hang higher
SMALL_HEIGHT_M = 0.3  # no box is flatter


@dataclass(frozen=True, slots=True)
class Examined:
    """The hypotheses of a sweep with what speaks for them.

    Attributes
    ----------
    clusters : ClusterList
        The K clusters they come from.
    hypotheses : Hypotheses
        M of them, sensor coordinates.
    features : (M, 55) float32
        Columns as in `features.NAMES`.
    ground_m : (K,) float64
        Height of the ground under each cluster, sensor coordinates, metres.
    gate_features : (K0, 18) float32
        Of every object-sized cluster, before the gate.
    scores : (M,) float64 or None
        Expected quality of each hypothesis, if a scorer was given.
    """

    clusters: ClusterList
    hypotheses: Hypotheses
    features: NDArray[np.float32]
    ground_m: Floats
    gate_features: NDArray[np.float32]
    scores: Floats | None


@dataclass(frozen=True, slots=True)
class Detections:
    """M scored cuboids of one sweep, sensor coordinates.

    `groups` (M,) indexes `hypotheses.GROUPS`; `scores` (M,) float64 is the expected quality,
    0 to 1.
    """

    cuboids: Cuboids
    groups: Ints
    scores: Floats

    def __len__(self) -> int:
        return len(self.cuboids)


def examine(points_m: NDArray[Any], scorer: Scorer | None = None) -> Examined:
    """Find clusters in a sweep, suggest cuboids for each and describe them.

    Parameters
    ----------
    points_m : (N, 3) float32
        One sweep, sensor or ego coordinates, z up, metres.
    scorer : Scorer, optional
        Passes over hopeless clusters, by their shape and by a first look at a few of their
        hypotheses; without it none is passed over and `scores` is None.
    """
    points_m = as_points(points_m)
    height = heights_above_ground(points_m)
    is_ground = np.empty(len(points_m), dtype=np.uint8)
    rows = np.empty(len(points_m), dtype=np.int64)
    n = terrain.choose_points(points_m, height, LOWEST_M, HIGHEST_M, REACH_M, is_ground, rows)
    around = survey(points_m, height, is_ground.view(np.bool_))
    rows = rows[:n]
    rows = rows.take(thin(points_m.take(rows, axis=0), THIN_M))
    points, above = points_m.take(rows, axis=0), height.take(rows)
    found = list_clusters(points, above, nested_groups(points, SCALES_M))
    found = choose(found, object_sized(found))
    gate_features = describe_clusters(found)
    if scorer is not None:
        found = choose(found, scorer.gate.predict(gate_features) > GATE)
    yaw = found.closeness_yaw()
    hypotheses = suggest(found, yaw, dominant_headings(found, yaw))
    scores = None
    if scorer is None:
        features = describe(found, hypotheses, around)
    else:
        hypotheses, features, scores = _score(found, hypotheses, around, scorer)
    base = (points[:, 2] - above).take(found.order).astype(np.float64)
    ground = np.add.reduceat(base, found.start[:-1]) if len(found) else np.empty(0)
    ground = ground / np.maximum(np.diff(found.start), 1)
    return Examined(found, hypotheses, features, ground, gate_features, scores)


def _score(
    clusters: ClusterList, hypotheses: Hypotheses, around: Surroundings, scorer: Scorer
) -> tuple[Hypotheses, NDArray[np.float32], Floats]:
    """Score a few hypotheses of each cluster, then all of those clusters that look right."""
    first = first_look(hypotheses)
    tried = hypotheses[first]
    # Room for all: what comes second is written where it will stay.
    features = np.empty((len(hypotheses), len(NAMES)), dtype=np.float32)
    n = len(tried)
    scores = scorer.score(describe(clusters, tried, around, features[:n]), tried.group)
    best = np.zeros(len(clusters), dtype=np.float32)
    np.maximum.at(best, tried.owner, scores)
    rest = hypotheses[~first & (best > SECOND_LOOK).take(hypotheses.owner)]
    features = features[: n + len(rest)]
    more = scorer.score(describe(clusters, rest, around, features[n:]), rest.group)
    return join([tried, rest]), features, np.concatenate([scores, more]).astype(np.float64)


def detect(points_m: NDArray[Any], scorer: Scorer, settings: Proposals | None = None) -> Detections:
    """Return the cuboids that one sweep speaks for; none overlap much.

    Parameters
    ----------
    points_m : (N, 3) float32
        One sweep, sensor or ego coordinates, z up, metres.
    scorer : Scorer
        See `scorer.load_scorer`.
    settings : Proposals, optional
        Thresholds; None takes the defaults.
    """
    chosen = settings or Proposals()
    seen = examine(points_m, scorer)
    scores = np.empty(0) if seen.scores is None else seen.scores
    return select(seen, scores, chosen.min_detection)


def select(seen: Examined, scores: Floats, floor: float) -> Detections:
    """Return the best hypotheses that do not overlap, each averaged with its near rivals."""
    rows = np.flatnonzero(scores > floor)
    cuboids = upright(seen, rows)
    kept = keep_best(cuboids, scores[rows], 0.1, measure="min_area")
    group = seen.hypotheses.group[rows]
    merged = _averaged(cuboids, scores[rows], group, kept)
    return Detections(merged, group[kept], scores[rows][kept])


def upright(seen: Examined, rows: Ints) -> Cuboids:
    """Return hypotheses as cuboids, from the local ground to their top.

    A vehicle's top is the highest thing in its footprint, since its cluster may be a part of
    it, up to `ROOF_M`: what is higher belongs to it only if the cluster says so.
    """
    at = seen.hypotheses.footprint[rows]
    owner = seen.hypotheses.owner[rows]
    height = np.maximum(seen.clusters.shape[owner, HIGHEST].astype(np.float64), SMALL_HEIGHT_M)
    inside = np.minimum(seen.features[rows, HIGHEST_INSIDE], ROOF_M)
    vehicle = seen.hypotheses.group[rows] == VEHICLE
    height = np.where(vehicle, np.maximum(height, inside), height)
    z = seen.ground_m[owner] + height / 2
    return Cuboids(np.column_stack([at[:, :2], z]), np.column_stack([at[:, 2:4], height]), at[:, 4])


def _averaged(cuboids: Cuboids, scores: Floats, group: Ints, kept: Ints) -> Cuboids:
    """Return each kept cuboid as the mean of the hypotheses that say nearly the same.

    The best score of many is partly luck; those that agree with it to 0.5 m, 0.8 m in size and
    15 degrees share its luck less.
    """
    out = cuboids.packed()[kept]
    vehicles = np.flatnonzero(group == VEHICLE)
    mine = group[kept] == VEHICLE
    rank = np.zeros(len(group), dtype=np.int64)
    rank[vehicles] = np.arange(len(vehicles))
    mean = np.empty((int(mine.sum()), 7))
    core.average_near(
        cuboids.packed()[vehicles],
        np.ascontiguousarray(scores[vehicles]),
        rank[kept[mine]],
        0.5,
        0.8,
        np.radians(15),
        0.7,
        mean,
    )
    out[mine] = mean
    return Cuboids.unpack(out)
