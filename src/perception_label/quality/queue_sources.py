"""Items where two tracks, or two sources, say different things of one place."""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.labels import Labels
from perception_label.quality.pairs import pair_up
from perception_label.quality.queue import QueueItem, Sources, by_track, item_at

SHARED = 0.4  # of the smaller footprint: two tracks that overlap more are in one place
LEAST_SWEEPS = 2
SAME = 0.3  # of the smaller footprint, for boxes of two sources to be of one object
ALONE = 0.5  # share of a track's boxes that the other source has none for


@dataclass(frozen=True, slots=True)
class Meetings:
    """Pairs of boxes of one sweep that share their place, and how much of the smaller one."""

    i: Ints
    j: Ints
    shared: Floats


def meetings(a: Labels, b: Labels) -> Meetings:
    """Return the boxes of two labels that overlap in the same sweep, rows into each."""
    pairs = pair_up(a.cuboids, a.timestamps_ns, b.cuboids, b.timestamps_ns)
    one = np.prod(a.cuboids.size_m[:, :2], axis=1)[pairs.truth]
    two = np.prod(b.cuboids.size_m[:, :2], axis=1)[pairs.label]
    both = pairs.iou_bev * (one + two) / (1 + pairs.iou_bev)
    return Meetings(pairs.truth, pairs.label, both / np.maximum(np.minimum(one, two), 1e-9))


def double_items(labels: Labels, source: Sources) -> list[QueueItem]:
    """Return one item per two tracks that are in one place at once, on the less likely one."""
    met = meetings(labels, labels)
    keep = (met.shared > SHARED) & (labels.tracks[met.i] != labels.tracks[met.j])
    i, j = met.i[keep], met.j[keep]
    tracks = {track.track: track for track in by_track(labels)}
    rank = {k: (float(labels.scores[t.rows].mean()), len(t.rows)) for k, t in tracks.items()}
    found = []
    for one, two in np.unique(np.column_stack([labels.tracks[i], labels.tracks[j]]), axis=0):
        mine, theirs = tracks[int(one)], tracks[int(two)]
        # Each pair is met twice; the less likely track is the one in question.
        if (rank[int(one)], mine.track_id) > (rank[int(two)], theirs.track_id):
            continue
        rows = i[(labels.tracks[i] == one) & (labels.tracks[j] == two)]
        if len(rows) < LEAST_SWEEPS:
            continue
        times = labels.timestamps_ns[rows]
        found.append(
            item_at(
                labels,
                mine,
                int(rows[np.argmax(labels.n_points[rows])]),
                kind="disagreement",
                source=source,
                expected_error=float(len(rows)),
                reason=f"shares its place with {theirs.track_id} in {len(rows)} sweeps",
                span=(int(times.min()), int(times.max())),
                other_id=theirs.track_id,
                is_only=True,
            )
        )
    return found


def judged_by_place(labels: Labels, right: Labels, wrong: Labels) -> dict[str, bool]:
    """Return which tracks lie on right ones, or else on wrong ones, most of the time.

    Tracks that do neither are left out: nobody looked there.
    """
    on = []
    for judged in (right, wrong):
        met = meetings(labels, judged)
        is_on = np.zeros(len(labels), dtype=np.bool_)
        is_on[met.i[met.shared > SAME]] = True
        on.append(is_on)
    found = {}
    for track in by_track(labels):
        shares = [float(is_on[track.rows].mean()) for is_on in on]
        if max(shares) >= ALONE:
            found[track.track_id] = shares[0] >= ALONE
    return found


def source_items(labels: Labels, other: Labels, other_source: str) -> list[QueueItem]:
    """Return the tracks of another source that the labels lack, or give another class.

    Parameters
    ----------
    labels : Labels
        The boxes as they are now, world frame.
    other : Labels
        Boxes of the other source; scores of 0 to 1 weigh its tracks.
    other_source : str
        Its name.
    """
    met = meetings(other, labels)
    same = met.shared > SAME
    partner = np.full(len(other), -1, dtype=np.int64)
    order = np.argsort(met.shared[same], kind="stable")
    partner[met.i[same][order]] = met.j[same][order]  # the largest overlap is written last
    found = []
    for track in by_track(other):
        mine = partner[track.rows]
        score = float(np.clip(np.nanmean(other.scores[track.rows]), 0, 1))
        best = int(track.rows[np.argmax(other.n_points[track.rows])])
        if (mine < 0).mean() > ALONE:
            expected = score * float((mine < 0).sum())
            reason = f"{other_source} sees a {track.class_name} here, {score:.0%} sure, in no box"
            theirs = ""
        else:
            held = mine[mine >= 0]
            owner = int(np.bincount(labels.tracks[held]).argmax())
            rows = held[labels.tracks[held] == owner]
            name = labels.class_names[int(np.bincount(labels.classes[rows]).argmax())]
            if name == track.class_name:
                continue
            theirs = labels.track_names[owner]
            expected = 0.5 * score * len(rows)
            reason = f"{other_source} calls {theirs} a {track.class_name}, it is called a {name}"
        found.append(
            item_at(
                other,
                track,
                best,
                kind="disagreement",
                source=other_source,
                expected_error=expected,
                reason=reason,
                other_id=theirs,
                is_only=True,
                score=score,
            )
        )
    return found
