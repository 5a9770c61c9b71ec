"""Lists of many threads in one transaction: each is answered for itself."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from perception_label.errors import EditError, WorkspaceError
from perception_label.storage.edits import database, make, together


@pytest.fixture
def edits(town_workspace, tmp_path):
    import shutil

    from perception_label import open_workspace

    shutil.copytree(town_workspace.path, tmp_path / "ws")
    workspace = open_workspace(tmp_path / "ws")
    log = workspace.edits(workspace.log())
    log.append([make.create_track("known", "car")])
    return log


@pytest.fixture
def crowd(edits, monkeypatch):
    """Append lists so that all of them but the first line up behind it."""
    go, begun, transactions = Event(), Event(), []
    real = together.Together._write_all

    def slow(self):
        transactions.append(None)
        if len(transactions) == 1:
            begun.set()
            go.wait(10)
        real(self)

    monkeypatch.setattr(together.Together, "_write_all", slow)

    def appended(lists):
        with ThreadPoolExecutor(len(lists)) as pool:
            futures = [pool.submit(edits.append, lists[0])]
            begun.wait(10)
            futures += [pool.submit(edits.append, each) for each in lists[1:]]
            while len(edits._together._waiting) < len(lists):
                pass
            go.set()
            return [future.exception() or future.result()[0].status for future in futures]

    return appended, transactions


def test_lists_that_line_up_share_a_transaction(edits, crowd):
    appended, transactions = crowd
    before = edits.revision
    lists = [[make.comment("known", str(k))] for k in range(20)]
    assert appended(lists) == ["appended"] * 20
    assert len(transactions) == 1
    assert edits.revision == before + 20
    assert len(edits.state().tracks["known"].comments) == 20


def test_one_that_cannot_be_takes_no_other_with_it(edits, crowd):
    appended, _ = crowd
    good = make.comment("known", "good", base_revision=edits.revision)
    half = [make.comment("known", "half"), make.delete("nobody")]
    late = make.delete("known", base_revision=0)
    found = appended([[good], half, [late], [good], [make.comment("known", "last")]])
    assert isinstance(found[1], EditError)
    assert [found[k] for k in (0, 2, 3, 4)] == ["appended", "conflict", "duplicate", "appended"]
    assert sorted(edits.state().tracks["known"].comments) == ["good", "last"]


def test_where_nothing_can_be_written_all_are_told(edits, crowd, monkeypatch):
    appended, _ = crowd
    before = edits.revision
    monkeypatch.setattr(database, "_is_sealed", lambda _place: True)
    found = appended([[make.comment("known", str(k))] for k in range(3)])
    assert all(isinstance(each, WorkspaceError) for each in found)
    monkeypatch.undo()
    assert edits.revision == before
    assert edits.append([make.comment("known", "again")])[0].status == "appended"
