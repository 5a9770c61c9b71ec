"""Which tracks people changed since the dense boxes were written."""

import numpy as np

from perception_label.pipeline.boxes import SOLVED, machine_labels, names_of
from perception_label.pipeline.propose import NAME as PROPOSALS
from perception_label.storage.edits import LogState
from perception_label.storage.logs import Log


def unsolved(log: Log, state: LogState) -> tuple[str, ...]:
    """Return the tracks that the log's dense boxes do not show as its edits left them.

    Edited tracks of another revision than their boxes, those with keyframes but without boxes,
    and those that are gone but still have boxes.

    Parameters
    ----------
    log : Log
        Its `solved` result is looked at, else its `proposals`.
    state : LogState
        Its edits.
    """
    if not state.tracks:
        return ()
    boxes = machine_labels(log, SOLVED)
    if not len(boxes):
        boxes = machine_labels(log, PROPOSALS)
    held = names_of(boxes)
    index = {name: k for k, name in enumerate(boxes.track_names)}
    # All boxes of a track have one revision.
    newest = np.full(len(boxes.track_names), -1, dtype=np.int64)
    newest[boxes.tracks] = boxes.revision
    found = []
    for name, track in state.tracks.items():
        if not track.is_live:
            is_behind = name in held
        elif name in held:
            is_behind = newest[index[name]] != track.revision
        else:
            is_behind = len(track.key_timestamps_ns) > 0
        if is_behind:
            found.append(name)
    return tuple(found)
