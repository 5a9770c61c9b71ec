"""The edit log of one log: append and replay."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from perception_label.errors import EditError
from perception_label.ontology import SHIPPED, Ontology, load_ontology
from perception_label.storage.edits import sql
from perception_label.storage.edits.checks import Checks
from perception_label.storage.edits.checks_images import CameraImages, whole_of
from perception_label.storage.edits.forms import check_form
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.together import Together, Wanted
from perception_label.storage.whole import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from perception_label.arrays import Ints
    from perception_label.storage.edits.database import Database
    from perception_label.storage.edits.edit import Edit, Outcome, Row
    from perception_label.storage.edits.state import LogState, TrackState


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
    cameras : dict of CameraImages, optional
        When each camera took its images and how large they are, by name.
    """

    def __init__(
        self,
        database: Database,
        log_id: str,
        timestamps_ns: Ints,
        ontology_path: Path,
        cameras: Mapping[str, CameraImages] | None = None,
    ) -> None:
        self.log_id = log_id
        self._database = database
        self._timestamps_ns = timestamps_ns
        self._ontology_path = ontology_path
        self._turn = Lock()
        self._replay: Replay | None = None
        self._now: tuple[LogState, Ontology] | None = None
        self._cameras = dict(cameras or {})
        self._whole = whole_of(timestamps_ns, self._cameras) or (0, 0)
        self._together = Together(database, log_id, self._whole)

    def __reduce__(self) -> tuple[type[EditLog], tuple[Any, ...]]:
        places = (self._database, self.log_id, self._timestamps_ns, self._ontology_path)
        return EditLog, (*places, self._cameras)

    def __repr__(self) -> str:
        return f"<EditLog of {self.log_id} in {self._database.where}>"

    @property
    def ontology(self) -> Ontology:
        """The ontology that edits are made under now."""
        path = self._ontology_path if self._ontology_path.exists() else SHIPPED
        facts = path.stat()
        return _read_ontology(path, facts.st_mtime_ns, facts.st_size)

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
        checks = Checks(self.log_id, self._timestamps_ns, ontology, self._cameras)
        for edit in edits:
            if whole_of(self._timestamps_ns, self._cameras) is None:
                raise EditError(f"log {self.log_id}: expected sweeps to label, got none")
            check_form(edit)
        return self._together.append(Wanted(edits, checks))

    def state(self, as_of: int | None = None) -> LogState:
        """Return all tracks, as of a revision or now.

        The first call replays all; the next ones, of the state now, only what is new.
        """
        if as_of is not None:
            return self._replayed(as_of)
        head = self.revision
        kept = self._kept(head)
        if kept is None:
            with self._turn:
                # Who had to wait finds it replayed.
                kept = self._kept(head)
                return self._replayed() if kept is None else kept
        return kept

    def track(self, track_id: str, as_of: int | None = None) -> TrackState:
        """Return one track, as of a revision or now; a deleted one too.

        Raises
        ------
        EditError
            If there is no such track.
        """
        with self._database.reading() as connection:
            changes = []
            if connection is not None:
                until = self._until(connection, as_of)
                changes = sql.changes_of_tracks(connection, self.log_id, [track_id], until)
        found = Replay(self._whole, changes).track(track_id, self.ontology)
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
            return sql.rows(connection, self.log_id, track_id, after, until)

    def find(self, edit_id: str) -> Row | None:
        """Return the row of an edit, None if this log has none of that id."""
        with self._database.reading() as connection:
            if connection is None:
                return None
            known = sql.rows_of_ids(connection, [edit_id]).get(edit_id)
            if known is None or known.log_id != self.log_id:
                return None
            (row,) = sql.rows(connection, self.log_id, None, known.revision - 1, known.revision)
            return row

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        self._database.close()

    def _kept(self, head: int) -> LogState | None:
        """Return the state that was replayed last, if it is of this revision or a newer one."""
        if self._now is None:
            return None
        state, ontology = self._now
        return state if ontology is self.ontology and state.revision >= head else None

    def _replayed(self, as_of: int | None = None) -> LogState:
        ontology = self.ontology
        with self._database.reading() as connection, _no_collection():
            if connection is None:
                return Replay(self._whole).state(ontology)
            until = self._until(connection, as_of)
            # Only now is kept: what was is asked for once.
            known = self._replay if as_of is None else None
            after = 0 if known is None else known.head
            changes = sql.changes_of_log(connection, self.log_id, until, after)
            if known is None:
                known = Replay(self._whole, changes)
            else:
                for change in changes:
                    known.append(change)
            state = known.state(ontology)
            if as_of is None:
                self._replay, self._now = known, (state, ontology)
            return state

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
        return self.ontology


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage among 100,000 new objects of which none is any."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@lru_cache(maxsize=8)
def _read_ontology(path: Path, _changed_ns: int, _size: int) -> Ontology:
    # Parsing takes longer than all else that an append does.
    return load_ontology(path)
