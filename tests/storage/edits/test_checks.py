"""Edits that cannot be are refused in one line, and nothing of their list is stored."""

from dataclasses import replace

import numpy as np
import pytest

from edit_logs import TIMES, at, key, open_log
from perception_label.errors import EditError
from perception_label.storage.edits import EditLog, make
from perception_label.storage.edits.database import Database
from perception_label.storage.edits.edit import KINDS

NAN = float("nan")


@pytest.fixture
def log(file_log):
    """Track `a` with a lifespan and a person's keyframe; `b` far away; `gone` deleted."""
    file_log.append(
        [
            make.create_track("a", "car", span_ns=(at(10), at(60))),
            make.create_track("b", "car"),
            make.create_track("gone", "car"),
            key("a", 20),
            key("a", 30, source="model:x"),
            key("b", 20, x=50),
            make.delete("gone"),
        ]
    )
    return file_log


def posed(track_id, timestamp_ns):
    return make.set_keyframe(track_id, timestamp_ns, [0, 0, 0], 0)


BAD = {
    "before the log": (
        make.set_keyframe("a", at(0) - 1, [0, 0, 0], 0),
        "expected a sweep of the log",
    ),
    "after the log": (
        make.set_keyframe("a", at(99) + 1, [0, 0, 0], 0),
        "expected a sweep of the log",
    ),
    "between sweeps": (
        make.set_keyframe("b", at(3) + 7, [0, 0, 0], 0),
        "expected the time of a sweep",
    ),
    "outside the lifespan": (key("a", 61), "within the lifespan"),
    "no time": (replace(key("a", 20), timestamp_ns=None), "expected the time of a sweep"),
    "float time": (replace(key("a", 20), timestamp_ns=1.5), "whole number"),
    "zero size": (make.set_size("a", [0, 1, 1]), "lengths above 0"),
    "negative size": (make.set_size("a", [4, -2, 1]), "lengths above 0"),
    "NaN size": (make.set_size("a", [4, NAN, 1]), "three finite numbers"),
    "two sizes": (make.set_size("a", [4, 2]), "three finite numbers"),
    "keyframe without size": (make.set_keyframe("a", at(20), [0, 0, 0], 0, [1, 1, 0]), "above 0"),
    "NaN position": (make.set_keyframe("a", at(20), [NAN, 0, 0], 0), "three finite numbers"),
    "infinite position": (make.set_keyframe("a", at(20), [0, np.inf, 0], 0), "three finite"),
    "NaN yaw": (make.set_keyframe("a", at(20), [0, 0, 0], NAN), "yaw_rad: expected a finite"),
    "no keyframe there": (make.remove_keyframe("a", at(21)), "expected a keyframe at"),
    "model over person": (key("a", 20, source="model:x"), "keyframe by a person"),
    "model removes person's": (make.remove_keyframe("a", at(20), source="rule"), "by a person"),
    "lifespan leaves a keyframe out": (make.set_lifespan("a", at(21), at(60)), "keyframes at"),
    "lifespan beyond the log": (make.set_lifespan("a", at(0) - 1, at(60)), "within the log"),
    "lifespan backwards": (make.set_lifespan("b", at(60), at(10)), "within the log"),
    "static backwards": (make.set_static("b", at(60), at(10)), "within the log"),
    "outside beyond the log": (make.set_outside("b", at(60), at(99) + 1), "within the log"),
    "born with a bad lifespan": (make.create_track("n", "car", span_ns=(5, 3)), "within the log"),
    "unknown class": (make.set_class("a", "tank"), "expected one of car, truck.*got 'tank'"),
    "born with an unknown class": (make.create_track("n", "Car"), "expected one of car, truck"),
    "unknown attribute": (make.set_attribute("a", "colour", "red"), "expected one of occlusion"),
    "wrong type": (make.set_attribute("a", "is_emergency", "yes"), "expected a bool, got 'yes'"),
    "unknown value": (make.set_attribute("a", "occlusion", "some", at(3)), "one of none, partial"),
    "per sweep": (make.set_attribute("a", "occlusion", "most"), "expected a value per sweep"),
    "per track": (make.set_attribute("a", "note", "x", at(20)), "expected a value per track"),
    "not of this class": (
        make.set_attribute("a", "has_rider", True, at(9)),
        "motorcycle, bicycle",
    ),
    "attribute between sweeps": (make.set_attribute("a", "occlusion", "most", at(3) + 1), "sweep"),
    "unknown track": (make.set_class("nobody", "car"), "got no such track"),
    "deleted track": (key("gone", 5), "got one deleted"),
    "deleted twice": (make.delete("gone"), "got one deleted"),
    "there already": (make.create_track("a", "car"), "expected a new id"),
    "there and deleted": (make.create_track("gone", "car"), "expected a new id"),
    "merge far apart": (make.merge("a", "b"), "50.0 m away within 0.00 s"),
    "merge with itself": (make.merge("a", "a"), "got itself"),
    "merge with nothing": (make.merge("a", "nobody"), "got no such track"),
    "merge with the deleted": (make.merge("a", "gone"), "got a deleted one"),
    "split onto another": (make.split("a", at(40), "b"), "expected a new id to split to"),
    "split outside": (make.split("a", at(70), "n"), "expected to split within"),
    "undo of nothing": (make.undo("no such edit"), "got unknown"),
    "no verdict": (make.verdict("a", "maybe"), "one of accept, reject"),
    "no id": (make.create_track("", "car"), "1 to 200 characters"),
    "long id": (make.create_track("x" * 201, "car"), "1 to 200 characters"),
    "no author": (make.set_class("a", "car", author=""), "author: expected"),
    "negative time": (make.set_class("a", "car", active_s=-1.0), "active_s of 0 or more"),
    "NaN time": (make.set_class("a", "car", active_s=NAN), "active_s of 0 or more"),
    "unknown kind": (replace(make.delete("a"), kind="explode"), "expected a kind of create_track"),
    "unknown key": (replace(make.delete("a"), after={"x": 1}), "expected"),
    "missing key": (replace(make.set_class("a", "car"), after={}), "expected"),
    "words for numbers": (replace(make.set_size("a", [1, 1, 1]), after={"size_m": "big"}), "three"),
    "flag": (
        replace(make.set_static("a"), after={"first_ns": None, "last_ns": None, "is_static": 1}),
        "true or false",
    ),
    "NaN before": (replace(make.delete("a"), before={"x": NAN}), "expected what JSON holds"),
    "odd attributes": (
        make.create_track("n", "car", attributes={"note": NAN}),
        "expected what JSON holds",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused(log, name):
    edit, message = BAD[name]
    was = log.revision
    with pytest.raises(EditError, match=message) as error:
        log.append([make.create_track("fine", "car"), edit])
    assert "\n" not in str(error.value)
    assert "got" in str(error.value)
    assert log.revision == was


def test_numbers_that_are_none_are_refused_at_once():
    with pytest.raises(EditError, match="center_m: expected three numbers"):
        make.set_keyframe("a", at(3), ["x", "y", "z"], 0.0)


def test_every_kind_has_a_constructor():
    assert [kind for kind in KINDS if not callable(getattr(make, kind, None))] == []


def test_a_second_keyframe_at_a_sweep_replaces_the_first(log):
    track = log.append([key("a", 20, x=1), key("a", 20, x=2)])[0].track
    assert track.keyframes.center_m[:, 0].tolist() == [2, 0]
    assert track.key_timestamps_ns.tolist() == [at(20), at(30)]
    # A person's replaces a model's.
    assert log.append([key("a", 30, x=1)])[0].track.key_sources == ("human", "human")


def test_a_track_without_keyframe_is_a_track(log):
    track = log.append([make.create_track("n", "bus"), make.finalise("n")])[0].track
    assert len(track.keyframes) == 0
    assert track.keyframes.size_m.shape == (0, 3)
    track = log.append([make.remove_keyframe("b", at(20))])[0].track
    assert track.key_timestamps_ns.shape == (0,)


def test_a_leap_is_taken_and_told(log):
    outcome = log.append([key("b", 21, x=400)])[0]
    assert outcome.status == "appended"
    assert "350.0 m apart, farther than a car gets" in outcome.warnings[0]
    assert log.append([key("b", 22, x=401)])[0].warnings == ()


def test_overlapping_tracks_merge_if_one_object_can_be_both(log):
    log.append([make.create_track("c", "car"), key("c", 25, x=1), key("c", 30, x=1)])
    merged = log.append([make.merge("a", "c")])[0].track
    assert merged.key_timestamps_ns.tolist() == [at(20), at(25), at(30)]
    # At 30 a person's stands against a model's.
    assert merged.key_sources == ("human", "human", "human")


def test_an_undo_of_what_is_undone_is_refused(log):
    edit = make.set_class("a", "bus")
    undo = make.undo(edit.edit_id)
    log.append([edit, undo])
    with pytest.raises(EditError, match="got one undone already"):
        log.append([make.undo(edit.edit_id)])
    log.append([make.undo(undo.edit_id)])
    assert log.track("a").class_name == "bus"
    log.append([make.undo(edit.edit_id)])
    assert log.track("a").class_name == "car"


def test_an_undo_may_be_in_conflict(log):
    edit = make.set_class("a", "bus")
    seen = log.append([edit])[0].revision
    log.append([make.set_class("a", "truck")])
    assert log.append([make.undo(edit.edit_id, base_revision=seen)])[0].status == "conflict"


def test_order_is_by_revision_whatever_clocks_say(log):
    log.append([make.set_class("a", "bus", client_time_ns=10**18)])
    log.append([make.set_class("a", "truck", client_time_ns=5)])
    assert log.track("a").class_name == "truck"
    assert [r.edit.client_time_ns for r in log.history("a")][-2:] == [10**18, 5]


def test_a_log_without_sweeps_takes_no_edits(tmp_path):
    log = EditLog(Database(tmp_path / "labels.db"), "none", TIMES[:0], tmp_path / "o.yaml")
    assert log.state().tracks == {}
    with pytest.raises(EditError, match="expected sweeps to label"):
        log.append([make.create_track("a", "car")])


def test_a_log_of_one_sweep_takes_edits(tmp_path):
    log = EditLog(Database(tmp_path / "labels.db"), "one", TIMES[:1], tmp_path / "o.yaml")
    track = log.append([make.create_track("a", "car"), key("a", 0), make.set_static("a")])[0].track
    assert track.static_ns.tolist() == [[at(0), at(0)]]


def test_odd_names_are_kept(log, tmp_path):
    name = "a'; DROP TABLE edits; -- \u00fc\n\u4e2d \U0001f697"
    log.append([make.create_track(name, "car", author=name), make.comment(name, name)])
    again = open_log(tmp_path)
    assert again.track(name).comments == (name,)
    assert again.history(name)[0].edit.author == name
