"""The cameras of a PandaSet sequence: `camera/<name>/`.

The published pictures are rectified: LiDAR points land on what they hit, to a few pixels up to the
pictures' edges, without any distortion. The coefficients `D` of the rig's
`static_extrinsic_calibration.yaml` belong to the raw pictures (they would put points near the
edges up to 100 pixels off), so they are not used.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.errors import SourceError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.poses import interpolate_poses, inverse, outside_span, pose
from perception_label.readers.files import floats, numbered, read_json, refuse, to_ns
from perception_label.readers.logs import path_of

IMAGE_SIZE_PX = (1920, 1080)  # of every PandaSet camera


def read_poses(path: Path) -> Floats:
    """Return (P, 4, 4) world_from_sensor of a PandaSet poses.json."""
    rows = read_json(path, list)
    try:
        position = [[row["position"][k] for k in "xyz"] for row in rows]
        heading = [[row["heading"][k] for k in "wxyz"] for row in rows]
    except (KeyError, TypeError, IndexError) as error:
        raise refuse(path, "position and heading per sweep", repr(error)) from None
    quaternions = floats(path, np.reshape(heading, (-1, 4)), (-1, 4), "heading")
    if len(quaternions) and np.linalg.norm(quaternions, axis=1).min() < 0.5:
        raise refuse(path, "unit quaternions", "one of length under 0.5")
    return pose(floats(path, np.reshape(position, (-1, 3)), (-1, 3), "position"), quaternions)


def number_of(path: Path) -> int:
    """Return the sweep or image number that a file is named by."""
    name = path.name.split(".")[0]
    if not name.isdecimal():
        raise refuse(path, "a sweep number as the file's name", name)
    return int(name)


def read_cameras(
    root: Path, times_ns: Ints, world_from_ego: Floats
) -> tuple[dict[str, Camera], dict[str, Images], list[str]]:
    """Return a sequence's cameras, their images, and why any was left out."""
    cameras: dict[str, Camera] = {}
    images: dict[str, Images] = {}
    warnings: list[str] = []
    for folder in sorted((root / "camera").glob("*/")):
        paths = numbered(folder, [".jpg", ".jpeg", ".png"])
        try:
            lens = read_json(folder / "intrinsics.json", dict)
            fx, fy, cx, cy = floats(
                folder / "intrinsics.json", [lens.get(k) for k in ("fx", "fy", "cx", "cy")],
                (4,), "fx, fy, cx, cy",
            ).tolist()  # fmt: skip
            taken = to_ns(folder / "timestamps.json", read_json(folder / "timestamps.json", list))
            world_from_camera = read_poses(folder / "poses.json")
            at = [number_of(p) for p in paths]
            if at and max(at) >= min(len(taken), len(world_from_camera)):
                raise refuse(folder, f"poses and timestamps for image {max(at)}", len(taken))
        except SourceError as error:
            warnings.append(f"camera left out: {error}")
            continue
        if not paths:
            continue
        cameras[folder.name] = Camera(
            *IMAGE_SIZE_PX,
            ((fx, 0.0, cx), (0.0, fy, cy), (0.0, 0.0, 1.0)),
            _mount(taken, world_from_camera, times_ns, world_from_ego),
        )
        images[folder.name] = Images(taken[at], tuple(paths))
    return cameras, images, warnings


def _mount(
    taken_ns: Ints, world_from_camera: Floats, times_ns: Ints, world_from_ego: Floats
) -> Pose:
    """Return ego_from_camera as the images' poses imply it, the median over the log."""
    taken_ns = taken_ns[: len(world_from_camera)]
    path = path_of(times_ns, world_from_ego)
    known = ~outside_span(path, taken_ns)
    known = known if known.any() else np.ones(len(taken_ns), dtype=bool)
    ego = interpolate_poses(path, taken_ns[known], outside="hold")
    mounts = inverse(ego) @ world_from_camera[: len(taken_ns)][known]
    turns = Rotation.from_matrix(mounts[:, :3, :3])
    mount = np.eye(4)
    mount[:3, :3] = turns.mean().as_matrix()
    mount[:3, 3] = np.median(mounts[:, :3, 3], axis=0)
    return mount
