"""The review queue of a log: what machines made of it, looked at for what may be wrong."""

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.labels import Labels, join_labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.parallel import in_order, n_workers
from perception_label.pipeline.propose import (
    CANDIDATES,
    NAME,
    RAISE_M,
    SOURCE,
    level_points,
    level_poses,
    searched_stride,
)
from perception_label.pipeline.unboxed import LOOK_HZ, unboxed_labels
from perception_label.pipeline.unboxed import SOURCE as CLUSTERS
from perception_label.quality.queue import QueueItem, ReviewQueue, ranked
from perception_label.quality.queue_ends import Ends, Evidence, carried_on, end_items
from perception_label.quality.queue_missing import missing_items, outside
from perception_label.quality.queue_motion import motion_items, size_items
from perception_label.quality.queue_tracks import track_items
from perception_label.quality.visibility import range_image, views
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table


def review_queue(log: Log, *, workers: int | None = None) -> ReviewQueue:
    """Rank everything in a log that a person should look at.

    Parameters
    ----------
    log : Log
        With proposals (`perception-label propose`), or dense boxes of a solver.
    workers : int, optional
        Threads over sweeps; None takes one per core. The queue does not depend on it.

    Returns
    -------
    ReviewQueue
        R items, the most expected error first; the same log gives the same queue. Boxes are
        world frame: together they are (R, 3) centres and sizes, one per item.

    Raises
    ------
    WorkspaceError
        If nothing made boxes yet.
    MissingPosesError
        If the log has no ego poses.

    Notes
    -----
    Kinds of items are in `quality.queue.KINDS`. `track`: every track once; `span`, `keyframe`:
    its doubtful stretches; `birth`, `death`: it begins or ends where the sensor sees well;
    `motion`, `size_jump`: its class cannot do that; `missing`: objects that no box holds.
    """
    labels = labels_from_table(log.dense_boxes())
    source = SOURCE if log.dense_source() == "proposals" else log.dense_source()
    items: list[QueueItem] = track_items(labels, source)
    items += motion_items(labels, source)
    items += size_items(labels, source)
    ends = carried_on(labels, log.timestamps_ns)
    items += end_items(labels, source, ends, _evidence(log, labels, ends, n_workers(workers)))
    items += _missing(log, labels, n_workers(workers))
    return ranked(items)


def _missing(log: Log, labels: Labels, workers: int) -> list[QueueItem]:
    """Return the candidates and clusters that no box holds now."""
    tables = [log.machine(NAME), log.machine(CANDIDATES)]
    proposed, candidates = (
        join_labels([]) if table is None else labels_from_table(table) for table in tables
    )
    clusters = unboxed_labels(log, join_labels([proposed, candidates]), workers)
    stride = searched_stride(log.timestamps_ns, LOOK_HZ)
    return missing_items(outside(candidates, labels), SOURCE) + missing_items(
        outside(clusters, labels), CLUSTERS, sweeps_per_box=stride
    )


def _evidence(log: Log, labels: Labels, ends: Ends, workers: int) -> Evidence:
    """Return what the sweeps say of boxes carried on beyond the ends of their tracks."""
    poses = level_poses(log)
    n = len(ends.sweeps)
    n_points, others = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    hidden, through, range_m = np.zeros((3, n))
    sweeps = np.unique(ends.sweeps)

    def look(sweep: int) -> Ints:
        rows = np.flatnonzero(ends.sweeps == sweep)
        boxes = ends.cuboids[rows].moved(inverse(poses[sweep]))
        points = level_points(log, sweep)
        n_points[rows] = points_above_bottom(points, boxes, RAISE_M)[:, 1]
        seen = views(range_image(points), boxes)
        hidden[rows], through[rows], range_m[rows] = seen.hidden, seen.through, seen.range_m
        here = np.flatnonzero(labels.timestamps_ns == log.timestamps_ns[sweep])
        others[rows] = _covering(labels, here, ends, rows)
        return rows

    for _ in in_order(look, sweeps.tolist(), workers):
        pass
    return Evidence(n_points, hidden, through, range_m, others)


def _covering(labels: Labels, here: Ints, ends: Ends, rows: Ints) -> Ints:
    """Return the other track whose box holds each carried-on box's centre, -1 for none."""
    offset = ends.cuboids.center_m[rows, None, :2] - labels.cuboids.center_m[None, here, :2]
    yaw = labels.cuboids.yaw_rad[here]
    along = np.abs(np.cos(yaw) * offset[..., 0] + np.sin(yaw) * offset[..., 1])
    across = np.abs(np.cos(yaw) * offset[..., 1] - np.sin(yaw) * offset[..., 0])
    size = labels.cuboids.size_m[here]
    is_in = (along < size[:, 0] / 2) & (across < size[:, 1] / 2)
    is_in &= labels.tracks[here] != ends.tracks[rows, None]
    if not is_in.size:
        return np.full(len(rows), -1, dtype=np.int64)
    return np.where(is_in.any(axis=1), labels.tracks[here][is_in.argmax(axis=1)], -1)
