"""MCAP with Foxglove's SceneUpdate: the cubes of entities are boxes, an entity's id is its track.

Metadata of an entity says its class (`class`, `class_name`, `category`, `label` or `type`), its
`score`, whether a person set it (`is_key`), and its attributes. Transforms in the file lead from
an entity's coordinate frame to the vehicle; where none do, its name must say that it is the
vehicle's or the world, which is then the log's.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Pose
from perception_label.geometry.poses import interpolate_poses, inverse, pose
from perception_label.readers.bags import decode
from perception_label.readers.bags.choice import EGO_FRAMES, WORLD_FRAMES
from perception_label.readers.bags.coordinate_tree import Tree, grown
from perception_label.readers.bags.mcap import McapFile
from perception_label.readers.files import numbered, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.turned_boxes import TurnedBoxes

CLASS = ("class", "class_name", "category", "label", "type")
KNOWN = (*CLASS, "score", "is_key")
NEAR_NS = 5_000_000  # of a sweep: tools round to milliseconds


def read(path: Path, facts: Facts) -> Given:
    """Return the cubes of a file, or of `<log>.mcap` in a folder.

    Parameters
    ----------
    path : Path
        The file, or a folder that holds it.
    facts : Facts
        The log.

    Raises
    ------
    SourceError
        If it is no MCAP file, or holds no SceneUpdate.
    """
    file = McapFile(_file(path, facts.log_id))
    scenes, steps, n_broken = [], [], 0
    for message in file.scan():
        if message.encoding != "protobuf" or message.kind not in decode.KNOWN:
            continue
        try:
            if message.kind in decode.SCENES:
                scenes.append((message.log_ns, decode.decode(message)))
            elif message.kind in decode.TRANSFORMS:
                steps += decode.steps_of(message)
        except ValueError:
            n_broken += 1
    if not scenes:
        raise refuse(file.path, "messages of foxglove.SceneUpdate", "none")
    boxes = _Scenes(file.path, facts, grown(steps)[0])
    for log_ns, scene in scenes:
        boxes.take(log_ns, scene)
    said = [*file.remarks, *([f"{n_broken} messages that are broken"] if n_broken else [])]
    return boxes.given(said)


def _file(path: Path, log_id: str) -> Path:
    if not path.is_dir():
        return path
    found = numbered(path, [".mcap"])
    named = [p for p in found if p.stem == log_id]
    if len(named or found) != 1:
        raise refuse(path, f"one .mcap file, or {log_id}.mcap", len(found))
    return (named or found)[0]


class _Scenes:
    """Boxes of scenes, gathered one by one."""

    def __init__(self, path: Path, facts: Facts, tree: Tree) -> None:
        self.path, self.facts, self.tree = path, facts, tree
        self.boxes = TurnedBoxes(path)
        self.scores: list[float] = []
        self.is_told = False
        self.n_other = 0
        self.attributes: dict[str, dict[int, dict[str, Any]]] = {}
        self._found: dict[tuple[str, int], Pose] = {}

    def take(self, log_ns: int, scene: Any) -> None:
        """Keep the cubes of a scene; those of an entity with several are ID/0, ID/1."""
        for entity in scene.entities:
            at_ns = int(entity.timestamp.seconds) * 10**9 + int(entity.timestamp.nanos) or log_ns
            sweep = self._sweep(at_ns)
            self.n_other += sum(
                len(getattr(entity, kind))
                for kind in ("arrows", "spheres", "cylinders", "lines", "triangles", "models")
            )
            told = {str(m.key): str(m.value) for m in entity.metadata}
            name = next((told[key] for key in CLASS if key in told), "")
            self.is_told |= "is_key" in told
            for k, cube in enumerate(entity.cubes):
                track = entity.id if len(entity.cubes) == 1 else f"{entity.id}/{k}"
                place = self._place(cube, decode.name_of(entity.frame_id), at_ns)
                is_key = told.get("is_key", "true") == "true"
                self.boxes.add(sweep, name, track, place, is_key=is_key)
                self.scores.append(_number(told.get("score", "1")))
                said = {k: _plain(v) for k, v in told.items() if k not in KNOWN}
                self.attributes.setdefault(track, {})[sweep] = said

    def given(self, said: Iterable[str]) -> Given:
        """Return what was gathered."""
        cuboids, frame = self.boxes.cuboids(self.facts)
        whole, over_time = _attributes(self.attributes)
        other = [f"{self.n_other} shapes that are no cubes"] if self.n_other else []
        return Given(
            cuboids=cuboids,
            coordinate_frame=frame,
            at=self.boxes.at,
            by_number=True,
            class_names=self.boxes.class_names,
            track_ids=self.boxes.track_ids,
            scores=np.array(self.scores, dtype=np.float64),
            is_key=self.boxes.is_key if self.is_told else None,
            attributes=whole,
            sweep_attributes=over_time,
            left_out=(*said, *other),
        )

    def _sweep(self, at_ns: int) -> int:
        times = self.facts.timestamps_ns
        if not len(times):
            return -1
        nearest = int(np.abs(times - at_ns).argmin())
        return nearest if abs(int(times[nearest]) - at_ns) <= NEAR_NS else -1

    def _place(self, cube: Any, frame: str, at_ns: int) -> list[float]:
        """Return a cube's middle, size and turns in the LiDAR's frame of its instant."""
        at, turn = cube.pose.position, cube.pose.orientation
        numbers = np.array([at.x, at.y, at.z, turn.w, turn.x, turn.y, turn.z])
        length = float(np.linalg.norm(numbers[3:])) if (np.abs(numbers) < 1e9).all() else 0.0
        size = [cube.size.x, cube.size.y, cube.size.z]
        if length < 1e-6:
            return [np.inf] * 9
        if (frame, at_ns) not in self._found:
            self._found[frame, at_ns] = self._lidar_from(frame, at_ns)
        box = self._found[frame, at_ns] @ pose(numbers[:3], numbers[3:] / length)
        euler = Rotation.from_matrix(box[:3, :3]).as_euler("XYZ")
        return [*box[:3, 3].tolist(), *size, *euler.tolist()]

    def _lidar_from(self, frame: str, at_ns: int) -> Pose:
        lidar_from_ego = inverse(self.facts.ego_from_lidar)
        names = self.tree.names()
        ego = next((n for n in EGO_FRAMES if n in names), None)
        times = np.array([at_ns], dtype=np.int64)
        if ego is not None:
            ego_from_frame = self.tree.at(ego, frame, times)
            if ego_from_frame is not None:
                return np.asarray(lidar_from_ego @ ego_from_frame[0])
        if frame in EGO_FRAMES:
            return np.asarray(lidar_from_ego)
        if frame and frame not in WORLD_FRAMES:
            known = ", ".join((*WORLD_FRAMES, *EGO_FRAMES))
            raise refuse(
                self.path, f"transforms from {frame} to the vehicle, or one of {known}", "none"
            )
        if self.facts.ego_poses is None or not len(self.facts.ego_poses):
            return np.eye(4)
        world_from_ego = interpolate_poses(self.facts.ego_poses, times, outside="hold")[0]
        return np.asarray(inverse(world_from_ego @ self.facts.ego_from_lidar))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _plain(text: str) -> object:
    """Return what JSON says, or the text as it is; only plain values are attributes."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float | str) else text


def _attributes(
    told: dict[str, dict[int, dict[str, Any]]],
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, dict[int, Any]]]]:
    """Return attributes that every box of a track has alike, and others from a sweep on."""
    whole: dict[str, dict[str, Any]] = {}
    over_time: dict[str, dict[str, dict[int, Any]]] = {}
    for track, by_sweep in told.items():
        for name in {name for said in by_sweep.values() for name in said}:
            values = [(sweep, by_sweep[sweep].get(name)) for sweep in sorted(by_sweep)]
            changed = [
                pair for k, pair in enumerate(values) if not k or pair[1] != values[k - 1][1]
            ]
            if len(changed) == 1:
                whole.setdefault(track, {})[name] = changed[0][1]
            else:
                kept = {sweep: value for sweep, value in changed if value is not None}
                over_time.setdefault(track, {})[name] = kept
    return whole, over_time
