import numpy as np
import pytest

from perception_label.pipeline.export import export
from perception_label.pipeline.solve import solve
from perception_label.pipeline.unsolved import unsolved
from perception_label.storage.edits import make
from served import Served


@pytest.fixture
def held(town_workspace, tmp_path):
    return Served(town_workspace, tmp_path / "ws")


def now(held):
    return unsolved(held.log, held.workspace.edits(held.log).state())


def test_what_was_edited_is_unsolved_until_it_is_solved(held):
    assert now(held) == ()
    one, two = sorted(held.tracks().values(), key=lambda t: -len(t["sweeps"]))[:2]
    held.post(held.key_op(one))
    held.post(held.key_op(two, kind="delete", after={}))
    assert set(now(held)) == {one["track_id"], two["track_id"]}
    solve(held.workspace, held.log, workers=1)
    assert now(held) == ()
    held.post(held.key_op(one, 1, base_revision=None))
    assert now(held) == (one["track_id"],)


def test_a_track_without_any_place_is_never_waited_for(held):
    held.workspace.edits(held.log).append([make.create_track("nowhere", "car")])
    assert now(held) == ()


def test_an_export_solves_what_was_edited_and_no_more(held, tmp_path, monkeypatch):
    from perception_label.pipeline import solve as module

    name, track = max(held.tracks().items(), key=lambda item: len(item[1]["sweeps"]))
    op = held.key_op(track, 3)
    held.post(op)
    export(held.workspace, tmp_path / "out", "csv")
    boxes = held.workspace.cuboids(held.log, track=name)
    row = boxes.column("timestamp_ns").to_pylist().index(int(op["timestamp_ns"]))
    assert boxes.column("x_m").to_pylist()[row] == pytest.approx(op["after"]["center_m"][0])
    written = (tmp_path / "out" / f"{held.log.id}.csv").read_bytes()
    monkeypatch.setattr(module, "solve", lambda *_: pytest.fail("nothing was edited since"))
    export(held.workspace, tmp_path / "out", "csv")
    assert (tmp_path / "out" / f"{held.log.id}.csv").read_bytes() == written
    # Who names a result gets it as it is.
    held.post(held.key_op(track, 4, base_revision=None))
    report = export(held.workspace, tmp_path / "out", "csv", source="proposals")
    assert report.n_boxes == len(held.log.machine("proposals"))
    assert np.array(now(held)).tolist() == [name]
