"""The edit log of one log: append and replay."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from perception_label.errors import EditError
from perception_label.ontology import SHIPPED, Ontology, load_ontology
from perception_label.storage.edits import sql
from perception_label.storage.edits.before import before
from perception_label.storage.edits.checks import Checks
from perception_label.storage.edits.edit import Edit, Outcome, Row
from perception_label.storage.edits.replay import Replay, other_track, touched
from perception_label.storage.whole import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from perception_label.arrays import Ints
    from perception_label.storage.edits.database import Database
    from perception_label.storage.edits.state import LogState, TrackState

MANY_TRACKS = 2_000  # from here on the rows of the whole log are read at once


class EditLog:
    """What people, rules and models did to the labels of one log, in order.

    Rows are only ever added. State is replay: `state` and `track` give it, as of any revision.
    Several processes may append at the same time.

    Parameters
    ----------
    database : Database
        Where the rows lie.
    log_id : str
        The log.
    timestamps_ns : (S,) int64
        Its sweeps, ascending.
    ontology_path : Path
        The workspace's ontology; where there is no file, the shipped one holds, and the first
        `append` copies it there.
    """

    def __init__(
        self, database: Database, log_id: str, timestamps_ns: Ints, ontology_path: Path
    ) -> None:
        self.log_id = log_id
        self._database = database
        self._timestamps_ns = timestamps_ns
        self._ontology_path = ontology_path
        n = len(timestamps_ns)
        self._whole = (int(timestamps_ns[0]), int(timestamps_ns[-1])) if n else (0, 0)

    def __repr__(self) -> str:
        return f"<EditLog of {self.log_id} in {self._database.where}>"

    @property
    def ontology(self) -> Ontology:
        """The ontology that edits are made under now."""
        return load_ontology(self._ontology_path if self._ontology_path.exists() else None)

    @property
    def revision(self) -> int:
        """The last revision; 0 before the first edit."""
        with self._database.reading() as connection:
            return 0 if connection is None else sql.head(connection, self.log_id)

    def append(self, edits: Sequence[Edit]) -> list[Outcome]:
        """Store edits, all or none of them, in one transaction; what is returned is on the disk.

        Parameters
        ----------
        edits : list of Edit
            In order; each may build on those before it, and `base_revision` is about what was
            there before the list.

        Returns
        -------
        list of Outcome
            One for each. An edit that is there already is a `duplicate` and is not stored again.
            If any is in `conflict`, nothing of the list is stored.

        Raises
        ------
        EditError
            If an edit cannot be: it is malformed, about a track or sweep that is not there or is
            deleted, against the ontology, or its id is that of another edit. Nothing is stored.
        WorkspaceError
            If the database cannot be written, is damaged, or is from a newer release.
        """
        edits = list(edits)
        if not edits:
            return []
        ontology = self._kept_ontology()
        checks = Checks(self.log_id, self._timestamps_ns, ontology)
        for edit in edits:
            if len(self._timestamps_ns) == 0:
                raise EditError(f"log {self.log_id}: expected sweeps to label, got none")
            checks.check_form(edit)
        with self._database.writing() as connection:
            return _Appending(self, connection, checks).run(edits)

    def state(self, as_of: int | None = None) -> LogState:
        """Return all tracks, as of a revision or now."""
        with self._database.reading() as connection:
            rows = []
            if connection is not None:
                rows = sql.rows_of_log(connection, self.log_id, 0, self._until(connection, as_of))
        return Replay(self._whole, rows).state(self.ontology)

    def track(self, track_id: str, as_of: int | None = None) -> TrackState:
        """Return one track, as of a revision or now; a deleted one too.

        Raises
        ------
        EditError
            If there is no such track.
        """
        with self._database.reading() as connection:
            rows = []
            if connection is not None:
                until = self._until(connection, as_of)
                rows = sql.rows_of_tracks(connection, self.log_id, [track_id], until)
        found = Replay(self._whole, rows).track(track_id, self.ontology)
        if found is None:
            at = "" if as_of is None else f" at revision {as_of}"
            raise EditError(
                f"log {self.log_id}: expected one of its tracks, got {track_id!r}, unknown{at}"
            )
        return found

    def history(self, track_id: str | None = None, after: int = 0) -> list[Row]:
        """Return the rows after a revision, ascending, of the log or of one track.

        A track's are its own and those that name it as the second: merged, split off.
        """
        with self._database.reading() as connection:
            if connection is None:
                return []
            until = self._until(connection, None)
            if track_id is None:
                return sql.rows_of_log(connection, self.log_id, after, until)
            rows = sql.rows_of_tracks(connection, self.log_id, [track_id], until)
        return [r for r in rows if r.revision > after and track_id in touched(r.edit)]

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        self._database.close()

    def _until(self, connection: Connection, as_of: int | None) -> int:
        # Rows up to a revision never change, so several queries up to it see one state.
        head = sql.head(connection, self.log_id)
        if as_of is None:
            return head
        if not 0 <= as_of <= head:
            raise EditError(f"log {self.log_id}: expected a revision from 0 to {head}, got {as_of}")
        return as_of

    def _kept_ontology(self) -> Ontology:
        if not self._ontology_path.exists():
            write_text(self._ontology_path, SHIPPED.read_text(encoding="utf-8"))
        return load_ontology(self._ontology_path)


class _Appending:
    """One list of edits on its way into the database."""

    def __init__(self, log: EditLog, connection: Connection, checks: Checks) -> None:
        self._log = log
        self._connection = connection
        self._checks = checks

    def run(self, edits: list[Edit]) -> list[Outcome]:
        log_id = self._log.log_id
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
            replay.append(row)
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
            if was != digest or (known is not None and known.log_id != self._log.log_id):
                raise EditError(
                    f"edit {edit.edit_id}: expected a new id or the same edit again, got another "
                    "edit of that id"
                )
        return stored

    def _replay(self, edits: list[Edit], head: int) -> Replay:
        names = {name for edit in edits for name in touched(edit) if name}
        undone = [edit.after["edit_id"] for edit in edits if edit.kind == "undo"]
        for row in sql.rows_of_ids(self._connection, undone).values():
            if row.log_id == self._log.log_id:
                names |= {name for name in (row.track_id, row.other_id) if name is not None}
        log_id = self._log.log_id
        if len(names) >= MANY_TRACKS:
            rows = sql.rows_of_log(self._connection, log_id, 0, head)
        else:
            rows = sql.rows_of_tracks(self._connection, log_id, names, head)
        return Replay(self._log._whole, rows)

    def _conflicts(self, edits: list[Edit], stored: dict[str, Any], replay: Replay) -> set[str]:
        found = set()
        for edit in edits:
            if edit.base_revision is None or edit.edit_id in stored:
                continue
            names = touched(edit)
            if edit.kind == "undo":
                target = replay.find(edit.after["edit_id"])
                names = () if target is None else touched(target.edit)
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
                track_id, other = target.edit.track_id, other_track(target.edit)
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
        return "" if target is None else target.edit.track_id
