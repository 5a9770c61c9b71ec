"""Work in processes of its own: the same as in the server's."""

import os
import signal

import pytest

from perception_label.errors import LabelError
from perception_label.pipeline.queue import review_queue
from perception_label.review.desk import Desk
from perception_label.review.workers import Workers


@pytest.fixture
def workers(served):
    return Workers(served.workspace.path, solvers=1)


def test_a_worker_does_what_the_server_would_and_is_begun_again(served, workers):
    name, track = max(served.tracks().items(), key=lambda item: len(item[1]["sweeps"]))
    served.post(served.key_op(track, 2))
    here, there = Desk(served.workspace, served.log), Desk(served.workspace, served.log, workers)
    there.warm_up()
    ours, theirs = here.shown(name), there.shown(name)
    assert theirs.cuboids.packed().tobytes() == ours.cuboids.packed().tobytes()
    assert theirs.sources == ours.sources
    assert there.shown(name).cuboids is theirs.cuboids  # not solved again
    found = there.queue.now(60)
    assert found.items == here.queue.now(60).items
    assert found.items == tuple(review_queue(served.log, state=here.edits.state()))
    with pytest.raises(LabelError, match="'other'"):
        workers.warm_up("other")
    os.kill(workers.processes()[0], signal.SIGKILL)
    there.forget(name)
    assert len(there.shown(name).cuboids) == len(ours.cuboids)
