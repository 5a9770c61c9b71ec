"""What a person who knows the truth sees in a track's boxes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.quality.pairs import pair_up
from perception_label.quality.passing import FOUND_IOU, group_of, pass_iou
from perception_label.simulate.effort.objects import Judged

STRAY_IOU = 0.25  # with another object, from which a box has gone over to that
REACH_M = 15.0  # boxes farther apart never meet, however long
TOUCHES_IOU = 0.1  # a track that overlaps an object this little is still taken for its label


@dataclass(frozen=True, slots=True)
class Shown:
    """A track as the review app shows it.

    Attributes
    ----------
    track_id, class_name : str
        What it says it is.
    timestamps_ns : (n,) int64
        The sweeps of its boxes, rising.
    cuboids : Cuboids
        n boxes, world frame.
    n_points : (n,) int64
        Points in each, -1 where nobody counted.
    expected_iou : (n,) float64
        What the engine thinks of each, NaN where it does not say.
    next_keyframe_ns : int
        Where the engine asks for a keyframe, -1 for nowhere.
    """

    track_id: str
    class_name: str
    timestamps_ns: Ints
    cuboids: Cuboids
    n_points: Ints
    expected_iou: Floats
    next_keyframe_ns: int = -1

    def __len__(self) -> int:
        return len(self.timestamps_ns)


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen in n boxes of a track.

    Attributes
    ----------
    thing : int
        The object the track is on, a row of the truth's track names; -1 for none.
    class_name : str
        What that object is.
    iou : (n,) float64
        3-D IoU of each box with that object; 0 where it is not there.
    is_wrong : (n,) bool
        Boxes with something to see in them that do not pass.
    is_false : (n,) bool
        Those of them at sweeps where the object does not show at all.
    other : (n,) int64
        The object a wrong box is on instead, -1 for none.
    absent_ns : (k,) int64
        Sweeps where the object shows and the track has no box.
    span_ns : (first, last)
        The sweeps from the first to the last where the object shows.
    """

    thing: int
    class_name: str
    iou: Floats
    is_wrong: Mask
    is_false: Mask
    other: Ints
    absent_ns: Ints
    span_ns: tuple[int, int]


Count = Callable[[Shown, Ints], Ints]  # the points in some of a track's boxes


class Eye:
    """Compares what is shown with the truth; `count` tells the points in boxes it needs."""

    def __init__(self, judged: Judged, count: Count) -> None:
        self._count, self._within = count, judged.within
        truth = judged.truth
        order = np.lexsort((truth.tracks, truth.timestamps_ns))
        self._truth = truth[order]
        self._min_points = judged.min_points
        enough = (self._truth.n_points < 0) | (self._truth.n_points >= judged.min_points)
        named = np.array([group_of(name) is not None for name in truth.class_names], dtype=bool)
        self._shows = enough
        self._needed = enough & (named[self._truth.classes] if len(named) else enough)
        self._timestamps_ns = judged.timestamps_ns

    def look(self, shown: Shown) -> Look:
        """Return what is seen in a track's boxes at the judged sweeps."""
        truth = self._truth
        first = np.searchsorted(truth.timestamps_ns, shown.timestamps_ns[:1])
        last = np.searchsorted(truth.timestamps_ns, shown.timestamps_ns[-1:], "right")
        near = np.arange(*(first.tolist() + last.tolist())) if len(shown) else np.arange(0)
        if len(near):
            at, there = shown.cuboids.center_m[:, :2], truth.cuboids.center_m[near, :2]
            close = (there > at.min(axis=0) - REACH_M) & (there < at.max(axis=0) + REACH_M)
            near = near[close.all(axis=1)]
        pairs = pair_up(
            truth.cuboids[near], truth.timestamps_ns[near], shown.cuboids, shown.timestamps_ns
        )
        thing = self._thing_of(shown, near[pairs.truth], pairs.label, pairs.iou_3d)
        iou, other_iou = np.zeros(len(shown)), np.zeros(len(shown))
        other = np.full(len(shown), -1)
        mine = truth.tracks[near[pairs.truth]] == thing
        iou[pairs.label[mine]] = pairs.iou_3d[mine]
        for row in np.flatnonzero(~mine & (pairs.iou_3d > iou[pairs.label])).tolist():
            box = pairs.label[row]
            if pairs.iou_3d[row] > other_iou[box]:
                other_iou[box] = pairs.iou_3d[row]
                other[box] = truth.tracks[near[pairs.truth[row]]]
        return self._judge(
            shown, thing, iou, np.where((other_iou >= STRAY_IOU) & (iou < TOUCHES_IOU), other, -1)
        )

    def is_full(self, shown: Shown, rows: Ints) -> Mask:
        """Tell which of a track's boxes hold enough points to be judged, (n,) bool."""
        n_points = shown.n_points[rows].copy()
        unknown = n_points < 0
        if unknown.any():
            n_points[unknown] = self._count(shown, rows[unknown])
        full: Mask = n_points >= self._min_points
        full &= self._within(shown.timestamps_ns[rows], shown.cuboids[rows])
        return full

    def _thing_of(self, shown: Shown, truth_rows: Ints, boxes: Ints, iou: Floats) -> int:
        """Return the object that most boxes are on; boxes in which nothing shows count little."""
        if not len(iou) or iou.max() < TOUCHES_IOU:
            return -1
        weight = iou * np.where(self._shows[truth_rows], 1.0, 0.01)
        total = np.bincount(self._truth.tracks[truth_rows], weight)
        return int(np.argmax(total))

    def _judge(self, shown: Shown, thing: int, iou: Floats, other: Ints) -> Look:
        truth = self._truth
        rows = np.flatnonzero(truth.tracks == thing)
        class_name = truth.class_names[truth.classes[rows[0]]] if len(rows) else ""
        at = np.searchsorted(truth.timestamps_ns[rows], shown.timestamps_ns)
        there = np.zeros(len(shown), dtype=bool)
        inside = at < len(rows)
        there[inside] = truth.timestamps_ns[rows[at[inside]]] == shown.timestamps_ns[inside]
        shows = np.zeros(len(shown), dtype=bool)
        shows[there] = self._shows[rows[at[there]]]
        judged = np.isin(shown.timestamps_ns, self._timestamps_ns)
        found = FOUND_IOU.get(group_of(class_name) or "", 0.25)
        # A box on an object that hardly shows is neither right nor wrong.
        is_false = judged & ~shows & ~(there & (iou >= found))
        is_false[is_false] = self.is_full(shown, np.flatnonzero(is_false))
        is_wrong = (judged & shows & (iou < pass_iou(class_name))) | is_false
        seen = truth.timestamps_ns[rows[self._needed[rows]]]
        span = (int(seen[0]), int(seen[-1])) if len(seen) else (0, -1)
        return Look(
            thing=thing,
            class_name=class_name,
            iou=iou,
            is_wrong=is_wrong,
            is_false=is_false,
            other=np.where(is_wrong, other, -1),
            absent_ns=seen[~np.isin(seen, shown.timestamps_ns)],
            span_ns=span,
        )

    def box(self, thing: int, timestamp_ns: int) -> Cuboids | None:
        """Return the object's exact box at a sweep, (1,), None if it is not there."""
        row = self._row(thing, timestamp_ns)
        return None if row is None else self._truth.cuboids[[row]]

    def shows(self, thing: int, timestamp_ns: int) -> bool:
        """Tell whether the object shows at a sweep."""
        row = self._row(thing, timestamp_ns)
        return row is not None and bool(self._shows[row])

    def best_seen(self, thing: int, timestamps_ns: Ints) -> int:
        """Return which of the sweeps the object holds most points at."""
        rows = np.flatnonzero(
            (self._truth.tracks == thing) & np.isin(self._truth.timestamps_ns, timestamps_ns)
        )
        best = rows[np.argmax(self._truth.n_points[rows])] if len(rows) else -1
        return int(self._truth.timestamps_ns[best]) if best >= 0 else int(timestamps_ns[0])

    def unlabelled(self, timestamp_ns: int, box: Cuboids, labelled: dict[int, set[int]]) -> int:
        """Return the object that shows at a box and that no label is on there, -1 for none."""
        rows = np.flatnonzero((self._truth.timestamps_ns == timestamp_ns) & self._needed)
        if not len(rows):
            return -1
        apart = self._truth.cuboids.center_m[rows, :2] - box.center_m[0, :2]
        reach = np.hypot(*self._truth.cuboids.size_m[rows, :2].T) / 2
        distance = np.hypot(*apart.T)
        for k in np.argsort(distance):
            thing = int(self._truth.tracks[rows[k]])
            if distance[k] > max(float(reach[k]), 0.7):
                continue
            if timestamp_ns not in labelled.get(thing, set()):
                return thing
        return -1

    def class_of(self, thing: int) -> str:
        """Return what an object is."""
        row = int(np.argmax(self._truth.tracks == thing))
        return str(self._truth.class_names[self._truth.classes[row]])

    def showing(self) -> dict[int, Ints]:
        """Return the sweeps where each object that has to be labelled shows."""
        rows = np.flatnonzero(self._needed)
        rows = rows[np.argsort(self._truth.tracks[rows], kind="stable")]
        cuts = np.flatnonzero(np.diff(self._truth.tracks[rows])) + 1
        parts = np.split(rows, cuts) if len(rows) else []
        return {int(self._truth.tracks[p[0]]): self._truth.timestamps_ns[p] for p in parts}

    def _row(self, thing: int, timestamp_ns: int) -> int | None:
        first, last = np.searchsorted(self._truth.timestamps_ns, [timestamp_ns, timestamp_ns + 1])
        here = np.flatnonzero(self._truth.tracks[first:last] == thing)
        return int(first + here[0]) if len(here) else None
