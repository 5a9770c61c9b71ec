import threading

import pytest

from perception_label.errors import WorkspaceError
from perception_label.quality.queue import ReviewQueue, ranked
from perception_label.review.standing import StandingQueue
from perception_label.storage.edits import make


@pytest.fixture
def making(served):
    """A queue whose maker waits to be let go; the log's edits; the gate."""
    gate, calls = threading.Event(), []

    def slow(_log, *, state):
        gate.wait(10)
        calls.append(state.revision)
        return ranked([], (f"made at {state.revision}",))

    edits = served.workspace.edits(served.log)
    return StandingQueue(served.log, edits, slow), edits, gate, calls


def test_nothing_is_waited_for_while_the_first_one_is_made(making):
    queue, _, gate, _ = making
    first = queue.now()
    assert (first.is_ready, first.is_stale, first.items) == (False, True, ())
    gate.set()
    assert queue.now(10).notes == ("made at 0",)


def test_after_an_edit_the_old_one_is_answered_as_stale_and_a_new_one_made(making):
    queue, edits, gate, calls = making
    gate.set()
    queue.now(10)
    gate.clear()
    edits.append([make.create_track("x", "car")])
    stale = queue.now()
    assert (stale.is_ready, stale.is_stale, stale.notes) == (True, True, ("made at 0",))
    queue.now()
    gate.set()
    assert not queue.now(10).is_stale
    assert calls == [0, 1]


def test_a_queue_that_cannot_be_made_says_why_and_is_tried_again(served):
    tries = []

    def broken(_log, *, state):
        tries.append(state.revision)
        if len(tries) == 1:
            raise WorkspaceError("nothing was proposed")
        return ReviewQueue(())

    edits = served.workspace.edits(served.log)
    queue = StandingQueue(served.log, edits, broken)
    with pytest.raises(WorkspaceError, match="nothing was proposed"):
        queue.now(10)
    edits.append([make.create_track("x", "car")])
    assert queue.now(10).is_ready


def test_what_is_settled_leaves_the_queue_before_a_new_one_is_made(served):
    edits = served.workspace.edits(served.log)
    real = served.get("/queue", wait_s=60).json["items"]
    track = next(item["track_id"] for item in real if item["kind"] == "track")
    desk_queue = StandingQueue(served.log, edits)
    assert any(item.track_id == track for item in desk_queue.now(60).items)
    served.post(
        {
            "edit_id": "a", "kind": "verdict", "track_id": track, "base_revision": 0,
            "after": {"verdict": "reject", "reason": "no object"},
        }
    )  # fmt: skip
    assert all(item.track_id != track for item in desk_queue.now(0).items)
