"""One change of a track by a person, a rule or a model, and what became of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perception_label.storage.edits.state import TrackState

HUMAN = "human"
# Every kind of edit, and the keys of its `after`; those in brackets may be left out.
KINDS: Mapping[str, tuple[str, ...]] = {
    "create_track": ("class_name", "[size_m]", "[span_ns]", "[attributes]"),
    "set_keyframe": ("center_m", "yaw_rad", "[size_m]"),
    "remove_keyframe": (),
    "set_shape": ("camera", "shape"),
    "remove_shape": ("camera", "geometry"),
    "set_size": ("size_m",),
    "set_class": ("class_name",),
    "set_attribute": ("name", "value"),
    "set_lifespan": ("first_ns", "last_ns"),
    "set_static": ("first_ns", "last_ns", "is_static"),
    "set_outside": ("first_ns", "last_ns", "is_outside", "[camera]"),
    "merge": ("other_id",),
    "split": ("at_ns", "new_id"),
    "delete": (),
    "finalise": (),
    "verdict": ("verdict", "reason"),
    "comment": ("text",),
    "undo": ("edit_id",),
}
VERDICTS = ("accept", "reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of one track; `make` has a function for each kind.

    Attributes
    ----------
    edit_id : str
        UUID made by the client: the same edit sent twice is stored once.
    kind : str
        One of `KINDS`.
    track_id : str
        The track it changes; "" for an undo, which takes its target's.
    timestamp_ns : int or None
        The sweep it is about, or the image.
    after : dict
        What shall hold from now on, as JSON has it: keys by kind, see `KINDS`. Positions are in
        the world frame, metres and radians; shapes on images are in pixels.
    before : dict or None
        What held; `EditLog.append` fills it in if it is None.
    base_revision : int or None
        The newest revision its author had seen, of the log or of the track. An edit of that track
        by another since then makes this one a conflict. None: not checked.
    author, source : str
        Who; and what kind of maker: `human`, `rule`, `model:…`, `imported:…`.
    active_s : float
        Seconds the author worked on it.
    client_time_ns : int or None
        The author's clock, UTC. It is kept beside the server's and orders nothing.
    ontology_version : str
        Filled in by `EditLog.append`.
    """

    edit_id: str
    kind: str
    track_id: str
    timestamp_ns: int | None = None
    after: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    base_revision: int | None = None
    author: str = "local"
    source: str = HUMAN
    active_s: float = 0.0
    client_time_ns: int | None = None
    ontology_version: str = ""

    def content_sha256(self) -> str:
        """Return the hash of all the client says; what `append` fills in is left out."""
        said = [
            self.kind,
            self.track_id,
            self.timestamp_ns,
            dict(self.after),
            None if self.before is None else dict(self.before),
            self.base_revision,
            self.author,
            self.source,
            float(self.active_s),
            self.client_time_ns,
        ]
        return hashlib.sha256(as_json(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an edit.

    Attributes
    ----------
    edit_id : str
        Which edit.
    status : str
        `appended`; `duplicate`: it was there already; `conflict`: its track had been edited since
        `base_revision`; `held`: it was fine, but a conflict in the same list held all back.
    revision : int
        Its own where it is stored, else that of the track's last edit.
    track : TrackState or None
        The track now, after the whole list; None where there is none of that id.
    warnings : tuple of str
        What looks wrong but was taken, such as a keyframe no vehicle could reach in time.
    """

    edit_id: str
    status: str
    revision: int
    track: TrackState | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A stored edit: its revision (1, 2, … in each log) and the server's clock, UTC."""

    revision: int
    server_time_ns: int
    edit: Edit


def other_track(edit: Edit) -> str | None:
    """Return the second track of an edit that has two."""
    after: Mapping[str, str | None] = edit.after
    return after.get("other_id") or after.get("new_id")


def touched(edit: Edit) -> tuple[str, ...]:
    """Return the tracks that an edit changes."""
    other = other_track(edit)
    return (edit.track_id,) if other is None else (edit.track_id, other)


def as_json(value: object) -> str:
    """Return the one text that JSON has for a value; raises ValueError for NaN and infinity."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
