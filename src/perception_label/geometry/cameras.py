"""Cameras and the pictures they took."""

from dataclasses import dataclass
from pathlib import Path

from perception_label.arrays import Ints, Pose


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera: intrinsics, distortion (k1 k2 p1 p2 k3) and where it sits.

    `intrinsics` is the (3, 3) camera matrix in pixels; `ego_from_camera` (4, 4) takes the
    camera's x right, y down, z ahead to the ego frame.
    """

    width_px: int
    height_px: int
    intrinsics: tuple[tuple[float, float, float], ...]
    ego_from_camera: Pose
    distortion: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Images:
    """One camera's pictures: files left where they are, and when each was taken."""

    timestamps_ns: Ints
    paths: tuple[Path, ...]
