"""Boxes against pictures: whether the surface of a track goes where its boxes go."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import Labels
from perception_label.geometry.moments import Moments, cuboids_at
from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import project_points
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.project import (
    MAX_GAP_NS,
    REACH_NS,
    camera_of,
    nearest_sweeps,
    project_tracks,
    world_from_camera,
)
from perception_label.pipeline.scan_times import at_scan_times
from perception_label.quality.queue_cameras import Seen
from perception_label.storage.logs import Log
from perception_label.video.follow import follow_points
from perception_label.video.images import ImageSource
from perception_label.video.pyramid import Pyramid, pyramid

AHEAD_S = 0.3  # between the two pictures compared: long enough to move, short enough to follow
EVERY_S = 0.5  # a comparison begins
LEAST_VISIBLE = 0.6
REACH_M = 50.0
MOST_POINTS = 60  # of each track's surface
LEAST_POINTS = 8
FOLLOWED = 0.4  # share of them that must be followed
LOW_M = 0.25  # above a cuboid's bottom the ground may be in it


def compare_tracks(
    log: Log, camera: str, labels: Labels, *, is_exact: bool = False, workers: int | None = None
) -> Seen:
    """Compare where the surfaces of tracks go in a camera's pictures with where their boxes go.

    LiDAR points in a box are carried with it from one picture to another 0.3 s later; the
    pixels they begin at are followed by the picture's own texture. Both must end in one place.

    Parameters
    ----------
    log : Log
        With ego poses and images.
    camera : str
        One of `log.cameras`.
    labels : Labels
        Dense boxes of all tracks, world frame.
    is_exact : bool
        See `project_tracks`.
    workers : int, optional
        Threads for the projection.

    Returns
    -------
    Seen
        R comparisons, by time and track: what `quality.queue_cameras.camera_items` asks.

    Raises
    ------
    SettingError
        If there is no such camera.
    SourceError
        If an image cannot be read.
    MissingPosesError
        If the log has no ego poses.
    """
    view, source = camera_of(log, camera), open_camera(log, camera)
    times = log.images[camera].timestamps_ns
    start, end = _pairs(times)
    seen = project_tracks(
        log, camera, labels, images=start, is_exact=is_exact, min_visible=LEAST_VISIBLE,
        workers=workers,
    )  # fmt: skip
    timed = labels if is_exact else at_scan_times(log, labels)
    there = cuboids_at(timed, times[end], max_gap_ns=MAX_GAP_NS, reach_ns=REACH_NS)
    poses = world_from_camera(log, camera, times)
    sweeps = nearest_sweeps(log, camera, times)
    rows: list[tuple[float, ...]] = []
    look = _Pyramids(source)
    for k, (i, j) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        here = seen[(seen.images == i) & (seen.range_m < REACH_M)]
        mine, later = _both(here.tracks, there, k)
        if not len(mine) or not np.isfinite(poses[j]).all():
            continue
        points = log.sweep(int(sweeps[i])).world_points_m()
        owner, world, moved = _carried(points, here.cuboids[mine], there.cuboids[later])
        before = project_points(view, world, inverse(poses[i]))
        after = project_points(view, moved, inverse(poses[j]))
        good = np.flatnonzero(before.in_image & after.in_image)
        if not len(good):
            continue
        at, ok, _ = follow_points(
            look.of(i), look.of(j), before.pixels[good], predicted_px=after.pixels[good]
        )
        off = at - after.pixels[good]
        metres = after.range_m[good] / view.intrinsics[0][0]
        for n, track in enumerate(here.tracks[mine].tolist()):
            own = owner[good] == n
            sure = own & ok
            if sure.sum() >= max(LEAST_POINTS, FOLLOWED * own.sum()):
                middle = np.median(off[sure], axis=0)
                away = float(np.hypot(*middle) * np.median(metres[sure]))
                rows.append((track, i, j, middle[0], middle[1], away, sure.sum()))
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    at_image = table[:, 1:3].astype(np.int64)
    return Seen(
        camera=camera,
        tracks=table[:, 0].astype(np.int32),
        timestamps_ns=times[at_image[:, 0]],
        until_ns=times[at_image[:, 1]],
        off_px=table[:, 3:5],
        off_m=table[:, 5],
        n_points=table[:, 6].astype(np.int64),
    )


def _pairs(times: Ints) -> tuple[Ints, Ints]:
    """Return the first and second pictures of the comparisons, (K,) each."""
    if len(times) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    wanted = np.arange(times[0], times[-1], int(EVERY_S * 1e9))
    start = np.unique(np.searchsorted(times, wanted))
    end = np.searchsorted(times, times[start] + int(AHEAD_S * 1e9))
    kept = end < len(times)
    start, end = start[kept], end[kept]
    near = times[end] - times[start] <= 2 * int(AHEAD_S * 1e9)
    return start[near], end[near]


def _both(tracks: NDArray[np.int32], there: Moments, k: int) -> tuple[Ints, Ints]:
    """Return the rows of tracks, and of moments at instant k, that are the same tracks."""
    later = np.flatnonzero(there.at == k)
    shared = np.intersect1d(tracks, there.tracks[later], assume_unique=True, return_indices=True)
    return shared[1], later[shared[2]]


def _carried(points_m: Floats, now: Cuboids, then: Cuboids) -> tuple[Ints, Floats, Floats]:
    """Return whose surface points are, where they are, and where their boxes take them."""
    size = now.size_m - np.array([0, 0, LOW_M])
    trimmed = Cuboids(
        now.center_m + np.array([0, 0, LOW_M / 2]), np.maximum(size, 0.1), now.yaw_rad
    )
    held = points_inside(points_m, trimmed, mask=True)
    owner, row = np.nonzero(held)
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    count = np.bincount(owner, minlength=len(now))[owner]
    kept = rank % np.maximum(count // MOST_POINTS, 1) == 0
    owner, row = owner[kept], row[kept]
    world = points_m[row]
    turn = (then.yaw_rad - now.yaw_rad)[owner]
    c, s = np.cos(turn), np.sin(turn)
    off = world - now.center_m[owner]
    moved = np.column_stack(
        [c * off[:, 0] - s * off[:, 1], s * off[:, 0] + c * off[:, 1], off[:, 2]]
    )
    return owner, world, moved + then.center_m[owner]


class _Pyramids:
    """The last few pictures, ready to be followed."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._held: dict[int, Pyramid] = {}

    def of(self, i: int) -> Pyramid:
        """Return picture i."""
        if i not in self._held:
            if len(self._held) > 1:
                self._held.pop(next(iter(self._held)))
            self._held[i] = pyramid(self._source.grey(i))
        return self._held[i]
