"""State is replay: stored edits, in order of revision, without what was undone.

Replay never fails. An edit that builds on something an undo took away (a keyframe of a track
whose creation was undone) has no effect, and has one again when that undo is undone.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.ontology import Ontology
from perception_label.storage.edits.edit import Edit, Row
from perception_label.storage.edits.intervals import Interval
from perception_label.storage.edits.state import LogState, TrackState
from perception_label.storage.edits.verbs import VERBS, Track, Tracks, create_track

SAYS_ONLY = ("comment", "verdict", "finalise")  # leave a finalised track finalised
_NO_INTERVALS = np.empty((0, 2), dtype=np.int64)
_NO_INTERVALS.flags.writeable = False


class Replay:
    """Tracks of one log, built edit by edit.

    `whole` is the log's first and last instant. `rows`, ascending, have to be of whole families:
    with a track, all that were ever merged with it or split from it.
    """

    def __init__(self, whole: Interval, rows: Iterable[Row] = ()) -> None:
        self._whole = whole
        self._load(list(rows))

    def _load(self, rows: list[Row]) -> None:
        self.rows = rows
        self.tracks = Tracks(self._whole)
        self.without_effect: list[str] = []
        self.undone = undone(rows)
        # Of each track its last edit, whether or not that was undone since.
        self._last: dict[str, Row] = {}
        for row in rows:
            self._apply(row)

    def append(self, row: Row) -> None:
        """Apply one more row."""
        if row.edit.kind == "undo":
            self._load([*self.rows, row])
        else:
            self.rows.append(row)
            self._apply(row)

    def find(self, edit_id: str) -> Row | None:
        """Return the row of an edit."""
        return next((row for row in reversed(self.rows) if row.edit.edit_id == edit_id), None)

    def revision(self, track_id: str) -> int:
        """Return the revision of a track's last edit, 0 if it has none."""
        return self._last[track_id].revision if track_id in self._last else 0

    def track(self, track_id: str, ontology: Ontology) -> TrackState | None:
        """Return the state of a track, or None."""
        found = self.tracks.by_id.get(track_id)
        return None if found is None else self._frozen(found, ontology)

    def state(self, ontology: Ontology) -> LogState:
        """Return the state of all tracks."""
        return LogState(
            self.rows[-1].revision if self.rows else 0,
            {name: self._frozen(track, ontology) for name, track in self.tracks.by_id.items()},
            tuple(self.without_effect),
        )

    def _apply(self, row: Row) -> None:
        edit = row.edit
        if edit.kind != "comment":
            for track_id in touched(edit):
                self._last[track_id] = row
        if edit.kind == "undo" or edit.edit_id in self.undone:
            return
        if edit.kind == "create_track":
            is_done = create_track(self.tracks, row)
        else:
            track = self.tracks.by_id.get(edit.track_id)
            if track is None or (track.is_deleted and edit.kind != "comment"):
                is_done = False
            else:
                is_done = VERBS[edit.kind](self.tracks, track, row)
                if is_done and edit.kind not in SAYS_ONLY:
                    track.is_finalised = False
        if not is_done:
            self.without_effect.append(edit.edit_id)

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
            ontology_version=last.edit.ontology_version,
        )


def undone(rows: list[Row]) -> set[str]:
    """Return the ids of edits that an undo in force takes back."""
    gone: set[str] = set()
    # Backwards: whether an undo is in force only later ones can tell.
    for row in reversed(rows):
        if row.edit.kind == "undo" and row.edit.edit_id not in gone:
            gone.add(row.edit.after["edit_id"])
    return gone


def other_track(edit: Edit) -> str | None:
    """Return the second track of an edit that has two."""
    other: Mapping[str, str | None] = edit.after
    return other.get("other_id") or other.get("new_id")


def touched(edit: Edit) -> tuple[str, ...]:
    """Return the tracks that an edit changes."""
    other = other_track(edit)
    return (edit.track_id,) if other is None else (edit.track_id, other)


def _intervals(found: list[Interval]) -> np.ndarray:
    return np.array(found, dtype=np.int64) if found else _NO_INTERVALS
