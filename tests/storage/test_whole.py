import errno
import subprocess
import sys

import pyarrow as pa
import pytest

from perception_label import open_workspace
from perception_label.errors import WorkspaceError
from perception_label.storage import whole
from perception_label.storage.whole import lock, write_table, write_text
from recordings import recording

HOLD = """
import sys
from pathlib import Path
from perception_label.storage.whole import lock
with lock(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "facts.json"
    write_text(path, "old")

    def full(beside, text):
        beside.write_text(text[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole, "_fill_text", full)
    with pytest.raises(WorkspaceError, match=r"facts.json: .*got: the disk is full"):
        write_text(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["facts.json"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EROFS, "read-only"), (errno.EACCES, "may not be written")]
)
def test_a_place_that_may_not_be_written_is_one_clear_line(tmp_path, monkeypatch, number, reason):
    def refuse(*args, **kwargs):
        raise OSError(number, "no")

    monkeypatch.setattr(whole.os, "open", refuse)
    monkeypatch.setattr(whole, "_fill_text", refuse)
    with pytest.raises(WorkspaceError, match=reason):
        open_workspace(tmp_path / "ws").ingest(recording(1))
    with pytest.raises(WorkspaceError, match=reason), lock(tmp_path / "x.lock", 1):
        pass


def test_the_same_table_gives_the_same_bytes(tmp_path):
    table = pa.table({"a": [1, 2, 3]})
    for name in ("one", "two"):
        write_table(tmp_path / name, table)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert whole.read_table(tmp_path / "one").equals(table)


def test_only_one_process_writes_and_a_dead_one_holds_nothing(tmp_path):
    path = tmp_path / "yard.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout.readline() == "held\n"
        told = []
        with (
            pytest.raises(WorkspaceError, match="expected to be the only writer"),
            lock(path, 0.2, told.append),
        ):
            pass
        assert told == ["waiting: another process is writing yard"]
    finally:
        other.kill()
        other.communicate()
    with lock(path, 5):
        pass
