"""A track as the app shows it: as people left it, solved where they changed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.pipeline.solve import solve_state, sources_of

if TYPE_CHECKING:
    from perception_label.arrays import Floats, Ints
    from perception_label.geometry.labels import Labels
    from perception_label.storage.edits import TrackState
    from perception_label.storage.logs import Log


@dataclass(frozen=True, slots=True)
class Shown:
    """A track as the app shows it, world frame.

    Attributes
    ----------
    state : TrackState or None
        What people decided; None: nobody touched it yet.
    track_id, class_name, source : str
        Its name, class and maker.
    revision : int
        Its last edit, 0 if there is none.
    score : float
        The machine's probability that it is right; NaN where there is none.
    timestamps_ns : (M,) int64
        Its sweeps.
    cuboids : Cuboids
        M boxes.
    expected_iou : (M,) float64
        NaN where unknown.
    sources : tuple of M str
        Who made each box.
    next_keyframe_ns : int or None
        Where one more keyframe would help most.
    is_static : bool
        Whether all its boxes are in one place.
    """

    state: TrackState | None
    track_id: str
    class_name: str
    source: str
    revision: int
    score: float
    timestamps_ns: Ints
    cuboids: Cuboids
    expected_iou: Floats
    sources: tuple[str, ...]
    next_keyframe_ns: int | None
    is_static: bool


def untouched(track_id: str, boxes: Labels, source: str) -> Shown:
    """Return a machine's track that nobody edited yet."""
    m = len(boxes)
    return Shown(
        None,
        track_id,
        boxes.class_names[boxes.classes[0]],
        source,
        0,
        float(boxes.scores.mean()),
        boxes.timestamps_ns,
        boxes.cuboids,
        boxes.expected_iou,
        (source,) * m,
        None,
        _stands(boxes.cuboids),
    )


def solved(log: Log, track: TrackState, machine: Labels | None, stored: Labels | None) -> Shown:
    """Return an edited track; what `solve` stored of this revision is not worked out again.

    `machine` are the boxes that it was adopted from.
    """
    score = float("nan") if machine is None else float(machine.scores.mean())
    if stored is not None and (stored.revision == track.revision).all() and not track.n_human:
        return replace(
            untouched(track.track_id, stored, track.source),
            state=track,
            class_name=track.class_name,
            revision=track.revision,
            score=score,
        )
    found = solve_state(log, track, machine)
    if found is None:
        none = np.empty(0, dtype=np.int64)
        return Shown(
            track, track.track_id, track.class_name, track.source, track.revision, score,
            none, Cuboids.unpack(np.empty((0, 7))), np.empty(0), (), None, False,
        )  # fmt: skip
    return Shown(
        track,
        track.track_id,
        track.class_name,
        track.source,
        track.revision,
        score,
        found.timestamps_ns,
        found.cuboids,
        found.expected_iou,
        tuple(sources_of(track, found)),
        found.next_keyframe_ns,
        found.is_static,
    )


def _stands(cuboids: Cuboids) -> bool:
    return bool(np.ptp(cuboids.center_m[:, :2], axis=0).max(initial=0.0) < 1e-6)
