"""First-guess labels of a whole log: detect in each sweep, link, build tracks, count points."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Thread
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Mask, Pose
from perception_label.config import Settings
from perception_label.errors import MissingPosesError
from perception_label.geometry.cuboids import Cuboids, concatenate
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.dense import Counts, Dense
from perception_label.pipeline.parallel import in_order, n_workers
from perception_label.pipeline.workspace import Workspace
from perception_label.proposals.hypotheses import GROUPS
from perception_label.proposals.scorer import Scorer, load_scorer
from perception_label.proposals.sweep import Detections, detect
from perception_label.proposals.tracks import (
    Linked,
    Track,
    build_track,
    class_of,
    group_of,
    probability,
)
from perception_label.storage.logs import Log
from perception_label.tables import labels_to_table
from perception_label.tracking.association import load_kernels, track_cuboids

SOURCE = "model:proposals"
NAME = "proposals"
CANDIDATES = "candidates"  # tracks that may be objects but are not likely enough to be proposed
RAISE_M = 0.25  # points this near a box's bottom may be ground

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ProposeReport:
    """What `propose` made of a log, and how fast."""

    log_id: str
    n_tracks: int
    n_boxes: int
    n_sweeps: int
    wall_s: float

    @property
    def sweeps_per_s(self) -> float:
        """Return sweeps per second of wall time."""
        return self.n_sweeps / self.wall_s if self.wall_s > 0 else 0.0


def propose(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    settings: Settings | None = None,
    scorer: Scorer | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ProposeReport:
    """Write proposals for a log: tracked cuboids with a class and a probability.

    Parameters
    ----------
    workspace : Workspace
        Holds the log; the result becomes its machine result `proposals`, and the tracks that
        are too unlikely for it, but not below `Proposals.candidate_score`, `candidates`: what
        `review_queue` shows as missing objects.
    log : Log or str, optional
        Which log; None takes the only one.
    settings : Settings, optional
        Thresholds; None takes the defaults.
    scorer : Scorer, optional
        None takes the one the package ships.
    workers : int, optional
        Threads over sweeps; None takes one per core. The result does not depend on it.
    progress : callable, optional
        Called with how many of how many sweep visits are done; each sweep is visited twice.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses: tracks live in the world frame.
    """
    begun = perf_counter()
    opened = log if isinstance(log, Log) else workspace.log(log)
    labels, candidates = find_labels(
        opened, settings or Settings(), scorer or load_scorer(), n_workers(workers), progress
    )
    opened.write_machine(CANDIDATES, labels_to_table(candidates, SOURCE))
    opened.write_machine(NAME, labels_to_table(labels, SOURCE))
    n_tracks = len(np.unique(labels.tracks))
    seconds = perf_counter() - begun
    return ProposeReport(opened.id, n_tracks, len(labels), len(opened.sweeps), seconds)


def propose_labels(
    log: Log, settings: Settings, scorer: Scorer, workers: int, progress: Progress | None = None
) -> Labels:
    """Return the proposals of a log, world frame; see `propose`."""
    return find_labels(log, settings, scorer, workers, progress)[0]


def find_labels(
    log: Log, settings: Settings, scorer: Scorer, workers: int, progress: Progress | None = None
) -> tuple[Labels, Labels]:
    """Return the proposals of a log and its candidates, world frame; see `propose`.

    Candidates are named c00000, … and give way to proposals where they overlap.
    """
    poses = level_poses(log)
    stride = searched_stride(log.timestamps_ns, settings.proposals.search_hz)
    filled = np.flatnonzero(log.n_points)
    # The first with points of every `stride`: an empty one in its place would lose its turn.
    sweeps = filled[np.unique(filled // stride, return_index=True)[1]]
    loading = Thread(target=load_kernels)
    loading.start()
    seen: list[Detections] = []
    for found in in_order(
        lambda i: detect_sweep(log, i, scorer, settings), sweeps.tolist(), workers
    ):
        seen.append(found)
        if progress is not None:
            progress(len(seen), len(sweeps) + len(poses))
    loading.join()
    tracks, scores = link(seen, sweeps, poses, log.timestamps_ns, scorer, settings)
    is_likely = scores >= settings.proposals.min_score
    # One less for candidates: no candidate takes a proposal's place.
    boxes = _dense(log, poses, tracks, scores - ~is_likely, workers, progress, len(sweeps))
    return (
        _labels(log, tracks, scores, boxes, is_likely, "p"),
        _labels(log, tracks, scores, boxes, ~is_likely, "c"),
    )


def searched_stride(timestamps_ns: Ints, search_hz: float) -> int:
    """Return which share of the sweeps is searched: every n-th, by the log's own rate."""
    if len(timestamps_ns) < 2:
        return 1
    period_s = float(np.median(np.diff(timestamps_ns))) / 1e9
    return max(1, round(1 / (search_hz * period_s)))


def level_poses(log: Log) -> Floats:
    """Return (S, 4, 4) world_from_level: at the sensor, but with the ego vehicle's axes.

    Ground and cuboids are upright there even if the sensor is mounted at a tilt.
    """
    poses = log.world_from_sensor
    if poses is None:
        raise MissingPosesError(
            f"log {log.id}: expected ego poses, got none: ingest with --odometry to estimate them"
        )
    return np.asarray(poses @ _sensor_from_level(log))


def level_points(log: Log, i: int) -> NDArray[np.float32]:
    """Return the (N, 3) points of a sweep at the sensor with the ego vehicle's axes, metres."""
    return _level(np.asarray(log.sweep(i).points_m), _sensor_from_level(log))


def link(
    seen: list[Detections],
    searched: Ints,
    poses: Floats,
    timestamps_ns: Ints,
    scorer: Scorer,
    settings: Settings,
) -> tuple[list[Track], Floats]:
    """Return the tracks of the searched sweeps' detections, candidates too, and how likely.

    `searched` are the numbers of the sweeps in `seen`; poses (S, 4, 4) and timestamps_ns (S,)
    are of all sweeps.
    """
    stride = searched_stride(timestamps_ns, settings.proposals.search_hz)
    moved = [d.cuboids.moved(p) for d, p in zip(seen, poses[searched], strict=True)]
    cuboids = concatenate(moved)
    sweeps = np.repeat(searched, [len(d) for d in seen])
    groups = np.concatenate([d.groups for d in seen]) if seen else np.empty(0, np.int64)
    scores = np.concatenate([d.scores for d in seen]) if seen else np.empty(0)
    tracking = replace(
        settings.tracking,
        gate_m=settings.tracking.gate_m * max(1, stride),
        birth_score=settings.proposals.birth_quality,
    )
    ids = track_cuboids(
        cuboids,
        timestamps_ns[sweeps],
        scores=scores,
        class_names=np.array(GROUPS)[groups],
        settings=tracking,
    )
    seconds = (timestamps_ns - timestamps_ns[:1]) / 1e9
    tracks = []
    order = np.argsort(ids, kind="stable")
    order = order[np.searchsorted(ids[order], 0) :]
    for rows in np.split(order, np.flatnonzero(np.diff(ids[order])) + 1):
        if len(rows) == 0:
            continue
        mine = rows[np.argsort(sweeps[rows], kind="stable")]
        at = sweeps[mine]
        group = group_of(int(groups[mine[0]]), cuboids.center_m[mine], seconds[at])
        linked = Linked(at, cuboids[mine], scores[mine], group, poses[at, :2, 3])
        tracks.append(build_track(linked, seconds, stride, len(seen)))
    if not tracks:
        return [], np.empty(0)
    likely = probability(
        np.array([t.features for t in tracks]),
        np.array([t.group for t in tracks]),
        scorer.track_weights,
    )
    floor = min(settings.proposals.min_score, settings.proposals.candidate_score)
    kept = np.flatnonzero(likely >= floor)
    return [tracks[k] for k in kept], likely[kept]


def detect_sweep(log: Log, i: int, scorer: Scorer, settings: Settings) -> Detections:
    """Return the detections of sweep i, at the sensor with the ego vehicle's axes."""
    return detect(level_points(log, i), scorer, settings.proposals)


def _sensor_from_level(log: Log) -> Pose:
    turned = np.eye(4)
    turned[:3, :3] = log.info.ego_from_lidar[:3, :3].T
    return turned


def _level(points_m: NDArray[np.float32], sensor_from_level: Pose) -> NDArray[np.float32]:
    turn = sensor_from_level[:3, :3]
    if np.abs(turn - np.eye(3)).max() < 1e-9:
        return points_m
    return np.ascontiguousarray(points_m @ turn.astype(np.float32))


def _count(log: Log, i: int, at: Dense, level_from_world: Pose) -> Counts:
    rows = at.near(i)
    points = level_points(log, i)
    found = points_above_bottom(points, at.boxes(rows, i).moved(level_from_world), RAISE_M)
    return Counts(i, rows.astype(np.int32), found.astype(np.int32))


Boxes = tuple[Ints, Ints, Ints, Cuboids]  # sweep, track, points and box of each, M rows


def _dense(
    log: Log,
    poses: Floats,
    tracks: list[Track],
    rank: Floats,
    workers: int,
    progress: Progress | None,
    done: int,
) -> Boxes:
    """Count every track's points in every sweep and return the boxes that are there."""
    at = Dense.of(tracks, poses[:, :2, 3])
    counting = in_order(lambda i: _count(log, i, at, inverse(poses[i])), range(len(poses)), workers)
    counts = []
    for found in counting:
        counts.append(found)
        if progress is not None:
            progress(done + len(counts), done + len(poses))
    return at.chosen(counts, rank)


def _labels(
    log: Log, tracks: list[Track], scores: Floats, boxes: Boxes, chosen: Mask, letter: str
) -> Labels:
    """Return the boxes of the chosen tracks, which are numbered from 0 among themselves."""
    rows = chosen[boxes[1]]
    sweep, track, n_points = (column[rows] for column in boxes[:3])
    names = np.array([class_of(t) for t in tracks], dtype=str)
    ids = np.array([f"{letter}{k:05d}" for k in np.cumsum(chosen) - 1], dtype=str)
    return Labels.from_columns(
        log.timestamps_ns[sweep],
        ids[track],
        names[track],
        boxes[3][rows],
        scores=scores[track],
        n_points=n_points,
    )
