"""When the LiDAR looked where: boxes stand where their points are, and these have own times."""

from dataclasses import replace

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.cloud.sweeps import Sweep
from perception_label.geometry.labels import Labels
from perception_label.geometry.moments import poses_at
from perception_label.geometry.poses import inverse
from perception_label.storage.logs import Log

SECTORS = 360  # directions that are told apart
POINTS = 40_000  # of a sweep are enough


def scan_offsets_ns(log: Log) -> Ints:
    """Return when each direction is scanned, (SECTORS,) nanoseconds from the sweep's timestamp.

    Directions are azimuths in the ego frame, counter-clockwise from straight behind. The middle
    sweep that has points stands for all; all zero without times of points. Of several LiDARs in
    one sweep the first counts: boxes are drawn on its points.
    """
    filled = np.flatnonzero(log.n_points)
    if "time_offset_ns" not in log.info.channels or not len(filled):
        return np.zeros(SECTORS, dtype=np.int64)
    return _by_direction(log, log.sweep(int(filled[len(filled) // 2])))


def _by_direction(log: Log, sweep: Sweep) -> Ints:
    offsets, points = sweep.time_offset_ns, sweep.points_m
    out = np.zeros(SECTORS, dtype=np.int64)
    if offsets is None:
        return out
    rows = np.arange(len(points))
    if sweep.lidar is not None:
        rows = np.flatnonzero(sweep.lidar == sweep.lidar.min())
    rows = rows[:: max(1, len(rows) // POINTS)]
    mount = log.info.ego_from_lidar
    sector = sectors_of(np.einsum("ij,nj->ni", mount[:3, :3], points[rows]) + mount[:3, 3])
    order = np.lexsort((offsets[rows], sector))
    known, first, count = np.unique(sector[order], return_index=True, return_counts=True)
    medians = offsets[rows][order][first + count // 2]
    # A direction without a point is scanned like the nearest that has one.
    apart = np.abs(np.arange(SECTORS)[:, None] - known[None])
    out[:] = medians[np.argmin(np.minimum(apart, SECTORS - apart), axis=1)]
    return out


def sectors_of(points_m: Floats) -> Ints:
    """Return the sector that each point (N, 3), ego frame, lies in."""
    turn = (np.arctan2(points_m[:, 1], points_m[:, 0]) + np.pi) / (2 * np.pi)
    return np.minimum((turn * SECTORS).astype(np.int64), np.int64(SECTORS - 1))


def at_scan_times(log: Log, labels: Labels) -> Labels:
    """Return labels with the times at which the LiDAR looked at each box.

    A box that a person or a solver fitted to the points of a sweep stands where the object was
    when the beam passed it: up to a turn of the LiDAR off the sweep's timestamp. Without ego
    poses, or times of points, the labels come back as they are.
    """
    offsets = scan_offsets_ns(log)
    if log.ego_poses is None or not offsets.any() or not len(labels):
        return labels
    times, sweep = np.unique(labels.timestamps_ns, return_inverse=True)
    ego_from_world = inverse(poses_at(log.ego_poses, times))[sweep]
    center = labels.cuboids.center_m
    at = np.einsum("mij,mj->mi", ego_from_world[:, :3, :3], center) + ego_from_world[:, :3, 3]
    known = np.isfinite(at).all(axis=1)
    shift = np.where(known, offsets[sectors_of(np.where(known[:, None], at, 0.0))], 0)
    return replace(labels, timestamps_ns=labels.timestamps_ns + shift)
