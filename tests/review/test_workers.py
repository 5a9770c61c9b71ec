"""Work in processes of its own: the same as in the server's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app_pages import eventually
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


SERVER = """
import sys, time
from pathlib import Path
from perception_label.review import workers

def forever(_here):
    while True:
        pass

if __name__ == "__main__":
    held = workers.Workers(Path(sys.argv[1]), solvers=1)
    held.warm_up(sys.argv[2])
    print(*held.processes(), flush=True)
    workers._warm_up = forever
    held.warm_up(sys.argv[2])  # never ends: the worker is busy when the server is killed
"""


def test_workers_end_with_a_server_that_is_killed(served, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.Popen(
        [sys.executable, script, served.workspace.path, served.log.id],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    (worker,) = map(int, server.stdout.readline().split())
    server.kill()
    server.wait(10)
    server.stdout.close()
    eventually(lambda: not is_running(worker))


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
