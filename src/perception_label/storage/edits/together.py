"""Lists of edits of many threads, stored in one transaction: they wait for the disk once."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from perception_label.errors import LabelError
from perception_label.storage.edits.appending import Appending

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from perception_label.storage.edits.checks import Checks
    from perception_label.storage.edits.database import Database
    from perception_label.storage.edits.edit import Edit, Outcome


MOST_LISTS = 100  # of one transaction


@dataclass(slots=True, eq=False)
class Wanted:
    """One list that somebody waits for, and what came of it."""

    edits: list[Edit]
    checks: Checks
    outcomes: list[Outcome] | None = None
    error: BaseException | None = None


class Together:
    """The lists of edits of one log that are on their way; threads share it.

    While one thread writes, others line up; the next one writes for all of them.
    """

    def __init__(self, database: Database, log_id: str, whole: tuple[int, int]) -> None:
        self._database = database
        self._log_id = log_id
        self._whole = whole
        self._turn = Lock()
        self._waiting: deque[Wanted] = deque()

    def append(self, wanted: Wanted) -> list[Outcome]:
        """Store a list, all or none of it; returns when it is on the disk."""
        self._waiting.append(wanted)
        with self._turn:
            while wanted.outcomes is None and wanted.error is None:
                self._write_all()
        if wanted.error is not None:
            raise wanted.error
        return wanted.outcomes or []

    def _write_all(self) -> None:
        taken: list[Wanted] = []
        with suppress(IndexError):
            while len(taken) < MOST_LISTS:
                taken.append(self._waiting.popleft())
        try:
            with self._database.writing() as connection:
                for each in taken:
                    self._write(each, connection)
        except BaseException as error:
            # Nothing of any list is on the disk.
            for each in taken:
                each.outcomes, each.error = None, each.error or error
            if not isinstance(error, LabelError):
                raise

    def _write(self, wanted: Wanted, connection: Connection) -> None:
        """Store one list; what it cannot be does not undo those before it."""
        ours = connection.begin_nested()
        try:
            appending = Appending(self._log_id, self._whole, connection, wanted.checks)
            wanted.outcomes = appending.run(wanted.edits)
        except SQLAlchemyError:
            raise  # of the whole transaction: SQLite may have ended it
        except Exception as error:  # noqa: BLE001 - whoever sent it is told, the others go on
            ours.rollback()
            wanted.error = error
        else:
            ours.commit()
