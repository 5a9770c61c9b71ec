"""Whether an edit can be: its own form, then the log, the track and the ontology."""

import itertools
from collections.abc import Callable, Mapping
from math import hypot, isfinite
from typing import Any

import numpy as np

from perception_label.arrays import Ints
from perception_label.errors import EditError, LabelError
from perception_label.ontology import Ontology
from perception_label.storage.edits.edit import HUMAN, KINDS, VERDICTS, Edit
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.verbs import Keyframe, Track

LARGEST_ID = 200  # characters of an id
SLACK_M = 0.5  # keyframes are set by hand: this far off says nothing of speed


class Checks:
    """The checks of one log; `timestamps_ns` (S,) are its sweeps."""

    def __init__(self, log_id: str, timestamps_ns: Ints, ontology: Ontology) -> None:
        self.log_id = log_id
        self.timestamps_ns = timestamps_ns
        self.ontology = ontology

    def check_form(self, edit: Edit) -> None:
        """Raise EditError unless the edit says all that its kind needs, in the right form."""
        where = f"edit {edit.edit_id}"
        if edit.kind not in KINDS:
            raise EditError(f"{where}: expected a kind of {', '.join(KINDS)}, got {edit.kind!r}")
        keys = KINDS[edit.kind]
        needed = {k for k in keys if not k.startswith("[")}
        known = {k.strip("[]") for k in keys}
        if not isinstance(edit.after, Mapping) or not needed <= edit.after.keys() <= known:
            raise EditError(f"{where} ({edit.kind}): expected {sorted(known)}, got {edit.after!r}")
        for name, text in (("edit_id", edit.edit_id), ("author", edit.author)):
            _check_id(text, f"{where}: {name}")
        _check_id(edit.source, f"{where}: source")
        if edit.kind != "undo":
            _check_id(edit.track_id, f"{where}: track_id")
        for name in ("other_id", "new_id", "edit_id"):
            if name in edit.after:
                _check_id(edit.after[name], f"{where}: {name}")
        if not _is_number(edit.active_s) or edit.active_s < 0:
            raise EditError(f"{where}: expected active_s of 0 or more, got {edit.active_s!r}")
        for name in ("timestamp_ns", "base_revision", "client_time_ns"):
            if getattr(edit, name) is not None:
                _check_int(getattr(edit, name), f"{where}: {name}")
        for name, value in edit.after.items():
            if name in _FORMS:
                _FORMS[name](value, f"{where}: {name}")

    def check(self, edit: Edit, replay: Replay) -> tuple[str, ...]:
        """Raise EditError unless the edit can be made now; return what looks wrong of it."""
        try:
            if edit.kind == "undo":
                self._check_undo(edit, replay)
                return ()
            return self._check_on_track(edit, replay)
        except EditError:
            raise
        except LabelError as error:
            raise EditError(f"track {edit.track_id}: {error}") from None

    def _check_undo(self, edit: Edit, replay: Replay) -> None:
        target = edit.after["edit_id"]
        if replay.find(target) is None:
            raise EditError(f"log {self.log_id}: expected an edit to undo, got unknown {target!r}")
        if target in replay.undone:
            raise EditError(f"edit {target}: expected one in force to undo, got one undone already")

    def _check_on_track(self, edit: Edit, replay: Replay) -> tuple[str, ...]:
        where = f"track {edit.track_id}"
        track = replay.tracks.by_id.get(edit.track_id)
        if edit.kind == "create_track":
            if track is not None:
                raise EditError(f"{where}: expected a new id, got one that is there")
            self._check_create(edit, where)
            return ()
        if track is None:
            raise EditError(
                f"{where}: expected a track of log {self.log_id} to {edit.kind}, got no such track"
            )
        if track.is_deleted and edit.kind != "comment":
            gone = f"merged into {track.merged_into}" if track.merged_into else "deleted"
            raise EditError(f"{where}: expected a live track to {edit.kind}, got one {gone}")
        if edit.kind in ("merge", "split"):
            return self._check_two(edit, track, replay, where)
        return self._check_one(edit, track, where)

    def _check_one(self, edit: Edit, track: Track, where: str) -> tuple[str, ...]:
        match edit.kind:
            case "set_keyframe":
                return self._check_keyframe(edit, track, where)
            case "remove_keyframe":
                if edit.timestamp_ns not in track.keys:
                    raise EditError(
                        f"{where}: expected a keyframe at {edit.timestamp_ns}, got none"
                    )
                self._check_hand(edit, track.keys[edit.timestamp_ns], where)
            case "set_class":
                self.ontology.check_class(edit.after["class_name"])
            case "set_attribute":
                at = edit.timestamp_ns
                self.ontology.check_attribute(
                    edit.after["name"],
                    edit.after["value"],
                    track.class_name,
                    per_sweep=at is not None,
                )
                if at is not None:
                    self._check_sweep(at, where)
            case "set_lifespan":
                self._check_lifespan(edit, track, where)
            case "set_static" | "set_outside":
                first, last = edit.after["first_ns"], edit.after["last_ns"]
                begin, end = self._whole()
                self._check_span(
                    (begin if first is None else first, end if last is None else last), where
                )
            case "comment":
                if edit.timestamp_ns is not None:
                    self._check_sweep(edit.timestamp_ns, where)
        return ()

    def _check_create(self, edit: Edit, where: str) -> None:
        class_name = edit.after["class_name"]
        self.ontology.check_class(class_name)
        if "span_ns" in edit.after:
            self._check_span(tuple(edit.after["span_ns"]), where)
        for name, value in edit.after.get("attributes", {}).items():
            self.ontology.check_attribute(name, value, class_name, per_sweep=False)

    def _check_keyframe(self, edit: Edit, track: Track, where: str) -> tuple[str, ...]:
        at = edit.timestamp_ns
        if at is None:
            raise EditError(f"{where}: expected the time of a sweep for a keyframe, got None")
        self._check_sweep(at, where)
        if track.span is not None and not track.span[0] <= at <= track.span[1]:
            raise EditError(
                f"{where}: expected a keyframe within the lifespan "
                f"{track.span[0]} … {track.span[1]}, got {at}"
            )
        if at in track.keys:
            self._check_hand(edit, track.keys[at], where)
        after = edit.after
        new = Keyframe(after["center_m"], after["yaw_rad"], after.get("size_m"), edit.source)
        near = [item for item in track.keys_in_force() if item[0] != at]
        before = [item for item in near if item[0] < at][-1:]
        later = [item for item in near if item[0] > at][:1]
        slack = SLACK_M + self._length(track) / 2
        speed = self.ontology.check_class(track.class_name).max_speed_mps
        return tuple(
            f"{where}: keyframes at {t} and {at} are {_apart(key, new):.1f} m apart, farther than "
            f"a {track.class_name} gets in that time"
            for t, key in (*before, *later)
            if _apart(key, new) > speed * abs(t - at) / 1e9 + slack
        )

    def _check_hand(self, edit: Edit, there: Keyframe, where: str) -> None:
        if there.source == HUMAN and edit.source != HUMAN:
            raise EditError(
                f"{where}: expected no keyframe by a person at {edit.timestamp_ns} where "
                f"{edit.source} changes one, got one"
            )

    def _check_lifespan(self, edit: Edit, track: Track, where: str) -> None:
        first, last = edit.after["first_ns"], edit.after["last_ns"]
        self._check_span((first, last), where)
        beyond = [t for t, k in track.keys.items() if k.source == HUMAN and not first <= t <= last]
        if beyond:
            raise EditError(
                f"{where}: expected a lifespan that holds the keyframes people set, got "
                f"{first} … {last} and keyframes at {', '.join(map(str, sorted(beyond)))}"
            )

    def _check_two(self, edit: Edit, track: Track, replay: Replay, where: str) -> tuple[str, ...]:
        if edit.kind == "split":
            new_id, at = edit.after["new_id"], edit.after["at_ns"]
            if new_id in replay.tracks.by_id:
                raise EditError(
                    f"{where}: expected a new id to split to, got {new_id!r} of another"
                )
            first, last = track.extent() or self._whole()
            if not first < at <= last:
                raise EditError(f"{where}: expected to split within {first} … {last}, got {at}")
            return ()
        other_id = edit.after["other_id"]
        other = replay.tracks.by_id.get(other_id)
        if other is None or other.is_deleted or other is track:
            got = (
                "itself"
                if other is track
                else "no such track"
                if other is None
                else "a deleted one"
            )
            raise EditError(f"{where}: expected another live track to merge, got {got}: {other_id}")
        self._check_merge(track, other, where)
        return ()

    def _check_merge(self, track: Track, other: Track, where: str) -> None:
        """Refuse to make one object of two that no single object could be.

        The keyframes of both, together, may ask for no motion beyond the class's top speed; at
        an instant that both have, the centres may be half a length apart.
        """
        speed = self.ontology.check_class(track.class_name).max_speed_mps
        slack = SLACK_M + max(self._length(track), self._length(other)) / 2
        keys = [(t, key, 0) for t, key in track.keys_in_force()]
        keys += [(t, key, 1) for t, key in other.keys_in_force()]
        keys.sort(key=lambda item: (item[0], item[2]))
        for (t, key, of), (u, near, whose) in itertools.pairwise(keys):
            if of != whose and _apart(key, near) > speed * (u - t) / 1e9 + slack:
                raise EditError(
                    f"{where}: expected to merge a track that can be the same object, got "
                    f"{other.track_id}, {_apart(key, near):.1f} m away within {(u - t) / 1e9:.2f} s"
                )

    def _length(self, track: Track) -> float:
        size = track.size_m or self.ontology.check_class(track.class_name).size_m
        return max(size[0], size[1])

    def _whole(self) -> tuple[int, int]:
        return int(self.timestamps_ns[0]), int(self.timestamps_ns[-1])

    def _check_span(self, span: tuple[int, ...], where: str) -> None:
        begin, end = self._whole()
        first, last = span
        if not begin <= first <= last <= end:
            raise EditError(
                f"{where}: expected an interval within the log, {begin} … {end}, "
                f"got {first} … {last}"
            )

    def _check_sweep(self, at: int, where: str) -> None:
        times = self.timestamps_ns
        k = int(np.searchsorted(times, at))
        if k < len(times) and times[k] == at:
            return
        begin, end = self._whole()
        if not begin <= at <= end:
            raise EditError(f"{where}: expected a sweep of the log, {begin} … {end}, got {at}")
        near = times[k - 1 : k + 1]
        raise EditError(
            f"{where}: expected the time of a sweep ({' or '.join(map(str, near))}), got {at}"
        )


def _apart(a: Keyframe, b: Keyframe) -> float:
    return hypot(a.center_m[0] - b.center_m[0], a.center_m[1] - b.center_m[1])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _check_id(value: object, where: str) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LARGEST_ID or "\0" in value:
        raise EditError(f"{where}: expected a text of 1 to {LARGEST_ID} characters, got {value!r}")


def _check_int(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise EditError(f"{where}: expected a whole number of 64 bits, got {value!r}")


def _check_maybe_int(value: object, where: str) -> None:
    if value is not None:
        _check_int(value, where)


def _check_numbers(value: object, where: str) -> None:
    is_list = isinstance(value, list | tuple) and len(value) == 3
    if not is_list or not all(map(_is_number, value)):  # type: ignore[call-overload]
        raise EditError(f"{where}: expected three finite numbers, got {value!r}")


def _check_size(value: Any, where: str) -> None:
    _check_numbers(value, where)
    if min(value) <= 0:
        raise EditError(f"{where}: expected lengths above 0, got {value!r}")


def _check_yaw(value: object, where: str) -> None:
    if not _is_number(value):
        raise EditError(f"{where}: expected a finite number, got {value!r}")


def _check_two_times(value: Any, where: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise EditError(f"{where}: expected two times, got {value!r}")
    for time in value:
        _check_int(time, where)


def _check_flag(value: object, where: str) -> None:
    if not isinstance(value, bool):
        raise EditError(f"{where}: expected true or false, got {value!r}")


def _check_verdict(value: object, where: str) -> None:
    if value not in VERDICTS:
        raise EditError(f"{where}: expected one of {', '.join(VERDICTS)}, got {value!r}")


def _check_text(value: object, where: str) -> None:
    if not isinstance(value, str) or "\0" in value:
        raise EditError(f"{where}: expected a text, got {value!r}")


def _check_mapping(value: object, where: str) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise EditError(f"{where}: expected values by name, got {value!r}")


_FORMS: dict[str, Callable[[Any, str], None]] = {
    "center_m": _check_numbers,
    "size_m": _check_size,
    "yaw_rad": _check_yaw,
    "span_ns": _check_two_times,
    "first_ns": _check_maybe_int,
    "last_ns": _check_maybe_int,
    "at_ns": _check_int,
    "is_static": _check_flag,
    "is_outside": _check_flag,
    "verdict": _check_verdict,
    "reason": _check_text,
    "text": _check_text,
    "attributes": _check_mapping,
}
