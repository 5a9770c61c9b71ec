"""State is replay: stored edits, in order of revision, without what was undone.

Replay never fails. An edit that builds on something an undo took away (a keyframe of a track
whose creation was undone) has no effect, and has one again when that undo is undone.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.ontology import Ontology
from perception_label.storage.edits.intervals import Interval
from perception_label.storage.edits.state import LogState, ShapeKeys, TrackState
from perception_label.storage.edits.verbs import VERBS, Change, Track, Tracks, create_track

SAYS_ONLY = ("comment", "verdict", "finalise")  # leave a finalised track finalised
_NO_INTERVALS = np.empty((0, 2), dtype=np.int64)
_NO_INTERVALS.flags.writeable = False


class Replay:
    """Tracks of one log, built edit by edit.

    `whole` is the log's first and last instant. `changes`, ascending, have to be of whole
    families: with a track, all that were ever merged with it or split from it.
    """

    def __init__(self, whole: Interval, changes: Iterable[Change] = ()) -> None:
        self.tracks = Tracks(whole)
        self.undone: set[str] = set()
        self.head = 0
        # Of each track its last edit, whether or not that was undone since.
        self._last: dict[str, Change] = {}
        self._without_effect: dict[str, None] = {}
        self._by_id: dict[str, Change] = {}
        self._families: dict[str, list[Change]] | None = None
        # States since their track last changed.
        self._states: dict[str, TrackState] = {}
        self._ontology = ""
        self._apply_all(list(changes))

    def append(self, change: Change) -> None:
        """Apply one more change."""
        if self._families is None:
            self._families = {}
            for known in self._by_id.values():
                _join(self._families, known)
        _join(self._families, change)
        if change.kind == "undo":
            # What it takes back may be far below: its family starts again, and only that.
            family = self._families[change.track_id]
            for known in family:
                self.undone.discard(known.edit_id)
                self._without_effect.pop(known.edit_id, None)
                for track_id in known.touched:
                    self.tracks.by_id.pop(track_id, None)
                    self._states.pop(track_id, None)
            self._apply_all(family)
        else:
            self._apply_all([change])

    def find(self, edit_id: str) -> Change | None:
        """Return the change of that id."""
        return self._by_id.get(edit_id)

    def revision(self, track_id: str) -> int:
        """Return the revision of a track's last edit, 0 if it has none."""
        return self._last[track_id].revision if track_id in self._last else 0

    def track(self, track_id: str, ontology: Ontology) -> TrackState | None:
        """Return the state of a track, or None."""
        if track_id not in self.tracks.by_id:
            return None
        if self._ontology != ontology.sha256:
            self._states, self._ontology = {}, ontology.sha256
        if track_id not in self._states:
            self._states[track_id] = self._frozen(self.tracks.by_id[track_id], ontology)
        return self._states[track_id]

    def state(self, ontology: Ontology) -> LogState:
        """Return the state of all tracks."""
        states = {name: self.track(name, ontology) for name in self.tracks.by_id}
        found = {name: state for name, state in states.items() if state is not None}
        return LogState(self.head, found, tuple(self._without_effect))

    def _apply_all(self, changes: list[Change]) -> None:
        self.undone |= undone(changes)
        self._by_id.update((change.edit_id, change) for change in changes)
        tracks, by_id, last, states = self.tracks, self.tracks.by_id, self._last, self._states
        for change in changes:
            kind = change.kind
            for track_id in change.touched if states else ():
                states.pop(track_id, None)
            if kind != "comment":
                last[change.track_id] = change
                if change.other_id is not None:
                    last[change.other_id] = change
            if kind == "undo" or change.edit_id in self.undone:
                continue
            track = by_id.get(change.track_id)
            if kind == "create_track":
                is_done = create_track(tracks, change)
            elif track is None or (track.is_deleted and kind != "comment"):
                is_done = False
            else:
                is_done = VERBS[kind](tracks, track, change)
                if is_done and kind not in SAYS_ONLY:
                    track.is_finalised = False
            if not is_done:
                self._without_effect[change.edit_id] = None
        if changes:
            self.head = max(self.head, changes[-1].revision)

    def _frozen(self, track: Track, ontology: Ontology) -> TrackState:
        rule = ontology.classes.get(track.class_name)
        usual = (np.nan,) * 3 if rule is None else rule.size_m
        keys = track.keys_in_force()
        of_track = track.size_m or usual
        last = self._last[track.track_id]
        return TrackState(
            track_id=track.track_id,
            class_name=track.class_name,
            attributes=dict(track.attributes),
            sweep_attributes={
                k: dict(sorted(v.items())) for k, v in track.sweep_attributes.items()
            },
            size_m=None if track.size_m is None else np.array(track.size_m, dtype=np.float64),
            key_timestamps_ns=np.array([t for t, _ in keys], dtype=np.int64),
            keyframes=Cuboids(
                np.array([k.center_m for _, k in keys], dtype=np.float64).reshape(-1, 3),
                np.array([k.size_m or of_track for _, k in keys], np.float64).reshape(-1, 3),
                np.array([k.yaw_rad for _, k in keys], dtype=np.float64),
            ),
            key_sources=tuple([k.source for _, k in keys]),
            key_has_size=np.array([k.size_m is not None for _, k in keys], dtype=np.bool_),
            span_ns=track.span,
            static_ns=_intervals(track.static),
            outside_ns=_intervals(track.outside),
            is_deleted=track.is_deleted,
            is_finalised=track.is_finalised,
            merged_into=track.merged_into,
            verdict=track.verdict,
            verdict_reason=track.verdict_reason,
            comments=tuple(track.comments),
            source=track.source,
            revision=last.revision,
            ontology_version=last.ontology_version,
            **(_on_images(track) if track.shapes or track.camera_outside else {}),
        )


def undone(changes: Sequence[Change]) -> set[str]:
    """Return the ids of edits that an undo in force takes back."""
    gone: set[str] = set()
    # Backwards: whether an undo is in force only later ones can tell.
    for change in reversed(changes):
        if change.kind == "undo" and change.edit_id not in gone:
            gone.add(change.after["edit_id"])
    return gone


def _join(families: dict[str, list[Change]], change: Change) -> None:
    family = families.setdefault(change.track_id, [])
    if change.other_id is not None and families.get(change.other_id) is not family:
        family = sorted(family + families.get(change.other_id, []))
        for name in {name for known in family for name in known.touched} | set(change.touched):
            families[name] = family
    family.append(change)


def _on_images(track: Track) -> dict[str, Any]:
    """Return what a state says of images; most tracks have nothing there."""
    first, last = track.span or (-(1 << 63), 1 << 63)
    shapes = {}
    for (camera, kind), keys in sorted(track.shapes.items()):
        times = [t for t in sorted(keys) if first <= t <= last]
        if times:
            held = [keys[t] for t in times]
            shapes[camera, kind] = ShapeKeys(
                camera,
                kind,
                np.array(times, dtype=np.int64),
                tuple([key.said for key in held]),
                tuple([key.source for key in held]),
            )
    outside = {k: _intervals(v) for k, v in sorted(track.camera_outside.items()) if v}
    return {"shapes": shapes, "camera_outside_ns": outside}


def _intervals(found: list[Interval]) -> np.ndarray:
    return np.array(found, dtype=np.int64) if found else _NO_INTERVALS
