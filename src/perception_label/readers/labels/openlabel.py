"""ASAM OpenLABEL 1.x: cuboids of objects at instants, boxes and polygons in cameras, attributes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints
from perception_label.errors import SourceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import texts
from perception_label.geometry.poses import interpolate_poses
from perception_label.readers import kitti
from perception_label.readers.classes import OWN
from perception_label.readers.files import file_in, floats, read_json, refuse
from perception_label.readers.labels.given import Facts, Given
from perception_label.readers.labels.openlabel_data import Values, seconds_to_ns
from perception_label.readers.labels.openlabel_images import ImageRows
from perception_label.readers.labels.openlabel_systems import EGO, SENSOR, Systems, turns

CLASSES = {**{name: name for name in OWN}, **kitti.CLASSES, "misc": "other"}
DONT_CARE = "DontCare"
EXPORTER = "perception-label"  # ours; its objects' names are our track ids
TILTED_RAD = 0.35  # 20 degrees: steeper than roads are


def read(path: Path, facts: Facts) -> Given:
    """Return the labels of a file.

    An instant is the sweep of its `timestamp`; where instants have none, of its number. Where a
    cuboid's coordinate system hangs on a LiDAR by fixed poses, that is the log's LiDAR; else a
    local system is its ego vehicle. Cuboids are stood upright in the world, whichever of their
    axes points up; an object's key is its track, its name where the file is ours.

    Raises
    ------
    SourceError
        If it is no such file, or nothing says where its cuboids are.
    """
    path = file_in(path, f"{facts.log_id}.openlabel.json")
    document = read_json(path, dict).get("openlabel")
    if not isinstance(document, dict) or "metadata" not in document:
        raise refuse(path, "OpenLABEL: a key openlabel with metadata", "another document")
    version = str(document["metadata"].get("schema_version"))
    if not version.startswith("1."):
        raise refuse(path, "OpenLABEL of schema version 1", version)
    try:
        return _Document(path, document, facts).given()
    except SourceError:
        raise
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise refuse(path, "OpenLABEL as its schema has it", repr(error)) from None


class _Document:
    """One file while it is read: rows of cuboids, rows on images, attributes."""

    def __init__(self, path: Path, document: dict[str, Any], facts: Facts) -> None:
        self.path = path
        self.facts = facts
        self.objects: dict[str, Any] = document.get("objects", {})
        self.frames: dict[str, Any] = document.get("frames", {})
        streams = document.get("streams", {})
        self.systems = Systems(path, document.get("coordinate_systems", {}), streams)
        is_ours = document["metadata"].get("annotator") == EXPORTER
        self.names = {
            key: str(said["name"]) if is_ours else key for key, said in self.objects.items()
        }
        self.values = Values()
        self.images = ImageRows(path, facts)
        self.rows: list[tuple[int, str, str, Floats, float, bool | None]] = []
        self.n_dont_care = self.n_more = 0
        stamps = [f.get("frame_properties", {}).get("timestamp") for f in self.frames.values()]
        self.by_number = not stamps or any(stamp is None for stamp in stamps)

    def given(self) -> Given:
        for key, frame in self.frames.items():
            at = self._instant(key, frame)
            for name, said in frame.get("objects", {}).items():
                self._one(at, name, said.get("object_data", {}), frame, int(key))
        for key, said in self.objects.items():
            self.values.keep(self.names[key], said.get("object_data", {}), None)
        cuboids, frame_name, n_tilted = self._placed()
        told = [row[5] for row in self.rows]
        left_out = [
            f"{n} {what}"
            for n, what in (
                (self.n_dont_care, f"labels of type {DONT_CARE}"),
                (self.n_more, "cuboids beyond the first of an object at an instant"),
            )
            if n
        ]
        if n_tilted:
            left_out.append(f"the tilt of {n_tilted} cuboids, more than 20 degrees: stood upright")
        return Given(
            cuboids=cuboids,
            coordinate_frame=frame_name,
            at=np.array([row[0] for row in self.rows], dtype=np.int64),
            by_number=self.by_number,
            class_names=texts([self.objects[row[1]]["type"] for row in self.rows]),
            track_ids=texts([self.names[row[1]] for row in self.rows]),
            scores=np.array([row[4] for row in self.rows], dtype=np.float64),
            is_key=None if all(t is None for t in told) else np.array([bool(t) for t in told]),
            attributes=self.values.of_tracks,
            sweep_attributes=self.values.changing(),
            images=self.images.files(),
            left_out=(*left_out, *self.images.left_out()),
        )

    def _instant(self, key: str, frame: Mapping[str, Any]) -> int:
        if self.by_number:
            return int(key)
        return seconds_to_ns(self.path, frame["frame_properties"]["timestamp"])

    def _one(
        self, at: int, key: str, data: Mapping[str, Any], frame: Mapping[str, Any], number: int
    ) -> None:
        if key not in self.objects:
            raise refuse(self.path, "objects that are listed", key)
        said = self.objects[key]
        if said["type"] == DONT_CARE:
            self.n_dont_care += len(data.get("cuboid", ())) + len(data.get("bbox", ()))
            return
        track = self.names[key]
        self.images.keep(track, str(said["type"]), data, frame, number)
        self.values.keep(track, data, at)
        cuboids = [c for c in data.get("cuboid", ()) if c["val"] is not None]
        self.n_more += max(len(cuboids) - 1, 0)
        for cuboid in cuboids[:1]:
            own = dict(self.values.each(cuboid.get("attributes", {})))
            score = own.pop("score", 1.0)
            is_key = own.pop("is_key", None)
            for name in ("n_points", "source", "expected_iou"):
                own.pop(name, None)
            self.values.keep_plain(track, own, at)
            numbers = _ten(self.path, cuboid["val"])
            system = str(cuboid.get("coordinate_system", said.get("coordinate_system", "")))
            self.rows.append((at, key, system, numbers, float(score), is_key))

    def _placed(self) -> tuple[Cuboids, str, int]:
        """Return the cuboids upright in the world, or, without ego poses, in what they hang on."""
        m = len(self.rows)
        table = np.array([row[3] for row in self.rows]).reshape(-1, 10)
        center, turn = table[:, :3], turns(table[:, 3:7])
        kinds = np.empty(m, dtype=object)
        for system in {row[2] for row in self.rows}:
            kind, pose = self._anchor(system)
            rows = [k for k, row in enumerate(self.rows) if row[2] == system]
            kinds[rows] = kind
            center[rows] = center[rows] @ pose[:3, :3].T + pose[:3, 3]
            turn[rows] = pose[:3, :3] @ turn[rows]
        instants = self._times(np.array([row[0] for row in self.rows], dtype=np.int64))
        if self.facts.ego_poses is None or not m:
            cuboids, n_tilted = _upright(center, turn, table[:, 7:])
            return cuboids, str(kinds[0]) if m else "world", n_tilted
        poses = interpolate_poses(self.facts.ego_poses, instants, outside="hold")
        poses[kinds == SENSOR] = poses[kinds == SENSOR] @ self.facts.ego_from_lidar
        is_moving = (kinds == SENSOR) | (kinds == EGO)
        poses[~is_moving] = np.eye(4)
        poses[kinds == "source", :3, 3] = -np.array(self.facts.origin_m)
        center = np.einsum("mij,mj->mi", poses[:, :3, :3], center) + poses[:, :3, 3]
        cuboids, n_tilted = _upright(center, poses[:, :3, :3] @ turn, table[:, 7:])
        return cuboids, "world", n_tilted

    def _anchor(self, system: str) -> tuple[str, Floats]:
        if self.facts.coordinate_frame is not None:
            return self.facts.coordinate_frame, np.eye(4)
        return self.systems.anchor(system)

    def _times(self, at: Ints) -> Ints:
        times = self.facts.timestamps_ns
        if not self.by_number or not len(times):
            return at
        # Those of no sweep are left out later.
        return times[np.clip(at, 0, len(times) - 1)]


def _ten(path: Path, val: object) -> Floats:
    """Return a cuboid's ten numbers; the form of nine has angles about x, y, z."""
    numbers = floats(path, val, (-1,), "a cuboid")
    if len(numbers) == 10:
        return numbers
    if len(numbers) != 9:
        raise refuse(path, "9 or 10 numbers of a cuboid", len(numbers))
    quaternion = Rotation.from_euler("ZYX", numbers[[5, 4, 3]]).as_quat()
    return np.concatenate([numbers[:3], quaternion, numbers[6:]])


def _upright(center: Floats, turn: Floats, size: Floats) -> tuple[Cuboids, int]:
    """Return cuboids that stand on the axis which points up most, and how many are tilted."""
    m = np.arange(len(center))
    upwards = np.abs(turn[:, 2, :])
    up = upwards.argmax(axis=1) if len(m) else np.empty(0, dtype=np.int64)
    ahead = np.where(up == 0, 1, 0)
    side = 3 - up - ahead
    yaw = np.arctan2(turn[m, 1, ahead], turn[m, 0, ahead])
    sizes = np.column_stack([size[m, ahead], size[m, side], size[m, up]])
    n_tilted = int((upwards[m, up] < np.cos(TILTED_RAD)).sum())
    return Cuboids(center, sizes, yaw), n_tilted
