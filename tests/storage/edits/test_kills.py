"""Four processes append and are killed at work: what was acknowledged is there, and whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from perception_label.storage.edits import make

APPENDER = Path(__file__).with_name("appender.py")
N_PROCESSES = 4


@pytest.mark.parametrize("n_acknowledged", [1, 16])
def test_a_kill_loses_nothing_that_was_acknowledged(log, tmp_path, n_acknowledged):
    place = str(log._database.place)
    if n_acknowledged > 1:
        log.append([make.create_track("first", "car")])
    running = [
        subprocess.Popen(
            [sys.executable, str(APPENDER), str(tmp_path), place, str(k)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for k in range(N_PROCESSES)
    ]
    try:
        # None knows when it comes: each is in the middle of its next list or about to be.
        told = [[p.stdout.readline().strip() for _ in range(n_acknowledged)] for p in running]
    finally:
        for process in running:
            process.kill()
    for process, names in zip(running, told, strict=True):
        names.extend(process.stdout.read().split("\n")[:-1])
        process.stdout.close()
        process.wait()
    acknowledged = {name for names in told for name in names}
    assert len(acknowledged) >= N_PROCESSES * n_acknowledged
    state = log.state()
    assert acknowledged <= state.tracks.keys()
    # At most one list of each was stored and not told of any more.
    assert len(state.tracks.keys() - acknowledged - {"first"}) <= N_PROCESSES
    for name, track in state.tracks.items():
        if name != "first":
            assert (track.class_name, len(track.key_timestamps_ns)) == ("bus", 1)
    assert [row.revision for row in log.history()] == list(range(1, state.revision + 1))
    assert log.append([make.create_track("next", "car")])[0].revision == state.revision + 1
