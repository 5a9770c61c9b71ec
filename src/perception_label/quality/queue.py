"""What still needs a person: items ranked by the boxes that are expected to be wrong.

The makers of items (`queue_tracks`, `queue_ends`, `queue_motion`, `queue_sources`,
`queue_missing`, `queue_cameras`, `queue_images`) see arrays and return lists of `QueueItem`;
`ranked` puts them in order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from perception_label.arrays import Ints
from perception_label.geometry.labels import Labels

# Every kind, and what a person does with it.
KINDS: Mapping[str, str] = {
    "track": "look at the whole track once: accept, correct or reject it",
    "span": "look at these sweeps of the track: its boxes are doubtful there",
    "keyframe": "one more keyframe at this instant would help the track most",
    "missing": "points that stand together in no box: is this an object?",
    "birth": "the track begins where the sensor saw well: did the object stand there before?",
    "death": "the track ends where the sensor saw well: did the object go on?",
    "size_jump": "the boxes of the track change their size, or have one that the class has not",
    "motion": "the track moves as its class cannot: is it one object?",
    "camera": "a camera sees the object go elsewhere than its boxes do",
    "image": "its labels on a camera's images are doubtful, or not where its cuboids are",
    "disagreement": "two sources, or two tracks, say different things of one place",
}
BANDS = (0.0, 0.5, 0.8, 0.95)  # lower ends of the bands of scores in `stratum`


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """One thing for a person to look at.

    Attributes
    ----------
    item_id : str
        Kind, track and, where a track may have several of a kind, the instant; stays the same
        from one queue to the next as long as the item stands.
    kind : str
        One of `KINDS`.
    track_id : str
        The track it is about; of a missing object the candidate's id (`c00012`: a track of the
        machine result `candidates`; `u00012`: of `unboxed`).
    class_name : str
        The track's class now, or what a missing object most likely is.
    first_ns, last_ns : int
        The sweeps in question.
    at_ns : int
        The sweep that tells most.
    center_m, size_m : (3,) tuple of float
        The box in question at `at_ns`, world frame, metres.
    yaw_rad : float
        Its heading, radians.
    score : float
        Probability that it is an object with this class and these boxes.
    expected_error : float
        How many boxes are expected to be wrong, or missing; the queue's order.
    stratum : str
        Source, class and band of scores: tiles of one stratum look alike, and what a sample of
        it was worth holds for the rest (`quality.stopping`).
    reason : str
        Why a person should look, one line.
    source : str
        Who made the track.
    other_id : str
        The second track it is about, or empty.
    camera : str
        The camera whose images it is about, or empty.
    rank : int
        Place in the queue from 0; -1 before it was ranked.
    """

    item_id: str
    kind: str
    track_id: str
    class_name: str
    first_ns: int
    last_ns: int
    at_ns: int
    center_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw_rad: float
    score: float
    expected_error: float
    stratum: str
    reason: str
    source: str
    other_id: str = ""
    camera: str = ""
    rank: int = -1

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """R items, the most expected error first; ties by their ids, so the order is stable.

    Attributes
    ----------
    items : tuple of R QueueItem
        In order.
    notes : tuple of str
        What the ranking learned from verdicts, and which sources are not shown; for people.
    """

    items: tuple[QueueItem, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[QueueItem]:
        return iter(self.items)

    def __getitem__(self, rank: int) -> QueueItem:
        return self.items[rank]

    def of_kind(self, *kinds: str) -> tuple[QueueItem, ...]:
        """Return the items of these kinds, in order."""
        return tuple(item for item in self.items if item.kind in kinds)

    def of_track(self, track_id: str) -> tuple[QueueItem, ...]:
        """Return every item about one track, in order: one opening of it settles them all."""
        return tuple(i for i in self.items if track_id in (i.track_id, i.other_id))

    def strata(self) -> dict[str, tuple[QueueItem, ...]]:
        """Return the items of kind `track` by stratum, the largest stratum first."""
        groups: dict[str, list[QueueItem]] = {}
        for item in self.of_kind("track"):
            groups.setdefault(item.stratum, []).append(item)
        order = sorted(groups, key=lambda name: (-len(groups[name]), name))
        return {name: tuple(groups[name]) for name in order}


def ranked(items: Iterable[QueueItem], notes: tuple[str, ...] = ()) -> ReviewQueue:
    """Return the items as a queue; one with nothing to gain (no expected error) is left out.

    Items of kind `track` stay even then: each track is looked at once, if only in a grid.
    """
    kept = [i for i in items if i.kind == "track" or i.expected_error > 0]
    kept.sort(key=lambda i: (-round(i.expected_error, 9), i.at_ns, i.item_id))
    return ReviewQueue(tuple(replace(item, rank=k) for k, item in enumerate(kept)), notes)


def stratum(source: str, class_name: str, score: float) -> str:
    """Return the name of a stratum, such as `model:proposals/car/0.95`."""
    return f"{source}/{class_name}/{band_of(score):.2f}"


def band_of(score: float) -> float:
    """Return the lower end of a score's band; a score that is not finite is in the lowest."""
    known = score if np.isfinite(score) else 0.0
    return max(b for b in BANDS if b <= max(known, 0.0))


Sources = str | Mapping[str, str]  # who made all tracks, or each by its id


@dataclass(frozen=True, slots=True)
class TrackRows:
    """The boxes of one track: `rows` into its labels, in time order."""

    track: int
    track_id: str
    class_name: str
    rows: Ints


def by_track(labels: Labels) -> Iterator[TrackRows]:
    """Yield the tracks that have boxes, in order of `track_names`; class by most boxes."""
    order = np.lexsort((labels.timestamps_ns, labels.tracks))
    starts = np.flatnonzero(np.diff(labels.tracks[order], prepend=-1))
    for rows in np.split(order, starts[1:]) if len(order) else []:
        track = int(labels.tracks[rows[0]])
        name = labels.class_names[int(np.bincount(labels.classes[rows]).argmax())]
        yield TrackRows(track, labels.track_names[track], name, rows)


def item_at(
    labels: Labels,
    track: TrackRows,
    row: int,
    *,
    kind: str,
    source: Sources,
    expected_error: float,
    reason: str,
    span: tuple[int, int] | None = None,
    other_id: str = "",
    camera: str = "",
    is_only: bool = False,
    score: float | None = None,
) -> QueueItem:
    """Return an item about a track whose box `row` of the labels tells most.

    `span` are the first and last sweep in question, None for the whole track; `is_only` tells
    that a track has at most one item of this kind, so the id needs no instant; `score` None
    is the mean of its boxes'.
    """
    at_ns = int(labels.timestamps_ns[row])
    first, last = span or (
        int(labels.timestamps_ns[track.rows[0]]),
        int(labels.timestamps_ns[track.rows[-1]]),
    )
    score = float(np.mean(labels.scores[track.rows])) if score is None else score
    box = labels.cuboids.packed()[row].tolist()
    maker = source if isinstance(source, str) else source[track.track_id]
    tail = "" if is_only else f":{at_ns}"
    return QueueItem(
        item_id=f"{kind}:{track.track_id}{':' + other_id if other_id else ''}{tail}",
        kind=kind,
        track_id=track.track_id,
        class_name=track.class_name,
        first_ns=first,
        last_ns=last,
        at_ns=at_ns,
        center_m=(box[0], box[1], box[2]),
        size_m=(box[3], box[4], box[5]),
        yaw_rad=box[6],
        score=score,
        expected_error=float(expected_error),
        stratum=stratum(maker, track.class_name, score),
        reason=reason,
        source=maker,
        other_id=other_id,
        camera=camera,
    )
