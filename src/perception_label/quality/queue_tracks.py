"""Items for whole tracks and for their doubtful spans."""

from collections.abc import Mapping

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, Sources, TrackRows, by_track, item_at

# 3-D IoU under which a person must act on a box; see the effort model.
VEHICLES = ("car", "truck", "bus", "trailer", "construction_vehicle")
NEEDED_VEHICLE, NEEDED_OTHER = 0.7, 0.5
IOU_SPREAD = 0.08  # of what a box's IoU turns out to be, around its expectation
FEW_POINTS = 5  # boxes with fewer matter less: nobody can tell whether they are right
FEW_WEIGHT = 0.2
HALF_SUPPORT = 2.0  # points in a mover's box that leave its place half in doubt
MOVED_M = 2.0  # farther, a track moves
DOUBTFUL = 0.5  # a box more likely wrong than right
SPAN_EXCESS = 0.15  # a span is worth telling apart where it is that much worse than its track


def box_doubt(labels: Labels, rows: Ints, class_name: str, probability: float) -> Floats:
    """Return the probability that each box of a track is wrong, (n,).

    Parameters
    ----------
    labels : Labels
        Dense boxes, world frame.
    rows : (n,) int64
        The boxes of the track.
    class_name : str
        Its class, which tells the IoU a box must have.
    probability : float
        Of the track to be an object of this class with boxes like these.

    Notes
    -----
    With an expected IoU, a box is wrong if its IoU, spread around that, is below the class's
    threshold. Without, the boxes of a mover that hold few points are in doubt, those of a
    parked object stand where its other boxes do.
    """
    expected = labels.expected_iou[rows]
    needed = NEEDED_VEHICLE if class_name in VEHICLES else NEEDED_OTHER
    passes = 1 / (1 + np.exp(np.clip((needed - expected) / (IOU_SPREAD * 0.55), -40, 40)))
    n = labels.n_points[rows]
    is_moving = np.ptp(labels.cuboids.center_m[rows, :2], axis=0).max(initial=0.0) > MOVED_M
    support = np.where((n >= 0) & is_moving, n / (n + HALF_SUPPORT), 1.0)
    good = np.where(np.isfinite(expected), passes, support)
    return np.asarray(1 - probability * good)


def box_weight(labels: Labels, rows: Ints) -> Floats:
    """Return how much each box counts, (n,): those with few points count less."""
    n = labels.n_points[rows]
    return np.where((n >= 0) & (n < FEW_POINTS), FEW_WEIGHT, 1.0)


def track_items(
    labels: Labels,
    source: Sources,
    *,
    probability: Mapping[str, float] | None = None,
    class_doubt: Mapping[str, float] | None = None,
    has_keyframes: frozenset[str] = frozenset(),
) -> list[QueueItem]:
    """Return one item per track, and one per span that is much worse than its track.

    Parameters
    ----------
    labels : Labels
        Dense boxes, world frame.
    source : str, or dict of track id to str
        Who made them.
    probability : dict of track id to float, optional
        That a track is right, if something knows better than the boxes' scores.
    class_doubt : dict of track id to float, optional
        Probability that the class is wrong.
    has_keyframes : set of str
        Tracks with keyframes: a doubtful span of theirs is of kind `keyframe`.
    """
    found: list[QueueItem] = []
    for track in by_track(labels):
        scored = float(np.mean(labels.scores[track.rows]))
        likely = (probability or {}).get(track.track_id, scored)
        unsure = (class_doubt or {}).get(track.track_id, 0.0)
        doubt = box_doubt(labels, track.rows, track.class_name, likely)
        weight = box_weight(labels, track.rows)
        # A wrong class makes every box wrong that was not wrong anyway.
        expected = float((weight * (doubt + (1 - doubt) * unsure)).sum())
        best = int(track.rows[np.argmax(labels.n_points[track.rows])])
        reason = f"{track.class_name}, {likely:.0%} sure, {len(track.rows)} boxes"
        if unsure > 0.2:
            reason += f", the class {1 - unsure:.0%}"
        item = item_at(
            labels, track, best, kind="track", source=source, expected_error=expected,
            reason=reason, is_only=True, score=likely,
        )  # fmt: skip
        found.append(item)
        kind = "keyframe" if track.track_id in has_keyframes else "span"
        found += _spans(labels, track, doubt, weight, kind, source)
    return found


def _spans(
    labels: Labels, track: TrackRows, doubt: Floats, weight: Floats, kind: str, source: Sources
) -> list[QueueItem]:
    """Return the stretches of boxes more likely wrong than right, unless all are alike."""
    typical = float(np.median(doubt))
    is_bad: Mask = (doubt > DOUBTFUL) & (doubt > typical + SPAN_EXCESS)
    if kind == "keyframe":
        is_bad = doubt > DOUBTFUL
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_bad, [False]]).astype(int)))
    found = []
    for start, stop in edges.reshape(-1, 2):
        worst = start + int(np.argmax(doubt[start:stop]))
        rows = track.rows[start:stop]
        span = int(labels.timestamps_ns[rows[0]]), int(labels.timestamps_ns[rows[-1]])
        found.append(
            item_at(
                labels,
                track,
                int(track.rows[worst]),
                kind=kind,
                source=source,
                expected_error=float((weight * doubt)[start:stop].sum()),
                reason=_span_reason(labels, rows, float(doubt[worst])),
                span=span,
            )
        )
    return found


def _span_reason(labels: Labels, rows: Ints, worst: float) -> str:
    expected = labels.expected_iou[rows]
    if np.isfinite(expected).any():
        return f"{len(rows)} boxes, expected IoU down to {np.nanmin(expected):.2f}"
    return f"{len(rows)} boxes with {labels.n_points[rows].min()} points or more, {worst:.0%} wrong"
