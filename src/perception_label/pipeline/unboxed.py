"""Missing objects of a log: clusters in no box that persist over sweeps, as tracks of boxes."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Points
from perception_label.cloud.ground import heights_above_ground
from perception_label.cloud.thin import thin
from perception_label.config import Tracking
from perception_label.geometry.cuboids import Cuboids, concatenate
from perception_label.geometry.inside import assign_points
from perception_label.geometry.labels import Labels
from perception_label.geometry.overlap import keep_best
from perception_label.geometry.poses import inverse
from perception_label.pipeline.parallel import in_order
from perception_label.pipeline.propose import level_points, level_poses, searched_stride
from perception_label.proposals import unboxed
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table, labels_to_table
from perception_label.tracking.association import track_cuboids

NAME = "unboxed"
SOURCE = "model:clusters"
MADE_FROM = b"perception_label.made_from"
LOOK_HZ = 5.0
CHUNK_S = 20.0  # looked at together: memory stays flat in the length of the log
LOWEST_M, HIGHEST_M = 0.25, 4.0
REACH_M = 75.0
THIN_M = 0.15
GROWN_M = 0.4  # boxes take the points this near with them: mirrors, loads, their own error
LEAST_POINTS = 4  # in its best sweep, one per `THIN_M`: nobody can tell what fewer are
LEAST_LINKED = 4  # sweeps that something moving is seen in
LEAST_TRAVEL_M = 1.5  # what does not move is found standing
LEAST_PROBABILITY = 0.02
SHARED = 0.3  # of the smaller footprint: two clusters that overlap more are one object


@dataclass(frozen=True, slots=True)
class Found:
    """One cluster over time: K sweeps (numbers in the log), a box and points in each."""

    sweeps: Ints
    cuboids: Cuboids
    n_points: Ints
    features: Floats


def unboxed_labels(log: Log, boxed: Labels, workers: int) -> Labels:
    """Return clusters in no box that persist, as tracks named u00000, …; kept with the log.

    Parameters
    ----------
    log : Log
        With ego poses.
    boxed : Labels
        Boxes whose points are taken, world frame. The machine result `unboxed` is made anew if
        these are others than those it was made from.
    workers : int
        Threads over sweeps; the result does not depend on it.

    Returns
    -------
    Labels
        Boxes at the sweeps that were looked at (five a second) and showed the cluster. Scores
        are probabilities of being an object; `n_points` counts one point per 15 cm.
    """
    digest = _digest(boxed)
    table = log.machine(NAME)
    if table is not None and (table.schema.metadata or {}).get(MADE_FROM) == digest:
        return labels_from_table(table)
    labels = find_unboxed(log, boxed, workers)
    table = labels_to_table(labels, SOURCE)
    metadata = {**(table.schema.metadata or {}), MADE_FROM: digest}
    log.write_machine(NAME, table.replace_schema_metadata(metadata))
    return labels


def find_unboxed(log: Log, boxed: Labels, workers: int) -> Labels:
    """Return what `unboxed_labels` does, computed."""
    return _as_labels(log, found_unboxed(log, boxed, workers))


def found_unboxed(log: Log, boxed: Labels, workers: int) -> list[Found]:
    """Return the clusters in no box, with their features, before any is judged."""
    looked = _looked_at(log)
    chunk = max(1, round(CHUNK_S * LOOK_HZ))
    found: list[Found] = []
    for start in range(0, len(looked), chunk):
        found += _in_chunk(log, boxed, looked[start : start + chunk], workers)
    return found


def _in_chunk(log: Log, boxed: Labels, looked: Ints, workers: int) -> list[Found]:
    loose, origin = gather(log, boxed, looked, workers)
    stands = unboxed.standing(loose)
    still = [unboxed.describe(loose, c) for c in unboxed.standing_clusters(loose, stands)]
    found = [
        Found(
            looked[d.sweeps[k]],
            Cuboids.unpack(np.repeat(d.cuboids.packed()[k : k + 1], len(d.sweeps[k]), axis=0)),
            d.n_points[k],
            d.features[k],
        )
        for d in still
        for k in range(len(d.cuboids))
        if d.n_points[k].max() >= LEAST_POINTS
    ]
    if found:
        likely = unboxed.probability(np.array([f.features for f in found]))
        first = concatenate([f.cuboids[:1] for f in found])
        found = [found[k] for k in np.sort(keep_best(first, likely, SHARED, measure="min_area"))]
    fleeting = unboxed.describe(loose, unboxed.fleeting_clusters(loose, stands))
    found += _linked(log, looked, loose, fleeting)
    return [
        Found(
            f.sweeps,
            Cuboids(f.cuboids.center_m + origin, f.cuboids.size_m, f.cuboids.yaw_rad),
            f.n_points,
            f.features,
        )
        for f in found
    ]


def _linked(
    log: Log, looked: Ints, loose: unboxed.Loose, fleeting: unboxed.Described
) -> list[Found]:
    """Return the clusters of single sweeps that are one thing on the move."""
    at = np.array([s[0] for s in fleeting.sweeps], dtype=np.int64)
    n_points = np.array([n[0] for n in fleeting.n_points], dtype=np.int64)
    times = log.timestamps_ns[looked[at]]
    ids = track_cuboids(fleeting.cuboids, times, settings=Tracking(gate_m=3.0))
    found = []
    for track in range(int(ids.max(initial=-1)) + 1):
        rows = np.flatnonzero(ids == track)
        rows = rows[np.argsort(at[rows])]
        center = fleeting.cuboids.center_m[rows, :2]
        if len(rows) < LEAST_LINKED:
            continue
        travel = float(np.linalg.norm(np.median(center[-2:], 0) - np.median(center[:2], 0)))
        if travel < LEAST_TRAVEL_M:
            continue
        features = np.median(fleeting.features[rows], axis=0)
        seconds = loose.seconds[at[rows[-1]]] - loose.seconds[at[rows[0]]]
        features[unboxed.FEATURES.index("log_sweeps")] = np.log1p(len(rows))
        features[unboxed.FEATURES.index("steadiness")] = len(rows) / (
            at[rows[-1]] - at[rows[0]] + 1
        )
        features[unboxed.FEATURES.index("speed_mps")] = travel / seconds
        found.append(Found(looked[at[rows]], fleeting.cuboids[rows], n_points[rows], features))
    return found


def _as_labels(log: Log, found: list[Found]) -> Labels:
    features = np.array([f.features for f in found]).reshape(len(found), len(unboxed.FEATURES))
    likely = unboxed.probability(features)
    names = unboxed.class_names(features)
    keep = [k for k in np.argsort(-likely, kind="stable") if likely[k] >= LEAST_PROBABILITY]
    count = [len(found[k].sweeps) for k in keep]
    none = np.empty(0, dtype=np.int64)
    ids = np.array([f"u{n:05d}" for n in range(len(keep))], dtype=str)
    return Labels.from_columns(
        log.timestamps_ns[np.concatenate([none, *(found[k].sweeps for k in keep)])],
        np.repeat(ids, count),
        np.repeat(names[keep], count),
        concatenate([found[k].cuboids for k in keep]),
        scores=np.repeat(likely[keep], count),
        n_points=np.concatenate([none, *(found[k].n_points for k in keep)]),
    )


def _looked_at(log: Log) -> Ints:
    filled = np.flatnonzero(log.n_points)
    stride = searched_stride(log.timestamps_ns, LOOK_HZ)
    return filled[np.unique(filled // stride, return_index=True)[1]]


def _digest(labels: Labels) -> bytes:
    """Return what tells these boxes from others."""
    told = hashlib.blake2b(digest_size=16)
    told.update(np.ascontiguousarray(labels.timestamps_ns).tobytes())
    told.update(np.ascontiguousarray(labels.cuboids.packed()).tobytes())
    return told.hexdigest().encode()


def gather(log: Log, labels: Labels, looked: Ints, workers: int) -> tuple[unboxed.Loose, Floats]:
    """Return the points off the ground and in no box, of some sweeps, and their origin (3,)."""
    poses = level_poses(log)
    origin = poses[looked[0], :3, 3] if len(looked) else np.zeros(3)

    def look(i: int) -> tuple[Points, NDArray[np.float32]]:
        points = level_points(log, i)
        height = heights_above_ground(points)
        away = np.hypot(points[:, 0], points[:, 1])
        rows = np.flatnonzero((height > LOWEST_M) & (height < HIGHEST_M) & (away < REACH_M))
        here = labels[labels.timestamps_ns == log.timestamps_ns[i]].cuboids
        grown = Cuboids(here.center_m, here.size_m + 2 * GROWN_M, here.yaw_rad)
        rows = rows[thin(points[rows], THIN_M)]
        rows = rows[assign_points(points[rows], grown.moved(inverse(poses[i]))) < 0]
        shifted = poses[i].copy()
        shifted[:3, 3] -= origin
        world = points[rows].astype(np.float64) @ shifted[:3, :3].T + shifted[:3, 3]
        return world.astype(np.float32), height[rows]

    parts = list(in_order(look, looked.tolist(), workers))
    count = [len(p[0]) for p in parts]
    empty = np.empty((0, 3), np.float32)
    loose = unboxed.Loose(
        points_m=np.concatenate([empty, *(p[0] for p in parts)]),
        height_m=np.concatenate([empty[:, 0], *(p[1] for p in parts)]),
        sweeps=np.repeat(np.arange(len(looked)), count),
        seconds=(log.timestamps_ns[looked] - log.timestamps_ns[:1]) / 1e9,
        sensor_m=poses[looked, :3, 3] - origin,
    )
    return loose, origin
