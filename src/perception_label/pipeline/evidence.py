"""The evidence of a log at hand: made once, kept on disk, mapped."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from perception_label.arrays import Floats, Ints, Points
from perception_label.cloud.evidence import Evidence, sweep_evidence
from perception_label.pipeline.parallel import in_order, n_workers
from perception_label.pipeline.propose import Progress, level_points, level_poses
from perception_label.propagation.views import Views
from perception_label.storage.evidence import open_evidence, write_evidence
from perception_label.storage.logs import Log

_NO_POINTS = np.empty((0, 3), dtype=np.float32)


class LogEvidence:
    """What a log's sweeps say of objects, in the world frame less `origin_m` (3,)."""

    def __init__(
        self, log: Log, *, workers: int | None = None, progress: Progress | None = None
    ) -> None:
        poses = level_poses(log)
        self.timestamps_ns: Ints = log.timestamps_ns
        # Whole metres: the same cells whatever the sweep it is made of.
        self.origin_m: Floats = np.floor(poses[0, :3, 3]) if len(poses) else np.zeros(3)
        stored = open_evidence(log)
        if stored is None:
            stored = write_evidence(log, self._made(log, poses, n_workers(workers), progress))
        self._ground = stored.ground
        self._points = [stored.points(i) for i in range(len(stored))]

    def _made(
        self, log: Log, poses: Floats, workers: int, progress: Progress | None
    ) -> Iterator[Evidence]:
        def one(i: int) -> Evidence:
            points, lidar = level_points(log, i), log.sweep(i).lidar
            if lidar is not None:
                # Several LiDARs see a mover at several instants; labels fit the first one's.
                points = np.ascontiguousarray(points[lidar == 0])
            return sweep_evidence(points, poses[i], self.origin_m)

        for i, part in enumerate(in_order(one, range(len(poses)), workers)):
            yield part
            if progress is not None:
                progress(i + 1, len(poses))

    def views(self, times_ns: Ints) -> Views:
        """Return the solver's window at these times, ascending; others than sweeps are blind."""
        at = np.searchsorted(self.timestamps_ns, times_ns)
        last = max(len(self.timestamps_ns) - 1, 0)
        hit = self.timestamps_ns[np.minimum(at, last)] == times_ns
        rows = np.where(hit, at, -1).tolist()

        def points(i: int) -> Points:
            return self._points[rows[i]] if rows[i] >= 0 else _NO_POINTS

        return Views((times_ns - times_ns[0]) / 1e9, points, self._ground.heights_at)


@lru_cache(maxsize=4)
def evidence_of(log: Log) -> LogEvidence:
    """Return the evidence of an open log, kept as long as few others are asked for.

    Raises
    ------
    MissingPosesError
        If the log has no ego poses.
    WorkspaceError
        If it has to be made and the workspace cannot be written.
    """
    return LogEvidence(log)
