"""Items for objects that no box holds yet."""

import numpy as np

from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, by_track, item_at
from perception_label.quality.queue_tracks import box_weight


def missing_items(candidates: Labels, source: str) -> list[QueueItem]:
    """Return one item per candidate: a track of boxes that nobody accepted.

    Parameters
    ----------
    candidates : Labels
        Tracks of boxes, world frame; their scores are the probability of being an object.
    source : str
        Who made them.
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
                expected_error=score * float(box_weight(candidates, track.rows).sum()),
                reason=reason,
                is_only=True,
            )
        )
    return found
