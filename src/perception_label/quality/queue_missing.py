"""Items for objects that no box holds yet."""

import numpy as np

from perception_label.geometry.labels import Labels
from perception_label.quality.pairs import pair_up
from perception_label.quality.queue import QueueItem, Sources, by_track, item_at

SHARED = 0.3  # of the smaller footprint: a candidate that shares more with a box is in it
COVERED = 0.5  # of its sweeps


def outside(candidates: Labels, labels: Labels) -> Labels:
    """Return the tracks of candidates that do not lie in boxes of the labels most of the time.

    Sweeps without any box of the labels near count as outside.
    """
    pairs = pair_up(
        candidates.cuboids, candidates.timestamps_ns, labels.cuboids, labels.timestamps_ns
    )
    area = np.prod(candidates.cuboids.size_m[:, :2], axis=1)[pairs.truth]
    other = np.prod(labels.cuboids.size_m[:, :2], axis=1)[pairs.label]
    shared = pairs.iou_bev * (area + other) / (1 + pairs.iou_bev)
    is_in = np.zeros(len(candidates), dtype=np.bool_)
    is_in[pairs.truth[shared > SHARED * np.minimum(area, other)]] = True
    n_tracks = len(candidates.track_names)
    n = np.bincount(candidates.tracks, minlength=n_tracks)
    covered = np.bincount(candidates.tracks, weights=is_in, minlength=n_tracks)
    keep = covered < COVERED * np.maximum(n, 1)
    return candidates[keep[candidates.tracks]]


def missing_items(
    candidates: Labels, source: Sources, *, usual_boxes: float = 1.0
) -> list[QueueItem]:
    """Return one item per candidate: a track of boxes that nobody accepted.

    Parameters
    ----------
    candidates : Labels
        Tracks of boxes, world frame; their scores are the probability of being an object.
    source : str, or dict of track id to str
        Who made them.
    usual_boxes : float
        How many boxes an object of this log has. Each counts as so many, whatever was seen of
        it so far: candidates are ranked by their probability, since long-lived ones are more
        often walls and bushes than objects.
    """
    found = []
    for track in by_track(candidates):
        score = float(np.mean(candidates.scores[track.rows]))
        n_points = candidates.n_points[track.rows]
        best = int(track.rows[np.argmax(n_points)])
        reason = (
            f"{score:.0%} a {track.class_name}: up to {n_points.max()} points in no box, "
            f"over {len(track.rows)} sweeps"
        )
        found.append(
            item_at(
                candidates,
                track,
                best,
                kind="missing",
                source=source,
                expected_error=score * usual_boxes,
                reason=reason,
                is_only=True,
            )
        )
    return found
