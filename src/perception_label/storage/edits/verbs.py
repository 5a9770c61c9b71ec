"""What each kind of edit does to the tracks of a log.

A verb returns whether it had an effect; it checks only what replay needs to go on, since what
is stored was checked when it was appended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perception_label.storage.edits import intervals
from perception_label.storage.edits.edit import HUMAN, Row, other_track
from perception_label.storage.edits.intervals import Interval


class Change(NamedTuple):
    """What of a stored edit its replay needs; a tuple, since a log has a hundred thousand."""

    revision: int
    edit_id: str
    kind: str
    track_id: str
    other_id: str | None
    timestamp_ns: int | None
    source: str
    ontology_version: str
    after: Mapping[str, Any]

    @classmethod
    def of(cls, row: Row) -> "Change":
        """Return the part of a row that replay needs."""
        edit = row.edit
        return cls(
            row.revision,
            edit.edit_id,
            edit.kind,
            edit.track_id,
            other_track(edit),
            edit.timestamp_ns,
            edit.source,
            edit.ontology_version,
            edit.after,
        )

    @property
    def touched(self) -> tuple[str, ...]:
        """The tracks that the edit changes."""
        return (self.track_id,) if self.other_id is None else (self.track_id, self.other_id)


@dataclass(slots=True)
class Keyframe:
    """A pose at a sweep; `size_m` None: the track's."""

    center_m: list[float]
    yaw_rad: float
    size_m: list[float] | None
    source: str


class ShapeKey(NamedTuple):
    """A shape on an image, as JSON has it."""

    said: Mapping[str, Any]
    source: str


@dataclass(slots=True)
class Track:
    """A track while edits are applied to it; see `TrackState` for the meaning."""

    track_id: str
    class_name: str
    source: str
    size_m: list[float] | None = None
    span: Interval | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    sweep_attributes: dict[str, dict[int, Any]] = field(default_factory=dict)
    keys: dict[int, Keyframe] = field(default_factory=dict)
    static: list[Interval] = field(default_factory=list)
    outside: list[Interval] = field(default_factory=list)
    # By camera and kind of geometry, then by the image's time; intervals by camera.
    shapes: dict[tuple[str, str], dict[int, ShapeKey]] = field(default_factory=dict)
    camera_outside: dict[str, list[Interval]] = field(default_factory=dict)
    is_deleted: bool = False
    is_finalised: bool = False
    merged_into: str | None = None
    verdict: str | None = None
    verdict_reason: str = ""
    comments: list[str] = field(default_factory=list)

    def keys_in_force(self) -> list[tuple[int, Keyframe]]:
        """Return the keyframes within the lifespan, ascending."""
        keys = sorted(self.keys.items(), key=_time)
        if self.span is None:
            return keys
        first, last = self.span
        return [item for item in keys if first <= item[0] <= last]

    def extent(self) -> Interval | None:
        """Return from when to when it is known to be there."""
        if self.span is not None:
            return self.span
        if not self.shapes:
            return (min(self.keys), max(self.keys)) if self.keys else None
        times = self.times()
        return (min(times), max(times)) if times else None

    def times(self) -> set[int]:
        """Return the instants of all keyframes, of sweeps and images."""
        return set(self.keys).union(*self.shapes.values())


@dataclass(slots=True)
class Tracks:
    """Tracks by id, and the log's first and last instant."""

    whole: Interval
    by_id: dict[str, Track] = field(default_factory=dict)


Verb = Callable[[Tracks, Track, Change], bool]


def create_track(tracks: Tracks, change: Change) -> bool:
    """Start a track, unless there is one of that id."""
    after = change.after
    if change.track_id in tracks.by_id:
        return False
    span = after.get("span_ns")
    tracks.by_id[change.track_id] = Track(
        change.track_id,
        after["class_name"],
        change.source,
        after.get("size_m"),
        None if span is None else (span[0], span[1]),
        dict(after.get("attributes", ())),
    )
    return True


def interval_of(tracks: Tracks, change: Change) -> Interval:
    """Return an edit's interval; an end that is None is the log's."""
    first, last = change.after["first_ns"], change.after["last_ns"]
    begin, end = tracks.whole
    return (begin if first is None else first, end if last is None else last)


def _set_keyframe(_tracks: Tracks, track: Track, change: Change) -> bool:
    after, at = change.after, change.timestamp_ns
    size_m = after.get("size_m")
    track.keys[at] = Keyframe(  # type: ignore[index]
        after["center_m"], after["yaw_rad"], size_m, change.source
    )
    return True


def _remove_keyframe(_tracks: Tracks, track: Track, change: Change) -> bool:
    return track.keys.pop(change.timestamp_ns or 0, None) is not None


def _set_shape(_tracks: Tracks, track: Track, change: Change) -> bool:
    said = change.after["shape"]
    keys = track.shapes.setdefault((change.after["camera"], said["kind"]), {})
    keys[change.timestamp_ns or 0] = ShapeKey(said, change.source)
    return True


def _remove_shape(_tracks: Tracks, track: Track, change: Change) -> bool:
    keys = track.shapes.get((change.after["camera"], change.after["geometry"]), {})
    return keys.pop(change.timestamp_ns or 0, None) is not None


def _set_size(_tracks: Tracks, track: Track, change: Change) -> bool:
    track.size_m = change.after["size_m"]
    for key in track.keys.values():
        key.size_m = None
    return True


def _set_class(_tracks: Tracks, track: Track, change: Change) -> bool:
    track.class_name = change.after["class_name"]
    return True


def _set_attribute(_tracks: Tracks, track: Track, change: Change) -> bool:
    name, value, at = change.after["name"], change.after["value"], change.timestamp_ns
    values: dict[Any, Any] = track.attributes
    key: str | int = name
    if at is not None:
        values, key = track.sweep_attributes.setdefault(name, {}), at
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
    return True


def _set_lifespan(_tracks: Tracks, track: Track, change: Change) -> bool:
    track.span = (change.after["first_ns"], change.after["last_ns"])
    return True


def _set_static(tracks: Tracks, track: Track, change: Change) -> bool:
    put = intervals.add if change.after["is_static"] else intervals.remove
    track.static = put(track.static, *interval_of(tracks, change))
    return True


def _set_outside(tracks: Tracks, track: Track, change: Change) -> bool:
    put = intervals.add if change.after["is_outside"] else intervals.remove
    span, camera = interval_of(tracks, change), change.after.get("camera")
    if camera is None:
        track.outside = put(track.outside, *span)
    else:
        track.camera_outside[camera] = put(track.camera_outside.get(camera, []), *span)
    return True


def _merge(tracks: Tracks, track: Track, change: Change) -> bool:
    other = tracks.by_id.get(change.after["other_id"])
    if other is None or other.is_deleted or other is track:
        return False
    extents = [e for e in (track.extent(), other.extent()) if e is not None]
    if track.span is not None or other.span is not None:
        track.span = (min(e[0] for e in extents), max(e[1] for e in extents))
    if track.size_m is None:
        track.size_m = other.size_m
    for at, key in other.keys.items():
        there = track.keys.get(at)
        if there is None or (there.source != HUMAN and key.source == HUMAN):
            track.keys[at] = key
    track.attributes = {**other.attributes, **track.attributes}
    for name, values in other.sweep_attributes.items():
        track.sweep_attributes[name] = {**values, **track.sweep_attributes.get(name, {})}
    for a, b in other.static:
        track.static = intervals.add(track.static, a, b)
    for a, b in other.outside:
        track.outside = intervals.add(track.outside, a, b)
    _merge_shapes(track, other)
    track.comments = [*track.comments, *other.comments]
    other.is_deleted, other.is_finalised, other.merged_into = True, False, track.track_id
    return True


def _merge_shapes(track: Track, other: Track) -> None:
    for where, theirs in other.shapes.items():
        mine = track.shapes.setdefault(where, {})
        for at, key in theirs.items():
            if at not in mine or (mine[at].source != HUMAN and key.source == HUMAN):
                mine[at] = key
    for camera, spans in other.camera_outside.items():
        for a, b in spans:
            track.camera_outside[camera] = intervals.add(track.camera_outside.get(camera, []), a, b)


def _split(tracks: Tracks, track: Track, change: Change) -> bool:
    at, new_id = change.after["at_ns"], change.after["new_id"]
    if new_id in tracks.by_id:
        return False
    new = Track(new_id, track.class_name, change.source, track.size_m)
    new.keys = {t: key for t, key in track.keys.items() if t >= at}
    track.keys = {t: key for t, key in track.keys.items() if t < at}
    begin, end = tracks.whole
    for where, keys in track.shapes.items():
        new.shapes[where] = {t: key for t, key in keys.items() if t >= at}
        track.shapes[where] = {t: key for t, key in keys.items() if t < at}
    # Without a lifespan the halves reach from the cut to their farthest keyframe.
    first, last = track.span or (min(track.times(), default=begin), max(new.times(), default=end))
    new.span, track.span = (at, max(last, at)), (min(first, at - 1), at - 1)
    new.attributes = dict(track.attributes)
    for name, values in track.sweep_attributes.items():
        before = {t: v for t, v in values.items() if t < at}
        # A value holds until the next, so across the cut too.
        held = {at: before[max(before)]} if before else {}
        new.sweep_attributes[name] = {**held, **{t: v for t, v in values.items() if t >= at}}
        track.sweep_attributes[name] = before
    new.static = intervals.remove(track.static, begin, at - 1)
    new.outside = intervals.remove(track.outside, begin, at - 1)
    track.static = intervals.remove(track.static, at, end)
    track.outside = intervals.remove(track.outside, at, end)
    for camera, spans in track.camera_outside.items():
        new.camera_outside[camera] = intervals.remove(spans, begin, at - 1)
        track.camera_outside[camera] = intervals.remove(spans, at, end)
    tracks.by_id[new_id] = new
    return True


def _delete(_tracks: Tracks, track: Track, _change: Change) -> bool:
    track.is_deleted = True
    return True


def _finalise(_tracks: Tracks, track: Track, _change: Change) -> bool:
    track.is_finalised = True
    return True


def _verdict(_tracks: Tracks, track: Track, change: Change) -> bool:
    track.verdict, track.verdict_reason = change.after["verdict"], change.after["reason"]
    return True


def _comment(_tracks: Tracks, track: Track, change: Change) -> bool:
    track.comments.append(change.after["text"])
    return True


def _time(item: tuple[int, Keyframe]) -> int:
    return item[0]


VERBS: dict[str, Verb] = {
    "set_keyframe": _set_keyframe,
    "remove_keyframe": _remove_keyframe,
    "set_shape": _set_shape,
    "remove_shape": _remove_shape,
    "set_size": _set_size,
    "set_class": _set_class,
    "set_attribute": _set_attribute,
    "set_lifespan": _set_lifespan,
    "set_static": _set_static,
    "set_outside": _set_outside,
    "merge": _merge,
    "split": _split,
    "delete": _delete,
    "finalise": _finalise,
    "verdict": _verdict,
    "comment": _comment,
}
