"""Several reviewers at once on a real server: every edit that was acknowledged is stored, once."""

import json
import subprocess
import sys
import time

import pytest

import reviewers
from perception_label.review.access.people import People

SECONDS, N = 4.0, 4


@pytest.fixture
def url(served):
    process = subprocess.Popen(
        [
            sys.executable, "-m", "perception_label", "review", str(served.workspace.path),
            "--login", "local", "--port", "0", "--json",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    yield json.loads(process.stdout.readline())["url"]
    process.terminate()
    process.wait(20)
    process.stdout.close()


def test_nothing_is_lost_when_several_edit_at_once(served, url):
    people = People(served.workspace.path / "access")
    times = [str(t) for t in served.log.timestamps_ns.tolist()]
    tracks = [
        track | {"times": [times[s] for s in track["sweeps"]]} for track in served.tracks().values()
    ]
    orders = []
    for k in range(N):
        people.put_user(f"r{k}", "a long password", "reviewer")
        orders.append(
            {
                "url": url, "log": served.log.id, "n_sweeps": len(times), "seed": k,
                "token": people.put_token(f"r{k}", "reviewer", "edit"),
                "own": tracks[1 + k :: N], "shared": tracks[:1],
            }
        )  # fmt: skip
    found = reviewers.run(orders, SECONDS, time.monotonic())
    assert [fault for each in found for fault in each["faults"]] == []
    acked = [edit for each in found for edit in each["edits"]]
    assert len(acked) == N * SECONDS
    rows = served.workspace.edits(served.log).history()
    stored = [row.edit for row in rows if row.edit.source == "human"]
    assert sorted(edit.edit_id for edit in stored) == sorted(acked)
    assert {edit.author for edit in stored} == {f"r{k}" for k in range(N)}
    assert all(len(each["sweep_s"]) == SECONDS for each in found)
    # All heard of what happened while they listened.
    assert all(each["seen"][-1][0] > 0 for each in found)
