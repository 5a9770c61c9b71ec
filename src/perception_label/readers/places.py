"""Where the points of a folder are: ego poses, the world's origin, the sensor's frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Pose
from perception_label.geometry.poses import EgoPoses, interpolate_poses, inverse, outside_span
from perception_label.readers.calibration import Calibration
from perception_label.readers.clouds import Cloud
from perception_label.readers.files import refuse
from perception_label.readers.logs import path_of
from perception_label.readers.poses_text import PoseTable

FAR_M = 10_000.0  # beyond it float32 is coarser than a millimetre: coordinates of a map


@dataclass(frozen=True, slots=True)
class Place:
    """Poses from a local origin, and what takes a file's points to the sensor frame.

    `lidar_from_points` is (S, 4, 4), or (1, 4, 4) where one serves all sweeps.
    """

    ego_poses: EgoPoses | None
    origin_m: tuple[float, float, float]
    lidar_from_points: Floats
    warnings: tuple[str, ...]


def place_points(
    root: Path, table: PoseTable | None, times_ns: Ints, first: Cloud, calibration: Calibration
) -> Place:
    """Return where a log's points are, by its poses, its first cloud and its calibration.

    Raises
    ------
    SourceError
        If points are said to be in the world and there are no poses, or are as far as a map's
        and said to be the sensor's while there are poses, or no pose is near any sweep.
    """
    ego_from_lidar, points_in = calibration.ego_from_lidar, calibration.points_in
    if table is None or not len(table.world_from_ego):
        if points_in == "world":
            raise refuse(root, "ego poses for points in the world", "none")
        return _without_poses(first, inverse(ego_from_lidar) if points_in == "ego" else np.eye(4))
    known_ns = times_ns if table.timestamps_ns is None else table.timestamps_ns
    origin = origin_of(table.world_from_ego[:, :3, 3])
    local = table.world_from_ego.copy()
    local[:, :3, 3] -= origin
    poses = path_of(known_ns, local)
    beyond = outside_span(poses, times_ns)
    if beyond.all() and len(times_ns) > 1:
        span = f"{poses.timestamps_ns[0]} to {poses.timestamps_ns[-1]} ns"
        raise refuse(root, f"sweeps within the poses' {span}", f"the first at {times_ns[0]} ns")
    warnings = [f"{beyond.sum()} sweeps before or after all ego poses"] if beyond.any() else []
    if origin.any():
        warnings.append(f"ego poses are far from 0: stored from {_text(origin)} m")
    if points_in == "world":
        at = interpolate_poses(poses, times_ns, outside="hold") @ ego_from_lidar
        moves = inverse(at) @ _shift(-origin)
    else:
        if origin_of(first.points_m).any():
            expected = "points near their sensor, or points_in: world in calibration.json"
            raise refuse(root, expected, f"points around {_text(origin_of(first.points_m))} m")
        moves = (inverse(ego_from_lidar) if points_in == "ego" else np.eye(4))[None]
    if (steps := _moves_along_z(local)) is not None:
        warnings.append(f"ego poses move along their own z ({steps:.0%}): a camera's axes?")
    x, y, z = origin.tolist()
    return Place(poses, (x, y, z), moves, tuple(warnings))


def _without_poses(first: Cloud, move: Pose) -> Place:
    origin = origin_of(first.points_m)
    warnings = []
    if origin.any():
        warnings.append(f"points are far from 0, as in a map: stored from {_text(origin)} m")
        if first.points_m.dtype == np.float32:
            warnings.append("the file's own float32 cannot hold such coordinates to a centimetre")
    x, y, z = origin.tolist()
    return Place(None, (x, y, z), (move @ _shift(-origin))[None], tuple(warnings))


def origin_of(points_m: NDArray[Any]) -> Floats:
    """Return a round point amid the points if they are far away, else 0."""
    finite = points_m[np.isfinite(points_m).all(axis=1)]
    if not len(finite):
        return np.zeros(3)
    middle = np.median(finite.astype(np.float64), axis=0)
    return np.floor(middle) if np.abs(middle).max() > FAR_M else np.zeros(3)


def _shift(by_m: Floats) -> Pose:
    out = np.eye(4)
    out[:3, 3] = by_m
    return out


def _text(origin_m: Floats) -> str:
    return ", ".join(f"{v:.0f}" for v in origin_m)


def _moves_along_z(world_from_ego: Floats) -> float | None:
    """Return the share of the way that goes along the poses' own z, if most of it does."""
    steps = np.diff(world_from_ego[:, :3, 3], axis=0)
    own = np.einsum("nji,nj->ni", world_from_ego[:-1, :3, :3], steps)
    way = np.linalg.norm(own, axis=1).sum()
    share = float(np.abs(own[:, 2]).sum() / way) if way > 1 else 0.0
    return share if share > 0.7 else None
