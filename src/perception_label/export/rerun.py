"""Rerun: `<log>.rrd`, a recording that Rerun's viewer opens (extra `rerun`).

```text
world                     right-handed, z up
world/ego                 the vehicle's pose over time
world/ego/<lidar>         where the LiDAR sits; its points below, `points`
world/ego/<camera>        where the camera sits; `image` below: lens, picture, 2-D `labels`
world/boxes/keyframes     cuboids that people set
world/boxes/worked_out    all others
```

Timelines are `sweep`, the sweep's number, and `time`, exact to the nanosecond. Beside what is
drawn each cuboid has its track, class, source, score and number of points. A file is read by the
version of Rerun that wrote it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.spatial.transform import Rotation

from perception_label.arrays import Mask, Pose
from perception_label.errors import MissingExtraError
from perception_label.export.by_sweep import BySweep, SweepBoxes, path_of
from perception_label.export.labelled import Labelled, Plan, TrackFacts, json_file
from perception_label.export.pictures import PictureBytes
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.poses import EgoPoses, interpolate_poses

APPLICATION = "perception-label"
EGO = ("world", "ego")
MEDIA = {".png": "image/png", ".jpg": "image/jpeg"}


def plan(labelled: Labelled) -> Plan:
    """Plan `<log>.rrd`, and before it `<log>.conventions.json`; boxes between sweeps are left out.

    Raises
    ------
    MissingExtraError
        If the Rerun SDK is not installed.
    MissingPosesError
        If the log has no ego poses.
    """
    _library()
    by_sweep = BySweep.of(labelled)
    files: dict[str, Callable[[Path], None]] = {
        f"{labelled.log_id}.conventions.json": json_file(labelled.facts("rerun")),
        f"{labelled.log_id}.rrd": partial(_fill, by_sweep),
    }
    return Plan(files, by_sweep.left_out(), by_sweep.n_between)


def _library() -> ModuleType:
    try:
        import rerun
    except ImportError:
        raise MissingExtraError(
            "format rerun: needs rerun-sdk: install perception-label[rerun]"
        ) from None
    library: ModuleType = rerun
    return library


def _fill(by_sweep: BySweep, path: Path) -> None:
    rr = _library()
    labelled = by_sweep.labelled
    # The recording has the log's id: two exports of a log are one recording to the viewer.
    with rr.RecordingStream(APPLICATION, recording_id=labelled.log_id) as out:
        out.save(path)
        out.send_recording_name(labelled.log_id)
        # When a file was written is in nobody's log.
        out.set_log_time_enabled(False)
        out.set_log_tick_enabled(False)
        _Writer(rr, out, labelled, path_of(labelled)).write(by_sweep)
        out.flush()
        out.disconnect()


class _Writer:
    """One log on its way into a recording."""

    def __init__(self, rr: ModuleType, out: Any, labelled: Labelled, path: EgoPoses) -> None:
        self.rr, self.out, self.labelled, self.path = rr, out, labelled, path
        names = sorted(set(labelled.boxes.column("class_name").unique().to_pylist()))
        self.classes = {name: k + 1 for k, name in enumerate(names)}
        self.facts = labelled.track_facts()

    def write(self, by_sweep: BySweep) -> None:
        rr, labelled = self.rr, self.labelled
        self._log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        known = [(k, name) for name, k in self.classes.items()]
        self._log("world", rr.AnnotationContext(known), static=True)
        lidar = (*EGO, labelled.lidar)
        self._log(lidar, self._placed(labelled.ego_from_lidar), static=True)
        lidar_from_ego = np.linalg.inv(labelled.ego_from_lidar)
        for boxes in by_sweep.sweeps():
            self._at(boxes.timestamp_ns, boxes.number)
            self._log(EGO, self._placed(boxes.world_from_lidar @ lidar_from_ego))
            self._boxes("keyframes", boxes, boxes.is_key)
            self._boxes("worked_out", boxes, ~boxes.is_key)
            if labelled.points is not False:
                self._points((*lidar, "points"), boxes.number)
        for camera in labelled.images:
            self._camera(camera)

    def _at(self, timestamp_ns: int, sweep: int | None = None) -> None:
        self.out.reset_time()
        self.out.set_time("time", timestamp=np.datetime64(timestamp_ns, "ns"))
        if sweep is not None:
            self.out.set_time("sweep", sequence=sweep)

    def _log(self, place: str | tuple[str, ...], *said: Any, static: bool = False) -> None:
        parts = [place] if isinstance(place, str) else list(place)
        self.out.log(self.rr.new_entity_path(parts), *said, static=static)

    def _placed(self, a_from_b: Pose) -> Any:
        turned = Rotation.from_matrix(a_from_b[:3, :3]).as_quat()
        return self.rr.Transform3D(
            translation=a_from_b[:3, 3], quaternion=self.rr.Quaternion(xyzw=turned)
        )

    def _boxes(self, name: str, boxes: SweepBoxes, rows: Mask) -> None:
        # Logged without boxes too: Rerun shows what was there until something else is said.
        rr, labels = self.rr, boxes.labels[np.flatnonzero(rows)]
        at = np.flatnonzero(rows).tolist()
        tracks, classes = boxes.track_ids(), boxes.class_names()
        half = labels.cuboids.yaw_rad / 2
        zero = np.zeros(len(half))
        shown = rr.Boxes3D(
            centers=labels.cuboids.center_m,
            half_sizes=labels.cuboids.size_m / 2,
            quaternions=np.column_stack([zero, zero, np.sin(half), np.cos(half)]),
            labels=[f"{classes[k]} {tracks[k]}" for k in at],
            class_ids=[self.classes[classes[k]] for k in at],
            show_labels=False,
        )
        said = rr.AnyValues(
            track_id=pa.array([tracks[k] for k in at], pa.string()),
            class_name=pa.array([classes[k] for k in at], pa.string()),
            source=pa.array([boxes.sources[k] for k in at], pa.string()),
            score=pa.array(labels.scores, pa.float64()),
            n_points=pa.array(labels.n_points, pa.int64()),
            attributes=pa.array(
                [_attributes(self.facts.get(tracks[k]), boxes.timestamp_ns) for k in at],
                pa.string(),
            ),
        )
        self._log(("world", "boxes", name), shown, said)

    def _points(self, place: tuple[str, ...], number: int) -> None:
        sweep = self.labelled.sweep(number)
        said = []
        if sweep.intensity is not None:
            said.append(self.rr.AnyValues(intensity=pa.array(sweep.intensity)))
        self._log(place, self.rr.Points3D(sweep.points_m), *said)

    def _camera(self, name: str) -> None:
        rr, labelled = self.rr, self.labelled
        camera, images = labelled.cameras.get(name), labelled.images[name]
        place = (*EGO, name)
        if camera is not None:
            self._log(place, self._placed(np.asarray(camera.ego_from_camera)), static=True)
            lens = rr.Pinhole(
                image_from_camera=np.asarray(camera.intrinsics),
                width=camera.width_px,
                height=camera.height_px,
                camera_xyz=rr.ViewCoordinates.RDF,
            )
            self._log((*place, "image"), lens, static=True)
        pictures = PictureBytes(labelled, name)
        poses = interpolate_poses(self.path, images.timestamps_ns, outside="hold")
        for i, labels in enumerate(_by_image(labelled.image_labels(name), len(poses))):
            self._at(int(images.timestamps_ns[i]))
            self._log(EGO, self._placed(poses[i]))
            if labelled.points is not False:
                data, suffix, _ = pictures.read(i)
                shown = rr.EncodedImage(contents=data, media_type=MEDIA[suffix])
                self._log((*place, "image"), shown)
            self._flat((*place, "image", "labels"), labels)

    def _flat(self, place: tuple[str, ...], labels: ImageLabels) -> None:
        names = labels.class_names.tolist()
        shown = self.rr.Boxes2D(
            array=labels.boxes_px,
            array_format=self.rr.Box2DFormat.XYXY,
            labels=[f"{c} {t}" for c, t in zip(names, labels.track_ids, strict=True)],
            class_ids=[self.classes.get(name, 0) for name in names],
            show_labels=False,
        )
        said = self.rr.AnyValues(
            track_id=pa.array(labels.track_ids.tolist(), pa.string()),
            class_name=pa.array(names, pa.string()),
            source=pa.array(labels.sources.tolist(), pa.string()),
            is_key=pa.array(labels.is_key.tolist(), pa.bool_()),
        )
        self._log(place, shown, said)


def _attributes(facts: TrackFacts | None, timestamp_ns: int) -> str | None:
    return None if facts is None else facts.as_json(timestamp_ns)


def _by_image(labels: ImageLabels, n_images: int) -> Iterator[ImageLabels]:
    labels = labels[labels.visible & np.isfinite(labels.boxes_px).all(axis=1)]
    labels = labels[np.argsort(labels.images, kind="stable")]
    start = np.searchsorted(labels.images, np.arange(n_images + 1)).tolist()
    for i in range(n_images):
        yield labels[start[i] : start[i + 1]]
