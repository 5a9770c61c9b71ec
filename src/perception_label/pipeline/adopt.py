"""A machine's track becomes one that people can edit."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from perception_label.geometry.labels import Labels
from perception_label.storage.edits import make
from perception_label.storage.edits.edit import Edit

HINT_SWEEPS = 5  # every so many sweeps a machine's box becomes a keyframe that is only a hint


def adoption(track_id: str, boxes: Labels, source: str, *, every: int = HINT_SWEEPS) -> list[Edit]:
    """Return the edits that make a machine's track one of the edit log, its boxes hints.

    The same boxes give the same edit ids: who adopts a track a second time changes nothing.

    Parameters
    ----------
    track_id : str
        The track; it keeps its id.
    boxes : Labels
        Its M >= 1 boxes by time, world frame.
    source : str
        Who made them, such as `model:proposals`.
    every : int
        Of so many boxes one becomes a keyframe; the last one does, too.
    """
    at = boxes.timestamps_ns
    class_name = boxes.class_names[boxes.classes[0]]
    size = np.median(boxes.cuboids.size_m, axis=0)
    made = make.create_track(
        track_id, class_name, size_m=size, span_ns=(int(at[0]), int(at[-1])), source=source
    )
    rows = np.unique(np.append(np.arange(0, len(at), every), len(at) - 1)).tolist()
    hints = [
        make.set_keyframe(
            track_id,
            int(at[row]),
            boxes.cuboids.center_m[row],
            float(boxes.cuboids.yaw_rad[row]),
            source=source,
        )
        for row in rows
    ]
    return [named(edit) for edit in (made, *hints)]


def named(edit: Edit) -> Edit:
    """Return the edit with an id that follows from what it says: made twice, it is one."""
    timeless = replace(edit, client_time_ns=None)
    content = f"perception-label/adopt/{timeless.content_sha256()}"
    return replace(timeless, edit_id=str(uuid5(NAMESPACE_URL, content)))
