"""TFRecord: sweeps with their points and cuboids, and pictures with their 2-D labels.

`<log>/sweeps.tfrecord` has one `tf.train.Example` per LiDAR sweep, `<log>/<camera>.tfrecord`
one per picture with the keys of TensorFlow's object detection, `label_map.pbtxt` the classes'
numbers, from 1. Points and poses are raw bytes, for `tf.io.decode_raw`: a float list would
round poses to float32.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from perception_label.export.by_sweep import BySweep, SweepBoxes
from perception_label.export.labelled import Labelled, Plan, TrackFacts, json_file
from perception_label.export.pictures import PictureBytes
from perception_label.export.tfrecord_file import Feature, RecordWriter
from perception_label.geometry.image_labels import BOX, ImageLabels

CHANNELS = {"intensity": "<f4", "ring": "<u2", "time_offset_ns": "<i4", "lidar": "u1"}


class _Classes:
    """The numbers of the classes, from 1; one that is new gets the next number."""

    def __init__(self, logs: Sequence[Labelled]) -> None:
        names = {
            name for one in logs for name in one.boxes.column("class_name").unique().to_pylist()
        }
        self.numbers = {name: k + 1 for k, name in enumerate(sorted(names))}

    def __getitem__(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers) + 1)


def plan_logs(logs: Sequence[Labelled]) -> Plan:
    """Plan the files of all logs; boxes between sweeps are left out.

    Raises
    ------
    MissingPosesError
        If a log has no ego poses.
    """
    classes = _Classes(logs)
    facts = {one.log_id: one.facts("tfrecord") for one in logs}
    files: dict[str, Callable[[Path], None]] = {"conventions.json": json_file(facts)}
    left_out: list[str] = []
    n_left_out = 0
    for labelled in logs:
        by_sweep = BySweep.of(labelled)
        root = labelled.log_id
        files[f"{root}/sweeps.tfrecord"] = partial(_fill_sweeps, by_sweep, classes)
        for camera in labelled.images:
            files[f"{root}/{camera}.tfrecord"] = partial(_fill_images, labelled, camera, classes)
        left_out += [f"log {labelled.log_id}: {line}" for line in by_sweep.left_out()]
        n_left_out += by_sweep.n_between
    # Last: drawn labels may have brought classes that no cuboid has.
    files["label_map.pbtxt"] = partial(_fill_map, classes)
    return Plan(files, tuple(left_out), n_left_out)


def _fill_sweeps(by_sweep: BySweep, classes: _Classes, path: Path) -> None:
    labelled = by_sweep.labelled
    facts = labelled.track_facts()
    with RecordWriter(path) as out:
        for boxes in by_sweep.sweeps():
            features: dict[str, Feature] = {
                "sweep/log_id": labelled.log_id.encode(),
                "sweep/lidar": labelled.lidar.encode(),
                "sweep/number": boxes.number,
                "sweep/timestamp_ns": boxes.timestamp_ns,
                "sweep/world_from_lidar": boxes.world_from_lidar.astype("<f8").tobytes(),
                **_cuboids(boxes, classes, facts),
            }
            if labelled.points is not False:
                sweep = labelled.sweep(boxes.number)
                features["sweep/points/xyz_m"] = sweep.points_m.astype("<f4").tobytes()
                for name, dtype in CHANNELS.items():
                    values = getattr(sweep, name)
                    if values is not None:
                        features[f"sweep/points/{name}"] = values.astype(dtype).tobytes()
            out.write(features)


def _cuboids(
    boxes: SweepBoxes, classes: _Classes, facts: Mapping[str, TrackFacts]
) -> dict[str, Feature]:
    names, tracks = boxes.class_names(), boxes.track_ids()
    center, rotation = boxes.in_lidar()
    quaternion = rotation.as_quat(canonical=True, scalar_first=True)
    at = boxes.timestamp_ns
    said = {
        "center_m": center.ravel().astype(np.float32),
        "size_m": boxes.labels.cuboids.size_m.ravel().astype(np.float32),
        "rotation_wxyz": quaternion.ravel().astype(np.float32),
        "n_points": boxes.labels.n_points,
        "attributes": [facts[t].as_json(at).encode() if t in facts else b"" for t in tracks],
        **_who(tracks, names, classes),
        "is_key": boxes.is_key.astype(np.int64),
        "source": [source.encode() for source in boxes.sources],
        "score": boxes.labels.scores.astype(np.float32),
    }
    return {f"sweep/object/{name}": value for name, value in said.items()}


def _who(tracks: Sequence[str], names: Sequence[str], classes: _Classes) -> dict[str, Feature]:
    return {
        "track_id": [track.encode() for track in tracks],
        "class/text": [name.encode() for name in names],
        "class/label": np.array([classes[name] for name in names], dtype=np.int64),
    }


def _fill_images(labelled: Labelled, camera: str, classes: _Classes, path: Path) -> None:
    with RecordWriter(path) as out:
        for features in _images(labelled, camera, classes):
            out.write(features)


def _images(labelled: Labelled, camera: str, classes: _Classes) -> Iterator[Mapping[str, Feature]]:
    images = labelled.images[camera]
    labels = labelled.image_labels(camera)
    labels = labels[labels.visible & np.isfinite(labels.boxes_px).all(axis=1)]
    labels = labels[np.argsort(labels.images, kind="stable")]
    n = len(images.timestamps_ns)
    start = np.searchsorted(labels.images, np.arange(n + 1))
    pictures = PictureBytes(labelled, camera)
    known = labelled.cameras.get(camera)
    for i in range(n):
        name = f"{labelled.log_id}/{camera}/{i:06d}"
        size = (known.width_px, known.height_px) if known is not None else (0, 0)
        features: dict[str, Feature] = {
            "image/source_id": name.encode(),
            "image/log_id": labelled.log_id.encode(),
            "image/camera": camera.encode(),
            "image/number": i,
            "image/timestamp_ns": int(images.timestamps_ns[i]),
        }
        if labelled.points is not False or known is None:
            data, suffix, size = pictures.read(i)
            features |= {
                "image/filename": (name + suffix).encode(),
                "image/encoded": data,
                "image/format": b"png" if suffix == ".png" else b"jpeg",
                "image/key/sha256": sha256(data).hexdigest().encode(),
            }
        if known is not None:
            features |= {
                "image/camera/intrinsics": _raw(known.intrinsics),
                "image/camera/distortion": _raw(known.distortion),
                "image/camera/model": known.model.encode(),
                "image/camera/ego_from_camera": _raw(known.ego_from_camera),
            }
        features |= {"image/width": size[0], "image/height": size[1]}
        yield features | _flat(labels[int(start[i]) : int(start[i + 1])], size, classes)


def _flat(labels: ImageLabels, size: tuple[int, int], classes: _Classes) -> dict[str, Feature]:
    """Return the labels of one image; boxes are shares of its width and height."""
    width, height = size
    share = labels.boxes_px / [width, height, width, height]
    said: dict[str, Feature] = {
        f"bbox/{name}": share[:, k].astype(np.float32)
        for k, name in enumerate(("xmin", "ymin", "xmax", "ymax"))
    }
    said |= _who(labels.track_ids.tolist(), labels.class_names.tolist(), classes)
    said |= {
        "is_key": labels.is_key.astype(np.int64),
        "is_box": (labels.kinds == BOX).astype(np.int64),
        "source": [str(source).encode() for source in labels.sources],
        "score": labels.scores.astype(np.float32),
    }
    return {f"image/object/{name}": value for name, value in said.items()}


def _raw(numbers: object) -> bytes:
    return np.asarray(numbers, dtype="<f8").tobytes()


def _fill_map(classes: _Classes, path: Path) -> None:
    items = [
        f'item {{\n  id: {number}\n  name: "{_escaped(name)}"\n}}\n'
        for name, number in classes.numbers.items()
    ]
    path.write_text("".join(items), encoding="utf-8")


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
