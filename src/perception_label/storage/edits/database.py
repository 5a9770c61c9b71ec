"""Where edits lie: `labels.db` in the workspace (SQLite, WAL), or PostgreSQL by URL.

A transaction that was committed is on the disk: SQLite runs with `synchronous=FULL`. A new
`labels.db` is made beside its place and linked there whole, so one that is empty or has no
tables is a damaged one, and is never written over.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from perception_label.errors import MissingExtraError, SettingError, WorkspaceError
from perception_label.storage.edits import migrations
from perception_label.storage.whole import BESIDE, storage_errors, sync

BUSY_S = 60.0  # how long a writer waits for the others
# No transaction: rows that are there never change, so a revision is as good as a snapshot.
READING: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "is_reading": True}


class Database:
    """A database of edits; it is opened when first used and may be shared by threads."""

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self._engine: Engine | None = None

    def __reduce__(self) -> tuple[type["Database"], tuple[Path | str]]:
        return Database, (self.place,)

    @property
    def where(self) -> str:
        """Its place as messages name it, without a password."""
        if isinstance(self.place, Path):
            return str(self.place)
        return make_url(self.place).render_as_string(hide_password=True)

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
        with self._errors(), engine.begin() as connection:  # type: ignore[union-attr]
            yield connection

    def close(self) -> None:
        """Close all connections; the next use opens it again."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _opened(self, *, create: bool) -> Engine | None:
        if self._engine is None:
            with self._errors():
                self._engine = (
                    _open_sqlite(self.place, create)
                    if isinstance(self.place, Path)
                    else _open_url(self.place, self.where)
                )
        return self._engine

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
    engine = _sqlite_engine(path)
    try:
        with engine.connect().execution_options(**READING) as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if found != "ok":
                raise WorkspaceError(f"{path}: expected a whole database, got: {found}")
            if migrations.check_version(connection, str(path)) == 0:
                raise WorkspaceError(f"{path}: expected a database of edits, got no such tables")
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
    _bring_up(engine, where)
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
