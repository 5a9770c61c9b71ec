"""The review queue of a whole log."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perception_label import open_workspace, review_queue
from perception_label.pipeline.imported import import_labels
from perception_label.pipeline.sources import checked_strata, source_gates
from perception_label.quality import stopping
from perception_label.quality.queue import KINDS
from perception_label.storage.edits import make
from perception_label.tables import labels_from_table, labels_to_table


@pytest.fixture(scope="module")
def queue(town_workspace):
    return review_queue(town_workspace.log(), workers=1)


def test_every_track_is_shown_once(queue, town_workspace):
    labels = labels_from_table(town_workspace.cuboids())
    shown = [item.track_id for item in queue.of_kind("track")]
    assert sorted(shown) == sorted(labels.track_names)
    assert len(set(shown)) == len(shown)


def test_the_worst_come_first(queue):
    expected = [item.expected_error for item in queue]
    assert expected == sorted(expected, reverse=True)
    assert [item.rank for item in queue] == list(range(len(queue)))
    assert {item.kind for item in queue} <= set(KINDS)
    assert len({item.item_id for item in queue}) == len(queue)


def test_any_number_of_workers_gives_the_same_queue(queue, town_workspace):
    assert review_queue(town_workspace.log(), workers=2) == queue


def test_candidates_are_shown_as_missing_objects(queue, town_workspace):
    candidates = labels_from_table(town_workspace.log().machine("candidates"))
    shown = {i.track_id for i in queue.of_kind("missing")}
    assert shown >= set(candidates.track_names)
    assert len(shown) > 0


@pytest.fixture
def edited(town_workspace, tmp_path):
    """A copy of the town with an edit log of its own."""
    shutil.copytree(town_workspace.path, tmp_path / "ws")
    return open_workspace(tmp_path / "ws")


def test_what_was_decided_leaves_the_queue(queue, edited):
    log, edits = edited.log(), edited.edits()
    tracks = queue.of_kind("track")
    gone = {"accept": tracks[0], "reject": tracks[1], "finalise": tracks[2], "delete": tracks[3]}
    for item in gone.values():
        edits.append([make.create_track(item.track_id, item.class_name, source="model:proposals")])
    assert {i.track_id for i in review_queue(log).of_kind("track")} == {i.track_id for i in tracks}
    edits.append(
        [
            make.verdict(gone["accept"].track_id, "accept"),
            make.verdict(gone["reject"].track_id, "reject"),
            make.finalise(gone["finalise"].track_id),
            make.delete(gone["delete"].track_id),
        ]
    )
    left = {i.track_id for i in review_queue(log) if i.kind != "missing"}
    assert left.isdisjoint(i.track_id for i in gone.values())
    assert {i.track_id for i in tracks[4:]} <= left


def test_a_candidate_that_was_rejected_or_taken_leaves_the_queue(queue, edited):
    first, second = queue.of_kind("missing")[:2]
    edits = edited.edits()
    edits.append(
        [
            make.create_track(first.track_id, "car"),
            make.verdict(first.track_id, "reject"),
            make.create_track(second.track_id, "car"),
        ]
    )
    left = {i.track_id for i in review_queue(edited.log()).of_kind("missing")}
    assert left.isdisjoint({first.track_id, second.track_id})
    assert len(left) > 0


def test_a_class_that_a_person_gave_is_the_items(queue, edited):
    item = queue.of_kind("track")[0]
    name = "bus" if item.class_name != "bus" else "car"
    edited.edits().append(
        [make.create_track(item.track_id, item.class_name), make.set_class(item.track_id, name)]
    )
    again = [i for i in review_queue(edited.log()).of_kind("track") if i.track_id == item.track_id]
    assert [i.class_name for i in again] == [name]
    assert f"/{name}/" in again[0].stratum


def test_verdicts_of_every_log_in_the_workspace_teach(edited, monkeypatch):
    """With the gate of luck open, what was learned ranks the rest."""
    from perception_label.pipeline.learn import learn_log
    from perception_label.proposals import learn as rules

    log, edits = edited.log(), edited.edits()
    queue = review_queue(log)
    judged = [i for i in queue if i.kind in ("track", "missing")][::2]
    rows = []
    for item in judged:
        rows += [make.create_track(item.track_id, item.class_name)]
        rows += [make.verdict(item.track_id, "accept" if item.kind == "track" else "reject")]
    edits.append(rows)
    found = learn_log(log, edits.state())
    assert found.learned.n_right == sum(i.kind == "track" for i in judged)
    assert found.learned.n_wrong == sum(i.kind == "missing" for i in judged)
    assert (found.probability != {}) == found.learned.is_used
    monkeypatch.setattr(rules, "SURE", -100.0)
    taught = learn_log(log, edits.state()).probability
    again = review_queue(log)
    assert again.notes[0].startswith("learned from")
    for item in again.of_kind("track"):
        assert item.score == pytest.approx(taught[item.track_id])


def judge(edits, answers):
    """Accept (True) or reject (False) tracks by id."""
    for track_id, is_right in answers.items():
        verdict = "accept" if is_right else "reject"
        edits.append([make.create_track(track_id, "car"), make.verdict(track_id, verdict)])


def test_a_band_that_was_too_often_wrong_is_only_shown_as_tiles(queue, edited, monkeypatch):
    monkeypatch.setattr(stopping, "GATE_CHECKS", 2)
    tracks = queue.of_kind("track")
    bands = {}
    for item in tracks:
        bands.setdefault(item.stratum.rsplit("/", 1)[1], []).append(item.track_id)
    band, members = next((b, m) for b, m in bands.items() if len(m) > 3)
    judge(edited.edits(), dict.fromkeys(members[:2], False))
    gate = source_gates(edited.log(), edited.edits().state())[f"model:proposals/{band}"]
    assert (gate.n_checked, gate.n_right, gate.is_shown) == (2, 0, False)
    again = review_queue(edited.log())
    assert any("not shown" in note for note in again.notes)
    assert {i.track_id for i in again.of_kind("missing")} >= set(members[2:])
    others = {i.track_id for i in tracks} - set(members)
    assert {i.track_id for i in again.of_kind("track")} == others


def test_strata_tell_what_was_checked(queue, edited):
    tracks = queue.of_kind("track")
    before = checked_strata(edited.log(), edited.edits().state())
    assert sum(b.n_total for b in before) == len(tracks)
    assert {b.stratum for b in before} == set(queue.strata())
    assert all((b.n_checked, b.error_rate) == (0, 1) for b in before)
    name, members = next(iter(queue.strata().items()))
    judge(edited.edits(), {i.track_id: True for i in members})
    after = {b.stratum: b for b in checked_strata(edited.log(), edited.edits().state())}
    assert (after[name].n_checked, after[name].error_rate) == (len(members), 0)


def write_boxes(workspace, path, shift_m):
    boxes = workspace.cuboids().to_pylist()
    for row in boxes:
        row["x_m"] += shift_m
        row["track_id"] = "t" + row["track_id"]
    pq.write_table(pa.Table.from_pylist(boxes), path)
    return path


def test_another_source_is_compared_and_gated(queue, edited, tmp_path, monkeypatch):
    log = edited.log()
    import_labels(edited, write_boxes(edited, tmp_path / "same.parquet", 0.0))
    assert review_queue(log).items == queue.items
    import_labels(edited, write_boxes(edited, tmp_path / "odd.parquet", 400.0))
    found = review_queue(log).of_kind("disagreement")
    assert {i.source for i in found} == {"imported:odd"}
    assert {i.track_id for i in found} >= {f"odd:t{i.track_id}" for i in queue.of_kind("track")}
    answers = [i.track_id for i in queue.of_kind("track")][:4]
    judge(edited.edits(), {answers[0]: False, answers[1]: True, answers[2]: True})
    judge(edited.edits(), {f"odd:t{answers[0]}": False, f"odd:t{answers[1]}": False})
    checked = source_gates(log, edited.edits().state())
    assert (checked["imported:odd"].n_checked, checked["imported:odd"].n_right) == (2, 0)
    assert checked["imported:same"].n_right == 2
    assert checked["imported:same"].n_checked == 3
    monkeypatch.setattr(stopping, "GATE_CHECKS", 2)
    after = review_queue(log)
    assert not [i for i in after if i.source == "imported:odd"]
    assert any(note.startswith("imported:odd: not shown") for note in after.notes)


def test_a_solved_track_keeps_its_probability_until_a_person_sets_a_box(queue, edited):
    log, edits = edited.log(), edited.edits()
    items = {i.track_id: i for i in queue.of_kind("track")}
    proposed = labels_from_table(log.dense_boxes("proposals"))
    sure = replace(proposed, scores=np.ones(len(proposed)))
    log.write_machine("solved", labels_to_table(sure, "solver"))
    edits.append([make.create_track(k, i.class_name) for k, i in items.items()])
    touched = queue.of_kind("track")[0]
    box = make.set_keyframe(touched.track_id, touched.at_ns, touched.center_m, touched.yaw_rad)
    edits.append([box])
    for item in review_queue(log).of_kind("track"):
        if item.track_id == touched.track_id:
            assert (item.score, item.source) == (1.0, "solver")
        else:
            assert item.score == pytest.approx(items[item.track_id].score)
            assert item.source == "model:proposals"
