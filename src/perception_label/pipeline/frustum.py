"""From a box or a mask in a picture to a cuboid: what the LiDAR saw in its direction."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label.arrays import Floats, Ints, Mask, Points, Pose
from perception_label.cloud.clusters import cluster
from perception_label.cloud.ground import heights_above_ground
from perception_label.errors import EditError, SettingError, ShapeError
from perception_label.geometry.boxes import box_iou
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import project_points
from perception_label.geometry.sight import outlines
from perception_label.pipeline.click import (
    AROUND_M,
    GROUP_OF,
    Clicked,
    class_by_size,
    plain_cuboid,
    scored,
)
from perception_label.pipeline.project import camera_of, nearest_sweeps, world_from_camera
from perception_label.pipeline.propose import level_points, level_poses
from perception_label.pipeline.solve_track import SolvedTrack, solve_track
from perception_label.proposals.hypotheses import GROUPS, VEHICLE
from perception_label.proposals.sweep import HIGHEST_M, LOWEST_M
from perception_label.proposals.tracks import vehicle_class
from perception_label.storage.logs import Log

JOIN_M = 0.8  # points of one thing are at most this far apart
LOOKED_AT = 3  # groups of points that may be the thing, the largest first
LEAST_POINTS = 3
FIT_WEIGHT = 2.0  # how a cuboid fills the box tells more than how it fits its points
LEAST_FIT = 0.2  # overlap in the picture; less is another thing


def cuboid_from_box(
    log: Log,
    camera: str,
    image: int,
    box_px: ArrayLike | None = None,
    *,
    mask: NDArray[np.bool_] | None = None,
    class_name: str | None = None,
) -> Clicked:
    """Return the cuboid of the object in a box, or under a mask, of a picture.

    The sweep nearest to the picture's time is looked at in the box's direction. Groups of
    points above the ground that appear in it suggest cuboids; the one that fits both its points
    and, back in the picture, the box best is returned.

    Parameters
    ----------
    log : Log
        With ego poses.
    camera : str
        One of `log.cameras`.
    image : int
        Number of the picture.
    box_px : (4,) numbers, optional
        x0, y0, x1, y1, edges: 0, 0, width, height is the whole picture. May be left out if
        there is a mask.
    mask : (H, W) bool, optional
        The object's pixels; points beside them do not count.
    class_name : str, optional
        What it is; None lets size and shape tell.

    Returns
    -------
    Clicked
        A class and a cuboid (1,), world frame, with its score. It stands where the object is
        in the sweep.

    Raises
    ------
    EditError
        If the LiDAR saw nothing there.
    ShapeError
        If box and mask are missing or not of these shapes.
    SettingError
        If there is no such camera or picture.
    MissingPosesError
        If the log has no ego poses.
    """
    box = _box(log, camera, box_px, mask)
    sweep, pose = sweep_of(log, camera, image)
    view, level = camera_of(log, camera), level_poses(log)[sweep]
    points = level_points(log, sweep)
    seen = project_points(view, points, inverse(pose) @ level)
    inside = seen.in_image & _within(seen.pixels, box, mask)
    best: tuple[float, Clicked] | None = None
    for point in _groups(points, inside):
        near = np.hypot(points[:, 0] - point[0], points[:, 1] - point[1]) < AROUND_M
        for found in _suggested(np.ascontiguousarray(points[near]), point, class_name, level):
            shown = outlines(view, pose, found.cuboid)
            fit = float(box_iou(shown.boxes_px, box[None])[0]) if shown.is_seen[0] else 0.0
            value = FIT_WEIGHT * fit + found.score
            if fit >= LEAST_FIT and (best is None or value > best[0]):
                best = (value, found)
    if best is None:
        raise EditError(
            f"log {log.id}, camera {camera}, image {image}: expected an object in the box "
            f"{np.round(box, 1).tolist()}, the LiDAR saw none"
        )
    return best[1]


def track_from_box(
    log: Log,
    camera: str,
    image: int,
    box_px: ArrayLike | None = None,
    *,
    mask: NDArray[np.bool_] | None = None,
    class_name: str | None = None,
    span_ns: tuple[int, int] | None = None,
) -> SolvedTrack:
    """Make a whole track from one box, or mask, of a picture.

    The cuboid of `cuboid_from_box` is carried over the log as a keyframe of the sweep that
    looked there nearest to the picture's time.

    Parameters
    ----------
    log, camera, image, class_name
        As for `cuboid_from_box`.
    box_px : (4,) numbers, optional
        x0, y0, x1, y1; may be left out if there is a mask.
    mask : (H, W) bool, optional
        The object's pixels.
    span_ns : (first, last), optional
        The lifespan; None takes all sweeps in which it is seen.

    Returns
    -------
    SolvedTrack
        A cuboid, (4, 4) covariance and expected IoU in each of S sweeps.

    Raises
    ------
    EditError
        If the LiDAR saw nothing there.
    ShapeError, SettingError, MissingPosesError
        As for `cuboid_from_box`.
    """
    found = cuboid_from_box(log, camera, image, box_px, mask=mask, class_name=class_name)
    sweep, _ = sweep_of(log, camera, image)
    return solve_track(
        log, found.cuboid, log.timestamps_ns[sweep : sweep + 1], class_name=found.class_name,
        span_ns=span_ns,
    )  # fmt: skip


def sweep_of(log: Log, camera: str, image: int) -> tuple[int, Pose]:
    """Return the sweep that looked the camera's way nearest to a picture, and its camera pose."""
    camera_of(log, camera)
    times = log.images[camera].timestamps_ns if camera in log.images else np.empty(0, np.int64)
    if not 0 <= image < len(times):
        raise SettingError(
            f"log {log.id}, camera {camera}: expected an image from 0 to {len(times) - 1}, got "
            f"{image}"
        )
    when: Ints = times[image : image + 1]
    pose = world_from_camera(log, camera, when)[0]
    if not np.isfinite(pose).all():
        raise SettingError(f"log {log.id}, camera {camera}: no ego pose near image {image}")
    return int(nearest_sweeps(log, camera, when)[0]), pose


def _box(log: Log, camera: str, box_px: ArrayLike | None, mask: NDArray[np.bool_] | None) -> Floats:
    view = camera_of(log, camera)
    if mask is not None and (
        mask.shape != (view.height_px, view.width_px) or mask.dtype != np.bool_
    ):
        raise ShapeError(
            f"mask: expected ({view.height_px}, {view.width_px}) bool, got {mask.shape} "
            f"{mask.dtype}"
        )
    if box_px is None:
        if mask is None or not mask.any():
            raise ShapeError("box_px: expected a box or a mask with pixels, got neither")
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)
    box = np.asarray(box_px, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
        raise ShapeError(f"box_px: expected x0, y0, x1, y1 with an area, got {box_px!r}")
    return box


def _within(pixels: Floats, box: Floats, mask: NDArray[np.bool_] | None) -> Mask:
    """Say which pixels lie in the box and, if there is one, on the mask."""
    with np.errstate(invalid="ignore"):
        # Written so that a NaN is outside.
        held = (pixels + 0.5 >= box[:2]) & (pixels + 0.5 <= box[2:])
    inside: Mask = np.asarray(held.all(axis=1))
    if mask is not None:
        rows = np.flatnonzero(inside)
        at = np.rint(pixels[rows]).astype(np.int64)
        at = np.clip(at, 0, [mask.shape[1] - 1, mask.shape[0] - 1])
        inside[rows] = mask[at[:, 1], at[:, 0]]
    return inside


def _groups(points_m: Points, inside: Mask) -> list[Floats]:
    """Return the middles of the largest groups of points above ground in the box."""
    height = heights_above_ground(points_m)
    rows = np.flatnonzero(inside & (height > LOWEST_M) & (height < HIGHEST_M))
    ids = cluster(points_m[rows], radius_m=JOIN_M, method="euclidean")
    count = np.bincount(ids[ids >= 0])
    # Far things have few points: what fills the box counts, not what has most of them.
    away = np.linalg.norm(points_m[rows], axis=1)
    solid = np.bincount(ids[ids >= 0], away[ids >= 0] ** 2)
    order = [k for k in np.argsort(-solid, kind="stable") if count[k] >= LEAST_POINTS]
    return [np.median(points_m[rows[ids == k]], axis=0) for k in order[:LOOKED_AT]]


def _suggested(
    around_m: Points, point_m: Floats, class_name: str | None, level: Pose
) -> list[Clicked]:
    """Return cuboids that points around a place suggest, world frame."""
    found = scored(around_m)
    group = None if class_name is None else GROUP_OF.get(class_name, VEHICLE)
    away = np.hypot(*(found.cuboids.center_m[:, :2] - point_m[:2]).T)
    reach = 1.0 + found.cuboids.size_m[:, 0]
    rows = np.flatnonzero((away < reach) & ((found.groups == group) | (group is None)))
    out = []
    for k in rows.tolist():
        kind, cuboid = int(found.groups[k]), found.cuboids[[k]]
        name = vehicle_class(cuboid.size_m[0]) if kind == VEHICLE else GROUPS[kind]
        out.append(Clicked(class_name or name, cuboid.moved(level), float(found.scores[k])))
    plain = plain_cuboid(around_m, point_m)
    if plain is not None:
        name = class_name or class_by_size(plain.size_m[0])
        out.append(Clicked(name, Cuboids.unpack(plain.packed()).moved(level), 0.0))
    return out
