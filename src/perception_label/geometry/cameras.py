"""Cameras and the pictures they took."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.errors import SettingError, ShapeError

MODELS = ("pinhole", "fisheye")
_LENGTHS = {"pinhole": (0, 4, 5, 8), "fisheye": (0, 4)}
FORWARD = 0.8  # cosine between a camera's axis and straight ahead, to count as the forward one
# Camera axes (right, down, ahead) from those of a LiDAR or an ego vehicle (ahead, left, up).
CAMERA_FROM_LIDAR = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
# Where the bent radius grows by less than this share of the radius a lens model has left the
# range it was fitted in: real lenses do not squeeze so hard inside the picture.
LEAST_SLOPE = 0.05


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera: intrinsics, distortion and where it sits.

    `intrinsics` is the (3, 3) camera matrix in pixels, pixel centres at whole numbers;
    `ego_from_camera` (4, 4) takes the camera's x right, y down, z ahead to the ego frame.
    `distortion` of the `model` "pinhole" is none, k1 k2 p1 p2, the same and k3, or these and
    k4 k5 k6 (Brown 1966 and the rational model, in OpenCV's order); of "fisheye" none or
    k1 k2 k3 k4 (Kannala and Brandt 2006).
    """

    width_px: int
    height_px: int
    intrinsics: tuple[tuple[float, float, float], ...]
    ego_from_camera: Pose
    distortion: tuple[float, ...] = ()
    model: str = "pinhole"

    def lens(self) -> Floats:
        """Return the numbers that `_core.lens` reads, (16,): matrix, coefficients, limits.

        Raises
        ------
        SettingError
            If the model is unknown.
        ShapeError
            If it has another number of coefficients, or the numbers are not finite.
        """
        matrix = tuple(tuple(map(float, row)) for row in np.asarray(self.intrinsics).tolist())
        return _lens(matrix, tuple(map(float, self.distortion)), self.model)


# Files that hold many pictures of a camera, not one.
VIDEO_SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".ts")


@dataclass(frozen=True, slots=True)
class Images:
    """One camera's pictures: files left where they are, and when each was taken.

    `timestamps_ns` (n,) is in the log's clock. Each path is a picture of its own; or all are
    one video, and `presentation_ns` (n,) says where in it each picture lies, in the video's
    own clock.
    """

    timestamps_ns: Ints
    paths: tuple[Path, ...]
    presentation_ns: Ints | None = None


def forward_camera(cameras: Mapping[str, Camera]) -> tuple[str | None, Camera | None]:
    """Return the camera that looks straightest ahead (KITTI's own if there is one), or None."""
    if "image_02" in cameras:
        return "image_02", cameras["image_02"]
    ahead = {name: float(np.asarray(c.ego_from_camera)[0, 2]) for name, c in cameras.items()}
    best = max(sorted(ahead), key=lambda name: ahead[name], default=None)
    if best is None or ahead[best] < FORWARD:
        return None, None
    return best, cameras[best]


def bent(lens: Floats, radius: float) -> float:
    """Return the radius that a lens bends a radius to (tangents, or an angle of a fisheye)."""
    above, below = _polynomials(lens)
    u = radius * radius
    return float(radius * above(u) / below(u))


def _polynomials(lens: Floats) -> tuple[np.polynomial.Polynomial, np.polynomial.Polynomial]:
    """Return the fraction that scales a radius, as polynomials of its square."""
    if lens[14]:
        return np.polynomial.Polynomial([1, *lens[5:9]]), np.polynomial.Polynomial([1.0])
    return (
        np.polynomial.Polynomial([1, lens[5], lens[6], lens[9]]),
        np.polynomial.Polynomial([1, *lens[10:13]]),
    )


def _limit(lens: Floats) -> float:
    """Return the radius up to which the bent radius grows with it."""
    above, below = _polynomials(lens)
    u = np.polynomial.Polynomial([0.0, 1.0])
    # d(r a/b)/dr, times b squared.
    slope = above * below + 2 * u * (above.deriv() * below - above * below.deriv())
    with np.errstate(all="ignore"):  # a root may lie beyond what a double holds
        try:
            ends = [*(slope - LEAST_SLOPE * below * below).roots(), *below.roots()]
        except np.linalg.LinAlgError:
            raise ShapeError("camera: expected coefficients of a lens, got no such") from None
    real = [z.real for z in ends if abs(z.imag) < 1e-9 * (1 + abs(z)) and z.real > 0]
    widest = np.pi if lens[14] else np.inf
    return float(min([np.sqrt(min(real)) if real else np.inf, widest]))


@lru_cache(maxsize=64)
def _lens(matrix: tuple[tuple[float, ...], ...], given: tuple[float, ...], model: str) -> Floats:
    """Return what `Camera.lens` returns; finding the limits takes longer than many points."""
    if model not in MODELS:
        raise SettingError(f"camera: expected a model of {', '.join(MODELS)}, got {model}")
    if [len(row) for row in matrix] != [3, 3, 3] or len(given) not in _LENGTHS[model]:
        raise ShapeError(
            f"camera: expected a (3, 3) matrix and {_LENGTHS[model]} coefficients of a "
            f"{model}, got {len(matrix)} rows and {len(given)} coefficients"
        )
    if not (np.isfinite(matrix).all() and np.isfinite(given).all()):
        raise ShapeError(f"camera: expected finite numbers, got {matrix} and {given}")
    if matrix[0][0] <= 0 or matrix[1][1] <= 0:
        raise ShapeError(f"camera: expected focal lengths above 0, got {matrix}")
    out = np.zeros(16)
    out[:5] = matrix[0][0], matrix[0][1], matrix[0][2], matrix[1][1], matrix[1][2]
    out[5 : 5 + len(given)] = given
    out[14] = model == "fisheye"
    out[13] = _limit(out)
    out[15] = bent(out, float(out[13])) if np.isfinite(out[13]) else np.inf
    out.flags.writeable = False
    return out
