"""Messages of ROS 1, ROS 2 and Foxglove's protobuf as plain values, whatever wrote them.

The layouts are those of the published message definitions, not of definitions in the file:
nothing that a file brings is compiled.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from perception_label.arrays import Pose
from perception_label.geometry.poses import pose
from perception_label.readers.bags.packed import Message

CLOUDS = ("sensor_msgs/msg/PointCloud2", "foxglove.PointCloud")
PICTURES = (
    "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image",
    "foxglove.CompressedImage", "foxglove.RawImage",
)  # fmt: skip
CAMERAS = ("sensor_msgs/msg/CameraInfo", "foxglove.CameraCalibration")
TRANSFORMS = (
    "tf2_msgs/msg/TFMessage", "tf/msg/tfMessage",
    "foxglove.FrameTransform", "foxglove.FrameTransforms",
)  # fmt: skip
POSES = (
    "nav_msgs/msg/Odometry", "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/PoseWithCovarianceStamped", "foxglove.PoseInFrame", "foxglove.Odometry",
)  # fmt: skip
SCENES = ("foxglove.SceneUpdate",)
KNOWN = (*CLOUDS, *PICTURES, *CAMERAS, *TRANSFORMS, *POSES, *SCENES)
ENCODINGS = ("ros1", "cdr", "protobuf")
# What decoders raise on bytes that are no such message.
BROKEN = (
    ValueError, struct.error, IndexError, KeyError, TypeError, AttributeError, AssertionError,
    OverflowError, MemoryError, ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A transform between two coordinate frames, or the pose of one in another, at an instant."""

    parent: str
    child: str
    stamp_ns: int
    parent_from_child: Pose


def decode(message: Message) -> Any:
    """Return the message's value as its own library gives it.

    Raises
    ------
    ValueError
        If the bytes are no such message.
    """
    try:
        if message.encoding == "protobuf":
            return _protobuf(message.kind).FromString(message.data)
        store = _store(message.encoding)
        if message.encoding == "ros1":
            return store.deserialize_ros1(message.data, message.kind)
        return store.deserialize_cdr(message.data, message.kind)
    except BROKEN as error:
        raise ValueError(f"no {message.kind}: {error!r}") from None
    except Exception as error:
        # The libraries' own errors share no tree with Python's.
        if type(error).__module__.partition(".")[0] not in ("rosbags", "google"):
            raise
        raise ValueError(f"no {message.kind}: {error!r}") from None


def heading_of(message: Message) -> tuple[int, str]:
    """Return the stamp, ns, and the coordinate frame of a cloud, picture or calibration."""
    if message.encoding == "protobuf":
        value = decode(message)
        return stamp_of(value), name_of(value.frame_id)
    at = 4 if message.encoding == "ros1" else 0
    order = "<"
    if message.encoding == "cdr":
        at, order = 4, "<" if message.data[1] & 1 else ">"
    try:
        seconds, rest, size = struct.unpack_from(f"{order}iII", message.data, at)
    except (struct.error, IndexError):
        raise ValueError(f"no {message.kind}: too short") from None
    text = message.data[at + 12 : at + 12 + min(size, 4096)]
    return seconds * 10**9 + rest, name_of(text.rstrip(b"\0").decode("utf-8", "replace"))


def stamp_of(value: Any) -> int:
    """Return the stamp of a ROS header or a protobuf message, ns."""
    header = getattr(value, "header", None)
    if header is not None:
        return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
    return int(value.timestamp.seconds) * 10**9 + int(value.timestamp.nanos)


def name_of(coordinate_frame: str) -> str:
    """Return the name of a coordinate frame without ROS 1's leading slash."""
    return coordinate_frame.lstrip("/")


def steps_of(message: Message) -> list[Step]:
    """Return the transforms or the pose that a message tells.

    Raises
    ------
    ValueError
        If it cannot be decoded, or a rotation is none.
    """
    value = decode(message)
    match message.kind:
        case "tf2_msgs/msg/TFMessage" | "tf/msg/tfMessage":
            return [
                _step(t.header.frame_id, t.child_frame_id, stamp_of(t),
                      t.transform.translation, t.transform.rotation)
                for t in value.transforms
            ]  # fmt: skip
        case "foxglove.FrameTransform" | "foxglove.FrameTransforms":
            every = [value] if message.kind.endswith("Transform") else value.transforms
            return [
                _step(t.parent_frame_id, t.child_frame_id, stamp_of(t), t.translation, t.rotation)
                for t in every
            ]
        case "nav_msgs/msg/Odometry":
            at, child = value.pose.pose, value.child_frame_id
        case "geometry_msgs/msg/PoseWithCovarianceStamped":
            at, child = value.pose.pose, ""
        case "foxglove.Odometry":
            at, child = value.pose, value.body_frame_id
        case _:
            at, child = value.pose, ""
    parent = value.frame_id if message.encoding == "protobuf" else value.header.frame_id
    return [_step(parent, child, stamp_of(value), at.position, at.orientation)]


def _step(parent: str, child: str, stamp_ns: int, position: Any, turn: Any) -> Step:
    numbers = np.array([position.x, position.y, position.z, turn.w, turn.x, turn.y, turn.z])
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e9:
        raise ValueError("a transform that is not finite")
    length = float(np.linalg.norm(numbers[3:]))
    if abs(length - 1) > 0.01:
        raise ValueError(f"a quaternion of length {length:.3g}")
    return Step(name_of(parent), name_of(child), stamp_ns, pose(numbers[:3], numbers[3:] / length))


@lru_cache(maxsize=2)
def _store(encoding: str) -> Any:
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    if encoding not in ENCODINGS:
        raise ValueError(f"unknown encoding {encoding[:20]!r}")
    store = get_typestore(Stores.ROS1_NOETIC if encoding == "ros1" else Stores.ROS2_HUMBLE)
    for name in ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage"):
        if name not in store.fielddefs:
            text = "geometry_msgs/TransformStamped[] transforms"
            store.register(get_types_from_msg(text, name))
    return store


@lru_cache(maxsize=32)
def _protobuf(kind: str) -> Any:
    from importlib import import_module

    if kind not in KNOWN or not kind.startswith("foxglove."):
        raise ValueError(f"unknown kind {kind[:40]!r}")
    name = kind.removeprefix("foxglove.")
    return getattr(import_module(f"foxglove_schemas_protobuf.{name}_pb2"), name)
