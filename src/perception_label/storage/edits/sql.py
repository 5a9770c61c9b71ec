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
from perception_label.storage.edits.verbs import Change

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
# What `Change` and `Row` are made of, in this order; texts of JSON last.
_CHANGE = (
    "revision",
    "edit_id",
    "kind",
    "track_id",
    "other_id",
    "timestamp_ns",
    "source",
    "ontology_version",
    "after_json",
)
_ROW = (
    "revision",
    "server_time_ns",
    "edit_id",
    "kind",
    "track_id",
    "timestamp_ns",
    "base_revision",
    "author",
    "source",
    "active_s",
    "client_time_ns",
    "ontology_version",
    "after_json",
    "before_json",
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


def changes_of_log(connection: Connection, log_id: str, until: int, after: int = 0) -> list[Change]:
    """Return the changes of a log after a revision and up to another, ascending."""
    query = _select(_CHANGE, log_id).where(EDITS.c.revision > after, EDITS.c.revision <= until)
    return _changes(connection.execute(query.order_by(EDITS.c.revision)).all())


def changes_of_tracks(
    connection: Connection, log_id: str, track_ids: Iterable[str], until: int
) -> list[Change]:
    """Return the changes of tracks and of all that were merged with them or split from them."""
    found: dict[int, Any] = {}
    new = list(dict.fromkeys(track_ids))
    known = set(new)
    while new:
        part, new = new[:IN_ONE_QUERY], new[IN_ONE_QUERY:]
        # Two queries, each along its index: one with OR and an order would read the whole log.
        for column in (EDITS.c.track_id, EDITS.c.other_id):
            query = _select(_CHANGE, log_id).where(column.in_(part))
            for row in connection.execute(query.where(EDITS.c.revision <= until)).all():
                found[row[0]] = row
                for name in row[3:5]:
                    if name is not None and name not in known:
                        known.add(name)
                        new.append(name)
    return _changes([found[revision] for revision in sorted(found)])


def rows(
    connection: Connection, log_id: str, track_id: str | None, after: int, until: int
) -> list[Stored]:
    """Return whole rows after a revision and up to another, ascending, of a log or a track."""
    query = _select(_ROW, log_id).where(EDITS.c.revision > after, EDITS.c.revision <= until)
    if track_id is not None:
        query = query.where(or_(EDITS.c.track_id == track_id, EDITS.c.other_id == track_id))
    return _rows(connection.execute(query.order_by(EDITS.c.revision)).all())


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


def _select(names: Sequence[str], log_id: str) -> Select[Any]:
    return select(*(EDITS.c[name] for name in names)).where(EDITS.c.log_id == log_id)


def _changes(found: Sequence[Any]) -> list[Change]:
    parsed = _parsed(found, 8)
    return [Change._make((*row[:8], after)) for row, after in zip(found, parsed, strict=True)]


def _rows(found: Sequence[Any]) -> list[Stored]:
    stored = []
    for row, after, before in zip(found, _parsed(found, 12), _parsed(found, 13), strict=True):
        edit = Edit(
            edit_id=row[2],
            kind=row[3],
            track_id=row[4],
            timestamp_ns=row[5],
            after=after,
            before=before,
            base_revision=row[6],
            author=row[7],
            source=row[8],
            active_s=row[9],
            client_time_ns=row[10],
            ontology_version=row[11],
        )
        stored.append(Stored(row[0], row[1], edit))
    return stored


def _parsed(found: Sequence[Any], column: int) -> list[Any]:
    # One parse of all texts is several times quicker than one each.
    parsed: list[Any] = json.loads("[" + ",".join([row[column] for row in found]) + "]")
    return parsed
