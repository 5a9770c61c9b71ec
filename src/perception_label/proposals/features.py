"""What a sweep says about each cuboid hypothesis, as numbers for the scorer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label._core import surroundings as core
from perception_label.proposals.clusters import (
    HISTOGRAM,
    LOWEST,
    ClusterList,
)
from perception_label.proposals.hypotheses import Hypotheses

HALF_M = 80.0  # the raster's reach
CELL_M = 0.2
AZIMUTH_BINS = 1440

# The order of the columns; the scorer's file repeats it and is refused if it differs.
_NAMES = (
    "log_points log_density range_m length_m width_m near_edge_20cm near_edge_10cm outside "
    "front_gap_m side_gap_m back_gap_m far_side_gap_m seen_length_m seen_width_m view_rad "
    "spread_along_m spread_across_m mean_along mean_across side_filled front_filled "
    "ground_inside object_inside ground_around object_around highest_inside_m ground_cells "
    "objects_around roof_share rays_hit rays_through rays_hidden rays_lost ray_gap_m "
    "ray_gap_max_m rays_front rays narrow_m wide_m lowest_m highest_m mean_height_m "
    "height_spread_m cluster_log_points "
    "h030 h060 h090 h120 h150 h180 h220 h300 h500 h_above template"
)
NAMES = tuple(_NAMES.split())
HIGHEST_INSIDE = NAMES.index("highest_inside_m")
# What the gate sees of a cluster, before any cuboid.
_GATE_NAMES = (
    "range_m span_narrow_m span_wide_m lowest_m highest_m mean_height_m height_spread_m "
    "cluster_log_points h030 h060 h090 h120 h150 h180 h220 h300 h500 h_above"
)
GATE_NAMES = tuple(_GATE_NAMES.split())


_AZIMUTH_RAD = (np.arange(AZIMUTH_BINS) + 0.5) / AZIMUTH_BINS * 2 * np.pi - np.pi
_RAYS = np.column_stack([np.cos(_AZIMUTH_RAD), np.sin(_AZIMUTH_RAD)])


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the whole sweep hit, in the form the features look it up.

    `hit` (cells, cells) uint8: 0 nothing, 1 ground only, more the highest object, in steps of
    2.5 cm; `first_m` the range of the nearest return in each azimuth bin.
    """

    hit: NDArray[np.uint8]
    first_m: NDArray[np.float32]


def survey(
    points_m: NDArray[Any], height_m: NDArray[Any], is_ground: NDArray[np.bool_]
) -> Surroundings:
    """Return the surroundings of a sweep: (N, 3) sensor coordinates, height above ground."""
    cells = int(2 * HALF_M / CELL_M)
    hit = np.zeros((cells, cells), dtype=np.uint8)
    first = np.full(AZIMUTH_BINS, 1e9, dtype=np.float32)
    xy = np.ascontiguousarray(points_m, dtype=np.float32)
    height = np.ascontiguousarray(height_m, dtype=np.float32)
    ground = np.ascontiguousarray(is_ground).view(np.uint8)
    core.fill_raster(xy, height, ground, HALF_M, CELL_M, hit)
    core.first_returns(xy, height, ground, first)
    return Surroundings(hit, first)


def describe(
    clusters: ClusterList,
    hypotheses: Hypotheses,
    around: Surroundings,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the (M, 55) features of each hypothesis, columns as in `NAMES`; in `out` if given."""
    if out is None:
        out = np.empty((len(hypotheses), len(NAMES)), dtype=np.float32)
    core.describe(
        clusters.xy_m,
        clusters.order,
        clusters.start,
        clusters.shape,
        hypotheses.owner,
        np.ascontiguousarray(hypotheses.footprint),
        np.ascontiguousarray(hypotheses.seen_m),
        hypotheses.template,
        120,
        around.hit,
        HALF_M,
        CELL_M,
        around.first_m,
        _RAYS,
        out,
    )
    return out


def describe_clusters(clusters: ClusterList) -> NDArray[np.float32]:
    """Return the (K, 18) features of each cluster, columns as in `GATE_NAMES`."""
    out = np.empty((len(clusters), len(GATE_NAMES)), dtype=np.float32)
    if len(clusters) == 0:
        return out
    count = np.diff(clusters.start)
    # One axis at a time: rows of two are slow to take and to add.
    middle = [
        np.add.reduceat(axis.take(clusters.order).astype(np.float64), clusters.start[:-1]) / count
        for axis in clusters.xy_m.T
    ]
    out[:, 0] = np.hypot(*middle)
    out[:, 1] = clusters.shape[:, 1:3].min(axis=1)
    out[:, 2] = clusters.shape[:, 1:3].max(axis=1)
    out[:, 3:] = clusters.shape[:, LOWEST : HISTOGRAM + 10]
    return out
