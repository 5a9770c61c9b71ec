"""Where everything is at other instants than those of the sweeps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, as_timestamps
from perception_label.errors import MissingPosesError
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse

REACH_NS = 100_000_000  # an image may be taken that long before the first pose


@dataclass(frozen=True, slots=True)
class Moments:
    """The cuboids of tracks at chosen instants, B rows, by instant and then track.

    Attributes
    ----------
    at : (B,) int64
        Number of the instant that was asked for.
    tracks : (B,) int32
        Index into the labels' `track_names`.
    nearest : (B,) int64
        The label row nearest in time: its class, score and the like.
    cuboids : Cuboids
        B cuboids, the labels' coordinate frame.
    """

    at: Ints
    tracks: NDArray[np.int32]
    nearest: Ints
    cuboids: Cuboids


def cuboids_at(
    labels: Labels, timestamps_ns: NDArray[np.int64], *, max_gap_ns: int, reach_ns: int
) -> Moments:
    """Return the cuboids of all tracks at any instants.

    Between two boxes of a track everything goes straight, and turns the shorter way; before the
    first and after the last it goes on at constant velocity.

    Parameters
    ----------
    labels : Labels
        M dense boxes, in any order; of two at one time the later row counts.
    timestamps_ns : (K,) int64
        The instants, in any order.
    max_gap_ns, reach_ns : int
        A track is there between two of its boxes that are at most so far apart, and wherever a
        box of its own is at most so far away.

    Returns
    -------
    Moments
        A row per instant and track that is there.

    Raises
    ------
    ShapeError
        If the times are not (K,) integers.
    """
    times = as_timestamps(timestamps_ns)
    order = np.lexsort((labels.timestamps_ns, labels.tracks))
    order = order[_last_of_each(labels.tracks[order], labels.timestamps_ns[order])]
    track, known = labels.tracks[order], labels.timestamps_ns[order]
    ends = np.searchsorted(track, np.arange(len(labels.track_names) + 1))
    parts = []
    for name in np.flatnonzero(np.diff(ends)):
        first, n = int(ends[name]), int(ends[name + 1] - ends[name])
        mine = known[first : first + n]
        right = np.clip(np.searchsorted(mine, times), min(1, n - 1), n - 1)
        left = np.maximum(right - 1, 0)
        away_left, away_right = np.abs(times - mine[left]), np.abs(times - mine[right])
        between = (
            (times >= mine[0]) & (times <= mine[-1]) & (mine[right] - mine[left] <= max_gap_ns)
        )
        here = np.flatnonzero(between | (np.minimum(away_left, away_right) <= reach_ns))
        nearer = np.where(away_left < away_right, left, right)
        rows = [here, np.full(len(here), name), *(first + k[here] for k in (left, right, nearer))]
        parts.append(np.column_stack(rows))
    found = np.concatenate([np.empty((0, 5), dtype=np.int64), *parts])
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    at, of, left, right, nearer = found.T
    boxes = labels.cuboids.packed()[order]
    step = (known[right] - known[left]).astype(np.float64)
    share = ((times[at] - known[left]) / np.where(step > 0, step, np.inf))[:, None]
    moved = boxes[left] + share * (boxes[right] - boxes[left])
    moved[:, 6] = wrap(boxes[left, 6] + share[:, 0] * wrap(boxes[right, 6] - boxes[left, 6]))
    # Sizes do not go on growing beyond the ends.
    moved[:, 3:6] = np.where((share < 0) | (share > 1), boxes[nearer, 3:6], moved[:, 3:6])
    return Moments(at, of.astype(np.int32), order[nearer], Cuboids.unpack(moved))


def _last_of_each(track: NDArray[np.int32], times: Ints) -> NDArray[np.bool_]:
    keep = np.ones(len(track), dtype=np.bool_)
    keep[:-1] = (np.diff(track) != 0) | (np.diff(times) != 0)
    return keep


def poses_at(ego_poses: EgoPoses, timestamps_ns: NDArray[np.int64]) -> Floats:
    """Return the ego pose at each time, going on a little beyond the ends as it moved there.

    Parameters
    ----------
    ego_poses : EgoPoses
        P poses in time order.
    timestamps_ns : (K,) int64
        In any order.

    Returns
    -------
    (K, 4, 4) float64
        world_from_ego; NaN farther than `REACH_NS` from the first and the last pose.

    Raises
    ------
    MissingPosesError
        If there are no poses.
    """
    times, known = as_timestamps(timestamps_ns), ego_poses.timestamps_ns
    if not len(known):
        raise MissingPosesError("ego_poses: expected at least one pose, got none")
    poses, p = ego_poses.world_from_ego, len(known)
    early = min(int(np.searchsorted(known, known[0] + REACH_NS)), p - 1)
    late = max(int(np.searchsorted(known, known[-1] - REACH_NS, side="right")) - 1, 0)
    ends = (known[0] - (known[early] - known[0]), known[-1] + (known[-1] - known[late]))
    if p > 1:
        before = poses[0] @ inverse(poses[early]) @ poses[0]
        after = poses[-1] @ inverse(poses[late]) @ poses[-1]
        ego_poses = EgoPoses(
            np.concatenate([[ends[0]], known, [ends[1]]]),
            np.concatenate([before[None], poses, after[None]]),
        )
    out = interpolate_poses(ego_poses, times, outside="hold")
    reach = REACH_NS if p > 1 else 0
    out[(times < known[0] - reach) | (times > known[-1] + reach)] = np.nan
    return out
