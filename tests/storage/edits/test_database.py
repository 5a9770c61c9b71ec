"""The place of edits: only added to, never written over, refused where it cannot be right."""

import os
import shutil
import sqlite3

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from edit_logs import at, key, open_log, plain
from perception_label.errors import EditError, SettingError, WorkspaceError
from perception_label.storage.edits import make, migrations, sql
from perception_label.storage.edits.database import Database


def filled(folder, n=300):
    log = open_log(folder)
    log.append([make.create_track(f"t{k}", "car") for k in range(n)])
    log.append([key(f"t{k}", k % 100) for k in range(n)])
    log.close()
    return folder / "labels.db"


def both(folder):
    """Reading and appending, each as a process that opens the log anew."""
    return (
        lambda: open_log(folder).state(),
        lambda: open_log(folder).append([make.create_track("new", "car")]),
    )


@pytest.mark.parametrize("verb", ["UPDATE edits SET author = 'x'", "DELETE FROM edits"])
@pytest.mark.parametrize("table", ["edits", "ontologies"])
def test_rows_are_only_ever_added(log, verb, table):
    log.append([make.create_track("a", "car")])
    verb = verb.replace("edits", table).replace("author", "version")
    if table == "edits":
        verb = verb.replace("version", "author")
    with log._database.writing() as connection, pytest.raises(DBAPIError, match="only ever added"):
        connection.execute(text(verb))
    assert log.revision == 1


def test_a_committed_row_is_on_the_disk(file_log):
    with file_log._database.writing() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("synchronous", "journal_mode", "busy_timeout")
        ]
    assert settings == [2, "wal", 60_000]  # 2 is FULL


def test_the_steps_make_the_tables_that_queries_see(log):
    log.append([make.create_track("a", "car")])
    with log._database.reading() as connection:
        seen = inspect(connection)
        for table in sql.METADATA.sorted_tables:
            columns = {c["name"]: c for c in seen.get_columns(table.name)}
            assert list(columns) == table.columns.keys()
            for column in table.columns:
                assert columns[column.name]["nullable"] == column.nullable
                same = columns[column.name]["type"].python_type == column.type.python_type
                assert same, column.name


def test_a_database_of_an_older_release_is_brought_up(log, tmp_path, monkeypatch):
    log.append([make.create_track("a", "car"), key("a", 3)])
    was = plain(log.track("a"))
    log.close()
    step = (("CREATE TABLE tasks (task_id TEXT NOT NULL PRIMARY KEY)",), {})
    step = (step[0], {"sqlite": (), "postgresql": ()})
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
    assert plain(log.track("a")) == was
    with log._database.reading() as connection:
        assert migrations.version(connection) == 3
        assert inspect(connection).has_table("tasks")
    log.close()
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="got version 3: a newer release") as error:
        log.state()
    assert "\n" not in str(error.value)
    with pytest.raises(WorkspaceError, match="got version 3: a newer release"):
        log.append([make.delete("a")])


def test_a_step_that_fails_leaves_all_as_it_was(file_log, monkeypatch):
    file_log.append([make.create_track("a", "car")])
    file_log.close()
    broken = (("CREATE TABLE tasks (task_id TEXT)", "NO SUCH VERB"), {"sqlite": ()})
    with monkeypatch.context() as context:
        context.setattr(migrations, "STEPS", (*migrations.STEPS, broken))
        with pytest.raises(WorkspaceError, match="expected the database to do it"):
            file_log.state()
    assert file_log.state().tracks.keys() == {"a"}
    with file_log._database.reading() as connection:
        assert not inspect(connection).has_table("tasks")


def damaged(path, how):
    data = path.read_bytes()
    return {
        "empty": b"",
        "half": data[: len(data) // 2],
        "a page less": data[:-4096],
        "no multiple of a page": data[:-1000],
        "first page": data[:4096],
        "other": b"not a database, but long enough to look at" * 200,
        "garbled": data[:8192] + b"\x5a" * 20_000 + data[28_192:],
    }[how]


@pytest.mark.parametrize(
    "how",
    ["empty", "half", "a page less", "no multiple of a page", "first page", "other", "garbled"],
)
def test_a_damaged_database_is_refused_and_not_written_over(how, tmp_path):
    path = filled(tmp_path)
    path.write_bytes(damaged(path, how))
    was = path.read_bytes()
    for call in both(tmp_path):
        with pytest.raises(WorkspaceError, match=r"labels\.db: expected a") as error:
            call()
        assert "\n" not in str(error.value)
        assert path.read_bytes() == was


def test_another_programs_database_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "labels.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    for call in both(tmp_path):
        with pytest.raises(WorkspaceError, match="got no such tables"):
            call()


def test_a_place_that_may_only_be_read_is_read(tmp_path, monkeypatch):
    filled(tmp_path, n=3)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    can = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and can(path, mode))
    read, append = both(tmp_path)
    assert read().tracks.keys() == {"t0", "t1", "t2"}
    with pytest.raises(WorkspaceError, match=r"labels\.db: expected to write, got: it may not be"):
        append()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_rows_still_beside_the_file_are_read_where_nothing_may_be_written(tmp_path, monkeypatch):
    log = open_log(tmp_path)
    log.append([make.create_track("a", "car")])
    # As a kill leaves it: the last rows only in the file beside.
    shutil.copytree(tmp_path, tmp_path / "copy")
    log.close()
    assert (tmp_path / "copy" / "labels.db-wal").stat().st_size > 0
    can = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and can(path, mode))
    assert open_log(tmp_path / "copy").state().tracks.keys() == {"a"}


def test_a_folder_that_is_not_there_is_said(tmp_path):
    log = open_log(tmp_path, place=tmp_path / "gone" / "labels.db")
    with pytest.raises(WorkspaceError, match=r"labels\.db: expected to write"):
        log.append([make.create_track("a", "car")])


def test_a_writer_that_never_ends_is_said(file_log, monkeypatch):
    file_log.append([make.create_track("a", "car")])
    other = sqlite3.connect(file_log._database.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with file_log._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    with pytest.raises(WorkspaceError, match="expected its turn to write"):
        file_log.append([make.delete("a")])
    assert file_log.track("a").is_live  # reading goes on
    other.close()


def test_a_full_disk_is_said_and_loses_nothing(file_log):
    file_log.append([make.create_track("a", "car")])
    with file_log._database.reading() as connection:
        n_pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {n_pages}")
    with pytest.raises(WorkspaceError, match="the disk is full"):
        file_log.append([make.comment("a", "x" * 100_000)])
    file_log.close()
    assert file_log.append([make.comment("a", "x" * 100_000)])[0].revision == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/x", "expected a PostgreSQL URL"),
        ("sqlite:///x.db", "expected a PostgreSQL URL"),
        ("no url", "expected a URL"),
    ],
)
def test_a_url_of_something_else_is_refused(url, message, tmp_path):
    with pytest.raises(SettingError, match=message):
        open_log(tmp_path, place=url).state()


def test_a_server_that_is_away_is_said_without_the_password(tmp_path):
    pytest.importorskip("psycopg")
    log = open_log(tmp_path, place=f"postgresql://ann:secret@/x?host={tmp_path}")
    with pytest.raises(WorkspaceError, match="expected the database") as error:
        log.state()
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_forked_process_opens_its_own(file_log):
    file_log.append([make.create_track("a", "car")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if file_log.append([key("a", 4)])[0].status == "appended" else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert file_log.append([key("a", 5)])[0].revision == 3
    assert file_log.track("a").key_timestamps_ns.tolist() == [at(4), at(5)]


def test_a_changed_ontology_needs_a_new_version(log, tmp_path):
    log.append([make.create_track("a", "car")])
    path = tmp_path / "ontology.yaml"
    was = path.read_text()
    path.write_text(was + "# a remark\n")
    with pytest.raises(EditError, match="raise its version"):
        log.append([make.set_class("a", "bus")])
    path.write_text(was.replace("version: 2\n", "version: 2b\n").replace("bus", "coach"))
    with pytest.raises(EditError, match=r"expected one of car, truck, coach.*2b.*got 'bus'"):
        log.append([make.set_class("a", "bus")])
    assert log.append([make.set_class("a", "coach")])[0].track.ontology_version == "2b"
    assert [row.edit.ontology_version for row in log.history()] == ["2", "2b"]
    with log._database.reading() as connection:
        kept = connection.execute(text("SELECT version, content FROM ontologies ORDER BY 1"))
        assert [tuple(row) for row in kept] == [("2", was), ("2b", path.read_text())]


def test_the_place_is_named_in_words(tmp_path):
    assert Database(tmp_path / "x.db").where.endswith("x.db")
    assert create_engine("sqlite://").dialect.name in migrations.STEPS[0][1]
