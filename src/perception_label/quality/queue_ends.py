"""Items for tracks that begin or end where the sensor sees the place well.

A track may begin or end because its object entered or left the sensor's reach, went behind
something, or because the log began or ended. Where none of these holds, either the object was
there before and has no box yet, or the track is no object.
"""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, Sources, TrackRows, by_track, item_at

STEPS = (1, 2, 3, 5, 8, 13, 21, 34)  # sweeps beyond an end that are looked at
MOVER_STEPS = 5  # of these, for tracks that move: farther a straight line says little
STILL_MPS = 0.5
FIT_BOXES = 5  # that tell the speed at an end
STILL_THERE = 5  # points well above the ground in the box that was carried on
HIDDEN = 0.5  # more of the place hidden: nobody could see the object
LEAST_THROUGH = 0.3  # beams that went through the place, for it to be clearly empty
FAINT = 12  # an object of so few points fades out, or in, anywhere
REACH_M = 60.0  # farther out objects come and go with the sensor's reach
CLEAR_SHARE = 0.3  # probability that a track that appears in clear view is wrong there
CLEAR_BOXES = 5


@dataclass(frozen=True, slots=True)
class Ends:
    """E boxes that tracks would have if they went on, world frame.

    Attributes
    ----------
    tracks : (E,) int64
        Which track, as in the labels' `tracks`.
    is_birth : (E,) bool
        Before its first box; else after its last.
    steps : (E,) int64
        How many sweeps beyond.
    sweeps : (E,) int64
        The sweep's number.
    cuboids : Cuboids
        E of them.
    """

    tracks: Ints
    is_birth: Mask
    steps: Ints
    sweeps: Ints
    cuboids: Cuboids


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sweep says of each of E carried-on boxes.

    Attributes
    ----------
    n_points : (E,) int64
        Points inside, well above the bottom.
    hidden, through : (E,) float64
        See `visibility.Views`.
    range_m : (E,) float64
        Horizontal distance from the sensor.
    others : (E,) int64
        The other track whose box covers the place in that sweep, -1 for none.
    """

    n_points: Ints
    hidden: Floats
    through: Floats
    range_m: Floats
    others: Ints


def carried_on(labels: Labels, timestamps_ns: Ints) -> Ends:
    """Return the boxes of tracks carried on beyond both ends, along their last straight line.

    timestamps_ns (S,) are the log's sweeps; what would lie outside the log is left out.
    """
    tracks: list[int] = []
    births: list[bool] = []
    steps: list[int] = []
    sweeps: list[int] = []
    boxes: list[Floats] = []
    packed = labels.cuboids.packed()
    for track in by_track(labels):
        at = np.searchsorted(timestamps_ns, labels.timestamps_ns[track.rows])
        for is_birth in (True, False):
            rows = track.rows[:FIT_BOXES] if is_birth else track.rows[-FIT_BOXES:]
            end = 0 if is_birth else -1
            velocity = _velocity(labels, rows)
            moves = float(np.hypot(*velocity)) > STILL_MPS
            for step in STEPS[: MOVER_STEPS if moves else None]:
                sweep = int(at[end]) + (-step if is_birth else step)
                if not 0 <= sweep < len(timestamps_ns):
                    break
                row = int(track.rows[end])
                ahead_s = (timestamps_ns[sweep] - labels.timestamps_ns[row]) / 1e9
                box = packed[row].copy()
                box[:2] += velocity * ahead_s * moves
                tracks.append(track.track)
                births.append(is_birth)
                steps.append(step)
                sweeps.append(sweep)
                boxes.append(box)
    return Ends(
        np.array(tracks, dtype=np.int64),
        np.array(births, dtype=np.bool_),
        np.array(steps, dtype=np.int64),
        np.array(sweeps, dtype=np.int64),
        Cuboids.unpack(np.array(boxes).reshape(-1, 7)),
    )


def _velocity(labels: Labels, rows: Ints) -> Floats:
    """Return the speed over some boxes of a track, (2,) m/s, by least squares."""
    seconds = (labels.timestamps_ns[rows] - labels.timestamps_ns[rows[0]]) / 1e9
    off = seconds - seconds.mean()
    spread = float((off**2).sum())
    if spread < 1e-6:
        return np.zeros(2)
    slope: Floats = (off @ labels.cuboids.center_m[rows, :2]) / spread
    return slope


def end_items(labels: Labels, source: Sources, ends: Ends, evidence: Evidence) -> list[QueueItem]:
    """Return the births and deaths that need a person; see the module.

    `ends` and `evidence` are columns of equal length, as `carried_on` and the sweeps give them.
    """
    found = []
    order = np.argsort(ends.tracks, kind="stable")
    for track in by_track(labels):
        first, last = np.searchsorted(ends.tracks[order], [track.track, track.track + 1])
        own = order[first:last]
        for is_birth in (True, False):
            rows = own[ends.is_birth[own] == is_birth]
            item = _end_item(labels, track, source, ends, evidence, rows) if len(rows) else None
            if item is not None:
                found.append(item)
    return found


def _end_item(
    labels: Labels, track: TrackRows, source: Sources, ends: Ends, evidence: Evidence, rows: Ints
) -> QueueItem | None:
    is_birth = bool(ends.is_birth[rows[0]])
    end = int(track.rows[0 if is_birth else -1])
    # The first two sweeps beyond: a single one may have been missed by chance.
    near = rows[ends.steps[rows] <= 2]
    other = evidence.others[near].max()
    stays = evidence.n_points[rows] >= STILL_THERE
    word = "begins" if is_birth else "ends"
    side = "before" if is_birth else "after"
    if other >= 0:
        name = labels.track_names[other]
        expected = float(CLEAR_SHARE * min(len(track.rows), CLEAR_BOXES))
        reason = f"{word} where {name} stands: one object?"
        return _at(labels, track, end, source, expected, reason, is_birth, name)
    if stays[: len(near)].any():
        reach = int(ends.steps[rows[np.flatnonzero(stays)[_unbroken(stays)]]])
        score = float(np.mean(labels.scores[track.rows]))
        count = int(evidence.n_points[near].max())
        reason = f"{word}, but {count} points stand in its place {side}, for {reach} sweeps"
        return _at(labels, track, end, source, score * reach, reason, is_birth)
    faint = 0 <= labels.n_points[end] < FAINT
    hidden = evidence.hidden[near].mean() > HIDDEN
    far = evidence.range_m[near].min() > REACH_M
    clear = evidence.through[near].mean() > LEAST_THROUGH
    if faint or hidden or far or not clear:
        return None
    expected = float(CLEAR_SHARE * min(len(track.rows), CLEAR_BOXES))
    reason = f"{word} in clear view: beams pass through its place {side}"
    return _at(labels, track, end, source, expected, reason, is_birth)


def _unbroken(stays: Mask) -> int:
    """Return how many steps with points follow the first, with no more than one missed."""
    where = np.flatnonzero(stays)
    gaps = np.flatnonzero(np.diff(where) > 2)
    return int(gaps[0]) if len(gaps) else len(where) - 1


def _at(
    labels: Labels,
    track: TrackRows,
    row: int,
    source: Sources,
    expected: float,
    reason: str,
    is_birth: bool,
    other_id: str = "",
) -> QueueItem:
    instant = int(labels.timestamps_ns[row])
    return item_at(
        labels,
        track,
        row,
        kind="birth" if is_birth else "death",
        source=source,
        expected_error=expected,
        reason=reason,
        span=(instant, instant),
        other_id=other_id,
        is_only=True,
    )
