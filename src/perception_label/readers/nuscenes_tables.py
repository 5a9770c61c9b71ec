"""The records of one nuScenes scene, out of the tables of a whole dataset."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints, Pose
from perception_label.geometry.poses import pose
from perception_label.readers.files import floats, refuse
from perception_label.readers.json_tables import Record, field, records

LATEST_US = 9_000_000_000_000_000  # the year 2255


@dataclass
class SceneTables:
    """One scene: its records by token.

    `data` are the sensors' records (`sample_data`) in time order; `annotations` the boxes'.
    """

    folder: Path
    scene: Record
    samples: dict[str, Record]
    data: list[Record]
    ego_poses: dict[str, Record]
    calibrated: dict[str, Record]
    sensors: dict[str, Record]
    annotations: list[Record]
    instances: dict[str, Record]
    categories: dict[str, Record]
    attributes: dict[str, Record]

    @property
    def files(self) -> list[Path]:
        """The tables that were read."""
        return [p for n in _TABLES if (p := self.folder / f"{n}.json").is_file()]

    @cached_property
    def _by_channel(self) -> dict[str, dict[str, list[Record]]]:
        """Return the sensors' records by modality, then channel."""
        found: dict[str, dict[str, list[Record]]] = {}
        for row in self.data:
            sensor = self.sensors[self.calibrated[row["calibrated_sensor_token"]]["sensor_token"]]
            channels = found.setdefault(sensor["modality"], {})
            channels.setdefault(sensor["channel"], []).append(row)
        return found

    def channels(self, modality: str) -> dict[str, list[Record]]:
        """Return the records of each sensor of a modality (lidar, camera, radar), by name."""
        return self._by_channel.get(modality, {})

    def mount(self, row: Record) -> Pose:
        """Return ego_from_sensor of a sensor's record."""
        where = self.folder / "calibrated_sensor.json"
        mount: Pose = transforms(where, [self.calibrated[row["calibrated_sensor_token"]]])[0]
        return mount

    def times(self, rows: list[Record]) -> Ints:
        """Return the instants of records, (n,) int64 nanoseconds."""
        return np.array([row["timestamp"] for row in rows], dtype=np.int64) * 1000


_TABLES = (
    "scene", "sample", "sample_data", "ego_pose", "calibrated_sensor", "sensor",
    "sample_annotation", "instance", "category", "attribute",
)  # fmt: skip


def read_scene(folder: Path, scene: Record) -> SceneTables:
    """Read what belongs to a scene from the tables of its dataset.

    Raises
    ------
    SourceError
        If a table is missing or broken, or a record names one that is not there.
    """
    token = field(folder / "scene.json", scene, "token")
    samples = _by_token(folder / "sample.json", "scene_token", {token})
    data_file = folder / "sample_data.json"
    data = list(_by_token(data_file, "sample_token", set(samples)).values())
    for row in data:
        at_us = field(data_file, row, "timestamp", int)
        if not 0 <= at_us < LATEST_US:
            raise refuse(data_file, "times in microseconds", at_us)
        field(data_file, row, "is_key_frame", bool)
    data.sort(key=lambda row: row["timestamp"])
    # A log's path needs the ego poses of LiDARs and cameras alike: each has its own instant.
    poses = _linked(folder, "ego_pose", data_file, data, "ego_pose_token")
    calibrated = _linked(folder, "calibrated_sensor", data_file, data, "calibrated_sensor_token")
    sensors = _linked(
        folder, "sensor", folder / "calibrated_sensor.json", calibrated.values(), "sensor_token"
    )
    for sensor in sensors.values():
        field(folder / "sensor.json", sensor, "channel")
        field(folder / "sensor.json", sensor, "modality")
    boxes_file = folder / "sample_annotation.json"
    boxes = []
    if boxes_file.is_file():
        boxes = list(_by_token(boxes_file, "sample_token", set(samples)).values())
    instances = _linked(folder, "instance", boxes_file, boxes, "instance_token")
    categories = _linked(
        folder, "category", folder / "instance.json", instances.values(), "category_token"
    )
    attributes_file = folder / "attribute.json"
    attributes = {}
    if boxes and attributes_file.is_file():
        attributes = {field(attributes_file, r, "token"): r for r in records(attributes_file)}
    return SceneTables(
        folder, scene, samples, data, poses, calibrated, sensors, boxes, instances, categories,
        attributes,
    )  # fmt: skip


def transforms(path: Path, rows: Iterable[Record]) -> Floats:
    """Return the (n, 4, 4) transforms of records with a translation and a rotation (w first)."""
    rows = list(rows)
    places = floats(path, [r.get("translation") for r in rows], (-1, 3), "translation")
    turns = floats(path, [r.get("rotation") for r in rows], (-1, 4), "rotation")
    if rows and np.abs(np.linalg.norm(turns, axis=1) - 1).max() > 0.01:
        raise refuse(path, "unit quaternions", "others")
    return pose(places, turns)


def poses_of(path: Path, rows: Iterable[Record]) -> tuple[Ints, Floats]:
    """Return the times (n,) and transforms (n, 4, 4) of ego poses."""
    rows = list(rows)
    for row in rows:
        if not 0 <= field(path, row, "timestamp", int) < LATEST_US:
            raise refuse(path, "times in microseconds", row["timestamp"])
    if not rows:
        raise refuse(path, "ego poses of the scene", "none")
    times = np.array([row["timestamp"] for row in rows], dtype=np.int64) * 1000
    return times, transforms(path, rows)


def _by_token(path: Path, key: str, wanted: set[str]) -> dict[str, Record]:
    found = {}
    for row in records(path):
        if field(path, row, key) in wanted:
            found[field(path, row, "token")] = row
    return found


def _linked(
    folder: Path, name: str, asker: Path, rows: Iterable[Record], key: str
) -> dict[str, Record]:
    """Return the records of a table that others name, which must all be there."""
    path = folder / f"{name}.json"
    wanted = {field(asker, row, key) for row in rows}
    if not wanted:
        return {}
    found = {t: row for row in records(path) if (t := field(path, row, "token")) in wanted}
    missing = wanted - set(found)
    if missing:
        raise refuse(path, f"a record {min(missing)!r}, which {asker.name} names", "none")
    return found
