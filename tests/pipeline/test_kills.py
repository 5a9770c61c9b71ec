"""A workspace stays valid wherever an ingest is killed, and the next one finishes the job."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("scenario", ["fresh", "replace"])
def test_a_kill_before_any_step_leaves_the_old_or_the_new_log(tmp_path, scenario):
    driver = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [sys.executable, str(driver), str(tmp_path), scenario],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    new = told["reference"]
    assert len(told["results"]) > 30
    assert new[0][1] == 800
    for result in told["results"]:
        assert result["after"] in (result["before"], new)
        assert result["final"] == new
        assert result["same"], "a log taken up again must have the same bytes"
    assert {json.dumps(r["after"]) for r in told["results"]} == {
        json.dumps(told["results"][0]["before"]),
        json.dumps(new),
    }
