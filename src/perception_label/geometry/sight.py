"""Cuboids in a picture: their boxes and outlines, and what hides them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from perception_label._core import sight as core
from perception_label.arrays import Floats, Mask, Pose
from perception_label.errors import ShapeError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import NEAR_M, project_points, unproject_pixels

STEPS = 17  # points along each edge: between two of them a lens bends less than a pixel
CELLS = 12  # rays, and cells of points, across a box each way
TOUCH_M = 0.1  # of two cuboids that meet, neither hides the other
# A point must be this much nearer than a cuboid's face to hide it: cuboids are not that exact …
BEFORE_M = 0.3
BEFORE_SHARE = 0.02  # … and far ones less.
LEAST_CELLS = 4  # with points in fewer, they say nothing about what is hidden
BACK_RAD = 2.3  # a fisheye's picture is not carried on further back than this
EDGES = np.array(
    [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
)


@dataclass(frozen=True, slots=True)
class Outlines:
    """How M cuboids appear in one picture.

    Pixels here count from the picture's top left corner, so that a box that covers all of it is
    0, 0, width, height (a pixel's centre is at its number and a half).

    Attributes
    ----------
    boxes_px : (M, 4) float64
        x0, y0, x1, y1 of what is on the picture; NaN where nothing is.
    whole_px : (M, 4) float64
        The same if the picture went on; NaN where nothing is on the picture.
    shown : (M,) float64
        Share of the silhouette's area that is on the picture, 0 to 1.
    polygons : (M,) array of shapely.Polygon
        The silhouettes, convex hulls, cut off at the picture's edge; empty where none is.
    range_m : (M,) float64
        From the camera to the cuboid's centre.
    """

    boxes_px: Floats
    whole_px: Floats
    shown: Floats
    polygons: NDArray[Any]
    range_m: Floats

    @property
    def is_seen(self) -> Mask:
        """Whether any of each cuboid is on the picture, (M,)."""
        return np.asarray(self.shown > 0)


def outlines(camera: Camera, world_from_camera: Pose, cuboids: Cuboids) -> Outlines:
    """Return how cuboids appear in a picture, the lens's distortion included.

    The twelve edges are followed by points, cut off 0.1 m before a pinhole's plane, and the
    silhouette is the convex hull of these.

    Parameters
    ----------
    camera : Camera
        Its intrinsics and distortion; where it sits on the vehicle is not used.
    world_from_camera : (4, 4)
        Its pose at the image's time (x right, y down, z ahead).
    cuboids : Cuboids
        M cuboids, world frame, where they are at the image's time. One that holds the camera
        does not appear, nor does one that is not finite.

    Returns
    -------
    Outlines
        A row for each cuboid.

    Raises
    ------
    ShapeError
        If the pose is not (4, 4), or the camera's numbers are not usable.
    """
    pose = _pose(world_from_camera)
    m = len(cuboids)
    corners = np.einsum("ij,mkj->mki", pose[:3, :3].T, cuboids.corners_m() - pose[:3, 3])
    points = _along_edges(corners, camera.model == "fisheye")
    seen = project_points(camera, points.reshape(-1, 3), beyond=True)
    pixels = seen.pixels.reshape(m, len(EDGES) * STEPS, 2) + 0.5
    known: Mask = np.asarray(np.isfinite(pixels).all(axis=2))
    away = np.linalg.norm(cuboids.center_m - pose[:3, 3], axis=1)
    rows = np.flatnonzero(
        (known.sum(axis=1) > 2)
        & seen.is_valid.reshape(m, len(EDGES) * STEPS).any(axis=1)
        & ~_holds(cuboids, pose[:3, 3])
    )
    polygons = np.full(m, shapely.Polygon(), dtype=object)
    shown = np.zeros(m)
    boxes, whole = np.full((m, 4), np.nan), np.full((m, 4), np.nan)
    if len(rows):
        owner, at = np.nonzero(known[rows])
        hulls = shapely.convex_hull(
            shapely.multipoints(shapely.points(pixels[rows[owner], at]), indices=owner)
        )
        picture = shapely.box(0, 0, camera.width_px, camera.height_px)
        cut = shapely.intersection(hulls, picture)
        area: Floats = np.asarray(shapely.area(cut))
        on = np.flatnonzero(area > 0)
        shown[rows[on]] = np.minimum(area[on] / shapely.area(hulls[on]), 1.0)
        polygons[rows[on]] = cut[on]
        boxes[rows[on]] = shapely.bounds(cut[on])
        whole[rows[on]] = shapely.bounds(hulls[on])
    return Outlines(boxes, whole, shown, polygons, away)


def _along_edges(corners: Floats, is_fisheye: bool) -> Floats:
    """Return points on the edges, (M, 12 STEPS, 3), NaN behind the camera; camera axes."""
    a, b = corners[:, EDGES[:, 0]], corners[:, EDGES[:, 1]]
    low, high = np.zeros(a.shape[:2]), np.ones(a.shape[:2])
    if not is_fisheye:
        # A little before the plane, so that rounding does not put the end behind it.
        near = NEAR_M * (1 + 1e-9)
        rise = b[..., 2] - a[..., 2]
        crosses = (a[..., 2] > near) != (b[..., 2] > near)
        at = (near - a[..., 2]) / np.where(crosses, rise, 1.0)
        low = np.where(crosses & (rise > 0), at, low)
        high = np.where(crosses & (rise < 0), at, high)
    share = low[..., None] + (high - low)[..., None] * np.linspace(0, 1, STEPS)
    points: Floats = a[:, :, None] + share[..., None] * (b - a)[:, :, None]
    if is_fisheye:
        # Straight behind is everywhere at the rim: what lies there has no outline.
        flat = np.linalg.norm(points[..., :2], axis=-1)
        points[np.arctan2(flat, points[..., 2]) > BACK_RAD] = np.nan
    return points.reshape(len(corners), len(EDGES) * STEPS, 3)


def occluded_shares(
    camera: Camera,
    world_from_camera: Pose,
    cuboids: Cuboids,
    seen: Outlines,
    points_m: ArrayLike | None = None,
    world_from_points: Pose | None = None,
) -> Floats:
    """Return how much of what is on the picture of each cuboid is hidden.

    Rays through the box of each cuboid are asked which cuboid they enter first; and where there
    are LiDAR points, cells of the box are asked whether the points in them lie before the
    cuboid. Cells without points are taken to be like those with some.

    Parameters
    ----------
    camera, world_from_camera, cuboids
        As for `outlines`; other cuboids than those of interest may be among them, to hide some.
    seen : Outlines
        What `outlines` returned for them.
    points_m : (N, 3), optional
        LiDAR points around the image's time, metres.
    world_from_points : (4, 4), optional
        Pose of their coordinate frame; None: they are in the world frame.

    Returns
    -------
    (M,) float64
        0 nothing to 1 everything hidden; NaN where nothing is on the picture.

    Raises
    ------
    ShapeError
        If shapes disagree.
    """
    pose = _pose(world_from_camera)
    if len(seen.shown) != len(cuboids):
        raise ShapeError(f"seen: expected {len(cuboids)} outlines, got {len(seen.shown)}")
    rows = np.flatnonzero(seen.is_seen)
    out = np.full(len(cuboids), np.nan)
    boxes = np.ascontiguousarray(seen.boxes_px[rows] - 0.5)
    packed = _packed(cuboids[rows], pose[:3, 3])
    out[rows] = _behind_cuboids(camera, pose, packed, boxes, seen.range_m[rows])
    if points_m is not None and len(rows):
        world_from_these = np.eye(4) if world_from_points is None else _pose(world_from_points)
        shown = project_points(camera, points_m, inverse(pose) @ world_from_these)
        keep = np.flatnonzero(shown.in_image)
        keep = keep[np.argsort(shown.pixels[keep, 0], kind="stable")]
        pixels = shown.pixels[keep]
        # Not @: a threaded product of so small a matrix costs more than it saves.
        points = np.einsum("ij,nj->ni", world_from_these[:3, :3], np.asarray(points_m)[keep])
        points += world_from_these[:3, 3] - pose[:3, 3]
        counts = np.zeros((len(rows), CELLS, CELLS, 2), dtype=np.int32)
        core.sort_points(
            np.ascontiguousarray(points),
            pixels,
            packed,
            boxes,
            np.searchsorted(pixels[:, 0], boxes[:, ::2]),
            BEFORE_M,
            BEFORE_SHARE,
            counts,
        )
        out[rows] = 1 - (1 - out[rows]) * (1 - _behind_points(counts))
    return out


def _behind_points(counts: NDArray[np.int32]) -> Floats:
    """Return the share of cells that points hide, (M,), of those that have points."""
    known = counts.sum(axis=3) > 0
    # Where edges cut through a cell, half of the points decide.
    hidden = known & (counts[..., 0] >= counts[..., 1])
    n = known.sum(axis=(1, 2))
    share: Floats = hidden.sum(axis=(1, 2)) / np.maximum(n, 1)
    return np.where(n >= LEAST_CELLS, share, 0.0)


def _behind_cuboids(
    camera: Camera, pose: Pose, packed: Floats, boxes: Floats, away_m: Floats
) -> Floats:
    """Return the share of rays at each cuboid that enter another one first, (M,)."""
    m = len(packed)
    if m < 2:
        return np.zeros(m)
    reach = np.linalg.norm(packed[:, 5:8], axis=1)
    meets = (boxes[:, None, :2] < boxes[None, :, 2:]).all(axis=2)
    meets &= meets.T & ((away_m - reach)[None] < (away_m + reach)[:, None])
    np.fill_diagonal(meets, False)
    owner, rivals = np.nonzero(meets)
    first_rival = np.searchsorted(owner, np.arange(m + 1))
    asked = np.flatnonzero(meets.any(axis=1))
    middle = (np.arange(CELLS) + 0.5) / CELLS
    across = boxes[asked, None, 0] + (boxes[asked, 2] - boxes[asked, 0])[:, None] * middle
    down = boxes[asked, None, 1] + (boxes[asked, 3] - boxes[asked, 1])[:, None] * middle
    grid = np.stack(np.broadcast_arrays(across[:, None, :], down[:, :, None]), axis=-1)
    rays = unproject_pixels(camera, grid.reshape(-1, 2))[0]
    rays = np.einsum("ij,nj->ni", pose[:3, :3], rays)
    count = np.zeros(m, dtype=np.int64)
    count[asked] = CELLS * CELLS
    first_ray = np.concatenate([[0], np.cumsum(count)])
    entry, hider = np.empty(len(rays)), np.empty(len(rays), dtype=np.int32)
    core.cast(
        np.ascontiguousarray(rays),
        first_ray,
        packed,
        first_rival,
        rivals.astype(np.int32),
        TOUCH_M,
        entry,
        hider,
    )
    hits, hidden = entry >= 0, (entry >= 0) & (hider >= 0)
    of = np.repeat(np.arange(m), count)
    total = np.bincount(of, hits, minlength=m)
    return np.asarray(np.bincount(of, hidden, minlength=m) / np.maximum(total, 1))


def _packed(cuboids: Cuboids, origin_m: Floats) -> Floats:
    """Return (M, 8): centre from the origin, cosine and sine of yaw, half sizes."""
    return np.column_stack(
        [
            cuboids.center_m - origin_m,
            np.cos(cuboids.yaw_rad),
            np.sin(cuboids.yaw_rad),
            cuboids.size_m / 2,
        ]
    )


def _holds(cuboids: Cuboids, point_m: Floats) -> Mask:
    offset = point_m - cuboids.center_m
    c, s = np.cos(cuboids.yaw_rad), np.sin(cuboids.yaw_rad)
    local = np.column_stack(
        [c * offset[:, 0] + s * offset[:, 1], c * offset[:, 1] - s * offset[:, 0], offset[:, 2]]
    )
    return np.asarray((np.abs(local) <= cuboids.size_m / 2).all(axis=1))


def _pose(world_from_camera: Pose) -> Pose:
    pose = np.asarray(world_from_camera, dtype=np.float64)
    if pose.shape != (4, 4):
        raise ShapeError(f"world_from_camera: expected (4, 4), got {pose.shape}")
    return pose
