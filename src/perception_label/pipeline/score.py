"""Score the boxes of a log against the truth that came with it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.config import Scoring
from perception_label.errors import MissingPosesError, WorkspaceError
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import interpolate_poses
from perception_label.pipeline.workspace import Workspace
from perception_label.quality.metrics import GroupScore, locate, score_labels
from perception_label.quality.score_report import summarise
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table


@dataclass(frozen=True, slots=True)
class LogScore:
    """A log's labels against its truth.

    Attributes
    ----------
    log_id, source : str
        The log, and which machine result was scored.
    settings : Scoring
        What was judged.
    view_rad : (from, to) or None
        Azimuths in the ego frame between which the truth is complete.
    n_sweeps : int
        Sweeps judged; see `judged_instants`.
    n_truth_left_out, n_labels_left_out : int
        Boxes at other instants.
    groups : dict of str to GroupScore
        By group of classes.
    """

    log_id: str
    source: str
    settings: Scoring
    view_rad: tuple[float, float] | None
    n_sweeps: int
    n_truth_left_out: int
    n_labels_left_out: int
    groups: dict[str, GroupScore]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        settings = asdict(self.settings)
        settings["bands_m"] = [b for b in settings["bands_m"] if np.isfinite(b)]
        return {
            "log_id": self.log_id,
            "source": self.source,
            "n_sweeps": self.n_sweeps,
            "n_truth_left_out": self.n_truth_left_out,
            "n_labels_left_out": self.n_labels_left_out,
            "view_rad": self.view_rad,
            "settings": settings,
            **summarise(self.groups),
        }


def score(
    workspace: Workspace,
    log: Log | str | None = None,
    *,
    source: str | None = None,
    settings: Scoring | None = None,
) -> LogScore:
    """Score the machine's boxes of a log against its truth.

    Parameters
    ----------
    workspace : Workspace
        Where the log is.
    log : Log or str, optional
        The log; None for the only one.
    source : str, optional
        Which machine result; by default the best there is, as `Workspace.cuboids` takes.
    settings : Scoring, optional
        What is judged.

    Raises
    ------
    WorkspaceError
        If the log has no truth, or no such boxes.
    MissingPosesError
        If the log has no ego poses.
    """
    opened = log if isinstance(log, Log) else workspace.log(log)
    name = opened.dense_source(source)
    return score_log(opened, labels_from_table(opened.dense_boxes(source)), name, settings)


def score_log(log: Log, labels: Labels, source: str, settings: Scoring | None = None) -> LogScore:
    """Score any labels of a log, world frame, against its truth; errors as in `score`."""
    chosen = settings or Scoring()
    truth = log.truth()
    if truth is None:
        raise WorkspaceError(f"log {log.id}: expected truth that came with the log, got none")
    if log.ego_poses is None:
        raise MissingPosesError(f"log {log.id}: expected ego poses, got none")
    seen = log.timestamps_ns[log.n_points > 0]
    instants = judged_instants(seen if len(seen) else log.timestamps_ns, truth.timestamps_ns)
    truth_here = truth[np.isin(truth.timestamps_ns, instants)]
    labels_here = labels[np.isin(labels.timestamps_ns, instants)]
    world_from_ego = interpolate_poses(log.ego_poses, instants)
    view_rad = log.info.truth_view_rad
    if chosen.min_points > 0 and len(seen):
        where = locate(truth_here, instants, world_from_ego, max_range_m=chosen.max_range_m)
        truth_here = with_counts(log, truth_here, where.inside)
    groups = score_labels(
        truth_here, labels_here, instants, world_from_ego, settings=chosen, view_rad=view_rad
    )
    return LogScore(
        log_id=log.id,
        source=source,
        settings=chosen,
        view_rad=view_rad,
        n_sweeps=len(instants),
        n_truth_left_out=len(truth) - int(np.isin(truth.timestamps_ns, instants).sum()),
        n_labels_left_out=len(labels) - len(labels_here),
        groups=groups,
    )


def judged_instants(sweeps_ns: Ints, truth_ns: Ints) -> Ints:
    """Return the sweeps where truth is complete, rising, (n,) int64.

    Where at least half of the sweeps hold truth, one without was looked at and is judged
    too; where fewer do, the truth was made at keyframes, and only those are judged. Give
    the sweeps that have points: a log may hold instants that only have labels.
    """
    held = np.isin(sweeps_ns, truth_ns)
    return sweeps_ns if held.mean() >= 0.5 else sweeps_ns[held]


def with_counts(log: Log, labels: Labels, chosen: Mask) -> Labels:
    """Return the labels with LiDAR points counted in the chosen boxes that have no count."""
    n_points = labels.n_points.copy()
    unknown = np.flatnonzero((n_points < 0) & chosen)
    for i in np.flatnonzero(np.isin(log.timestamps_ns, labels.timestamps_ns[unknown])):
        rows = unknown[labels.timestamps_ns[unknown] == log.timestamps_ns[i]]
        points_m = log.sweep(int(i)).world_points_m()
        n_points[rows] = points_inside(points_m, labels.cuboids[rows])
    return replace(labels, n_points=n_points)
