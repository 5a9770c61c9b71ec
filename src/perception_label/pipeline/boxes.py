"""The boxes of a log as they are now: machine results, and what people decided on top."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from perception_label.geometry.labels import Labels, join_labels
from perception_label.pipeline.propose import CANDIDATES, NAME, SOURCE
from perception_label.pipeline.unboxed import NAME as UNBOXED
from perception_label.pipeline.unboxed import SOURCE as CLUSTERS
from perception_label.storage.edits import LogState, TrackState
from perception_label.storage.logs import Log
from perception_label.tables import labels_from_table

SOLVED = "solved"
SOLVER = "solver"
# Machine results that tracks are taken from, and who makes them.
MAKERS = {NAME: SOURCE, CANDIDATES: SOURCE, UNBOXED: CLUSTERS}


def current_boxes(log: Log, state: LogState) -> tuple[Labels, dict[str, str]]:
    """Return the boxes of every track that is to be labelled, and who made each track's.

    The solver's where it made some, else the proposal's of the same id; classes are those of
    the edits. A track that no person set a keyframe of keeps the probability, and the maker, of
    the machine track it was taken from. Raises `WorkspaceError` if nothing made boxes yet.
    """
    log.dense_source()
    gone = {name for name, track in state.tracks.items() if not track.is_live}
    solved = without(machine_labels(log, SOLVED), gone)
    held = names_of(solved)
    proposed = without(machine_labels(log, NAME), gone | held)
    sources = dict.fromkeys(held, SOLVER) | dict.fromkeys(names_of(proposed), SOURCE)
    taken = {k for k in held & state.tracks.keys() if not state.tracks[k].n_human}
    for result, maker in MAKERS.items():
        found = scores_of(machine_labels(log, result), taken)
        solved = rescored(solved, found)
        sources |= dict.fromkeys(found, maker)
        taken -= found.keys()
    given = {name: track.class_name for name, track in state.tracks.items()}
    return renamed(join_labels([solved, proposed]), given), sources


def is_settled(track: TrackState | None) -> bool:
    """Tell whether a person is done with a track: judged, finished or gone."""
    if track is None:
        return False
    return track.is_finalised or track.verdict is not None or not track.is_live


def machine_labels(log: Log, name: str) -> Labels:
    """Return a machine result that is dense boxes; none if it is not there."""
    table = log.machine(name)
    return join_labels([]) if table is None else labels_from_table(table)


def names_of(labels: Labels) -> set[str]:
    """Return the ids of the tracks that have boxes."""
    return {labels.track_names[k] for k in np.unique(labels.tracks)}


def scores_of(labels: Labels, names: Collection[str]) -> dict[str, float]:
    """Return the mean score of each of these tracks that has boxes."""
    count = np.bincount(labels.tracks, minlength=len(labels.track_names))
    total = np.bincount(labels.tracks, labels.scores, minlength=len(labels.track_names))
    return {
        name: float(total[k] / count[k])
        for k, name in enumerate(labels.track_names)
        if count[k] and name in names
    }


def without(labels: Labels, names: Collection[str]) -> Labels:
    """Return the boxes of the tracks that are not among the names."""
    keep = np.array([name not in names for name in labels.track_names], dtype=np.bool_)
    return labels[keep[labels.tracks]] if len(labels) else labels


def renamed(labels: Labels, classes: Mapping[str, str]) -> Labels:
    """Return the boxes with other class names for some tracks, by track id."""
    given = {k: classes[n] for k, n in enumerate(labels.track_names) if n in classes}
    if not given or not len(labels):
        return labels
    names = np.array(labels.class_names, dtype=str)[labels.classes]
    theirs = np.array([given.get(k, "") for k in range(len(labels.track_names))], dtype=str)
    names = np.where(theirs[labels.tracks] == "", names, theirs[labels.tracks])
    return Labels.from_columns(
        labels.timestamps_ns,
        np.array(labels.track_names, dtype=str)[labels.tracks],
        names,
        labels.cuboids,
        scores=labels.scores,
        n_points=labels.n_points,
        expected_iou=labels.expected_iou,
        revision=labels.revision,
    )


def rescored(labels: Labels, scores: Mapping[str, float]) -> Labels:
    """Return the boxes with other scores for some tracks, by track id."""
    if not len(labels) or not scores:
        return labels
    by_index = np.array([scores.get(name, np.nan) for name in labels.track_names])
    theirs = by_index[labels.tracks]
    return replace(labels, scores=np.where(np.isnan(theirs), labels.scores, theirs))
