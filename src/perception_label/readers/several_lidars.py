"""Several LiDARs of one vehicle as one log: their sweeps merged around those of one of them.

The reference LiDAR gives the sweeps their instants and their sensor frame. Of each other LiDAR
the sweep nearest in time joins, moved along the ego's path to the reference's instant, if
it is at most `SHARE` of a period away; the channel `lidar` tells the points apart, 0 is the
reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.poses import (
    EgoPoses,
    interpolate_poses,
    inverse,
    outside_span,
    transform,
)
from perception_label.readers.files import single
from perception_label.readers.recording import SweepSource

SHARE = 0.75  # of the reference's period; two free-running LiDARs are half a period apart
PERIOD_NS = 100_000_000  # where a log of one sweep does not tell it


@dataclass(frozen=True, slots=True)
class Lidar:
    """One LiDAR of a vehicle: its sweeps' times (S,), its mount and how its sweeps are read."""

    name: str
    timestamps_ns: Ints
    ego_from_lidar: Pose
    source: SweepSource


@dataclass(frozen=True, slots=True)
class MergedSweeps:
    """Reads sweep i of the reference LiDAR with what joins it of the others.

    `rows` (S, K-1) is the sweep of each other LiDAR that joins, -1 for none, and `moves`
    (S, K-1, 4, 4) takes its points to the reference's frame.
    """

    lidars: tuple[Lidar, ...]
    rows: Ints
    moves: Floats

    def __call__(self, i: int) -> Sweep:
        """Return sweep i in the reference's sensor frame."""
        parts = [self.lidars[0].source(i)]
        at_ns, numbers = parts[0].timestamp_ns, [0]
        for k, lidar in enumerate(self.lidars[1:]):
            row = int(self.rows[i, k])
            if row >= 0:
                parts.append(_moved(lidar.source(row), self.moves[i, k], at_ns))
                numbers.append(k + 1)
        return join_sweeps(parts, numbers)


def merge_lidars(
    lidars: Sequence[Lidar], ego_poses: EgoPoses | None
) -> tuple[SweepSource, list[str], list[str]]:
    """Return how merged sweeps are read, one for each of the first LiDAR, and what to say.

    Parameters
    ----------
    lidars : sequence of K Lidar
        The reference first. Each one's times rise.
    ego_poses : EgoPoses or None
        The ego's path; without it points of other instants are not moved.

    Returns
    -------
    source : SweepSource
    left_out, warnings : list of str
        One line each.
    """
    first, others = lidars[0], lidars[1:]
    if not others:
        return first.source, [], []
    times = first.timestamps_ns
    period = int(np.median(np.diff(times))) if len(times) > 1 else PERIOD_NS
    rows = np.full((len(times), len(others)), -1, dtype=np.int64)
    moves = np.tile(np.eye(4), (len(times), len(others), 1, 1))
    left_out = []
    for k, lidar in enumerate(others):
        near = nearest(lidar.timestamps_ns, times)
        gap = np.abs(lidar.timestamps_ns[near] - times)
        rows[:, k] = np.where(gap <= SHARE * max(period, 1), near, -1)
        there = rows[:, k] >= 0
        moves[there, k] = _moves(first, lidar, times[there], rows[there, k], ego_poses)
        n_unused = len(lidar.timestamps_ns) - len(np.unique(rows[there, k]))
        if n_unused:
            left_out.append(f"{n_unused} sweeps of {lidar.name}: {first.name} has none near")
    names = ", ".join(f"{k} {lidar.name}" for k, lidar in enumerate(lidars))
    warnings = [f"LiDARs merged, told apart by the channel lidar: {names}"]
    if ego_poses is None:
        warnings.append("no ego poses: points of other LiDARs are not moved to the sweep's instant")
    return MergedSweeps(tuple(lidars), rows, moves), left_out, warnings


def nearest(known: Ints, times: Ints) -> Ints:
    """Return for each time the row of the nearest of the rising known ones."""
    right = np.searchsorted(known, times).clip(1, max(len(known) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(known) - 1)
    is_left = times - known[left] <= known[right] - times
    return np.where(is_left, left, right)


def join_sweeps(parts: Sequence[Sweep], numbers: Sequence[int]) -> Sweep:
    """Return the sweeps of several LiDARs, in one frame and of one instant, as one."""
    first, n = parts[0], [len(part) for part in parts]

    def column(name: str, kind: type[np.generic]) -> NDArray[Any] | None:
        held = [getattr(part, name) for part in parts]
        if all(h is None for h in held):
            return None
        pairs = zip(held, n, strict=True)
        return np.concatenate([np.zeros(m, kind) if h is None else h for h, m in pairs])

    return Sweep(
        points_m=np.concatenate([part.points_m for part in parts]),
        timestamp_ns=first.timestamp_ns,
        intensity=column("intensity", np.float32),
        ring=column("ring", np.uint16),
        time_offset_ns=column("time_offset_ns", np.int32),
        lidar=np.repeat(np.asarray(numbers, dtype=np.uint8), n),
        remarks=tuple(text for part in parts for text in part.remarks),
    )


def _moved(sweep: Sweep, move: Pose, at_ns: int) -> Sweep:
    offset = sweep.time_offset_ns
    if offset is not None:
        later = offset.astype(np.int64) + (sweep.timestamp_ns - at_ns)
        limits = np.iinfo(np.int32)
        offset = later.clip(limits.min, limits.max).astype(np.int32)
    with np.errstate(over="ignore", invalid="ignore"):
        points = single(transform(move, sweep.points_m))
    return Sweep(
        points_m=points,
        timestamp_ns=at_ns,
        intensity=sweep.intensity,
        ring=sweep.ring,
        time_offset_ns=offset,
        remarks=sweep.remarks,
    )


def _moves(
    first: Lidar, lidar: Lidar, times: Ints, rows: Ints, ego_poses: EgoPoses | None
) -> Floats:
    """Return the (S, 4, 4) transforms from a LiDAR at its sweeps to the reference at its own."""
    there = lidar.timestamps_ns[rows]
    mount = inverse(first.ego_from_lidar) @ lidar.ego_from_lidar
    if ego_poses is None or not len(ego_poses):
        return np.tile(mount, (len(rows), 1, 1))
    at = interpolate_poses(ego_poses, times, outside="hold") @ first.ego_from_lidar
    theirs = interpolate_poses(ego_poses, there, outside="hold") @ lidar.ego_from_lidar
    # Beyond the path's ends nobody knows how the vehicle moved between the two.
    unknown = outside_span(ego_poses, times) | outside_span(ego_poses, there)
    out = inverse(at) @ theirs
    out[unknown] = mount
    return out
