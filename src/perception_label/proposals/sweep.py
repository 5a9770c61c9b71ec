"""From the points of one sweep to scored cuboid hypotheses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask
from perception_label.cloud.clusters import cluster
from perception_label.cloud.ground import ground_surface
from perception_label.cloud.thin import thin
from perception_label.proposals.clusters import ClusterList, choose, list_clusters
from perception_label.proposals.features import describe, survey
from perception_label.proposals.hypotheses import (
    Hypotheses,
    dominant_headings,
    object_sized,
    suggest,
)

REACH_M = 78.0  # hypotheses start within this range; the raster reaches 80 m
LOWEST_M, HIGHEST_M = 0.2, 4.5  # heights above ground that are looked at
SCALES_M = (0.3, 0.5, 0.9)  # clustering radii: together they split rows and join halves


@dataclass(frozen=True, slots=True)
class Examined:
    """The hypotheses of a sweep with what speaks for them.

    Attributes
    ----------
    clusters : ClusterList
        The clusters they come from.
    hypotheses : Hypotheses
        M of them, sensor coordinates.
    features : (M, 55) float32
        Columns as in `features.NAMES`.
    ground_m : (K,) float64
        Height of the ground under each cluster, sensor coordinates, metres.
    rows : (N,) int64
        The points of the sweep that `clusters.order` refers to.
    """

    clusters: ClusterList
    hypotheses: Hypotheses
    features: NDArray[np.float32]
    ground_m: Floats
    rows: Ints


def examine(points_m: NDArray[Any]) -> Examined:
    """Find clusters in a sweep, suggest cuboids for each and describe them.

    Parameters
    ----------
    points_m : (N, 3) float32
        One sweep, sensor or ego coordinates, z up, metres.
    """
    surface = ground_surface(points_m)
    height = surface.height_above(points_m)
    is_ground: Mask = (height < 0.15) & (height > -0.4)
    around = survey(points_m, height, is_ground)
    near = (height > LOWEST_M) & (height < HIGHEST_M)
    near &= np.square(points_m[:, :2]).sum(axis=1) < REACH_M**2
    rows = np.flatnonzero(near)
    rows = rows[thin(points_m[rows], 0.1)]
    points, above = points_m[rows], height[rows]
    found = list_clusters(
        points,
        above,
        [cluster(points, radius_m=radius, min_points=4) for radius in SCALES_M],
    )
    found = choose(found, object_sized(found))
    yaw = found.closeness_yaw()
    hypotheses = suggest(found, yaw, dominant_headings(found, yaw))
    features = describe(found, hypotheses, around)
    base = (points[:, 2] - above)[found.order]
    ground = np.add.reduceat(base, found.start[:-1]) if len(found) else np.empty(0)
    return Examined(found, hypotheses, features, ground / np.diff(found.start), rows)
