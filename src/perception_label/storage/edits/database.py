"""Where edits lie: `labels.db` in the workspace (SQLite, WAL), or PostgreSQL by URL.

A transaction that was committed is on the disk: SQLite runs with `synchronous=FULL`. A new
`labels.db` is made beside its place and linked there whole, so one that is empty or has no
tables is a damaged one, and is never written over.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from weakref import finalize

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from perception_label.errors import MissingExtraError, SettingError, WorkspaceError
from perception_label.storage.edits import migrations
from perception_label.storage.whole import BESIDE, storage_errors, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_S = 60.0  # how long a writer waits for the others
# No transaction: rows that are there never change, so a revision is as good as a snapshot.
READING: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "is_reading": True}


class Database:
    """A database of edits; it is opened when first used and may be shared by threads."""

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self._engine: Engine | None = None
        self._close: finalize[..., Database] | None = None
        self._process = os.getpid()
        self._turn, self._opening = Lock(), Lock()

    def __reduce__(self) -> tuple[type[Database], tuple[Path | str]]:
        return Database, (self.place,)

    @property
    def where(self) -> str:
        """Its place as messages name it, without a password."""
        if isinstance(self.place, Path):
            return str(self.place)
        try:
            return make_url(self.place).render_as_string(hide_password=True)
        except ArgumentError:
            return "the database"

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Yield a connection for reading; None if there is no database yet."""
        engine = self._opened(create=False)
        if engine is None:
            yield None
            return
        with self._errors(), engine.connect() as connection:
            yield connection.execution_options(**READING)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that no other writer of SQLite can overlap."""
        engine = self._opened(create=True)
        if engine is None or _is_sealed(self.place):
            raise WorkspaceError(f"{self.where}: expected to write, got: it may not be written")
        # SQLite lets writers sleep until they find it free by chance; here they come in turn.
        with self._turn, self._errors(), engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections; the next use opens it again."""
        if self._close is not None:
            self._close()
        self._engine, self._close = None, None

    def _opened(self, *, create: bool) -> Engine | None:
        if self._process != os.getpid():
            # A fork: the connections are the parent's, who goes on with them.
            if self._engine is not None and self._close is not None:
                self._close.detach()
                self._engine.dispose(close=False)
            self._engine, self._close, self._process = None, None, os.getpid()
            self._turn, self._opening = Lock(), Lock()
        if self._engine is None:
            with self._opening:  # two threads would make it beside at the same place
                if self._engine is None:
                    self._open(create)
        return self._engine

    def _open(self, create: bool) -> None:
        with self._errors():
            self._engine = (
                _open_sqlite(self.place, create)
                if isinstance(self.place, Path)
                else _open_url(self.place, self.where)
            )
        if self._engine is not None:
            self._close = finalize(self, self._engine.dispose)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise WorkspaceError(f"{self.where}: {_reason(error)}") from None
        except SQLAlchemyError as error:
            raise WorkspaceError(f"{self.where}: expected a database, got: {error}") from None


def _open_sqlite(path: Path, create: bool) -> Engine | None:
    if not path.exists():
        if not create:
            return None
        _make(path)
    if path.stat().st_size == 0:
        raise WorkspaceError(f"{path}: expected a database of edits, got an empty file")
    is_sealed = _is_sealed(path)
    engine = _sealed_engine(path) if is_sealed else _sqlite_engine(path)
    try:
        with engine.connect().execution_options(**READING) as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if found != "ok":
                said = " ".join(str(found).split())
                raise WorkspaceError(f"{path}: expected a whole database, got: {said}")
            if migrations.check_version(connection, str(path)) == 0:
                raise WorkspaceError(f"{path}: expected a database of edits, got no such tables")
        if not is_sealed:
            _bring_up(engine, str(path))
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make(path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}{BESIDE}")
    with storage_errors(path):
        beside.unlink(missing_ok=True)
        # SQLite's own message for a folder that may not be written says little.
        beside.touch()
        engine = _sqlite_engine(beside)
        try:
            with engine.begin() as connection:
                migrations.migrate(connection, str(path))
            engine.dispose()
            sync(beside)
            try:
                os.link(beside, path)
            except FileExistsError:
                return  # another process was first
            sync(path.parent)
        finally:
            engine.dispose()
            for end in ("", "-wal", "-shm"):
                beside.with_name(beside.name + end).unlink(missing_ok=True)


def _is_sealed(place: Path | str) -> bool:
    """Tell whether a file may only be read; SQLite writes beside it too."""
    return isinstance(place, Path) and not (
        os.access(place, os.W_OK) and os.access(place.parent, os.W_OK)
    )


def _sealed_engine(path: Path) -> Engine:
    wal = path.with_name(path.name + "-wal")
    # With nothing waiting in the log beside it, the file is all there is and needs no lock file.
    only = "" if wal.exists() and wal.stat().st_size else "&immutable=1"
    return create_engine(f"sqlite:///file:{quote(str(path))}?mode=ro{only}&uri=true")


def _sqlite_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # SQLAlchemy's events begin transactions below; the driver's own habits would interfere.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # At once, not at the first write: two that read before they write would refuse each other.
        if not connection.get_execution_options().get("is_reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _open_url(url: str, where: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise SettingError(f"{where}: expected a PostgreSQL URL, got {parsed.drivername}")
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"))
    except (ArgumentError, NoSuchModuleError):
        raise SettingError("labels: expected a URL like postgresql://…, got another text") from None
    except ImportError:
        raise MissingExtraError(
            "PostgreSQL: expected psycopg, got none: pip install 'perception-label[postgres]'"
        ) from None
    try:
        _bring_up(engine, where)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _bring_up(engine: Engine, where: str) -> None:
    with engine.connect().execution_options(**READING) as connection:
        if migrations.check_version(connection, where) == len(migrations.STEPS):
            return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two that find no tables would both make them.
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('perception_label'))"))
        migrations.migrate(connection, where)


def _reason(error: DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    if "locked" in said:
        return f"expected its turn to write within {BUSY_S:g} s, got: {said}"
    if "readonly" in said or "unable to open" in said:
        return f"expected a place that may be written, got: {said}"
    if "malformed" in said or "not a database" in said or "disk image" in said:
        return f"expected a whole database, got a damaged one: {said}"
    if "full" in said:
        return "expected to write, got: the disk is full"
    return f"expected the database to do it, got: {said}"
