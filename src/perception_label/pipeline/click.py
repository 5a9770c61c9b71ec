"""From nothing but a click: cluster, cuboid, track."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Points
from perception_label.cloud.clusters import cluster
from perception_label.cloud.ground import heights_above_ground
from perception_label.errors import EditError, ShapeError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.pipeline.propose import level_points, level_poses
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.proposals.fit import fit_cuboids
from perception_label.proposals.hypotheses import CYCLIST, GROUPS, PEDESTRIAN, VEHICLE
from perception_label.proposals.scorer import load_scorer
from perception_label.proposals.sweep import HIGHEST_M, LOWEST_M, Detections, examine, select
from perception_label.proposals.tracks import vehicle_class
from perception_label.storage.logs import Log

AROUND_M = 18.0  # of the click, looked at: enough ground to stand on, and nothing else
WITHIN_M = 1.0  # a click may miss the cuboid by this much
LIKELIEST = 0.01  # even poor cuboids count
SMALLEST_M = 0.4  # no box is smaller
REACH_M = 2.5  # of the click: points may be the object's if no cuboid was suggested
JOIN_M = 0.8  # its points are at most this far apart
LOOKS = 5  # sweeps in which the object is looked at once more

GROUP_OF = {
    "pedestrian": PEDESTRIAN,
    "cyclist": CYCLIST,
    "bicycle": CYCLIST,
    "motorcycle": CYCLIST,
}


@dataclass(frozen=True, slots=True)
class Clicked:
    """What a click found: a class, and a cuboid (1,) in the world frame with its quality."""

    class_name: str
    cuboid: Cuboids
    score: float


def cuboid_from_click(
    log: Log, sweep_index: int, point_m: ArrayLike, *, class_name: str | None = None
) -> Clicked:
    """Return the cuboid of the object a click points at, in one sweep.

    See `track_from_click` for the arguments and errors; takes a tenth of a second.
    """
    point = np.asarray(point_m, dtype=np.float64)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise ShapeError(f"point_m: expected three finite numbers, got {point_m!r}")
    found = _look(log, sweep_index, point, class_name)
    if found is None:
        raise EditError(
            f"log {log.id}, sweep {sweep_index}: expected an object within {WITHIN_M:g} m of "
            f"{np.round(point, 2).tolist()}, got none"
        )
    return found


def track_from_click(
    log: Log,
    sweep_index: int,
    point_m: ArrayLike,
    *,
    class_name: str | None = None,
    span_ns: tuple[int, int] | None = None,
) -> SolvedTrack:
    """Make a whole track from one click on an object.

    The cuboid that the click's sweep suggests is carried over the log, looked at again where the
    object is seen best, and the best of these cuboids is carried over the log.

    Parameters
    ----------
    log : Log
        The log.
    sweep_index : int
        The sweep that was clicked in.
    point_m : (3,)
        A point on the object or near it, world frame, metres.
    class_name : str, optional
        What it is; None lets size and shape tell.
    span_ns : (first, last), optional
        The lifespan; None takes all sweeps in which it is seen.

    Returns
    -------
    SolvedTrack
        A cuboid, (4, 4) covariance and expected IoU in each of S sweeps, and its `class_name`.

    Raises
    ------
    EditError
        If nothing object-sized stands there.
    ShapeError
        If the point is not three finite numbers.
    SettingError
        If there is no such sweep.
    MissingPosesError
        If the log has no ego poses.
    """
    first = cuboid_from_click(log, sweep_index, point_m, class_name=class_name)
    i = sweep_index % len(log.timestamps_ns)
    track = _solved(log, i, first, span_ns)
    best, where = first, i
    for row in _best_seen(log, track):
        at = int(np.searchsorted(log.timestamps_ns, track.timestamps_ns[row]))
        again = _look(log, at, track.cuboids.center_m[row], class_name or first.class_name)
        if again is not None and again.score > best.score:
            best, where = again, at
    if where != i:
        track = _solved(log, where, best, span_ns)
    return replace(track, class_name=class_name or best.class_name)


def _solved(log: Log, i: int, found: Clicked, span_ns: tuple[int, int] | None) -> SolvedTrack:
    return solve_track(
        log, found.cuboid, log.timestamps_ns[i : i + 1], class_name=found.class_name,
        span_ns=span_ns,
    )  # fmt: skip


def _best_seen(log: Log, track: SolvedTrack) -> list[int]:
    """Return the rows of a track that are nearest to the sensor, spread over its length."""
    poses = log.world_from_sensor
    rows = np.flatnonzero(track.found)
    if poses is None or len(rows) == 0:
        return []
    at = np.searchsorted(log.timestamps_ns, track.timestamps_ns[rows])
    away = np.linalg.norm(poses[at, :2, 3] - track.cuboids.center_m[rows, :2], axis=1)
    near = rows[np.argsort(away, kind="stable")[: max(LOOKS, len(rows) // 2)]]
    spread = np.unique(np.linspace(0, len(near) - 1, LOOKS).astype(np.int64))
    return [int(row) for row in np.sort(near)[spread]]


def _look(log: Log, i: int, point_m: Floats, class_name: str | None) -> Clicked | None:
    """Return the best cuboid near a point (3,), world frame, in one sweep."""
    pose = level_poses(log)[i]
    point = (inverse(pose) @ np.append(point_m, 1.0))[:3]
    points = level_points(log, i)
    near = np.hypot(points[:, 0] - point[0], points[:, 1] - point[1]) < AROUND_M
    around = np.ascontiguousarray(points[near])
    found = scored(around)
    group = None if class_name is None else GROUP_OF.get(class_name, VEHICLE)
    gap = _gap(found.cuboids, point)
    rows = np.flatnonzero((gap < WITHIN_M) & ((found.groups == group) | (group is None)))
    if len(rows):
        best = int(rows[np.argmax(found.scores[rows] - gap[rows])])
        cuboid, score, kind = found.cuboids[[best]], found.scores[best], int(found.groups[best])
        name = vehicle_class(cuboid.size_m[0]) if kind == VEHICLE else GROUPS[kind]
    else:
        plain = plain_cuboid(around, point)
        if plain is None:
            return None
        cuboid, score, name = plain, 0.0, class_by_size(plain.size_m[0])
    return Clicked(class_name or name, cuboid.moved(pose), float(score))


def plain_cuboid(points_m: Points, point_m: Floats) -> Cuboids | None:
    """Return the cuboid fitted to the points at a click, None if there are none."""
    height = heights_above_ground(points_m)
    away = np.hypot(points_m[:, 0] - point_m[0], points_m[:, 1] - point_m[1])
    rows = np.flatnonzero((height > LOWEST_M) & (height < HIGHEST_M) & (away < REACH_M))
    if len(rows) == 0:
        return None
    ids = cluster(points_m[rows], radius_m=JOIN_M, method="euclidean")
    chosen = ids == ids[np.argmin(away[rows])]
    fitted = fit_cuboids(
        points_m[rows][chosen],
        np.zeros(int(chosen.sum()), np.int32),
        ground_z_m=float(np.median(points_m[rows, 2] - height[rows])),
    )
    size = np.maximum(fitted.size_m, SMALLEST_M)
    return Cuboids(fitted.center_m, size, fitted.yaw_rad)


def class_by_size(size_m: Floats) -> str:
    """Return the class of what no hypothesis explains, by its size alone."""
    if max(size_m[0], size_m[1]) < 1.2:
        return "pedestrian"
    return "cyclist" if size_m[0] < 2.2 and size_m[1] < 1.0 else vehicle_class(size_m)


def scored(points_m: Points) -> Detections:
    """Return every cuboid that the points suggest: a person says that there is something."""
    seen = examine(points_m)
    scores = load_scorer().score(seen.features, seen.hypotheses.group).astype(np.float64)
    return select(seen, scores, LIKELIEST)


def _gap(cuboids: Cuboids, point_m: Floats) -> Floats:
    """Return how far a point lies outside each footprint, (M,) metres."""
    offset = point_m[:2] - cuboids.center_m[:, :2]
    c, s = np.cos(cuboids.yaw_rad), np.sin(cuboids.yaw_rad)
    along = np.abs(c * offset[:, 0] + s * offset[:, 1]) - cuboids.size_m[:, 0] / 2
    across = np.abs(c * offset[:, 1] - s * offset[:, 0]) - cuboids.size_m[:, 1] / 2
    return np.hypot(np.maximum(along, 0), np.maximum(across, 0))
