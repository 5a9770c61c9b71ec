"""Points of the world in a picture, and the directions that pixels look in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perception_label._core import lens as core
from perception_label.arrays import Floats, Mask, Pose, as_points
from perception_label.errors import ShapeError
from perception_label.geometry.cameras import Camera

NEAR_M = 0.1  # nothing closer to the camera's plane has a place in a pinhole's picture


@dataclass(frozen=True, slots=True)
class Projected:
    """Where N points appear.

    Attributes
    ----------
    pixels : (N, 2) float64
        x, y; 0, 0 is the centre of the top left pixel. NaN where the lens sees nothing.
    range_m : (N,) float64
        Distance from the camera's centre.
    is_valid : (N,) bool
        Before the camera and within the field in which its distortion holds.
    in_image : (N,) bool
        Valid, and on the picture: pixels -0.5 … width - 0.5, -0.5 … height - 0.5.
    """

    pixels: Floats
    range_m: Floats
    is_valid: Mask
    in_image: Mask

    def __len__(self) -> int:
        return len(self.range_m)


def project_points(
    camera: Camera,
    points_m: ArrayLike,
    camera_from_points: Pose | None = None,
    *,
    beyond: bool = False,
) -> Projected:
    """Say where points appear in a camera's picture.

    Parameters
    ----------
    camera : Camera
        Its intrinsics and distortion; where it sits is not used.
    points_m : (N, 3) float32 or float64
        Points, metres; float64 keeps its digits.
    camera_from_points : (4, 4), optional
        From the points' coordinate frame to the camera's (x right, y down, z ahead); None: they
        are in the camera's.
    beyond : bool
        Carry on straight outside the field in which the distortion holds, so that shapes that
        leave it stay whole. Such points are far outside the picture, and not valid.

    Returns
    -------
    Projected
        N rows. A distortion polynomial that turns back would fold points from far outside into
        the picture; such points are not valid. Nor are those less than 0.1 m ahead of a pinhole,
        and those that are not finite.

    Raises
    ------
    ShapeError
        If points or pose have the wrong shape, or the camera's numbers are not usable.
    SettingError
        If the camera's model is unknown.

    Examples
    --------
    >>> camera = Camera(640, 480, ((500, 0, 320), (0, 500, 240), (0, 0, 1)), np.eye(4))
    >>> project_points(camera, [[0, 0, 5], [1, 0, 5]]).pixels.tolist()
    [[320.0, 240.0], [420.0, 240.0]]
    """
    pose = np.eye(4) if camera_from_points is None else np.asarray(camera_from_points)
    if pose.shape != (4, 4):
        raise ShapeError(f"camera_from_points: expected (4, 4), got {pose.shape}")
    points = _points(points_m)
    n = len(points)
    pixels, range_m, valid = np.empty((n, 2)), np.empty(n), np.empty(n, dtype=np.uint8)
    core.project(
        points,
        np.ascontiguousarray(pose, dtype=np.float64),
        camera.lens(),
        NEAR_M,
        beyond,
        pixels,
        range_m,
        valid,
    )
    is_valid = valid.view(np.bool_)
    return Projected(pixels, range_m, is_valid, is_valid & on_picture(camera, pixels))


def unproject_pixels(camera: Camera, pixels: ArrayLike) -> tuple[Floats, Mask]:
    """Return the directions that pixels look in.

    Parameters
    ----------
    camera : Camera
        Its intrinsics and distortion.
    pixels : (P, 2)
        x, y; they may lie outside the picture.

    Returns
    -------
    rays : (P, 3) float64
        Unit vectors, camera axes; NaN where no direction within the distortion's field appears.
    is_valid : (P,) bool
        Whether there is one.

    Raises
    ------
    ShapeError
        If the pixels are not (P, 2), or the camera's numbers are not usable.
    SettingError
        If the camera's model is unknown.

    Examples
    --------
    >>> camera = Camera(640, 480, ((500, 0, 320), (0, 500, 240), (0, 0, 1)), np.eye(4))
    >>> unproject_pixels(camera, [[320, 240]])[0].tolist()
    [[0.0, 0.0, 1.0]]
    """
    given = np.ascontiguousarray(pixels, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ShapeError(f"pixels: expected (P, 2), got {given.shape}")
    rays, valid = np.empty((len(given), 3)), np.empty(len(given), dtype=np.uint8)
    core.unproject(given, camera.lens(), rays, valid)
    return rays, valid.view(np.bool_)


def on_picture(camera: Camera, pixels: Floats) -> Mask:
    """Say which pixels (…, 2) lie on the picture, its outermost pixels' far edges included."""
    x, y = pixels[..., 0], pixels[..., 1]
    return np.asarray(
        (x >= -0.5) & (x <= camera.width_px - 0.5) & (y >= -0.5) & (y <= camera.height_px - 0.5)
    )


def _points(points_m: ArrayLike) -> NDArray[Any]:
    given = np.asarray(points_m)
    if given.dtype == np.float32:
        return as_points(given)
    if given.ndim != 2 or given.shape[1] != 3 or given.dtype.kind not in "fiu":
        return as_points(given)  # says what is wrong
    return np.ascontiguousarray(given, dtype=np.float64)
