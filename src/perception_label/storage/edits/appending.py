"""One list of edits on its way into the database, inside the caller's transaction."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from perception_label.errors import EditError
from perception_label.storage.edits import sql
from perception_label.storage.edits.before import before
from perception_label.storage.edits.edit import Edit, Outcome, Row, other_track, touched
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.verbs import Change

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from perception_label.storage.edits.checks import Checks
    from perception_label.storage.edits.state import TrackState

MANY_TRACKS = 2_000  # from here on the rows of the whole log are read at once


class Appending:
    """One list of edits on its way into the database."""

    def __init__(
        self, log_id: str, whole: tuple[int, int], connection: Connection, checks: Checks
    ) -> None:
        self._log_id = log_id
        self._whole = whole
        self._connection = connection
        self._checks = checks

    def run(self, edits: list[Edit]) -> list[Outcome]:
        """Check the edits, in order, and insert them; see `EditLog.append`."""
        log_id = self._log_id
        sql.lock(self._connection, log_id)
        self._keep_ontology()
        digests = [edit.content_sha256() for edit in edits]
        stored = self._stored(edits, digests)
        head = sql.head(self._connection, log_id)
        replay = self._replay(edits, head)
        conflicts = self._conflicts(edits, stored, replay)
        if conflicts:
            return self._refused(edits, stored, conflicts, replay)
        new: dict[str, int] = {}
        warnings: dict[str, tuple[str, ...]] = {}
        rows = []
        for edit, digest in zip(edits, digests, strict=True):
            if edit.edit_id in stored or edit.edit_id in new:
                continue
            warnings[edit.edit_id] = self._checks.check(edit, replay)
            row = self._row(edit, head + len(new) + 1, replay)
            replay.append(Change.of(row))
            new[edit.edit_id] = row.revision
            rows.append(sql.values(log_id, row, other_track(row.edit), digest))
        if rows:
            self._connection.execute(insert(sql.EDITS), rows)
        outcomes = []
        seen: set[str] = set()
        states: dict[str, TrackState | None] = {}
        for edit in edits:
            is_new = edit.edit_id in new and edit.edit_id not in seen
            seen.add(edit.edit_id)
            known = stored.get(edit.edit_id)
            revision = new[edit.edit_id] if known is None else known.revision
            track_id = self._track_id(edit, replay)
            if track_id not in states:
                states[track_id] = replay.track(track_id, self._checks.ontology)
            outcomes.append(
                Outcome(
                    edit.edit_id,
                    "appended" if is_new else "duplicate",
                    revision,
                    states[track_id],
                    warnings.get(edit.edit_id, ()) if is_new else (),
                )
            )
        return outcomes

    def _keep_ontology(self) -> None:
        ontology, table = self._checks.ontology, sql.ONTOLOGIES
        known = self._connection.execute(
            select(table.c.sha256).where(table.c.version == ontology.version)
        ).scalar_one_or_none()
        if known is None:
            row = {
                "version": ontology.version,
                "sha256": ontology.sha256,
                "content": ontology.text,
            }
            self._connection.execute(insert(table), row)
        elif known != ontology.sha256:
            raise EditError(
                f"ontology {ontology.version}: expected the file that version had when labels were "
                "made under it, got another: raise its version"
            )

    def _stored(self, edits: list[Edit], digests: list[str]) -> dict[str, Any]:
        """Return what is stored of these edits, by id; refuse an id with two contents."""
        stored = sql.rows_of_ids(self._connection, [edit.edit_id for edit in edits])
        first: dict[str, str] = {}
        for edit, digest in zip(edits, digests, strict=True):
            known = stored.get(edit.edit_id)
            was = first.setdefault(edit.edit_id, digest) if known is None else known.content_sha256
            if was != digest or (known is not None and known.log_id != self._log_id):
                raise EditError(
                    f"edit {edit.edit_id}: expected a new id or the same edit again, got another "
                    "edit of that id"
                )
        return stored

    def _replay(self, edits: list[Edit], head: int) -> Replay:
        names = {name for edit in edits for name in touched(edit) if name}
        undone = [edit.after["edit_id"] for edit in edits if edit.kind == "undo"]
        for row in sql.rows_of_ids(self._connection, undone).values():
            if row.log_id == self._log_id:
                names |= {name for name in (row.track_id, row.other_id) if name is not None}
        log_id = self._log_id
        if len(names) >= MANY_TRACKS:
            changes = sql.changes_of_log(self._connection, log_id, head)
        else:
            changes = sql.changes_of_tracks(self._connection, log_id, names, head)
        return Replay(self._whole, changes)

    def _conflicts(self, edits: list[Edit], stored: dict[str, Any], replay: Replay) -> set[str]:
        found = set()
        for edit in edits:
            if edit.base_revision is None or edit.edit_id in stored:
                continue
            names = touched(edit)
            if edit.kind == "undo":
                target = replay.find(edit.after["edit_id"])
                names = () if target is None else target.touched
            if any(replay.revision(name) > edit.base_revision for name in names):
                found.add(edit.edit_id)
        return found

    def _refused(
        self, edits: list[Edit], stored: dict[str, Any], conflicts: set[str], replay: Replay
    ) -> list[Outcome]:
        outcomes = []
        for edit in edits:
            known = stored.get(edit.edit_id)
            track_id = self._track_id(edit, replay)
            status = "conflict" if edit.edit_id in conflicts else "held"
            revision = replay.revision(track_id)
            if known is not None:
                status, revision = "duplicate", known.revision
            state = replay.track(track_id, self._checks.ontology)
            outcomes.append(Outcome(edit.edit_id, status, revision, state))
        return outcomes

    def _row(self, edit: Edit, revision: int, replay: Replay) -> Row:
        held = before(edit, replay) if edit.before is None else edit.before
        track_id, after = edit.track_id, edit.after
        if edit.kind == "undo":
            target = replay.find(after["edit_id"])
            if target is not None:
                track_id, other = target.track_id, target.other_id
                after = after if other is None else {**after, "other_id": other}
        version = self._checks.ontology.version
        stored = replace(
            edit, track_id=track_id, after=after, before=held, ontology_version=version
        )
        return Row(revision, time.time_ns(), stored)

    def _track_id(self, edit: Edit, replay: Replay) -> str:
        if edit.kind != "undo":
            return edit.track_id
        target = replay.find(edit.after["edit_id"])
        return "" if target is None else target.track_id
