"""Objects that no box holds: what stands, or moves, between all boxes of a log.

Points off the ground and outside every box are gathered over many sweeps in the world frame.
Where the same cubes of space return points for long, something stands: those cubes are
clustered as one cloud. What is left moves, or flickers: it is clustered sweep by sweep, to be
linked. `describe` says of both what tells objects from walls, trees and posts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import ClusterIds, Floats, Ints, Mask, Points
from perception_label.cloud.clusters import cluster
from perception_label.geometry.cuboids import Cuboids
from perception_label.proposals.fit import fit_cuboids

CUBE_M = 0.25
LEAST_SWEEPS = 3  # that a cube returns points in, for something to stand there …
LEAST_S = 0.8  # … over at least this long: who walks through leaves it sooner
SCALES_M = (0.35, 0.7)  # clustering radii: apart from a wall or a hedge, and whole if sparse
FLEETING_M = 0.6
HEAD_M = 2.2  # what is higher does not join clusters: trees would join all below them
AROUND_M = 1.0  # an object stands free of others by about this much
_NAMES = (
    "log_points log_sweeps steadiness length_m width_m height_m lowest_m range_m above around "
    "density car person rider lorry speed_mps"
)
FEATURES = tuple(_NAMES.split())

# Logistic regression over FEATURES, constant last, by `benchmarks/proposals/fit_unboxed.py` on four
# simulated logs. Real streets hold about twice the clutter of the simulated ones: half the odds.
_WEIGHTS = (
    -0.297, -0.627, -0.360, -0.004, 0.348, -0.454, 0.747, 1.379, -0.367, -0.054, -0.070,
    0.689, 0.322, 2.167, 0.995, -0.139, -0.467 - 0.693,
)  # fmt: skip
Size = tuple[float, float, float]  # length, width, height
_LIKENESS = {"car": 11, "pedestrian": 12, "cyclist": 13, "truck": 14}


@dataclass(frozen=True, slots=True)
class Loose:
    """N points off the ground and in no box, of several sweeps, world frame.

    Attributes
    ----------
    points_m : (N, 3) float32
        Places, metres, from an origin near them.
    height_m : (N,) float32
        Above the local ground.
    sweeps : (N,) int64
        Index into the sweeps that were looked at.
    seconds : (S,) float64
        When those were.
    sensor_m : (S, 3) float64
        Where the sensor was, from the same origin.
    """

    points_m: Points
    height_m: NDArray[np.float32]
    sweeps: Ints
    seconds: Floats
    sensor_m: Floats


@dataclass(frozen=True, slots=True)
class Clusters:
    """K clusters of loose points: `labels` (N,) int32 says which, -1 for none."""

    labels: ClusterIds
    n: int


def standing(loose: Loose) -> Mask:
    """Tell which points lie in cubes where something stands, (N,)."""
    if not len(loose.sweeps):
        return np.zeros(0, dtype=np.bool_)
    key = _cubes(loose.points_m, CUBE_M)
    n_sweeps = len(loose.seconds)
    pairs = np.unique(key * n_sweeps + loose.sweeps)
    cubes, start, count = np.unique(pairs // n_sweeps, return_index=True, return_counts=True)
    first, last = pairs[start] % n_sweeps, pairs[start + count - 1] % n_sweeps
    lasts = loose.seconds[last] - loose.seconds[first]
    # A short log cannot show anything for long.
    least_s = min(LEAST_S, 0.5 * (loose.seconds[-1] - loose.seconds[0]))
    stands = (count >= min(LEAST_SWEEPS, n_sweeps)) & (lasts >= least_s)
    return np.asarray(stands[np.searchsorted(cubes, key)])


def _cubes(points_m: Points, side_m: float) -> Ints:
    """Return the number of the cube of space that each of (N, 3) points lies in, (N,)."""
    if not len(points_m):
        return np.empty(0, dtype=np.int64)
    cell = np.floor(points_m / side_m).astype(np.int64)
    cell -= cell.min(axis=0)
    span = cell.max(axis=0) + 1
    return np.asarray((cell[:, 0] * span[1] + cell[:, 1]) * span[2] + cell[:, 2])


def standing_clusters(loose: Loose, stands: Mask) -> list[Clusters]:
    """Return what stands, clustered at each of `SCALES_M`."""
    rows = np.flatnonzero(stands & (loose.height_m < HEAD_M))
    # One point of each cube tells as much, and the cubes keep their neighbours.
    key = _cubes(loose.points_m[rows], CUBE_M / 2)
    _, index, inverse = np.unique(key, return_index=True, return_inverse=True)
    found = []
    for radius_m in SCALES_M:
        labels = np.full(len(loose.sweeps), -1, dtype=np.int32)
        groups = cluster(loose.points_m[rows][index], radius_m=radius_m, method="euclidean")
        labels[rows] = groups[inverse]
        found.append(_object_sized(loose, labels))
    return found


def fleeting_clusters(loose: Loose, stands: Mask) -> Clusters:
    """Return what does not stand, clustered in each sweep."""
    labels = np.full(len(loose.sweeps), -1, dtype=np.int32)
    n = 0
    for sweep in np.unique(loose.sweeps):
        rows = np.flatnonzero((loose.sweeps == sweep) & ~stands & (loose.height_m < HEAD_M))
        if len(rows):
            groups = cluster(loose.points_m[rows], radius_m=FLEETING_M, method="euclidean")
            labels[rows] = groups + n
            n += int(groups.max()) + 1
    return _object_sized(loose, labels)


def _object_sized(loose: Loose, labels: ClusterIds) -> Clusters:
    """Drop clusters that no road user fills, or that hang in the air; number the others anew."""
    n = int(labels.max(initial=-1)) + 1
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    if not len(order):
        return Clusters(labels, 0)
    start = np.flatnonzero(np.diff(labels[order], prepend=-1))
    points, height = loose.points_m[order], loose.height_m[order]
    low, high = np.minimum.reduceat(points, start), np.maximum.reduceat(points, start)
    lowest, highest = np.minimum.reduceat(height, start), np.maximum.reduceat(height, start)
    span = (high - low)[:, :2].max(axis=1)
    count = np.diff(np.append(start, len(order)))
    keep = (span < 12) & (span > 0.15) & (count >= 5) & (highest > 0.5) & (lowest < 1.2)
    number = np.full(n, -1, dtype=np.int32)
    number[labels[order][start][keep]] = np.arange(keep.sum(), dtype=np.int32)
    out = np.where(labels >= 0, number[labels], -1).astype(np.int32)
    return Clusters(out, int(keep.sum()))


@dataclass(frozen=True, slots=True)
class Described:
    """K clusters: their completed boxes, as seen, and the columns of `FEATURES` but the speed."""

    cuboids: Cuboids
    features: Floats
    sweeps: list[Ints]
    n_points: list[Ints]


def describe(loose: Loose, clusters: Clusters) -> Described:
    """Return boxes and features of clusters, from the origin of the loose points.

    The box is completed away from where the sensor was nearest.
    """
    k = clusters.n
    rows = np.flatnonzero(clusters.labels >= 0)
    rows = rows[np.argsort(clusters.labels[rows], kind="stable")]
    ids = clusters.labels[rows]
    start = np.searchsorted(ids, np.arange(k))
    count = np.diff(np.append(start, len(ids)))
    points = loose.points_m[rows].astype(np.float64)
    middle = np.add.reduceat(points, start) / count[:, None] if k else np.zeros((0, 3))
    away = np.linalg.norm(points[:, :2] - loose.sensor_m[loose.sweeps[rows], :2], axis=1)
    each = np.split(np.arange(len(ids)), start[1:]) if k else []
    nearest = np.array([r[np.argmin(away[r])] for r in each], dtype=np.int64)
    sensor = loose.sensor_m[loose.sweeps[rows[nearest]]] if k else np.zeros((0, 3))
    # Each cluster as its own sensor saw it, so that all may be fitted at once.
    seen = points - sensor[ids]
    ground = points[:, 2] - loose.height_m[rows]
    ground_z = np.add.reduceat(ground, start) / count - sensor[:, 2] if k else np.zeros(0)
    whole = fit_cuboids(seen, ids, ground_z_m=ground_z)
    plain = fit_cuboids(seen, ids, complete=False)
    boxes = Cuboids(whole.center_m + sensor, whole.size_m, whole.yaw_rad)
    height = loose.height_m[rows]
    lowest = np.minimum.reduceat(height, start) if k else np.zeros(0)
    highest = np.maximum.reduceat(height, start) if k else np.zeros(0)
    sweeps, n_points = _by_sweep(loose.sweeps[rows], start)
    hits = np.array([len(s) for s in sweeps])
    life = np.array([s[-1] - s[0] + 1 if len(s) else 1 for s in sweeps])
    length, width = plain.size_m[:, :2].max(axis=1), plain.size_m[:, :2].min(axis=1)
    most = np.array([n.max() for n in n_points])
    above, around = _surroundings(loose, clusters, middle, np.hypot(length, width) / 2)
    near = away[nearest] if k else np.zeros(0)
    table = np.zeros((k, len(FEATURES)))
    columns = [
        np.log1p(most), np.log1p(hits), hits / life, length, width, highest, lowest, near / 50,
        above, around, np.log1p(most * np.maximum(near, 5) ** 2 / 400 / (0.3 + length * highest)),
        _like(length, width, highest, (4.3, 1.8, 1.5), (1.2, 0.8, 0.35)),
        _like(length, width, highest, (0.6, 0.45, 1.65), (0.25, 0.25, 0.25)),
        _like(length, width, highest, (1.7, 0.6, 1.5), (0.4, 0.3, 0.4)),
        _like(length, width, highest, (6.5, 2.4, 2.2), (2.0, 0.8, 0.4)),
    ]  # fmt: skip
    for j, column in enumerate(columns):
        table[:, j] = column
    return Described(boxes, table, sweeps, n_points)


def _like(length: Floats, width: Floats, height: Floats, at: Size, spread: Size) -> Floats:
    """Return how much a seen size is that of a class, 0 to 1; seeing less counts half."""
    off = np.zeros(len(length))
    for value, middle, wide in zip((length, width, height), at, spread, strict=True):
        gap = (value - middle) / wide
        off += np.where(gap < 0, gap / 2, gap) ** 2
    return np.asarray(np.exp(-off / 2))


def _by_sweep(sweeps: Ints, start: Ints) -> tuple[list[Ints], list[Ints]]:
    """Return the sweeps of each group of rows, rising, and how many rows each has."""
    parts = np.split(sweeps, start[1:]) if len(start) else []
    pairs = [np.unique(part, return_counts=True) for part in parts]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def _surroundings(
    loose: Loose, clusters: Clusters, middle: Floats, radius: Floats
) -> tuple[Floats, Floats]:
    """Return how much stands over each cluster, and how much around it; both logarithms."""
    from scipy.spatial import cKDTree

    above, around = np.zeros((2, clusters.n))
    if not clusters.n:
        return above, around
    _, first = np.unique(_cubes(loose.points_m, CUBE_M), return_index=True)
    places = loose.points_m[first, :2].astype(np.float64)
    tree = cKDTree(places)
    is_high, owner = loose.height_m[first] >= HEAD_M, clusters.labels[first]
    for k, near in enumerate(tree.query_ball_point(middle[:, :2], radius + AROUND_M)):
        over = np.hypot(*(places[near] - middle[k, :2]).T) < radius[k]
        above[k] = np.log1p((is_high[near] & over).sum())
        around[k] = np.log1p(((owner[near] != k) & ~is_high[near]).sum())
    return above, around


def probability(features: Floats) -> Floats:
    """Return the probability that clusters with these (K, 16) features are objects, (K,)."""
    weights = np.array(_WEIGHTS)
    logit = np.einsum("kf,f->k", features, weights[:-1]) + weights[-1]
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def class_names(features: Floats) -> NDArray[np.str_]:
    """Return the class whose usual size each cluster is most like, (K,)."""
    likeness = features[:, list(_LIKENESS.values())]
    names: NDArray[np.str_] = np.array(list(_LIKENESS), dtype=str)
    return np.asarray(names[likeness.argmax(axis=1)])
