"""The edit log: append, replay, conflicts, repeats, as of any revision."""

import numpy as np
import pytest

from perception_label.errors import EditError
from perception_label.storage.edits import EditLog, make
from perception_label.storage.edits.database import Database

TIMES = 10**18 + np.arange(100, dtype=np.int64) * 100_000_000


def at(k):
    return int(TIMES[k])


@pytest.fixture
def log(tmp_path):
    made = open_log(tmp_path)
    yield made
    made.close()


def open_log(folder, log_id="log", times=TIMES):
    return EditLog(Database(folder / "labels.db"), log_id, times, folder / "ontology.yaml")


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


def test_nothing_is_written_before_the_first_edit(log, tmp_path):
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
