"""From a rectangle on the ground to a cuboid, or a track."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Mask, Points
from perception_label.cloud.ground import heights_above_ground
from perception_label.errors import EditError, ShapeError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.inside import points_inside
from perception_label.geometry.poses import inverse
from perception_label.pipeline.click import (
    AROUND_M,
    GROUP_OF,
    SMALLEST_M,
    Clicked,
    class_by_size,
    scored,
)
from perception_label.pipeline.propose import level_points, level_poses
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.proposals.fit import fit_cuboids
from perception_label.proposals.hypotheses import GROUPS, VEHICLE
from perception_label.proposals.sweep import HIGHEST_M, LOWEST_M
from perception_label.proposals.tracks import vehicle_class
from perception_label.storage.logs import Log

FIT_WEIGHT = 2.0  # that it holds the rectangle's points tells more than how it fits them
LEAST_FIT = 0.5  # of the points, shared; less is another thing
TALL_M = 2e4  # of a column over the rectangle: any ground is in it


def cuboid_from_rectangle(
    log: Log,
    sweep_index: int,
    center_m: ArrayLike,
    size_m: ArrayLike,
    yaw_rad: float = 0.0,
    *,
    class_name: str | None = None,
) -> Clicked:
    """Return the cuboid of the object in a rectangle that was drawn on the ground, in one sweep.

    Of the cuboids that the sweep suggests, the one whose points are most nearly those in the
    rectangle; if none is, one fitted to these points.

    Parameters
    ----------
    log : Log
        With ego poses.
    sweep_index : int
        The sweep that was drawn in.
    center_m : (2,)
        Middle of the rectangle, world frame, metres.
    size_m : (2,)
        Its length and width.
    yaw_rad : float
        Where its length points, world frame.
    class_name : str, optional
        What it is; None lets size and shape tell.

    Returns
    -------
    Clicked
        A class and a cuboid (1,), world frame, with its score.

    Raises
    ------
    EditError
        If there are no points above ground in it.
    ShapeError
        If centre or size are not two finite numbers, or a size is not positive.
    SettingError
        If there is no such sweep.
    MissingPosesError
        If the log has no ego poses.
    """
    drawn = _column(center_m, size_m, yaw_rad)
    pose = level_poses(log)[sweep_index]
    points = level_points(log, sweep_index)
    middle = (inverse(pose) @ np.array([*drawn.center_m[0, :2], pose[2, 3], 1.0]))[:3]
    near = np.hypot(points[:, 0] - middle[0], points[:, 1] - middle[1])
    reach = AROUND_M + float(np.linalg.norm(drawn.size_m[0, :2])) / 2
    around = np.ascontiguousarray(points[near < reach])
    height = heights_above_ground(around)
    is_thing = (height > LOWEST_M) & (height < HIGHEST_M)
    # The column is upright in the world: the level frame differs from it in heading and place.
    wanted = points_inside(around, drawn.moved(inverse(pose)), mask=True)[0] & is_thing
    if not wanted.any():
        raise EditError(
            f"log {log.id}, sweep {sweep_index}: expected an object in the rectangle at "
            f"{np.round(drawn.center_m[0, :2], 2).tolist()}, got no points above the ground"
        )
    found = _best(around, wanted, is_thing, class_name)
    if found is None:
        ground = float(np.median(around[wanted, 2] - height[wanted]))
        found = _fitted(around[wanted], ground, class_name)
    return replace(found, cuboid=found.cuboid.moved(pose))


def track_from_rectangle(
    log: Log,
    sweep_index: int,
    center_m: ArrayLike,
    size_m: ArrayLike,
    yaw_rad: float = 0.0,
    *,
    class_name: str | None = None,
    span_ns: tuple[int, int] | None = None,
) -> SolvedTrack:
    """Make a whole track from one rectangle on the ground; see `cuboid_from_rectangle`."""
    found = cuboid_from_rectangle(
        log, sweep_index, center_m, size_m, yaw_rad, class_name=class_name
    )
    i = sweep_index % len(log.timestamps_ns)
    return solve_track(
        log, found.cuboid, log.timestamps_ns[i : i + 1], class_name=found.class_name,
        span_ns=span_ns,
    )  # fmt: skip


def _column(center_m: ArrayLike, size_m: ArrayLike, yaw_rad: float) -> Cuboids:
    center, size = np.asarray(center_m, dtype=np.float64), np.asarray(size_m, dtype=np.float64)
    if center.shape != (2,) or not np.isfinite([*center, yaw_rad]).all():
        raise ShapeError(f"center_m: expected two finite numbers, got {center_m!r}")
    if size.shape != (2,) or not np.isfinite(size).all() or (size <= 0).any():
        raise ShapeError(f"size_m: expected two positive numbers, got {size_m!r}")

    return Cuboids([[*center, 0.0]], [[*size, TALL_M]], [yaw_rad])


def _best(around_m: Points, wanted: Mask, is_thing: Mask, class_name: str | None) -> Clicked | None:
    """Return the suggested cuboid that holds the wanted points and hardly others, level frame."""
    found = scored(around_m)
    group = None if class_name is None else GROUP_OF.get(class_name, VEHICLE)
    held = points_inside(around_m, found.cuboids, mask=True) & is_thing
    shared: Floats = (held & wanted).sum(axis=1) / np.maximum((held | wanted).sum(axis=1), 1)
    rows = np.flatnonzero((shared >= LEAST_FIT) & ((found.groups == group) | (group is None)))
    if not len(rows):
        return None
    best = int(rows[np.argmax(FIT_WEIGHT * shared[rows] + found.scores[rows])])
    cuboid, kind = found.cuboids[[best]], int(found.groups[best])
    name = vehicle_class(cuboid.size_m[0]) if kind == VEHICLE else GROUPS[kind]
    return Clicked(class_name or name, cuboid, float(found.scores[best]))


def _fitted(points_m: Points, ground_z_m: float, class_name: str | None) -> Clicked:
    one = np.zeros(len(points_m), np.int32)
    fitted = fit_cuboids(np.ascontiguousarray(points_m), one, ground_z_m=ground_z_m)
    size = np.maximum(fitted.size_m, SMALLEST_M)
    cuboid = Cuboids(fitted.center_m, size, fitted.yaw_rad)
    return Clicked(class_name or class_by_size(size[0]), cuboid, 0.0)
