"""What the sweeps say of tracks beyond their ends: points, cover, clear view."""

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.inside import points_above_bottom
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import inverse
from perception_label.pipeline.parallel import in_order
from perception_label.pipeline.propose import RAISE_M, level_points, level_poses
from perception_label.quality.queue_ends import Ends, Evidence
from perception_label.quality.visibility import range_image, views
from perception_label.storage.logs import Log


def evidence(log: Log, labels: Labels, ends: Ends, workers: int) -> Evidence:
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
