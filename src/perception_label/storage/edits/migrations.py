"""The tables of `labels.db` as numbered steps; each runs once, in a transaction.

The statements are written out, not made from the tables as they are today: what a step did
must not change when the tables do. A new version of the tables is a new step at the end. A
step must leave what is in `edits` as it is.
"""

import time
from collections.abc import Mapping

from sqlalchemy import Connection, inspect, text

from perception_label.errors import WorkspaceError

_TABLES = (
    """
    CREATE TABLE edits (
        log_id TEXT NOT NULL,
        revision BIGINT NOT NULL,
        edit_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        track_id TEXT NOT NULL,
        other_id TEXT,
        timestamp_ns BIGINT,
        before_json TEXT NOT NULL,
        after_json TEXT NOT NULL,
        base_revision BIGINT,
        author TEXT NOT NULL,
        source TEXT NOT NULL,
        active_s DOUBLE PRECISION NOT NULL,
        server_time_ns BIGINT NOT NULL,
        client_time_ns BIGINT,
        ontology_version TEXT NOT NULL,
        content_sha256 TEXT NOT NULL,
        PRIMARY KEY (log_id, revision)
    )
    """,
    "CREATE INDEX edits_of_track ON edits (log_id, track_id, revision)",
    "CREATE INDEX edits_of_other ON edits (log_id, other_id, revision)",
    """
    CREATE TABLE ontologies (
        version TEXT NOT NULL PRIMARY KEY,
        sha256 TEXT NOT NULL,
        content TEXT NOT NULL
    )
    """,
)
_SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER {table}_keep_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} are only ever added to'); END"
    for table in ("edits", "ontologies")
    for verb in ("UPDATE", "DELETE")
)
_POSTGRESQL_GUARDS = (
    """
    CREATE FUNCTION perception_label_keep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% are only ever added to', TG_TABLE_NAME; END $$
    """,
    *(
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION perception_label_keep()"
        for table in ("edits", "ontologies")
    ),
)

# Each step: its statements for all databases, then those for one kind of database.
Step = tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]
STEPS: tuple[Step, ...] = (
    (_TABLES, {"sqlite": _SQLITE_GUARDS, "postgresql": _POSTGRESQL_GUARDS}),
    # Shapes on images are new kinds of edit in the same tables: a release that does not know
    # them has to refuse the database, not fail in the middle of a replay.
    ((), {}),
)
_DONE = "CREATE TABLE migrations (step BIGINT NOT NULL PRIMARY KEY, done_ns BIGINT NOT NULL)"


def version(connection: Connection) -> int:
    """Return how many steps a database has taken; 0 for one without our tables."""
    if not inspect(connection).has_table("migrations"):
        return 0
    return int(connection.execute(text("SELECT COUNT(*) FROM migrations")).scalar_one())


def check_version(connection: Connection, where: str) -> int:
    """Return a database's version.

    Raises
    ------
    WorkspaceError
        If a newer release made it.
    """
    found = version(connection)
    if found > len(STEPS):
        raise WorkspaceError(
            f"{where}: expected tables of version {len(STEPS)} or older, got version {found}: "
            "a newer release of perception-label made them; nothing was changed"
        )
    return found


def migrate(connection: Connection, where: str) -> None:
    """Take the steps a database lacks; the caller's transaction makes them one."""
    found = check_version(connection, where)
    if found == 0:
        connection.execute(text(_DONE))
    for number, (shared, own) in enumerate(STEPS[found:], start=found + 1):
        for statement in (*shared, *own.get(connection.dialect.name, ())):
            connection.execute(text(statement))
        connection.execute(
            text("INSERT INTO migrations (step, done_ns) VALUES (:step, :now)"),
            {"step": number, "now": time.time_ns()},
        )
