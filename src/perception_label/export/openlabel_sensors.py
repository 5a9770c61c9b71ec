"""Where the sensors of a log are, and what their lenses do, in OpenLABEL's words."""

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Pose
from perception_label.export.labelled import Labelled
from perception_label.geometry.cameras import Camera

LEAST = 5  # distortion coefficients that the schema asks for


def coordinate_systems(labelled: Labelled) -> dict[str, Any]:
    """Return the tree world ← ego ← sensors."""
    poses = {labelled.lidar: labelled.ego_from_lidar}
    poses |= {name: np.asarray(c.ego_from_camera) for name, c in labelled.cameras.items()}
    return {
        "world": {"type": "scene_cs", "parent": "", "children": ["ego"]},
        "ego": {"type": "local_cs", "parent": "world", "children": list(poses)},
        **{
            name: {
                "type": "sensor_cs",
                "parent": "ego",
                "children": [],
                "pose_wrt_parent": _plain(pose),
            }
            for name, pose in poses.items()
        },
    }


def streams(labelled: Labelled) -> dict[str, Any]:
    """Return the sensors with their lenses; a camera's `uri` is the folder of its pictures."""
    return {
        labelled.lidar: {"type": "lidar", "uri": labelled.lidar},
        **{
            name: {"type": "camera", "uri": name, "stream_properties": _lens(camera)}
            for name, camera in labelled.cameras.items()
        },
    }


def _lens(camera: Camera) -> dict[str, Any]:
    size = {"width_px": camera.width_px, "height_px": camera.height_px}
    matrix = np.asarray(camera.intrinsics, dtype=np.float64)
    numbers = np.column_stack([matrix, np.zeros(3)]).ravel().tolist()
    given = [float(v) for v in camera.distortion]
    if camera.model == "fisheye":
        return {
            "intrinsics_fisheye": {
                **size,
                "center_x_px": matrix[0, 2],
                "center_y_px": matrix[1, 2],
                "focal_length_x": matrix[0, 0],
                "focal_length_y": matrix[1, 1],
                "lens_coeffs": given + [0.0] * (4 - len(given)),
            }
        }
    coefficients = given + [0.0] * (LEAST - len(given))
    return {
        "intrinsics_pinhole": {
            **size,
            "camera_matrix": numbers,
            "distortion_coeffs": coefficients,
        }
    }


def _plain(pose: Pose) -> dict[str, list[float]]:
    quaternion = Rotation.from_matrix(pose[:3, :3]).as_quat(canonical=True)
    return {"quaternion": quaternion.tolist(), "translation": pose[:3, 3].tolist()}
