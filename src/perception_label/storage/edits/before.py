"""What held before an edit: the `before` of its row."""

from typing import Any

from perception_label.storage.edits.edit import Edit
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.verbs import Keyframe, ShapeKey, Track

_HELD = {
    "set_size": ("size_m",),
    "set_class": ("class_name",),
    "set_lifespan": ("first_ns", "last_ns"),
    "merge": ("first_ns", "last_ns"),
    "split": ("first_ns", "last_ns"),
    "delete": ("first_ns", "last_ns"),
    "finalise": ("is_finalised",),
    "verdict": ("verdict", "reason"),
}


def before(edit: Edit, replay: Replay) -> dict[str, Any]:
    """Return what the edit is about to replace, by the names of its `after`; {} for nothing."""
    if edit.kind == "undo":
        target = replay.find(edit.after["edit_id"])
        return {} if target is None else {"kind": target.kind, "revision": target.revision}
    track = replay.tracks.by_id.get(edit.track_id)
    return {} if track is None else _of_track(edit, track)


def _of_track(edit: Edit, track: Track) -> dict[str, Any]:
    first, last = track.span or (None, None)
    held: dict[str, Any] = {
        "size_m": track.size_m,
        "class_name": track.class_name,
        "first_ns": first,
        "last_ns": last,
        "is_finalised": track.is_finalised,
        "verdict": track.verdict,
        "reason": track.verdict_reason,
    }
    match edit.kind:
        case "set_keyframe" | "remove_keyframe":
            return _keyframe(track.keys.get(edit.timestamp_ns or 0))
        case "set_shape" | "remove_shape":
            return _shape(edit, track)
        case "set_attribute":
            name, at = edit.after["name"], edit.timestamp_ns
            at_sweep = track.sweep_attributes.get(name, {})
            held_value = track.attributes.get(name) if at is None else at_sweep.get(at)
            return {"name": name, "value": held_value}
        case "set_static":
            return {"static_ns": [list(pair) for pair in track.static]}
        case "set_outside":
            camera = edit.after.get("camera")
            spans = track.outside if camera is None else track.camera_outside.get(camera, [])
            return {"outside_ns": [list(pair) for pair in spans]}
    return {name: held[name] for name in _HELD.get(edit.kind, ())}


def _shape(edit: Edit, track: Track) -> dict[str, Any]:
    after = edit.after
    kind = after["shape"]["kind"] if edit.kind == "set_shape" else after["geometry"]
    keys: dict[int, ShapeKey] = track.shapes.get((after["camera"], kind), {})
    key = keys.get(edit.timestamp_ns or 0)
    return {} if key is None else {"shape": dict(key.said), "source": key.source}


def _keyframe(key: Keyframe | None) -> dict[str, Any]:
    if key is None:
        return {}
    held: dict[str, Any] = {"center_m": key.center_m, "yaw_rad": key.yaw_rad, "source": key.source}
    return held if key.size_m is None else {**held, "size_m": key.size_m}
