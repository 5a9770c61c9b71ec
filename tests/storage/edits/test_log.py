"""The edit log: append, replay, conflicts, repeats, as of any revision."""

import pickle

import pytest

from edit_logs import at, key, open_log, plain
from perception_label.errors import EditError
from perception_label.storage.edits import make


def test_a_track_is_what_its_edits_say(log):
    outcomes = log.append(
        [
            make.create_track("a", "car", author="ann"),
            make.set_keyframe("a", at(9), [1, 2, 3], 0.1),
            make.set_keyframe("a", at(3), [4, 5, 6], 0.2, [4, 2, 1.5], source="model:x"),
            make.comment("a", "half hidden", at(3)),
        ]
    )
    assert [(o.status, o.revision) for o in outcomes] == [("appended", k) for k in (1, 2, 3, 4)]
    track = log.track("a")
    assert track.key_timestamps_ns.tolist() == [at(3), at(9)]
    assert track.keyframes.center_m.tolist() == [[4, 5, 6], [1, 2, 3]]
    # The keyframe's own size, and the class's usual one where nobody said any.
    assert track.keyframes.size_m.tolist() == [[4, 2, 1.5], [4.5, 1.85, 1.6]]
    assert track.key_sources == ("model:x", "human")
    assert (track.comments, track.revision, track.n_human) == (("half hidden",), 3, 1)
    assert log.state().revision == 4


def test_nothing_is_written_before_the_first_edit(file_log, tmp_path):
    log = file_log
    assert log.state().tracks == {}
    assert log.revision == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(EditError, match="got 'a', unknown"):
        log.track("a")


def test_a_stale_base_is_a_conflict_and_holds_the_list(log):
    log.append([make.create_track("a", "car"), make.create_track("b", "car")])
    seen = log.revision
    log.append([make.set_class("a", "truck")])
    edits = [
        make.set_class("b", "bus", base_revision=seen),
        make.set_class("a", "bus", base_revision=seen),
    ]
    outcomes = log.append(edits)
    assert [o.status for o in outcomes] == ["held", "conflict"]
    assert outcomes[1].track.class_name == "truck"
    assert outcomes[1].revision == 3
    assert log.revision == 3
    assert log.append(edits[:1])[0].status == "appended"


def test_the_same_edit_twice_is_stored_once(log):
    edit = make.create_track("a", "car")
    assert [o.status for o in log.append([edit, edit])] == ["appended", "duplicate"]
    again = log.append([edit])[0]
    assert (again.status, again.revision) == ("duplicate", 1)
    with pytest.raises(EditError, match="got another edit of that id"):
        log.append([make.create_track("b", "car", edit_id=edit.edit_id)])
    assert log.revision == 1


def test_any_revision_can_be_read(log):
    log.append([make.create_track("a", "car"), make.set_class("a", "truck"), make.delete("a")])
    assert log.track("a", as_of=1).class_name == "car"
    assert log.track("a", as_of=2).class_name == "truck"
    assert log.track("a").is_deleted
    assert log.state(as_of=0).tracks == {}
    with pytest.raises(EditError, match="from 0 to 3"):
        log.state(as_of=4)


def test_an_undo_may_be_undone(log):
    made = log.append([make.create_track("a", "car"), make.delete("a")])
    assert log.append([make.undo(made[1].edit_id)])[0].track.is_live
    back = log.append([make.undo(log.history()[-1].edit.edit_id)])[0]
    assert back.track.is_deleted
    assert back.track.revision == 4


def test_logs_of_one_database_do_not_meet(log, tmp_path):
    other = open_log(tmp_path, place=log._database.place, log_id="other")
    one = make.create_track("a", "car")
    log.append([one])
    other.append([make.create_track("a", "truck")])
    assert (log.track("a").class_name, other.track("a").class_name) == ("car", "truck")
    assert (log.revision, other.revision) == (1, 1)
    with pytest.raises(EditError, match="another edit of that id"):
        other.append([one])
    with pytest.raises(EditError, match="unknown"):
        other.append([make.undo(one.edit_id)])
    other.close()


def test_another_opening_sees_it_all(log, tmp_path):
    log.append([make.create_track("a", "car"), key("a", 3), make.set_static("a", at(2), at(5))])
    log.close()
    again = open_log(tmp_path, place=log._database.place)
    assert plain(again.track("a")) == plain(log.track("a"))
    assert again.state().tracks.keys() == {"a"}
    assert pickle.loads(pickle.dumps(again)).track("a").revision == 3
    again.close()


def test_state_follows_what_others_append(log, tmp_path):
    other = open_log(tmp_path, place=log._database.place)
    assert log.state().tracks == {}
    first = other.append([make.create_track("a", "car"), make.create_track("b", "car")])
    before = log.state()
    other.append([make.set_class("a", "bus"), make.undo(first[1].edit_id)])
    now = log.state()
    assert (now.tracks["a"].class_name, before.tracks["a"].class_name) == ("bus", "car")
    assert now.tracks.keys() == {"a"}
    assert now.revision == 4
    other.close()


def test_rows_keep_what_was_said_and_what_held(log):
    log.append(
        [
            make.create_track("a", "car", source="model:x", active_s=2.5, author="ann"),
            make.set_size("a", [4, 2, 1.5], client_time_ns=123),
            make.set_size("a", [5, 2, 1.5], base_revision=None, author="bob"),
            key("a", 4),
            key("a", 4, x=0.3),
        ]
    )
    rows = log.history()
    assert [r.revision for r in rows] == [1, 2, 3, 4, 5]
    assert (rows[0].edit.author, rows[0].edit.source, rows[0].edit.active_s) == (
        "ann",
        "model:x",
        2.5,
    )
    assert rows[1].edit.client_time_ns == 123
    assert rows[1].edit.before == {"size_m": None}
    assert rows[2].edit.before == {"size_m": [4, 2, 1.5]}
    assert rows[3].edit.before == {}
    assert rows[4].edit.before["center_m"] == [0, 0, 1]
    assert {r.edit.ontology_version for r in rows} == {"2"}
    # The server's clock does not go by the client's.
    assert rows[1].server_time_ns > 10**18
    assert log.history("a", after=3) == rows[3:]
    assert log.history("b") == []


def test_a_list_may_build_on_itself(log):
    seen = log.append([make.create_track("a", "car")])[0].revision
    made = make.set_class("a", "bus", base_revision=seen)
    outcomes = log.append(
        [
            made,
            key("a", 3, base_revision=seen),
            key("a", 60, base_revision=seen),
            make.split("a", at(50), "b", base_revision=seen),
            make.set_size("b", [9, 2.5, 3]),
            make.undo(made.edit_id),
            make.finalise("b"),
        ]
    )
    assert {o.status for o in outcomes} == {"appended"}
    assert outcomes[0].track.class_name == "car"
    b = log.track("b")
    # The class was undone before the split, which came after it, is replayed.
    assert (b.class_name, b.size_m.tolist(), b.is_finalised) == ("car", [9, 2.5, 3], True)
    assert b.key_timestamps_ns.tolist() == [at(60)]


def test_all_or_nothing(log):
    with pytest.raises(EditError, match="no such track"):
        log.append([make.create_track("a", "car"), make.set_class("b", "car")])
    assert log.revision == 0
    assert log.state().tracks == {}
    assert log.append([]) == []


def test_merge_and_split_keep_what_belongs(log):
    log.append(
        [
            make.create_track("a", "car", size_m=[4, 2, 1.5], attributes={"note": "blue"}),
            make.create_track("b", "car", span_ns=(at(40), at(60))),
            key("a", 10),
            key("b", 50, x=5),
            make.set_attribute("b", "occlusion", "most", at(45)),
            make.set_static("b", at(42), at(44)),
            make.comment("b", "same car"),
        ]
    )
    merged = log.append([make.merge("a", "b")])[0].track
    assert merged.span_ns == (at(10), at(60))
    assert merged.key_timestamps_ns.tolist() == [at(10), at(50)]
    assert merged.attributes == {"note": "blue"}
    assert merged.sweep_attributes == {"occlusion": {at(45): "most"}}
    assert merged.comments == ("same car",)
    b = log.track("b")
    assert (b.is_deleted, b.merged_into, b.is_live) == (True, "a", False)
    outcomes = log.append([make.split("a", at(43), "c"), make.finalise("c")])
    a, c = outcomes[0].track, outcomes[1].track
    assert (a.span_ns, c.span_ns) == ((at(10), at(43) - 1), (at(43), at(60)))
    assert (a.key_timestamps_ns.tolist(), c.key_timestamps_ns.tolist()) == ([at(10)], [at(50)])
    assert (a.static_ns.tolist(), c.static_ns.tolist()) == (
        [[at(42), at(43) - 1]],
        [[at(43), at(44)]],
    )
    assert c.attributes == {"note": "blue"}
    assert log.state().live().keys() == {"a", "c"}


def test_a_persons_keyframe_wins_a_merge(log):
    log.append([make.create_track("a", "car"), make.create_track("b", "car")])
    log.append([key("a", 5, x=0.2, source="model:x"), key("b", 5, x=0.6)])
    merged = log.append([make.merge("a", "b")])[0].track
    assert merged.keyframes.center_m[:, 0].tolist() == [0.6]
    assert merged.key_sources == ("human",)


def test_what_an_undo_took_away_has_no_effect_until_it_is_back(log):
    made = log.append([make.create_track("a", "car"), key("a", 5)])
    undone = log.append([make.undo(made[0].edit_id)])[0]
    assert undone.track is None
    state = log.state()
    assert (dict(state.tracks), state.without_effect) == ({}, (made[1].edit_id,))
    back = log.append([make.undo(undone.edit_id)])[0].track
    assert back.key_timestamps_ns.tolist() == [at(5)]
    assert log.state().without_effect == ()


def test_static_and_outside_are_sets_of_instants(log):
    track = log.append(
        [
            make.create_track("a", "car"),
            make.set_static("a"),
            make.set_static("a", at(10), at(19), is_static=False),
            make.set_outside("a", at(90)),
            make.set_outside("a", at(80), at(95)),
        ]
    )[-1].track
    assert track.static_ns.tolist() == [[at(0), at(10) - 1], [at(19) + 1, at(99)]]
    assert track.outside_ns.tolist() == [[at(80), at(99)]]


def test_a_lifespan_puts_hints_beyond_it_out_of_force(log):
    track = log.append(
        [
            make.create_track("a", "car"),
            key("a", 5, source="model:x"),
            key("a", 50),
            make.set_lifespan("a", at(20), at(60)),
        ]
    )[-1].track
    assert track.key_timestamps_ns.tolist() == [at(50)]
    track = log.append([make.set_lifespan("a", at(0), at(60))])[0].track
    assert track.key_timestamps_ns.tolist() == [at(5), at(50)]


def test_a_finalised_track_is_undone_by_the_next_change(log):
    made = [make.create_track("a", "car"), make.finalise("a"), make.comment("a", "well")]
    assert log.append(made)[-1].track.is_finalised
    assert not log.append([make.set_class("a", "bus")])[0].track.is_finalised


def test_a_comment_makes_no_conflict(log):
    seen = log.append([make.create_track("a", "car")])[0].revision
    log.append([make.comment("a", "hm")])
    assert log.append([make.set_class("a", "bus", base_revision=seen)])[0].status == "appended"
    log.append([make.verdict("a", "reject", "a bush")])
    track = log.track("a")
    assert (track.verdict, track.verdict_reason, track.is_live) == ("reject", "a bush", False)
