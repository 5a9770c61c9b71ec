"""The table of edits as queries see it, and the queries."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    MetaData,
    Select,
    Table,
    Text,
    func,
    or_,
    select,
    text,
)

from perception_label.storage.edits.edit import Edit, as_json
from perception_label.storage.edits.edit import Row as Stored

METADATA = MetaData()
EDITS = Table(
    "edits",
    METADATA,
    Column("log_id", Text, primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("edit_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("track_id", Text, nullable=False),
    Column("other_id", Text),
    Column("timestamp_ns", BigInteger),
    Column("before_json", Text, nullable=False),
    Column("after_json", Text, nullable=False),
    Column("base_revision", BigInteger),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("active_s", Double, nullable=False),
    Column("server_time_ns", BigInteger, nullable=False),
    Column("client_time_ns", BigInteger),
    Column("ontology_version", Text, nullable=False),
    Column("content_sha256", Text, nullable=False),
)
ONTOLOGIES = Table(
    "ontologies",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("content", Text, nullable=False),
)
IN_ONE_QUERY = 500  # SQLite takes some thousands of values, older ones fewer than a thousand
_READ = (
    "revision",
    "server_time_ns",
    "edit_id",
    "kind",
    "track_id",
    "timestamp_ns",
    "after_json",
    "before_json",
    "base_revision",
    "author",
    "source",
    "active_s",
    "client_time_ns",
    "ontology_version",
)


def lock(connection: Connection, log_id: str) -> None:
    """Keep other writers of a log away until the transaction ends: revisions have no gaps.

    SQLite's transactions of writing do anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:log_id, 0))"), {"log_id": log_id}
        )


def head(connection: Connection, log_id: str) -> int:
    """Return the last revision of a log, 0 without one."""
    newest = select(func.max(EDITS.c.revision)).where(EDITS.c.log_id == log_id)
    return int(connection.execute(newest).scalar_one() or 0)


def rows_of_log(connection: Connection, log_id: str, after: int, until: int) -> list[Stored]:
    """Return the rows of a log from revision `after` + 1 to `until`."""
    where = (EDITS.c.revision > after) & (EDITS.c.revision <= until)
    return _stored(connection.execute(_select(log_id).where(where)).all())


def rows_of_tracks(
    connection: Connection, log_id: str, track_ids: Iterable[str], until: int
) -> list[Stored]:
    """Return the rows of tracks and of all that were merged with them or split from them."""
    found: dict[int, Any] = {}
    known, new = set(track_ids), list(track_ids)
    while new:
        part, new = new[:IN_ONE_QUERY], new[IN_ONE_QUERY:]
        where = or_(EDITS.c.track_id.in_(part), EDITS.c.other_id.in_(part))
        query = _select(log_id, EDITS.c.other_id).where(where & (EDITS.c.revision <= until))
        for row in connection.execute(query):
            found[row[0]] = row[:-1]
            for name in (row.track_id, row.other_id):
                if name is not None and name not in known:
                    known.add(name)
                    new.append(name)
    return _stored([found[revision] for revision in sorted(found)])


def rows_of_ids(connection: Connection, edit_ids: Sequence[str]) -> dict[str, Any]:
    """Return log, revision, track, other track and content hash of stored edits, by id."""
    columns = (EDITS.c.edit_id, EDITS.c.log_id, EDITS.c.revision, EDITS.c.track_id)
    found = {}
    for start in range(0, len(edit_ids), IN_ONE_QUERY):
        part = edit_ids[start : start + IN_ONE_QUERY]
        query = select(*columns, EDITS.c.other_id, EDITS.c.content_sha256)
        for row in connection.execute(query.where(EDITS.c.edit_id.in_(part))):
            found[row.edit_id] = row
    return found


def values(log_id: str, row: Stored, other_id: str | None, content_sha256: str) -> dict[str, Any]:
    """Return a row as the table has it."""
    edit = row.edit
    return {
        "log_id": log_id,
        "revision": row.revision,
        "edit_id": edit.edit_id,
        "kind": edit.kind,
        "track_id": edit.track_id,
        "other_id": other_id,
        "timestamp_ns": edit.timestamp_ns,
        "before_json": as_json(edit.before),
        "after_json": as_json(edit.after),
        "base_revision": edit.base_revision,
        "author": edit.author,
        "source": edit.source,
        "active_s": float(edit.active_s),
        "server_time_ns": row.server_time_ns,
        "client_time_ns": edit.client_time_ns,
        "ontology_version": edit.ontology_version,
        "content_sha256": content_sha256,
    }


def _select(log_id: str, *more: Column[Any]) -> Select[Any]:
    columns = [EDITS.c[name] for name in _READ]
    return select(*columns, *more).where(EDITS.c.log_id == log_id).order_by(EDITS.c.revision)


def _stored(rows: Sequence[Any]) -> list[Stored]:
    # One parse of all texts is several times quicker than one each.
    after = json.loads("[" + ",".join([row[6] for row in rows]) + "]")
    before = json.loads("[" + ",".join([row[7] for row in rows]) + "]")
    return [
        Stored(
            r[0],
            r[1],
            Edit(
                edit_id=r[2],
                kind=r[3],
                track_id=r[4],
                timestamp_ns=r[5],
                after=now,
                before=then,
                base_revision=r[8],
                author=r[9],
                source=r[10],
                active_s=r[11],
                client_time_ns=r[12],
                ontology_version=r[13],
            ),
        )
        for r, now, then in zip(rows, after, before, strict=True)
    ]
