"""The review queue of a log: what machines made of it, looked at for what may be wrong."""

from collections.abc import Collection, Mapping

from perception_label.geometry.labels import join_labels
from perception_label.pipeline.boxes import (
    current_boxes,
    is_settled,
    machine_labels,
    renamed,
    rescored,
    without,
)
from perception_label.pipeline.ends import evidence
from perception_label.pipeline.learn import learn_log
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
from perception_label.storage.edits import LogState
from perception_label.storage.logs import Log


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
    proposed, candidates = machine_labels(log, NAME), machine_labels(log, CANDIDATES)
    clusters = unboxed_labels(log, join_labels([proposed, candidates]), threads)
    taught = learn_log(log, known)
    keyed = frozenset(name for name, track in known.tracks.items() if track.n_human)
    # A person set a box of these, so they are objects; and nobody's class is renamed.
    probability = {**taught.probability, **dict.fromkeys(keyed, 1.0)}
    unnamed = {k: v for k, v in taught.class_name.items() if k not in known.tracks}
    labels = renamed(rescored(labels, probability), unnamed)
    items: list[QueueItem] = track_items(
        labels, sources, class_doubt=_only(taught.class_doubt, unnamed), has_keyframes=keyed
    )
    items += motion_items(labels, sources)
    items += size_items(labels, sources)
    items += double_items(labels, sources)
    ends = carried_on(labels, log.timestamps_ns)
    items += end_items(labels, sources, ends, evidence(log, labels, ends, threads))
    items = [item for item in items if not is_settled(known.tracks.get(item.track_id))]
    for loose, source, sweeps in (
        (candidates, SOURCE, 1),
        (clusters, CLUSTERS, searched_stride(log.timestamps_ns, LOOK_HZ)),
    ):
        left = outside(without(loose, known.tracks.keys()), labels)
        left = renamed(rescored(left, taught.probability), taught.class_name)
        items += missing_items(left, source, sweeps_per_box=sweeps)
    return ranked(items, (taught.note,) if taught.note else ())


def _only(values: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name in names}
