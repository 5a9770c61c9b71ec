"""Whether an edit can be made: what the log, its track and the ontology say."""

import itertools
from collections.abc import Mapping
from math import hypot

import numpy as np

from perception_label.arrays import Ints
from perception_label.errors import EditError, LabelError
from perception_label.geometry.shapes import Shape
from perception_label.ontology import Ontology
from perception_label.storage.edits.checks_images import (
    CameraImages,
    check_camera,
    check_image,
    check_one_object,
    check_shape,
    is_at_image,
    whole_of,
)
from perception_label.storage.edits.edit import HUMAN, Edit
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.verbs import Keyframe, ShapeKey, Track

SLACK_M = 0.5  # keyframes are set by hand: this far off says nothing of speed


class Checks:
    """The checks of one log; `timestamps_ns` (S,) are its sweeps, `cameras` its images."""

    def __init__(
        self,
        log_id: str,
        timestamps_ns: Ints,
        ontology: Ontology,
        cameras: Mapping[str, CameraImages] | None = None,
    ) -> None:
        self.log_id = log_id
        self.timestamps_ns = timestamps_ns
        self.ontology = ontology
        self.cameras = cameras or {}

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
            case "set_shape" | "remove_shape":
                self._check_on_image(edit, track, where)
            case "set_class":
                self._check_class(edit.after["class_name"], track, where)
            case "set_attribute":
                at = edit.timestamp_ns
                self.ontology.check_attribute(
                    edit.after["name"],
                    edit.after["value"],
                    track.class_name,
                    per_sweep=at is not None,
                )
                if at is not None:
                    self._check_instant(at, where)
            case "set_lifespan":
                self._check_lifespan(edit, track, where)
            case "set_static" | "set_outside":
                first, last = edit.after["first_ns"], edit.after["last_ns"]
                begin, end = self._whole()
                self._check_span(
                    (begin if first is None else first, end if last is None else last), where
                )
                if "camera" in edit.after:
                    check_camera(edit.after["camera"], self.cameras, where)
            case "comment":
                if edit.timestamp_ns is not None:
                    self._check_instant(edit.timestamp_ns, where)
        return ()

    def _check_class(self, class_name: object, track: Track, where: str) -> None:
        allowed = self.ontology.check_class(class_name).geometry
        kinds = {kind for (_, kind), keys in track.shapes.items() if keys}
        kinds |= {"cuboid"} if track.keys else set()
        if not kinds <= set(allowed):
            raise EditError(
                f"{where}: expected a class that may have {', '.join(sorted(kinds))}, got "
                f"{class_name}, which may have {', '.join(allowed)}"
            )

    def _check_geometry(self, kind: str, track: Track, where: str) -> None:
        allowed = self.ontology.check_class(track.class_name).geometry
        if kind not in allowed:
            raise EditError(
                f"{where}: expected geometry a {track.class_name} may have ({', '.join(allowed)}; "
                f"ontology {self.ontology.version}), got {kind}"
            )

    def _check_on_image(self, edit: Edit, track: Track, where: str) -> None:
        camera, at = edit.after["camera"], edit.timestamp_ns
        images = check_image(camera, at, self.cameras, where)
        is_set = edit.kind == "set_shape"
        kind = edit.after["shape"]["kind"] if is_set else edit.after["geometry"]
        there = track.shapes.get((camera, kind), {}).get(at or 0)
        if is_set:
            self._check_geometry(kind, track, where)
            self._check_alive(at or 0, track, where)
            check_shape(Shape.from_plain(edit.after["shape"]), images)
        elif there is None:
            raise EditError(f"{where}: expected a {kind} on {camera}'s image at {at}, got none")
        if there is not None:
            self._check_hand(edit, there, where)

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
        self._check_geometry("cuboid", track, where)
        self._check_alive(at, track, where)
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

    def _check_alive(self, at: int, track: Track, where: str) -> None:
        if track.span is not None and not track.span[0] <= at <= track.span[1]:
            raise EditError(
                f"{where}: expected a keyframe within the lifespan "
                f"{track.span[0]} … {track.span[1]}, got {at}"
            )

    def _check_hand(self, edit: Edit, there: Keyframe | ShapeKey, where: str) -> None:
        if there.source == HUMAN and edit.source != HUMAN:
            raise EditError(
                f"{where}: expected no keyframe by a person at {edit.timestamp_ns} where "
                f"{edit.source} changes one, got one"
            )

    def _check_lifespan(self, edit: Edit, track: Track, where: str) -> None:
        first, last = edit.after["first_ns"], edit.after["last_ns"]
        self._check_span((first, last), where)
        every: list[Mapping[int, Keyframe | ShapeKey]] = [track.keys, *track.shapes.values()]
        by_hand = {t for keys in every for t, key in keys.items() if key.source == HUMAN}
        beyond = [t for t in by_hand if not first <= t <= last]
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
        check_one_object(track, other, where)
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
        return whole_of(self.timestamps_ns, self.cameras) or (0, 0)

    def _check_span(self, span: tuple[int, ...], where: str) -> None:
        begin, end = self._whole()
        first, last = span
        if not begin <= first <= last <= end:
            raise EditError(
                f"{where}: expected an interval within the log, {begin} … {end}, "
                f"got {first} … {last}"
            )

    def _check_instant(self, at: int, where: str) -> None:
        if not is_at_image(at, self.cameras):
            self._check_sweep(at, where)

    def _check_sweep(self, at: int, where: str) -> None:
        times = self.timestamps_ns
        k = int(np.searchsorted(times, at))
        if k < len(times) and times[k] == at:
            return
        begin, end = self._whole()
        if not begin <= at <= end:
            raise EditError(f"{where}: expected a sweep of the log, {begin} … {end}, got {at}")
        near = " or ".join(map(str, times[max(k - 1, 0) : k + 1])) or "the log has none"
        raise EditError(f"{where}: expected the time of a sweep ({near}), got {at}")


def _apart(a: Keyframe, b: Keyframe) -> float:
    return hypot(a.center_m[0] - b.center_m[0], a.center_m[1] - b.center_m[1])
