"""Which boxes over a log are one object: forwards, backwards, and across gaps."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import association as core
from perception_label._core import tracklets as pieces
from perception_label.arrays import Floats, Ints, Mask, as_timestamps
from perception_label.config import Tracking
from perception_label.errors import ShapeError
from perception_label.geometry.cuboids import Cuboids


def track_cuboids(
    cuboids: Cuboids,
    timestamps_ns: NDArray[Any],
    *,
    scores: ArrayLike | None = None,
    class_names: ArrayLike | None = None,
    settings: Tracking | None = None,
) -> Ints:
    """Tell which boxes over a whole log are one object.

    The log is followed twice, forwards and backwards: constant-velocity Kalman filters whose
    first velocity is likely along the box's heading, optimal assignment inside a gate over
    place, height, size and heading (Hungarian method, one connected part of the gate graph at
    a time). Boxes below the birth score are offered last and only continue tracks (the idea of
    ByteTrack, Zhang et al. 2022). Links that both passes make come first, then as many of the
    others as fit together, so a track also reaches back before the sweep where it became sure.
    Tracklets whose straight lines meet across a longer gap are joined last, again optimally.

    Parameters
    ----------
    cuboids : Cuboids
        M boxes of any sweeps in any order, world frame (in the ego frame parked cars move).
    timestamps_ns : (M,) int64
        The sweep of each box.
    scores : (M,) float, optional
        Higher is surer, on any scale; see `Tracking.birth_score`. None: all count the same.
    class_names : (M,) str, optional
        Boxes of different classes are never linked. None: sizes alone decide.
    settings : Tracking, optional
        Gates, gaps, noise; None takes the defaults.

    Returns
    -------
    (M,) int64
        Track of each box, 0, 1, … in order of first sight; one box per sweep and track at
        most. -1: rejected, which are boxes with a NaN or infinity and, if there are scores,
        boxes below the birth score in no track, and tracks that are shorter than
        `Tracking.min_boxes` or seen in less than `Tracking.min_seen` of their sweeps, unless
        they score like the long ones. Without scores every unlinked box is a track.

    Raises
    ------
    ShapeError
        If the columns differ in length or the times are not integers.

    Examples
    --------
    >>> boxes = Cuboids([[0, 0, 0], [1, 0, 0], [9, 9, 0]], [[4, 2, 1.5]] * 3, [0, 0, 0])
    >>> track_cuboids(boxes, np.array([0, 100_000_000, 100_000_000])).tolist()
    [0, 0, 1]
    """
    chosen = settings or Tracking()
    times = as_timestamps(timestamps_ns)
    m = len(cuboids)
    if len(times) != m:
        raise ShapeError(f"timestamps_ns: expected ({m},), got {times.shape}")
    score = None if scores is None else _column(scores, m, "scores").astype(np.float64)
    groups = np.zeros(m, dtype=np.int64)
    if class_names is not None:
        names = _column(class_names, m, "class_names").astype(str)
        groups = np.unique(names, return_inverse=True)[1].astype(np.int64)
    ids = np.full(m, -1, dtype=np.int64)
    usable = np.flatnonzero(np.isfinite(cuboids.packed()).all(axis=1))
    order = usable[np.argsort(times[usable], kind="stable")]
    weak = np.zeros(m, bool) if score is None else ~(score >= chosen.birth_score)
    follower = _chains(times[order], cuboids.packed()[order], groups[order], weak[order], chosen)
    tracklets = _numbered(follower)
    tracks = _joined(tracklets, times[order], cuboids.packed()[order], groups[order], chosen)
    keep = np.ones(len(order), dtype=bool)
    if score is not None and len(order):
        keep = _believed(tracklets, tracks, times[order], score[order], weak[order], chosen)
    ids[order[keep]] = np.unique(tracks[keep], return_inverse=True)[1]
    return ids


def load_kernels() -> None:
    """Load what `track_cuboids` runs on, which takes a while: in a thread, before it is needed."""
    at = np.arange(2, dtype=np.float64)
    boxes = Cuboids(np.column_stack([at, at, at]), np.ones((2, 3)), at)
    track_cuboids(boxes, np.arange(2), scores=at, class_names=np.array(["a", "a"]))


def _column(values: ArrayLike, m: int, name: str) -> NDArray[Any]:
    column = np.asarray(values)
    if column.shape != (m,):
        raise ShapeError(f"{name}: expected ({m},), got {column.shape}")
    return column


def _packed_settings(chosen: Tracking) -> Floats:
    out = np.empty(core.N_SETTINGS)
    out[core.GATE] = chosen.gate_spreads
    out[core.GATE_M] = chosen.gate_m
    out[core.MAX_GAP_NS] = chosen.max_gap_s * 1e9
    out[core.NOISE_M] = chosen.noise_m
    out[core.ACCELERATION] = chosen.acceleration_mps2
    out[core.SPEED_ALONG] = chosen.speed_mps
    out[core.SPEED_ACROSS] = chosen.sideways_mps
    out[core.MAX_SPEED] = chosen.max_speed_mps
    return out


def _chains(times: Ints, boxes: Floats, groups: Ints, weak: Mask, chosen: Tracking) -> Ints:
    """Return the row that follows each row, -1 for none: both passes, reconciled."""
    m = len(times)
    sweeps, starts = np.unique(times, return_index=True)
    bounds = np.append(starts, m).astype(np.int64)
    gap_ns = int(chosen.max_gap_s * 1e9)
    oldest = np.searchsorted(times, times - gap_ns)
    ends_at = np.append(starts, m)[np.searchsorted(sweeps, times) + 1] if m else np.empty(0, int)
    n_slots = int((ends_at - oldest).max(initial=0))
    packed = _packed_settings(chosen)
    before, after = np.empty(m, np.int64), np.empty(m, np.int64)
    core.link(sweeps, bounds, boxes, groups, weak, packed, n_slots, before)
    back = slice(None, None, -1)
    # The same pass on the log read from its end.
    core.link(
        np.ascontiguousarray(sweeps[back]),
        np.ascontiguousarray(m - bounds[back]),
        np.ascontiguousarray(boxes[back]),
        np.ascontiguousarray(groups[back]),
        np.ascontiguousarray(weak[back]),
        packed,
        n_slots,
        after,
    )
    after = np.where(after[back] < 0, -1, m - 1 - after[back])
    return _reconciled(before, after, boxes)


def _reconciled(before: Ints, after: Ints, boxes: Floats) -> Ints:
    """Return each row's follower where the passes differ: most links, agreed ones first."""
    m = len(before)
    rows = np.arange(m)
    forward = np.column_stack([before, rows])[before >= 0]
    backward = np.column_stack([rows, after])[after >= 0]
    pairs, votes = np.unique(np.concatenate([forward, backward]), axis=0, return_counts=True)
    pairs = pairs.reshape(-1, 2)
    step = np.hypot(*(boxes[pairs[:, 1], :2] - boxes[pairs[:, 0], :2]).T)
    follower = np.empty(m, np.int64)
    core.assign(
        np.ascontiguousarray(pairs[:, 0]),
        np.ascontiguousarray(pairs[:, 1]),
        votes + 0.1 / (1 + step),
        m,
        m,
        follower,
    )
    return follower


def _numbered(follower: Ints) -> Ints:
    """Return the track of each row, numbered by first row; followers come later in the rows."""
    tracks = np.empty(len(follower), dtype=np.int64)
    pieces.trace(follower, tracks)
    return tracks


def _joined(tracklets: Ints, times: Ints, boxes: Floats, groups: Ints, chosen: Tracking) -> Ints:
    """Join tracklets over gaps too long for the passes."""
    if not len(tracklets):
        return tracklets
    order = np.lexsort((times, tracklets))
    n = int(tracklets.max()) + 1
    offsets = np.searchsorted(tracklets[order], np.arange(n + 1))
    first, last = order[offsets[:-1]], order[offsets[1:] - 1]
    settings = _packed_settings(chosen)
    fits = np.empty((n, 2, 5))
    pieces.ends(times[order], boxes[order], offsets, settings, fits)
    span = np.column_stack([times[first], times[last]])
    limit_ns = int(chosen.max_bridge_s * 1e9)
    pairs, misses = np.empty((4 * n, 2), np.int64), np.empty(4 * n)
    found = pieces.bridge(span, fits, groups[first], limit_ns, settings, pairs, misses)
    if found > len(misses):
        pairs, misses = np.empty((found, 2), np.int64), np.empty(found)
        pieces.bridge(span, fits, groups[first], limit_ns, settings, pairs, misses)
    tail, head = np.ascontiguousarray(pairs[:found].T)
    differences = np.empty(found)
    core.unlike(boxes[last[tail]], boxes[first[head]], differences)
    gate = chosen.gate_spreads**2
    off = misses[:found] + differences
    close = off < gate
    # Of two that fit as well, the nearer in time.
    waited = (span[head, 0] - span[tail, 1]) / limit_ns if found else np.empty(0)
    gains = (2 * gate - off - waited)[close]
    follower = np.empty(n, np.int64)
    core.assign(tail[close], head[close], gains, n, n, follower)
    return _numbered(follower)[tracklets]


def _believed(
    tracklets: Ints, tracks: Ints, times: Ints, scores: Floats, weak: Mask, chosen: Tracking
) -> Mask:
    """Say which rows belong to a track worth keeping.

    False boxes flicker: where they make a track at all, it is seen in few of its sweeps and
    pieced together from bits. Gaps between tracklets do not count against a track.
    """
    sweep = np.unique(times, return_inverse=True)[1]
    n_tracklets = int(tracklets.max()) + 1
    first = np.full(n_tracklets, len(times))
    last = np.full(n_tracklets, -1)
    np.minimum.at(first, tracklets, sweep)
    np.maximum.at(last, tracklets, sweep)
    track_of = np.empty(n_tracklets, np.int64)
    track_of[tracklets] = tracks
    n_sweeps = np.bincount(track_of, weights=last - first + 1)
    n_parts = np.bincount(track_of)
    n_boxes = np.bincount(tracks)
    means = np.bincount(tracks, weights=scores) / np.maximum(n_boxes, 1)
    steady = (n_boxes >= chosen.min_boxes * n_parts) & (n_boxes >= chosen.min_seen * n_sweeps)
    long = steady & (n_boxes >= 2 * chosen.min_boxes)
    good = steady | (means >= (np.median(means[long]) if long.any() else -np.inf))
    good &= np.bincount(tracks, weights=~weak) > 0
    return np.asarray(good[tracks])
