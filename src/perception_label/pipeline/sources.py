"""The sources of a log's boxes: how often each was right where a person looked, and its gate."""

import numpy as np

from perception_label.geometry.labels import join_labels
from perception_label.pipeline.boxes import current_boxes, machine_labels, names_of, without
from perception_label.pipeline.imported import PREFIX, imported_names
from perception_label.pipeline.propose import CANDIDATES, NAME, SOURCE
from perception_label.pipeline.solve_images import IMPORTED as IMAGES
from perception_label.pipeline.solve_images import image_labels, keys_of
from perception_label.pipeline.unboxed import NAME as UNBOXED
from perception_label.quality.image_sources import judged_on_images
from perception_label.quality.queue import band_of, by_track, stratum
from perception_label.quality.queue_sources import judged_by_place
from perception_label.quality.stopping import Bound, Gate, gates, stratum_bounds
from perception_label.storage.edits import LogState, TrackState
from perception_label.storage.edits.edit import HUMAN
from perception_label.storage.logs import DENSE, Log


def source_gates(log: Log, state: LogState) -> dict[str, Gate]:
    """Return the gate of each source of a log, by name.

    Proposals have a gate for each band of scores (`model:proposals/0.50`), since people look
    at doubtful tracks first: over all bands, those checked would make the rest look worse than
    it is. An imported source (`imported:NAME`) has one; its tracks count as checked where they
    lie on tracks that a person accepted (right) or rejected (wrong). A source of labels on
    images (`model:NAME`) has one too, see `image_answers`.
    """
    checked: dict[str, list[bool]] = {}
    proposed = machine_labels(log, NAME)
    for track in by_track(proposed):
        answer = answer_of(state.tracks.get(track.track_id))
        if answer is not None:
            score = float(np.mean(proposed.scores[track.rows]))
            checked.setdefault(f"{SOURCE}/{band_of(score):.2f}", []).append(answer)
    for name in imported_names(log):
        answers = imported_answers(log, name, state)
        checked[f"imported:{name}"] = list(answers.values())
    for name in image_source_names(log):
        checked[f"model:{name}"] = list(image_answers(log, name, state).values())
    return {gate.source: gate for gate in gates(checked)}


def checked_strata(log: Log, state: LogState) -> tuple[Bound, ...]:
    """Return, for each stratum of the proposals, what was checked and what that bounds.

    Strata are those of the queue's items before anything was learned: source, class as
    proposed, band of scores.
    """
    strata, answers = [], []
    proposed = machine_labels(log, NAME)
    for track in by_track(proposed):
        score = float(np.mean(proposed.scores[track.rows]))
        strata.append(stratum(SOURCE, track.class_name, score))
        answers.append(answer_of(state.tracks.get(track.track_id)))
    return stratum_bounds(strata, answers)


def imported_answers(log: Log, name: str, state: LogState) -> dict[str, bool]:
    """Return whether each imported track is right, for those that a person's answers tell."""
    if not any(log.machine_file(made).exists() for made in DENSE):
        return {}  # nobody could have judged boxes where there are none
    labels = machine_labels(log, PREFIX + name)
    boxes = current_boxes(log, state)[0]
    accepted = {k for k, track in state.tracks.items() if answer_of(track)}
    refused = {k for k, track in state.tracks.items() if answer_of(track) is False}
    others = [machine_labels(log, k) for k in (NAME, CANDIDATES, UNBOXED)]
    right = without(boxes, names_of(boxes) - accepted)
    wrong = join_labels([without(part, names_of(part) - refused) for part in others])
    found = judged_by_place(labels, right, wrong)
    for track_id in names_of(labels):
        answer = answer_of(state.tracks.get(track_id))
        if answer is not None:
            found[track_id] = answer
    return found


def answer_of(track: TrackState | None) -> bool | None:
    """Return what a person found: right, wrong, or None for nothing yet."""
    if track is None or track.merged_into is not None:
        return None
    if not track.is_live:
        return False
    return True if track.is_finalised or track.verdict == "accept" else None


def image_source_names(log: Log) -> list[str]:
    """Return the names of the sources of 2-D labels of a log."""
    return [n.removeprefix(IMAGES) for n in log.machine_names() if n.startswith(IMAGES)]


def image_answers(log: Log, name: str, state: LogState) -> dict[str, bool]:
    """Return whether each track of a source of 2-D labels is right, where people's labels tell.

    Right are keyframes that people set on images, of tracks that are to be labelled; wrong are
    those of tracks that they rejected or deleted.
    """
    answers: dict[str, bool] = {}
    live = [track for track in state.tracks.values() if track.is_live]
    gone = [track for track in state.tracks.values() if answer_of(track) is False]
    for camera, times in log.image_timestamps_ns.items():
        labels = image_labels(log, camera, source=name)
        if len(labels):
            right = keys_of(live, camera, times)
            right = right[right.sources == HUMAN]
            answers |= judged_on_images(labels, right, keys_of(gone, camera, times))
    return answers
