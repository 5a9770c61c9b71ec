"""One track out of a table: the rows that a filter finds, in their order."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from labelled_logs import IDS, labels
from perception_label import schema
from perception_label.errors import SettingError
from perception_label.geometry.labels import Labels
from perception_label.storage.dense import DenseBoxes, _order
from perception_label.tables import labels_to_table


def test_a_track_is_what_a_filter_finds():
    table = labels_to_table(labels(), "solver")
    boxes = DenseBoxes(table)
    for name in IDS:
        found = boxes.track(name)
        assert found.schema.equals(schema.CUBOIDS)
        assert found.equals(table.filter(pc.equal(table["track_id"].cast(pa.string()), name)))


def test_tables_of_several_pieces_are_one():
    table = labels_to_table(labels(), "solver")
    pieces = pa.concat_tables(
        [labels_to_table(labels(seed, n=9), f"s{seed}") for seed in range(3)] + [table]
    )
    found = DenseBoxes(pieces).track("007")
    kept = pieces.filter(pc.equal(pieces["track_id"].cast(pa.string()), "007"))
    assert found.to_pylist() == kept.to_pylist()


def test_more_tracks_than_16_bits_count():
    rng = np.random.default_rng(0)
    tracks = rng.integers(0, 200_000, 5_000).astype(np.int32)
    assert np.array_equal(_order(tracks), np.argsort(tracks, kind="stable"))


def test_a_track_without_boxes_is_said():
    given = labels()
    rest = given[given.tracks != given.track_names.index("7")]
    for name in ("7", "nobody"):
        with pytest.raises(SettingError, match=f"with boxes, got '{name}'"):
            DenseBoxes(labels_to_table(rest, "solver")).track(name)
    for empty in (labels_to_table(given[:0], "solver"), schema.CUBOIDS.empty_table()):
        with pytest.raises(SettingError, match="with boxes, got"):
            DenseBoxes(empty).track("7")


def test_the_workspace_gives_one_track_and_prefers_what_was_solved(town, tmp_path):
    from perception_label import open_workspace
    from towns import first

    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(first(town, 3))
    log = workspace.log()
    truth = log.truth()
    log.write_machine("proposals", labels_to_table(truth, "model:proposals"))
    name = truth.track_names[int(np.bincount(truth.tracks).argmax())]
    assert set(workspace.cuboids(log, track=name)["source"].to_pylist()) == {"model:proposals"}
    keep = truth[truth.tracks == truth.track_names.index(name)]
    moved = Labels.from_columns(
        keep.timestamps_ns, [name] * len(keep), ["bus"] * len(keep), keep.cuboids
    )
    log.write_machine("solved", labels_to_table(moved, "solver"))
    for given in (log, None):
        one = workspace.cuboids(given, track=name)
        assert set(one["source"].to_pylist()) == {"solver"}
        assert one.equals(workspace.cuboids(given))
    assert workspace.tracks(log)["class_name"].to_pylist() == ["bus"]
    # A result that takes its place is seen by a log that is open.
    log.write_machine("solved", labels_to_table(moved[:1], "solver"))
    assert len(workspace.cuboids(log, track=name)) == 1
    assert len(workspace.cuboids(log, "ego", track=name)) == 1


def test_the_docs_example_runs(town, tmp_path, monkeypatch):
    from conftest import ROOT
    from perception_label import open_workspace
    from towns import first

    monkeypatch.chdir(tmp_path)
    open_workspace("ws", create=True).ingest(first(town, 3))
    text = (ROOT / "docs" / "edits.md").read_text(encoding="utf-8")
    found = {}
    exec(text.partition("```python\n")[2].partition("```")[0], found)
    assert found["state"].tracks["t1"].size_m.tolist() == [4.4, 1.8, 1.5]
    assert len(found["edits"].track("t1").keyframes) == 0


def test_a_workspace_has_an_edit_log_for_each_log(town, tmp_path):
    from perception_label import open_workspace
    from perception_label.storage.edits import make
    from towns import first

    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(first(town, 3))
    edits = workspace.edits()
    at_ns = int(workspace.log().timestamps_ns[1])
    edits.append(
        [make.create_track("a", "car"), make.set_keyframe("a", at_ns, [1.0, 2.0, 0.5], 0.1)]
    )
    assert workspace.edits(workspace.logs()[0]).track("a").key_timestamps_ns.tolist() == [at_ns]
    assert (workspace.path / "ontology.yaml").exists()
    # Another opening of the workspace, and an ingest of the same log again, keep the edits.
    workspace.ingest(first(town, 3), replace=True)
    assert open_workspace(workspace.path).edits().state().tracks.keys() == {"a"}
