"""MCAP with Foxglove's messages: `<log>.mcap`, as Foxglove and other viewers play it.

Topics: `/labels` (SceneUpdate: a cube and a text per box, an entity per track), `/tf`
(FrameTransform: world to ego, ego to sensors), `/<lidar>` (PointCloud), `/camera/<name>`
(CompressedImage) and `/camera/<name>/calibration`. Boxes lie in the frame `world`. A metadata
record `perception_label` holds the conventions. `ingest` reads such a file back, and `import` its
labels: metadata of an entity has its class, score, whether a person set it, and attributes.
"""

import heapq
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from perception_label.arrays import Mask, Pose
from perception_label.export.labelled import Labelled, Plan, TrackFacts
from perception_label.geometry.labels import Labels
from perception_label.tables import labels_from_table

WORLD, EGO = "world", "ego"
FACTS = "perception_label"
LONGEST_NS = 1_000_000_000  # a box whose next instant is farther off than this is shown so long
_CHUNK_BYTES = 4 << 20
_CHANNELS = {"intensity": ("FLOAT32", "<f4"), "ring": ("UINT16", "<u2"),
             "time_offset_ns": ("INT32", "<i4"), "lidar": ("UINT8", "u1")}  # fmt: skip
# The lens model's name and how many coefficients viewers expect of it, by how many there are.
_LENSES = {
    8: ("rational_polynomial", 8),
    5: ("plumb_bob", 5),
    4: ("plumb_bob", 5),
    0: ("plumb_bob", 5),
}
_FISHEYE = ("kannala_brandt", 4)

Event = tuple[int, int, Callable[[], list[tuple[str, Any]]]]


def plan(labelled: Labelled) -> Plan:
    """Plan one file of a log; its clouds and pictures are in it unless `points` is False."""
    return Plan({f"{labelled.log_id}.mcap": partial(_fill, labelled)})


def _fill(labelled: Labelled, path: Path) -> None:
    from mcap_protobuf.writer import Writer

    with path.open("wb") as file, Writer(file, chunk_size=_CHUNK_BYTES) as writer:
        for at, _, made in heapq.merge(*_streams(labelled), key=lambda event: event[:2]):
            for topic, message in made():
                writer.write_message(topic=topic, message=message, log_time=at, publish_time=at)
        told = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
                for k, v in labelled.facts("mcap").items()}  # fmt: skip
        # The library's writer of messages has no door to its file's metadata.
        writer._writer.add_metadata(FACTS, told)


def _streams(labelled: Labelled) -> list[Iterator[Event]]:
    """Return what happens over time, each stream in order."""
    streams = [_poses(labelled), _scenes(labelled)]
    if labelled.points is not False:
        streams.append(_clouds(labelled))
        streams += [_pictures(labelled, camera) for camera in labelled.images]
    return streams


def _poses(labelled: Labelled) -> Iterator[Event]:
    path = labelled.ego_poses
    first = [int(t[0]) for t in (labelled.timestamps_ns, *_times(labelled)) if len(t)]
    yield min(first, default=0), 0, partial(_mounts, labelled, min(first, default=0))
    if path is not None:
        for at, pose in zip(path.timestamps_ns.tolist(), path.world_from_ego, strict=True):
            yield at, 1, partial(_edges, at, {(WORLD, EGO): pose})


def _times(labelled: Labelled) -> list[Any]:
    poses = [] if labelled.ego_poses is None else [labelled.ego_poses.timestamps_ns]
    boxes = labelled.boxes.column("timestamp_ns").to_numpy()
    return [*poses, boxes.min(keepdims=True) if len(boxes) else boxes,
            *(images.timestamps_ns for images in labelled.images.values())]  # fmt: skip


def _mounts(labelled: Labelled, at: int) -> list[tuple[str, Any]]:
    from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration

    edges = {(EGO, labelled.lidar): np.asarray(labelled.ego_from_lidar)}
    out = []
    for name, camera in labelled.cameras.items():
        edges[EGO, f"camera/{name}"] = np.asarray(camera.ego_from_camera)
        matrix = np.asarray(camera.intrinsics, dtype=np.float64)
        given = list(camera.distortion)
        lens, n = _FISHEYE if camera.model == "fisheye" else _LENSES[len(given)]
        message = CameraCalibration(
            frame_id=f"camera/{name}",
            width=camera.width_px,
            height=camera.height_px,
            distortion_model=lens,
            D=[*given, *[0.0] * (n - len(given))],
            K=matrix.ravel().tolist(),
            R=np.eye(3).ravel().tolist(),
            P=np.column_stack([matrix, np.zeros(3)]).ravel().tolist(),
        )
        message.timestamp.FromNanoseconds(at)
        out.append((f"/camera/{name}/calibration", message))
    return [*_edges(at, edges), *out]


def _edges(at: int, edges: Mapping[tuple[str, str], Pose]) -> list[tuple[str, Any]]:
    from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform

    out = []
    for (parent, child), matrix in edges.items():
        message = FrameTransform(parent_frame_id=parent, child_frame_id=child)
        message.timestamp.FromNanoseconds(at)
        _put(message.translation, "xyz", matrix[:3, 3])
        _put(message.rotation, "xyzw", Rotation.from_matrix(matrix[:3, :3]).as_quat())
        out.append(("/tf", message))
    return out


def _put(message: Any, names: str, values: Any) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(message, name, float(value))


def _scenes(labelled: Labelled) -> Iterator[Event]:
    labels = labels_from_table(labelled.boxes)
    order = np.lexsort((labels.tracks, labels.timestamps_ns))
    of_boxes = labels.timestamps_ns[order]
    # Sweeps without boxes have a scene too, which says so.
    times = np.union1d(of_boxes, labelled.timestamps_ns)
    starts = np.searchsorted(of_boxes, times)
    ends = [*starts.tolist(), len(order)][1:]
    after = np.minimum(np.diff(times, append=times[-1:] + LONGEST_NS), LONGEST_NS)
    facts, is_key = labelled.track_facts(), labelled.is_key()[order]
    for at, start, end, lifetime in zip(
        times.tolist(), starts.tolist(), ends, after.tolist(), strict=True
    ):
        part = labels[order[start:end]]
        yield at, 2, partial(_scene, part, is_key[start:end], at, lifetime, facts)


def _scene(
    labels: Labels, is_key: Mask, at: int, lifetime_ns: int, facts: Mapping[str, TrackFacts]
) -> list[tuple[str, Any]]:
    from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate

    scene = SceneUpdate()
    boxes = labels.cuboids
    half = boxes.yaw_rad / 2
    columns = (
        labels.tracks.tolist(), labels.classes.tolist(), boxes.center_m.tolist(),
        boxes.size_m.tolist(), np.cos(half).tolist(), np.sin(half).tolist(), labels.scores.tolist(),
        is_key.tolist(),
    )  # fmt: skip
    for track, kind, (x, y, z), (length, width, height), w, turn, score, keyed in zip(
        *columns, strict=True
    ):
        name, class_name = labels.track_names[track], labels.class_names[kind]
        entity = scene.entities.add(id=name, frame_id=WORLD)
        entity.timestamp.FromNanoseconds(at)
        entity.lifetime.FromNanoseconds(lifetime_ns)
        entity.metadata.add(key="class", value=class_name)
        entity.metadata.add(key="score", value=repr(score))
        entity.metadata.add(key="is_key", value=json.dumps(keyed))
        for key, value in facts[name].at(at).items() if name in facts else ():
            entity.metadata.add(key=key, value=json.dumps(value, ensure_ascii=False))
        red, green, blue = _colour(class_name)
        cube = entity.cubes.add()
        cube.pose.position.x, cube.pose.position.y, cube.pose.position.z = x, y, z
        cube.pose.orientation.w, cube.pose.orientation.z = w, turn
        cube.size.x, cube.size.y, cube.size.z = length, width, height
        cube.color.r, cube.color.g, cube.color.b, cube.color.a = red, green, blue, 0.4
        text = entity.texts.add(billboard=True, font_size=12, scale_invariant=True)
        text.text = f"{class_name} {name}"
        text.pose.position.x, text.pose.position.y = x, y
        text.pose.position.z = z + height / 2 + 0.3
        text.pose.orientation.w = 1
        text.color.r, text.color.g, text.color.b, text.color.a = red, green, blue, 1
    return [("/labels", scene)]


def _colour(class_name: str) -> tuple[float, float, float]:
    """Return a colour that is always the same for a class, and light enough to be seen."""
    number = int.from_bytes(class_name.encode()[:16], "little")
    return (
        0.3 + 0.7 * (number % 7) / 6,
        0.3 + 0.7 * (number % 11) / 10,
        0.3 + 0.7 * (number % 5) / 4,
    )


def _clouds(labelled: Labelled) -> Iterator[Event]:
    for i, at in enumerate(labelled.timestamps_ns.tolist()):
        yield at, 3, partial(_cloud, labelled, i, at)


def _cloud(labelled: Labelled, i: int, at: int) -> list[tuple[str, Any]]:
    from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
    from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud

    sweep = labelled.sweep(i)
    told = {name: kinds for name, kinds in _CHANNELS.items() if getattr(sweep, name) is not None}
    rows = np.zeros(
        len(sweep), [("p", "<f4", 3), *((name, dtype) for name, (_, dtype) in told.items())]
    )
    rows["p"] = sweep.points_m
    message = PointCloud(frame_id=labelled.lidar, point_stride=rows.dtype.itemsize)
    message.timestamp.FromNanoseconds(at)
    message.pose.orientation.w = 1
    for k, axis in enumerate("xyz"):
        message.fields.add(name=axis, offset=4 * k, type=PackedElementField.FLOAT32)
    fields: Mapping[str, Any] = rows.dtype.fields or {}
    for name, (kind, _) in told.items():
        rows[name] = getattr(sweep, name)
        code = getattr(PackedElementField, kind)
        message.fields.add(name=name, offset=int(fields[name][1]), type=code)
    message.data = rows.tobytes()
    return [(f"/{labelled.lidar}", message)]


def _pictures(labelled: Labelled, camera: str) -> Iterator[Event]:
    times = labelled.images[camera].timestamps_ns
    for i in np.argsort(times, kind="stable").tolist():
        yield int(times[i]), 4, partial(_picture, labelled, camera, i, int(times[i]))


def _picture(labelled: Labelled, camera: str, i: int, at: int) -> list[tuple[str, Any]]:
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
    from PIL import Image

    images = labelled.images[camera]
    suffix = images.paths[i].suffix.lower()
    if images.presentation_ns is None and suffix in (".jpg", ".jpeg", ".png"):
        data = images.paths[i].read_bytes()
    else:
        out, suffix = io.BytesIO(), ".jpg"
        picture = np.asarray(labelled.pictures(camera).image(i))
        Image.fromarray(picture).save(out, format="JPEG", quality=95)
        data = out.getvalue()
    message = CompressedImage(
        frame_id=f"camera/{camera}", format="png" if suffix == ".png" else "jpeg", data=data
    )
    message.timestamp.FromNanoseconds(at)
    return [(f"/camera/{camera}", message)]
