import errno

import pytest

from perception_label import open_workspace
from perception_label.errors import WorkspaceError
from perception_label.export import labelled
from perception_label.pipeline.export import export
from recordings import recording


@pytest.fixture
def workspace(tmp_path):
    ws = open_workspace(tmp_path / "ws")
    ws.ingest(recording())
    ws.log().write_machine("proposals", ws.truth())
    return ws


def test_a_full_disk_leaves_the_file_that_was_there(workspace, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export(workspace, out, "csv")
    before = {p: p.read_bytes() for p in out.iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(labelled.Labelled, "batches", full)
    with pytest.raises(WorkspaceError, match="the disk is full"):
        export(workspace, out, "csv")
    assert {p: p.read_bytes() for p in out.iterdir()} == before


def test_exporting_twice_gives_the_same_bytes(workspace, tmp_path):
    once = [p.read_bytes() for p in export(workspace, tmp_path / "a", "kitti-tracking").files]
    again = [p.read_bytes() for p in export(workspace, tmp_path / "a", "kitti-tracking").files]
    assert once == again
