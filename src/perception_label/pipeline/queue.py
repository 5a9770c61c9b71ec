"""The review queue of a log: what machines made of it, looked at for what may be wrong."""

from collections.abc import Mapping

import numpy as np

from perception_label.geometry.labels import Labels, join_labels
from perception_label.pipeline.ends import evidence
from perception_label.pipeline.parallel import n_workers
from perception_label.pipeline.propose import CANDIDATES, NAME, SOURCE, searched_stride
from perception_label.pipeline.unboxed import LOOK_HZ, unboxed_labels
from perception_label.pipeline.unboxed import SOURCE as CLUSTERS
from perception_label.pipeline.workspace import open_workspace
from perception_label.quality.queue import QueueItem, ReviewQueue, ranked
from perception_label.quality.queue_ends import carried_on, end_items
from perception_label.quality.queue_missing import missing_items, outside
from perception_label.quality.queue_motion import motion_items, size_items
from perception_label.quality.queue_sources import double_items
from perception_label.quality.queue_tracks import track_items
from perception_label.storage.edits import LogState, TrackState
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table

SOLVED = "solved"
SOLVER = "solver"


def review_queue(
    log: Log, *, state: LogState | None = None, workers: int | None = None
) -> ReviewQueue:
    """Rank everything in a log that a person should look at.

    Parameters
    ----------
    log : Log
        With proposals (`perception-label propose`), or dense boxes of a solver.
    state : LogState, optional
        What people decided so far; None reads it from the edit log of the log's workspace.
    workers : int, optional
        Threads over sweeps; None takes one per core. The queue does not depend on it.

    Returns
    -------
    ReviewQueue
        R items, the most expected error first; the same log and edits give the same queue.
        Boxes are world frame: together they are (R, 3) centres and sizes, one per item.

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
    `motion`, `size_jump`: its class cannot do that; `disagreement`: two tracks in one place;
    `missing`: objects that no box holds.

    A track that was accepted or finalised has no item any more, nor has one that was deleted or
    rejected. Boxes are the solver's where it made some, else the proposal's of the same id; a
    candidate for a missing object leaves the queue when a track of its id is created (rejected
    or not), or when a box holds it.
    """
    known = open_workspace(log.workspace_path).edits(log).state() if state is None else state
    threads = n_workers(workers)
    labels, sources = current_boxes(log, known)
    keyed = frozenset(name for name, track in known.tracks.items() if track.n_human)
    items: list[QueueItem] = track_items(labels, sources, has_keyframes=keyed)
    items += motion_items(labels, sources)
    items += size_items(labels, sources)
    items += double_items(labels, sources)
    ends = carried_on(labels, log.timestamps_ns)
    items += end_items(labels, sources, ends, evidence(log, labels, ends, threads))
    items = [item for item in items if not _is_settled(known.tracks.get(item.track_id))]
    return ranked(items + _missing(log, labels, known, threads))


def current_boxes(log: Log, state: LogState) -> tuple[Labels, dict[str, str]]:
    """Return the boxes of every track that is to be labelled, and who made each track's.

    Classes are those of the edits. Raises `WorkspaceError` if nothing made boxes yet.
    """
    log.dense_source()
    solved = _machine(log, SOLVED)
    proposed = _machine(log, NAME)
    gone = {name for name, track in state.tracks.items() if not track.is_live}
    solved = _without(solved, gone)
    held = set(np.array(solved.track_names, dtype=str)[np.unique(solved.tracks)].tolist())
    proposed = _without(proposed, gone | held)
    rest = set(np.array(proposed.track_names, dtype=str)[np.unique(proposed.tracks)].tolist())
    sources = dict.fromkeys(held, SOLVER) | dict.fromkeys(rest, SOURCE)
    return _with_classes(join_labels([solved, proposed]), state.tracks), sources


def _missing(log: Log, labels: Labels, state: LogState, workers: int) -> list[QueueItem]:
    """Return the candidates and clusters that no box holds now and nobody decided on."""
    proposed, candidates = _machine(log, NAME), _machine(log, CANDIDATES)
    clusters = unboxed_labels(log, join_labels([proposed, candidates]), workers)
    known = set(state.tracks)
    stride = searched_stride(log.timestamps_ns, LOOK_HZ)
    return [
        *missing_items(outside(_without(candidates, known), labels), SOURCE),
        *missing_items(outside(_without(clusters, known), labels), CLUSTERS, sweeps_per_box=stride),
    ]


def _is_settled(track: TrackState | None) -> bool:
    if track is None:
        return False
    return track.is_finalised or track.verdict is not None or not track.is_live


def _machine(log: Log, name: str) -> Labels:
    table = log.machine(name)
    return join_labels([]) if table is None else labels_from_table(table)


def _without(labels: Labels, names: set[str]) -> Labels:
    """Return the boxes of the tracks that are not among the names."""
    keep = np.array([name not in names for name in labels.track_names], dtype=np.bool_)
    return labels[keep[labels.tracks]] if len(labels) else labels


def _with_classes(labels: Labels, tracks: Mapping[str, TrackState]) -> Labels:
    """Return the boxes with the classes that people gave the tracks."""
    given = {k: tracks[n].class_name for k, n in enumerate(labels.track_names) if n in tracks}
    if not given:
        return labels
    names = np.array(labels.class_names, dtype=str)[labels.classes]
    theirs = np.array([given.get(k, "") for k in range(len(labels.track_names))], dtype=str)
    names = np.where(theirs[labels.tracks] == "", names, theirs[labels.tracks])
    ids = np.array(labels.track_names, dtype=str)[labels.tracks]
    return Labels.from_columns(
        labels.timestamps_ns,
        ids,
        names,
        labels.cuboids,
        scores=labels.scores,
        n_points=labels.n_points,
        expected_iou=labels.expected_iou,
        revision=labels.revision,
    )
