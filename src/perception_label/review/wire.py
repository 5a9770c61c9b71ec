"""Between what the house holds and what travels."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from perception_label.errors import EditError
from perception_label.review.payloads import Key, Op, Track
from perception_label.storage.edits.edit import HUMAN, Edit

if TYPE_CHECKING:
    from perception_label.arrays import Floats, Ints
    from perception_label.review.shown import Shown

PLACE_DIGITS, TURN_DIGITS, SHARE_DIGITS = 4, 5, 4


def edit_of(op: Op, author: str) -> Edit:
    """Return the edit that a client asks for, made by a person.

    Raises
    ------
    EditError
        If a time in `after` is no decimal string.
    """
    return Edit(
        edit_id=op.edit_id,
        kind=op.kind,
        track_id=op.track_id,
        timestamp_ns=None if op.timestamp_ns is None else int(op.timestamp_ns),
        after={name: _value(name, value, op) for name, value in op.after.items()},
        base_revision=op.base_revision,
        author=author,
        source=HUMAN,
        active_s=op.active_s,
        client_time_ns=None if op.client_time_ns is None else int(op.client_time_ns),
    )


def _value(name: str, value: Any, op: Op) -> Any:
    if not name.endswith("_ns"):
        return value
    try:
        if isinstance(value, list):
            return [int(each) for each in value]
        return None if value is None else int(value)
    except (TypeError, ValueError):
        raise EditError(
            f"edit {op.edit_id}: {name}: expected nanoseconds as a string, got {value!r}"
        ) from None


def op_of(edit: Edit) -> dict[str, Any]:
    """Return an edit as it travels to a server, which fills in author and source itself."""
    at, told = edit.timestamp_ns, edit.client_time_ns
    return {
        "edit_id": edit.edit_id,
        "kind": edit.kind,
        "track_id": edit.track_id,
        "timestamp_ns": None if at is None else str(at),
        "after": {k: _text(v) if k.endswith("_ns") else v for k, v in edit.after.items()},
        "base_revision": edit.base_revision,
        "active_s": edit.active_s,
        "client_time_ns": None if told is None else str(told),
    }


def _text(value: Any) -> Any:
    if value is None:
        return None
    return [str(each) for each in value] if isinstance(value, list | tuple) else str(value)


class Told:
    """Tracks of one log as they travel; each is written out once, until it changes."""

    def __init__(self, timestamps_ns: Ints) -> None:
        self._timestamps_ns = timestamps_ns
        self._known: dict[str, tuple[Shown, str]] = {}

    def json_of(self, shown: Shown) -> str:
        """Return a track as JSON of `payloads.Track`."""
        known = self._known.get(shown.track_id)
        if known is None or not _is_same(known[0], shown):
            known = shown, track_of(shown, self._timestamps_ns).model_dump_json()
            self._known[shown.track_id] = known
        return known[1]


def _is_same(one: Shown, other: Shown) -> bool:
    return one.state is other.state and one.cuboids is other.cuboids


def track_of(shown: Shown, timestamps_ns: Ints) -> Track:
    """Return a track as it travels; timestamps_ns (S,) are the log's sweeps."""
    boxes = shown.cuboids
    poses = np.column_stack(
        [np.round(boxes.center_m, PLACE_DIGITS), np.round(boxes.yaw_rad, TURN_DIGITS)]
    )
    kinds = list(dict.fromkeys(shown.sources))
    place = {kind: k for k, kind in enumerate(kinds)}
    state = shown.state
    found = Track(
        track_id=shown.track_id,
        class_name=shown.class_name,
        source=shown.source,
        revision=shown.revision,
        score=shown.score if isfinite(shown.score) else None,
        size_m=np.round(np.median(boxes.size_m, axis=0), PLACE_DIGITS).tolist()
        if len(boxes)
        else None,
        sweeps=np.searchsorted(timestamps_ns, shown.timestamps_ns).tolist(),
        poses=poses.ravel().tolist(),
        expected_iou=_maybe(shown.expected_iou),
        sources=kinds,
        box_sources=[place[kind] for kind in shown.sources],
        next_keyframe=None
        if shown.next_keyframe_ns is None
        else int(np.searchsorted(timestamps_ns, shown.next_keyframe_ns)),
        is_static=shown.is_static,
    )
    if state is None:
        return found
    first_last = state.span_ns
    return found.model_copy(
        update={
            "is_finalised": state.is_finalised,
            "verdict": state.verdict,
            "verdict_reason": state.verdict_reason,
            "attributes": dict(state.attributes),
            "sweep_attributes": {
                name: {str(at): value for at, value in values.items()}
                for name, values in state.sweep_attributes.items()
            },
            "comments": list(state.comments),
            "keys": [
                Key(
                    timestamp_ns=str(int(at)),
                    source=source,
                    pose=[*center.tolist(), float(yaw)],
                    size_m=size.tolist() if has_size else None,
                )
                for at, source, center, yaw, size, has_size in zip(
                    state.key_timestamps_ns, state.key_sources, state.keyframes.center_m,
                    state.keyframes.yaw_rad, state.keyframes.size_m, state.key_has_size,
                    strict=True,
                )
            ],
            "span_ns": None if first_last is None else [str(first_last[0]), str(first_last[1])],
            "static_ns": [[str(a), str(b)] for a, b in state.static_ns.tolist()],
            "outside_ns": [[str(a), str(b)] for a, b in state.outside_ns.tolist()],
        }
    )  # fmt: skip


def _maybe(values: Floats) -> list[float | None]:
    return [round(v, SHARE_DIGITS) if isfinite(v) else None for v in np.asarray(values).tolist()]
