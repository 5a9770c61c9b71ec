"""One function for each kind of edit.

All take the same keywords beside their own: `author`, `source`, `active_s`, `base_revision`,
`edit_id`, `client_time_ns`; see `Edit`. Nothing is checked here but the form of numbers:
`EditLog.append` does, which knows the log, the track and the ontology.
"""

import time
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack
from uuid import uuid4

import numpy as np
from numpy.typing import ArrayLike

from perception_label.errors import EditError, ShapeError
from perception_label.geometry.shapes import Shape
from perception_label.storage.edits.edit import Edit


class By(TypedDict, total=False):
    """Who makes an edit, from what state, in what time."""

    author: str
    source: str
    active_s: float
    base_revision: int | None
    edit_id: str
    client_time_ns: int | None


def create_track(
    track_id: str,
    class_name: str,
    *,
    size_m: ArrayLike | None = None,
    span_ns: tuple[int, int] | None = None,
    attributes: Mapping[str, Any] | None = None,
    **by: Unpack[By],
) -> Edit:
    """Start a track; it has no keyframe yet. `span_ns` is its lifespan, ends included."""
    after: dict[str, Any] = {"class_name": class_name}
    if size_m is not None:
        after["size_m"] = _numbers(size_m, "size_m")
    if span_ns is not None:
        after["span_ns"] = [int(t) for t in span_ns]
    if attributes:
        after["attributes"] = dict(attributes)
    return _edit("create_track", track_id, None, after, by)


def set_keyframe(
    track_id: str,
    timestamp_ns: int,
    center_m: ArrayLike,
    yaw_rad: float,
    size_m: ArrayLike | None = None,
    **by: Unpack[By],
) -> Edit:
    """Say where the object is at a sweep, world frame; one that is there is replaced.

    A size given here holds at this keyframe; without one the track's holds.
    """
    after: dict[str, Any] = {"center_m": _numbers(center_m, "center_m"), "yaw_rad": float(yaw_rad)}
    if size_m is not None:
        after["size_m"] = _numbers(size_m, "size_m")
    return _edit("set_keyframe", track_id, timestamp_ns, after, by)


def remove_keyframe(track_id: str, timestamp_ns: int, **by: Unpack[By]) -> Edit:
    """Take the keyframe at a sweep away."""
    return _edit("remove_keyframe", track_id, timestamp_ns, {}, by)


def set_shape(
    track_id: str,
    camera: str,
    timestamp_ns: int,
    shape: Shape | Mapping[str, Any],
    **by: Unpack[By],
) -> Edit:
    """Say where the object is on a camera's image, in pixels; one of the shape's kind is replaced.

    `timestamp_ns` is the image's own time; the shape may be given as JSON has it.
    """
    try:
        said = (shape if isinstance(shape, Shape) else Shape.from_plain(shape)).plain()
    except ShapeError as error:
        raise EditError(f"track {track_id}: {error}") from None
    return _edit("set_shape", track_id, timestamp_ns, {"camera": camera, "shape": said}, by)


def remove_shape(
    track_id: str, camera: str, timestamp_ns: int, geometry: str = "box", **by: Unpack[By]
) -> Edit:
    """Take the keyframe of a kind of geometry on a camera's image away."""
    after = {"camera": camera, "geometry": geometry}
    return _edit("remove_shape", track_id, timestamp_ns, after, by)


def set_size(track_id: str, size_m: ArrayLike, **by: Unpack[By]) -> Edit:
    """Set length, width, height of the object; they replace those of all its keyframes."""
    return _edit("set_size", track_id, None, {"size_m": _numbers(size_m, "size_m")}, by)


def set_class(track_id: str, class_name: str, **by: Unpack[By]) -> Edit:
    """Set the class."""
    return _edit("set_class", track_id, None, {"class_name": class_name}, by)


def set_attribute(
    track_id: str, name: str, value: object, timestamp_ns: int | None = None, **by: Unpack[By]
) -> Edit:
    """Set an attribute of the track, or from a sweep on; None takes it away."""
    return _edit("set_attribute", track_id, timestamp_ns, {"name": name, "value": value}, by)


def set_lifespan(track_id: str, first_ns: int, last_ns: int, **by: Unpack[By]) -> Edit:
    """Say from when to when the object is there, ends included."""
    after = {"first_ns": int(first_ns), "last_ns": int(last_ns)}
    return _edit("set_lifespan", track_id, None, after, by)


def set_static(
    track_id: str,
    first_ns: int | None = None,
    last_ns: int | None = None,
    *,
    is_static: bool = True,
    **by: Unpack[By],
) -> Edit:
    """Say that the object stands still (or does not) in an interval; None is the log's end."""
    after = {"first_ns": _time(first_ns), "last_ns": _time(last_ns), "is_static": is_static}
    return _edit("set_static", track_id, None, after, by)


def set_outside(
    track_id: str,
    first_ns: int | None = None,
    last_ns: int | None = None,
    *,
    is_outside: bool = True,
    camera: str | None = None,
    **by: Unpack[By],
) -> Edit:
    """Say that the object is not to be labelled (or is) in an interval; None is the log's end.

    With a camera it is so on that camera's images only, without one everywhere.
    """
    after: dict[str, Any] = {
        "first_ns": _time(first_ns), "last_ns": _time(last_ns), "is_outside": is_outside
    }  # fmt: skip
    if camera is not None:
        after["camera"] = camera
    return _edit("set_outside", track_id, None, after, by)


def merge(track_id: str, other_id: str, **by: Unpack[By]) -> Edit:
    """Make two tracks one, which keeps `track_id`; the other is gone."""
    return _edit("merge", track_id, None, {"other_id": other_id}, by)


def split(track_id: str, at_ns: int, new_id: str, **by: Unpack[By]) -> Edit:
    """Cut a track in two; what is at `at_ns` or later becomes `new_id`."""
    return _edit("split", track_id, None, {"at_ns": int(at_ns), "new_id": new_id}, by)


def delete(track_id: str, **by: Unpack[By]) -> Edit:
    """Take a track away."""
    return _edit("delete", track_id, None, {}, by)


def finalise(track_id: str, **by: Unpack[By]) -> Edit:
    """Call a track done; the next change of it makes it undone again."""
    return _edit("finalise", track_id, None, {}, by)


def verdict(track_id: str, verdict: str, reason: str = "", **by: Unpack[By]) -> Edit:
    """Accept or reject a track: `accept` or `reject`."""
    return _edit("verdict", track_id, None, {"verdict": verdict, "reason": reason}, by)


def comment(track_id: str, text: str, timestamp_ns: int | None = None, **by: Unpack[By]) -> Edit:
    """Say something about a track, or about it at a sweep."""
    return _edit("comment", track_id, timestamp_ns, {"text": text}, by)


def undo(edit_id: str, /, **by: Unpack[By]) -> Edit:
    """Take an edit back, as if it had never been; an undo may be undone."""
    return _edit("undo", "", None, {"edit_id": edit_id}, by)


def _edit(
    kind: str, track_id: str, timestamp_ns: int | None, after: Mapping[str, Any], by: By
) -> Edit:
    given: dict[str, Any] = {"edit_id": str(uuid4()), "client_time_ns": time.time_ns(), **by}
    return Edit(
        kind=kind, track_id=track_id, timestamp_ns=_time(timestamp_ns), after=after, **given
    )


def _time(timestamp_ns: int | None) -> int | None:
    return None if timestamp_ns is None else int(timestamp_ns)


def _numbers(given: ArrayLike, where: str) -> list[float]:
    try:
        numbers: list[float] = np.asarray(given, dtype=np.float64).tolist()
    except (TypeError, ValueError):
        raise EditError(f"{where}: expected three numbers, got {given!r}") from None
    return numbers
