"""One log as the records of a nuScenes scene."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Floats, Ints, Pose
from perception_label.export.labelled import Labelled, TrackFacts
from perception_label.export.pictures import half_period_ns, nearest_images
from perception_label.export.sweep_boxes import sweep_boxes, with_points, world_from_ego

LIDAR = "LIDAR_TOP"  # the devkit looks for this very channel
CATEGORIES = {
    "car": "vehicle.car",
    "truck": "vehicle.truck",
    "bus": "vehicle.bus.rigid",
    "trailer": "vehicle.trailer",
    "motorcycle": "vehicle.motorcycle",
    "bicycle": "vehicle.bicycle",
    "cyclist": "vehicle.bicycle",
    "pedestrian": "human.pedestrian.adult",
    "construction_vehicle": "vehicle.construction",
}
RIDER, NO_RIDER = "cycle.with_rider", "cycle.without_rider"
POSES = {
    "standing": "pedestrian.standing",
    "walking": "pedestrian.moving",
    "sitting": "pedestrian.sitting_lying_down",
    "lying": "pedestrian.sitting_lying_down",
}
ATTRIBUTES = (RIDER, NO_RIDER, *dict.fromkeys(POSES.values()))
# Of our attribute `occlusion`; where nobody told it a box counts as wholly visible.
VISIBILITY = {"none": "4", "partial": "3", "most": "2", "full": "1"}
UNTOLD = TrackFacts()

# A record of a box; all its texts are tokens, which need no escapes.
ANNOTATION = (
    '{"token":"%s","sample_token":"%s","instance_token":"%s","visibility_token":"%s",'
    '"attribute_tokens":[%s],"translation":[%r,%r,%r],"size":[%r,%r,%r],'
    '"rotation":[%r,0.0,0.0,%r],"prev":"%s","next":"%s","num_lidar_pts":%d,"num_radar_pts":0}'
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One sweep or image: its number in the log, its time, its sample, where its file lies."""

    number: int
    timestamp_ns: int
    sample: int
    is_key: bool
    filename: str


def token(*parts: object) -> str:
    """Return the token of something by its names: the same in every export."""
    text = "/".join(map(str, parts)).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def quaternion(matrix: Floats) -> list[float]:
    """Return w, x, y, z of a rotation, (3, 3) or within (4, 4)."""
    turn = Rotation.from_matrix(matrix[:3, :3]).as_quat(scalar_first=True)
    return [float(v) for v in turn]


def category(class_name: str) -> str:
    """Return what nuScenes calls a class; one that it lacks keeps its name."""
    return CATEGORIES.get(class_name, class_name)


def attribute_of(class_name: str, told: TrackFacts, timestamp_ns: int) -> str:
    """Return the one attribute that a box may have, or nothing."""
    if class_name == "cyclist":
        return RIDER
    if told is UNTOLD or class_name not in ("pedestrian", "bicycle", "motorcycle"):
        return ""
    said = told.at(timestamp_ns)
    if class_name == "pedestrian":
        return POSES.get(str(said.get("pose")), "")
    return {"True": RIDER, "False": NO_RIDER}.get(str(said.get("has_rider")), "")


@dataclass(frozen=True, slots=True)
class Scene:
    """A log as a scene; every method yields rows of the table of that name."""

    labelled: Labelled

    def token(self, *parts: object) -> str:
        """Return the token of something of this log."""
        return token(self.labelled.log_id, *parts)

    def sample(self, i: int) -> str:
        """Return the token of sweep i's sample."""
        return self.token("sample", i)

    @property
    def n_samples(self) -> int:
        """How many sweeps the log has."""
        return len(self.labelled.timestamps_ns)

    def channels(self) -> dict[str, str]:
        """Return each sensor's channel by its name: LIDAR for the LiDAR, and the cameras."""
        cameras = self.labelled.images if self.labelled.points is not False else {}
        return {LIDAR: LIDAR, **{c: channel(c) for c in cameras if c in self.labelled.cameras}}

    def bent_lenses(self) -> list[str]:
        """Say which cameras' distortion is lost."""
        bent = [n for n, c in self.labelled.cameras.items() if any(c.distortion)]
        return [f"the lens distortion of {', '.join(bent)}"] if bent else []

    def records(self, sensor: str) -> list[Record]:
        """Return the sweeps, or the images of a camera, in time order."""
        labelled, log = self.labelled, self.labelled.log_id
        times = labelled.timestamps_ns
        if sensor == LIDAR:
            return [
                Record(i, at, i, True, f"samples/{LIDAR}/{log}__{LIDAR}__{at}.pcd.bin")
                for i, at in enumerate(times.tolist())
            ]
        if sensor not in self.channels():
            return []
        near = nearest_images(labelled, sensor, half_period_ns(times))
        of_sample = {k: i for i, k in reversed(list(enumerate(near.tolist()))) if k >= 0}
        taken, name = labelled.images[sensor].timestamps_ns, channel(sensor)
        nearest = nearest_rows(times, taken)
        out = []
        for k in np.argsort(taken, kind="stable").tolist():
            at, is_key = int(taken[k]), k in of_sample
            kind = "samples" if is_key else "sweeps"
            file = f"{kind}/{name}/{log}__{name}__{at}_{k}.jpg"
            out.append(Record(k, at, of_sample.get(k, int(nearest[k])), is_key, file))
        return out

    def categories(self) -> Iterator[Row]:
        """Yield the categories that the log's classes have."""
        for name in self.labelled.boxes.column("class_name").unique().to_pylist():
            yield {
                "token": token("category", category(str(name))),
                "name": category(str(name)),
                "description": "",
            }

    def attributes(self) -> Iterator[Row]:
        """Yield all attributes that a box may have."""
        for name in ATTRIBUTES:
            yield {"token": token("attribute", name), "name": name, "description": ""}

    def sensors(self) -> Iterator[Row]:
        """Yield the sensors."""
        for sensor, name in self.channels().items():
            modality = "lidar" if sensor == LIDAR else "camera"
            yield {"token": token("sensor", name), "channel": name, "modality": modality}

    def calibrated_sensors(self) -> Iterator[Row]:
        """Yield where the sensors sit."""
        for sensor, name in self.channels().items():
            camera = self.labelled.cameras.get(sensor)
            mount: Pose = self.labelled.ego_from_lidar if camera is None else camera.ego_from_camera
            yield {
                "token": self.token("calibrated", name),
                "sensor_token": token("sensor", name),
                "translation": mount[:3, 3].tolist(),
                "rotation": quaternion(mount),
                "camera_intrinsic": [] if camera is None else [list(r) for r in camera.intrinsics],
            }

    def log(self) -> Iterator[Row]:
        """Yield the log."""
        first = int(self.labelled.timestamps_ns[0]) if self.n_samples else 0
        yield {
            "token": self.token("log"),
            "logfile": self.labelled.log_id,
            "vehicle": "",
            "date_captured": datetime.fromtimestamp(first // 10**9, UTC).date().isoformat(),
            "location": "unknown",
        }

    def scene(self) -> Iterator[Row]:
        """Yield the scene."""
        yield {
            "token": self.token("scene"),
            "log_token": self.token("log"),
            "nbr_samples": self.n_samples,
            "first_sample_token": self.sample(0),
            "last_sample_token": self.sample(self.n_samples - 1),
            "name": self.labelled.log_id,
            "description": "",
        }

    def samples(self) -> Iterator[Row]:
        """Yield a sample for each sweep."""
        n = self.n_samples
        for i, at in enumerate(self.labelled.timestamps_ns.tolist()):
            yield {
                "token": self.sample(i),
                "timestamp": at // 1000,
                "prev": self.sample(i - 1) if i else "",
                "next": self.sample(i + 1) if i + 1 < n else "",
                "scene_token": self.token("scene"),
            }

    def sample_data(self) -> Iterator[Row]:
        """Yield the sweeps and images."""
        for sensor, name in self.channels().items():
            records = self.records(sensor)
            tokens = [self.token("data", name, r.number) for r in records]
            camera = self.labelled.cameras.get(sensor)
            width, height = (camera.width_px, camera.height_px) if camera else (0, 0)
            for k, record in enumerate(records):
                yield {
                    "token": tokens[k],
                    "sample_token": self.sample(record.sample),
                    "ego_pose_token": tokens[k],
                    "calibrated_sensor_token": self.token("calibrated", name),
                    "timestamp": record.timestamp_ns // 1000,
                    "fileformat": "pcd" if sensor == LIDAR else "jpg",
                    "is_key_frame": record.is_key,
                    "height": height,
                    "width": width,
                    "filename": record.filename,
                    "prev": tokens[k - 1] if k else "",
                    "next": tokens[k + 1] if k + 1 < len(tokens) else "",
                }

    def ego_poses(self) -> Iterator[Row]:
        """Yield the ego's pose at each sweep and image."""
        for sensor, name in self.channels().items():
            records = self.records(sensor)
            times = np.array([r.timestamp_ns for r in records], dtype=np.int64)
            poses = world_from_ego(self.labelled, times)
            for record, pose in zip(records, poses, strict=True):
                yield {
                    "token": self.token("data", name, record.number),
                    "timestamp": record.timestamp_ns // 1000,
                    "rotation": quaternion(pose),
                    "translation": pose[:3, 3].tolist(),
                }

    def instances(self) -> Iterator[Row]:
        """Yield the tracks."""
        boxes = sweep_boxes(self.labelled)
        tracks, classes, sweeps = boxes.track_ids(), boxes.class_names(), boxes.sweeps
        ends = {tracks[k]: int(sweeps[k]) for k in np.flatnonzero(boxes.after < 0).tolist()}
        counts = np.bincount(boxes.labels.tracks, minlength=len(boxes.labels.track_names))
        for k in boxes.firsts().tolist():
            track, owner = tracks[k], self.token("track", tracks[k])
            yield {
                "token": owner,
                "category_token": token("category", category(classes[k])),
                "nbr_annotations": int(counts[boxes.labels.tracks[k]]),
                "first_annotation_token": box_token(owner, int(sweeps[k])),
                "last_annotation_token": box_token(owner, ends[track]),
            }

    def annotations(self) -> Iterator[str]:
        """Yield the boxes, as JSON: there are many."""
        boxes = with_points(self.labelled, sweep_boxes(self.labelled))
        labels, told = boxes.labels, self.labelled.track_facts()
        tokens = [self.token("track", track) for track in labels.track_names]
        before = np.where(boxes.before < 0, -1, boxes.sweeps[boxes.before])
        after = np.where(boxes.after < 0, -1, boxes.sweeps[boxes.after])
        for i in range(self.n_samples):
            rows = boxes.rows(i)
            part = labels[rows]
            half = part.cuboids.yaw_rad / 2
            numbers = np.column_stack(
                [
                    part.cuboids.center_m,
                    part.cuboids.size_m[:, [1, 0, 2]],
                    np.cos(half),
                    np.sin(half),
                ]
            ).tolist()
            columns = zip(part.tracks.tolist(), part.classes.tolist(), before[rows].tolist(),
                          after[rows].tolist(), part.n_points.clip(0).tolist(), numbers,
                          strict=True)  # fmt: skip
            at, sample = int(self.labelled.timestamps_ns[i]), self.sample(i)
            for track, kind, last, following, n_points, where in columns:
                name, owner = labels.track_names[track], tokens[track]
                facts = told.get(name, UNTOLD)
                attribute = attribute_of(labels.class_names[kind], facts, at)
                marks = f'"{token("attribute", attribute)}"' if attribute else ""
                seen = "none" if facts is UNTOLD else str(facts.at(at).get("occlusion"))
                yield ANNOTATION % (
                    box_token(owner, i), sample, owner, VISIBILITY.get(seen, "4"), marks,
                    *where, box_token(owner, last), box_token(owner, following), n_points,
                )  # fmt: skip


def box_token(track_token: str, sweep: int) -> str:
    """Return the token of a track's box at a sweep; nothing for the sweep -1."""
    return f"{track_token[:24]}{sweep:08x}" if sweep >= 0 else ""


def channel(camera: str) -> str:
    """Return a camera's channel: its name, with CAM_ before it if it has not."""
    return camera if camera.startswith("CAM_") else f"CAM_{camera.upper()}"


def nearest_rows(known: Ints, times: Ints) -> Ints:
    """Return for each time the row of the nearest of the rising known ones."""
    after = np.clip(np.searchsorted(known, times), 0, max(len(known) - 1, 0))
    before = np.maximum(after - 1, 0)
    is_before = np.abs(known[before] - times) < np.abs(known[after] - times)
    return np.where(is_before, before, after)
