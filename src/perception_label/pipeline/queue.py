"""The review queue of a log: what machines made of it, looked at for what may be wrong."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from perception_label.geometry.labels import Labels, join_labels
from perception_label.pipeline.boxes import (
    current_boxes,
    is_settled,
    machine_labels,
    names_of,
    renamed,
    rescored,
    without,
)
from perception_label.pipeline.ends import evidence
from perception_label.pipeline.imported import PREFIX, imported_names
from perception_label.pipeline.learn import learn_log
from perception_label.pipeline.parallel import n_workers
from perception_label.pipeline.propose import CANDIDATES, NAME, SOURCE
from perception_label.pipeline.queue_images import image_items
from perception_label.pipeline.solve_images import NAME as ON_IMAGES
from perception_label.pipeline.sources import imported_answers, source_gates
from perception_label.pipeline.unboxed import SOURCE as CLUSTERS
from perception_label.pipeline.unboxed import unboxed_labels
from perception_label.pipeline.workspace import open_workspace
from perception_label.quality.queue import QueueItem, ReviewQueue, band_of, by_track, ranked
from perception_label.quality.queue_cameras import camera_items
from perception_label.quality.queue_ends import carried_on, end_items
from perception_label.quality.queue_missing import missing_items, outside
from perception_label.quality.queue_motion import motion_items, size_items
from perception_label.quality.queue_sources import double_items, source_items
from perception_label.quality.queue_tracks import track_items
from perception_label.quality.stopping import Gate
from perception_label.storage.edits import LogState
from perception_label.storage.logs import DENSE, Log


def review_queue(
    log: Log,
    *,
    state: LogState | None = None,
    workers: int | None = None,
    look_at_images: bool = False,
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
    look_at_images : bool
        Also compare the boxes with the cameras' pictures: about half a second for each second
        of each camera.

    Returns
    -------
    ReviewQueue
        R items, the most expected error first; the same log and edits give the same queue.
        Boxes are world frame: together they are (R, 3) centres and sizes, one per item.

    Raises
    ------
    WorkspaceError
        If nothing made boxes yet, nor labels on images.
    MissingPosesError
        If the log has no ego poses.

    Notes
    -----
    Kinds of items are in `quality.queue.KINDS`. `track`: every track once; `span`, `keyframe`:
    its doubtful stretches; `birth`, `death`: it begins or ends where the sensor sees well;
    `motion`, `size_jump`: its class cannot do that; `camera`: its surface goes elsewhere in the
    pictures; `image`: its labels on images are doubtful, or elsewhere than its cuboids;
    `disagreement`: two tracks in one place;
    `missing`: objects that no box holds.

    A track that was accepted or finalised has no item any more, nor has one that was deleted or
    rejected. Boxes are the solver's where it made some, else the proposal's of the same id; a
    candidate for a missing object leaves the queue when a track of its id is created (rejected
    or not), or when a box holds it.
    """
    known = open_workspace(log.workspace_path).edits(log).state() if state is None else state
    threads = n_workers(workers)
    if not set(DENSE) & set(log.machine_names()) and log.machine(ON_IMAGES) is not None:
        drawn, notes = image_items(log, join_labels([]), {}, threads)
        return ranked(_open(drawn, known), tuple(notes))
    labels, sources = current_boxes(log, known)
    proposed, candidates = machine_labels(log, NAME), machine_labels(log, CANDIDATES)
    clusters = unboxed_labels(log, join_labels([proposed, candidates]), threads)
    taught = learn_log(log, known)
    keyed = frozenset(name for name, track in known.tracks.items() if track.n_human)
    # A person set a box of these, so they are objects; and nobody's class is renamed.
    probability = {**taught.probability, **dict.fromkeys(keyed, 1.0)}
    unnamed = {k: v for k, v in taught.class_name.items() if k not in known.tracks}
    checked = source_gates(log, known)
    closed = _closed(labels, known, checked)
    labels = renamed(rescored(labels, probability), unnamed)
    shown, demoted = without(labels, closed), without(labels, names_of(labels) - closed)
    items: list[QueueItem] = track_items(
        shown, sources, class_doubt=_only(taught.class_doubt, unnamed), has_keyframes=keyed
    )
    items += motion_items(shown, sources)
    items += size_items(shown, sources)
    items += double_items(shown, sources)
    ends = carried_on(shown, log.timestamps_ns)
    items += end_items(shown, sources, ends, evidence(log, shown, ends, threads))
    if look_at_images:
        items += _seen_by_cameras(log, shown, sources, threads)
    on_images, noted = image_items(log, shown, sources, threads)
    items += on_images
    items = _open(items, known)
    usual = _usual_boxes(labels)
    items += missing_items(demoted, sources, usual_boxes=usual)
    for loose, source in ((candidates, SOURCE), (clusters, CLUSTERS)):
        left = outside(without(loose, known.tracks.keys()), labels)
        left = renamed(rescored(left, taught.probability), taught.class_name)
        items += missing_items(left, source, usual_boxes=usual)
    items += _of_others(log, labels, known, checked)
    hidden = [str(gate) for gate in checked.values() if not gate.is_shown]
    return ranked(items, (*([taught.note] if taught.note else []), *noted, *hidden))


def _open(items: Iterable[QueueItem], state: LogState) -> list[QueueItem]:
    return [item for item in items if not is_settled(state.tracks.get(item.track_id))]


def _seen_by_cameras(
    log: Log, labels: Labels, sources: Mapping[str, str], workers: int
) -> list[QueueItem]:
    """Return tracks that cameras see go elsewhere, each once: the camera that is surest."""
    from perception_label.pipeline.camera_tracks import compare_tracks

    best: dict[str, QueueItem] = {}
    for camera in log.images:
        if camera not in log.cameras:
            continue
        seen = compare_tracks(log, camera, labels, workers=workers)
        for item in camera_items(labels, sources, seen):
            known = best.get(item.track_id)
            if known is None or item.expected_error > known.expected_error:
                best[item.track_id] = item
    return list(best.values())


def _usual_boxes(labels: Labels) -> float:
    """Return how many boxes a track of these has in the middle; ten if there are none."""
    count = np.bincount(labels.tracks)
    return float(np.median(count[count > 0])) if len(labels) else 10.0


def _closed(labels: Labels, state: LogState, checked: Mapping[str, Gate]) -> set[str]:
    """Return the proposals in bands of scores that were too often wrong and nobody took yet.

    They are only looked at as tiles, to be taken or not: correcting them costs more than
    labelling.
    """
    closed = set()
    for track in by_track(labels):
        gate = checked.get(f"{SOURCE}/{band_of(float(labels.scores[track.rows].mean())):.2f}")
        if track.track_id not in state.tracks and gate is not None and not gate.is_shown:
            closed.add(track.track_id)
    return closed


def _of_others(
    log: Log, labels: Labels, state: LogState, checked: Mapping[str, Gate]
) -> list[QueueItem]:
    """Return where imported sources say something else, if their gates are open."""
    found = []
    for name in imported_names(log):
        source = f"imported:{name}"
        if not checked[source].is_shown:
            continue
        judged = imported_answers(log, name, state).keys() | state.tracks.keys()
        theirs = without(machine_labels(log, PREFIX + name), judged)
        items = source_items(labels, theirs, source)
        found += [i for i in items if not is_settled(state.tracks.get(i.other_id))]
    return found


def _only(values: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name in names}
