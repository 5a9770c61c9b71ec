"""OpenLABEL's tree of coordinate systems: how a box's own leads to what a log knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Pose
from perception_label.geometry.poses import inverse
from perception_label.readers.files import floats, refuse

SENSOR, EGO, SOURCE = "sensor", "ego", "source"


class Systems:
    """The coordinate systems of a file, joined where a fixed pose joins them.

    A LiDAR that a box's system is joined to is taken for the log's LiDAR; without one, a local
    system for its ego vehicle; a root for the world as the source has it.
    """

    def __init__(self, path: Path, systems: Mapping[str, Any], streams: Mapping[str, Any]) -> None:
        self._path = path
        self._types = {name: str(said.get("type", "")) for name, said in systems.items()}
        self._parents = {name: str(said.get("parent") or "") for name, said in systems.items()}
        self._lidars = {k for k, said in streams.items() if said.get("type") == "lidar"}
        self._joined: dict[str, list[tuple[str, Pose]]] = {name: [] for name in systems}
        self._known: dict[str, tuple[str, Pose]] = {}
        for name, said in systems.items():
            parent, pose = self._parents[name], said.get("pose_wrt_parent")
            if pose is not None and parent in systems:
                parent_from_child = read_pose(path, pose)
                self._joined[name].append((parent, parent_from_child))
                self._joined[parent].append((name, inverse(parent_from_child)))

    def anchor(self, name: str) -> tuple[str, Pose]:
        """Return what a system is joined to, `sensor`, `ego` or `source`, and the (4, 4) into it.

        Raises
        ------
        SourceError
            If it is joined to nothing that the log has, or unknown.
        """
        if name not in self._known:
            self._known[name] = self._anchor(name)
        return self._known[name]

    def _anchor(self, name: str) -> tuple[str, Pose]:
        if name not in self._types:
            known = ", ".join(self._types) or "none"
            raise refuse(self._path, f"a coordinate system of {known}", name or "none")
        reached = self._reached(name)
        for kind, is_one in (
            (SENSOR, self._lidars.__contains__),
            (EGO, lambda k: self._types[k].startswith("local")),
        ):
            found = [k for k in reached if is_one(k)]
            if found:
                return kind, reached[found[0]]
        if not self._parents[name]:
            return SOURCE, np.eye(4)
        expected = (
            f"coordinate system {name} to hang on a LiDAR or on the ego vehicle by fixed poses"
        )
        raise refuse(self._path, expected, ", ".join(reached))

    def _reached(self, name: str) -> dict[str, Pose]:
        """Return the systems that fixed poses join to this one, nearest first, and the way."""
        reached = {name: np.eye(4)}
        todo = [name]
        while todo:
            here = todo.pop(0)
            for other, other_from_here in self._joined[here]:
                if other not in reached:
                    reached[other] = other_from_here @ reached[here]
                    todo.append(other)
        return reached


def read_pose(path: Path, said: Mapping[str, Any]) -> Pose:
    """Return the (4, 4) of OpenLABEL's transform data: a matrix, a quaternion or angles."""
    out = np.eye(4)
    if "matrix4x4" in said:
        out = floats(path, said["matrix4x4"], (16,), "matrix4x4").reshape(4, 4)
    else:
        out[:3, 3] = floats(path, said.get("translation"), (3,), "translation")
        if "quaternion" in said:
            out[:3, :3] = turns(floats(path, [said["quaternion"]], (-1, 4), "quaternion"))[0]
        else:
            angles = floats(path, said.get("euler_angles"), (3,), "euler_angles")
            sequence = str(said.get("sequence", "ZYX"))
            if sorted(sequence.upper()) != ["X", "Y", "Z"]:
                raise refuse(path, "a sequence of three axes", sequence)
            out[:3, :3] = Rotation.from_euler(sequence, angles).as_matrix()
    if not abs(np.linalg.det(out[:3, :3]) - 1) < 0.01:
        raise refuse(path, "a rigid transform", f"determinant {np.linalg.det(out[:3, :3]):.3g}")
    return out


def turns(quaternions: np.ndarray) -> np.ndarray:
    """Return (M, 3, 3) rotations of quaternions (M, 4) x, y, z, w; none at all where they are 0."""
    length = np.linalg.norm(quaternions, axis=1)
    sound = np.where((length > 1e-9)[:, None], quaternions, [0.0, 0.0, 0.0, 1.0])
    return np.asarray(Rotation.from_quat(sound).as_matrix().reshape(-1, 3, 3))
