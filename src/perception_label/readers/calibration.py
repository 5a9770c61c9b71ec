"""An optional `calibration.json` beside a folder of point files.

    {
      "ego_from_lidar": [[4 x 4]],
      "points_in": "lidar",
      "lidars": {"top": [[4 x 4]], "left": [[4 x 4]]},
      "cameras": {
        "front": {
          "width_px": 1920, "height_px": 1080, "intrinsics": [[3 x 3]],
          "ego_from_camera": [[4 x 4]], "distortion": [k1, k2, p1, p2, k3], "model": "pinhole"
        }
      }
    }

Every key may be missing: the LiDAR is then the ego frame. `model` may be pinhole (distortion: 0,
4, 5 or 8 coefficients, OpenCV's order) or fisheye (0 or 4, Kannala and Brandt). `points_in` is the
coordinate frame of the point files: lidar, ego or world. `lidars` says where each of several
LiDARs sits in the ego frame, the reference first. An unknown key is an error.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perception_label.arrays import Pose
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cameras import Camera
from perception_label.readers.files import floats, read_json, refuse

POINTS_IN = ("lidar", "ego", "world")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where the sensors sit, and in which coordinate frame the points are."""

    ego_from_lidar: Pose = field(default_factory=lambda: np.eye(4))
    points_in: str = "lidar"
    cameras: dict[str, Camera] = field(default_factory=dict)
    lidars: dict[str, Pose] = field(default_factory=dict)


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises
    ------
    SourceError
        If a key is unknown or its value has not the shape or the meaning it must have.
    """
    entries = read_json(path, dict)
    _only(path, entries, ("ego_from_lidar", "points_in", "cameras", "lidars"))
    points_in = entries.get("points_in", "lidar")
    if points_in not in POINTS_IN:
        raise refuse(path, f"points_in: one of {', '.join(POINTS_IN)}", repr(points_in))
    mount = entries.get("ego_from_lidar", np.eye(4))
    cameras = entries.get("cameras", {})
    lidars = entries.get("lidars", {})
    for what, given in (("cameras", cameras), ("lidars", lidars)):
        if not isinstance(given, dict):
            raise refuse(path, f"{what}: an object", type(given).__name__)
    if lidars and points_in != "lidar":
        raise refuse(path, "points_in: lidar, where there are several", repr(points_in))
    return Calibration(
        _rigid(path, mount, "ego_from_lidar"),
        points_in,
        {name: _camera(path, name, entry) for name, entry in cameras.items()},
        {name: _rigid(path, mount, f"lidars.{name}") for name, mount in lidars.items()},
    )


def _camera(path: Path, name: str, entry: Any) -> Camera:
    keys = ("width_px", "height_px", "intrinsics", "ego_from_camera", "distortion", "model")
    if not isinstance(entry, dict):
        raise refuse(path, f"cameras.{name}: an object", type(entry).__name__)
    _only(path, entry, keys)
    width, height = entry.get("width_px"), entry.get("height_px")
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        raise refuse(path, f"cameras.{name}: width_px and height_px", f"{width}, {height}")
    rows = floats(path, entry.get("intrinsics"), (3, 3), f"cameras.{name}.intrinsics").tolist()
    mount = _rigid(path, entry.get("ego_from_camera"), f"cameras.{name}.ego_from_camera")
    lens = floats(path, entry.get("distortion", []), (-1,), f"cameras.{name}.distortion")
    model = entry.get("model", "pinhole")
    camera = Camera(
        width, height, tuple(tuple(r) for r in rows), mount, tuple(lens.tolist()), str(model)
    )
    try:
        camera.lens()
    except (SettingError, ShapeError) as error:
        raise refuse(path, f"cameras.{name}: a lens model", str(error)) from None
    return camera


def _rigid(path: Path, value: object, what: str) -> Pose:
    out = floats(path, value, (4, 4), what)
    is_rigid = np.allclose(out[:3, :3] @ out[:3, :3].T, np.eye(3), atol=1e-3)
    if not is_rigid or np.linalg.det(out[:3, :3]) < 0 or out[3].tolist() != [0, 0, 0, 1]:
        raise refuse(path, f"{what}: a rigid transform", "another matrix")
    return out


def _only(path: Path, entries: dict[str, Any], known: tuple[str, ...]) -> None:
    strange = [key for key in entries if key not in known]
    if strange:
        raise refuse(path, f"keys {', '.join(known)}", strange[0])
