"""`perception-label propose` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from perception_label import open_workspace
from perception_label.cli import main
from towns import first

KEYS = {"log_id", "n_tracks", "n_boxes", "n_sweeps", "wall_s", "sweeps_per_s"}
SLOWLY = """
import sys, time
from pathlib import Path
from perception_label.cli import main
from perception_label.storage import whole
plain = whole._fill_table
def slow(path, table):
    plain(path, table)
    Path(sys.argv[1]).touch()
    time.sleep(60)
whole._fill_table = slow
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.fixture
def workspace(town, tmp_path):
    opened = open_workspace(tmp_path / "ws", create=True)
    opened.ingest(first(town, 4))
    return opened


def run(capfd, *argv):
    code = main([str(a) for a in argv])
    out, err = capfd.readouterr()
    return code, out, err


def test_json_is_one_object_and_nothing_else(workspace, capfd):
    code, out, err = run(capfd, "propose", workspace.path, "--json")
    result = json.loads(out)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert result.keys() == KEYS
    assert result["n_sweeps"] == 4
    assert result["n_boxes"] == len(workspace.cuboids())
    assert result["n_tracks"] == len(workspace.tracks())
    assert result["sweeps_per_s"] == pytest.approx(4 / result["wall_s"])


def test_people_get_two_lines(workspace, capfd):
    code, out, err = run(capfd, "propose", workspace.path, "--workers", "1")
    assert (code, err, out.count("\n")) == (0, "", 2)
    assert "sweeps in" in out


def test_progress_goes_to_stderr_and_leaves_stdout_alone(workspace, capfd, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("TERM", "xterm")
    code, out, err = run(capfd, "propose", workspace.path, "--json")
    assert code == 0
    assert json.loads(out).keys() == KEYS
    assert "propose" in err


def test_a_log_without_poses_is_one_line(town, tmp_path, capfd):
    open_workspace(tmp_path / "ws").ingest(replace(first(town, 2), ego_poses=None, truth=None))
    code, out, err = run(capfd, "propose", tmp_path / "ws")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "--odometry" in err


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["/no/such/place"], 1, "expected a workspace"),
        (["WS", "--log", "other"], 1, "other"),
        (["WS", "--settings", "/no/such.toml"], 1, "/no/such.toml: expected a TOML file"),
        (["WS", "--workers", "many"], 2, "--workers"),
        ([], 2, "Missing argument"),
    ],
)
def test_mistakes_are_clear(workspace, capfd, argv, code, message):
    argv = [str(workspace.path) if a == "WS" else a for a in argv]
    got, out, err = run(capfd, "propose", *argv)
    assert (got, out) == (code, "")
    assert message in err
    if code == 1:
        assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["[proposals]\nmin_scor = 0.5\n", "[proposal]\n", "nonsense"])
def test_settings_that_are_wrong_are_one_line(text, workspace, tmp_path, capfd):
    (tmp_path / "settings.toml").write_text(text)
    code, out, err = run(capfd, "propose", workspace.path, "--settings", tmp_path / "settings.toml")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "settings.toml" in err


def test_a_read_only_workspace_is_one_line(workspace, capfd, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    # Not chmod: who runs the tests as root may write anywhere.
    monkeypatch.setattr("perception_label.storage.whole._fill_table", refused)
    code, out, err = run(capfd, "propose", workspace.path)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "it may not be written" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write a read-only folder")
def test_a_folder_without_write_permission_is_one_line(workspace, capfd):
    workspace.path.chmod(0o500)
    try:
        code, out, err = run(capfd, "propose", workspace.path)
    finally:
        workspace.path.chmod(0o700)
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_a_kill_while_writing_leaves_no_half_result_and_the_next_run_works(
    workspace, tmp_path, capfd
):
    mark = tmp_path / "mark"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(mark), "propose", str(workspace.path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not mark.exists() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    assert mark.exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    folder = workspace.path / "machine" / workspace.log().id
    assert list(folder.glob(".*.part"))  # it was killed in the middle …
    assert workspace.log().machine("proposals") is None  # … and nobody sees what it wrote
    assert run(capfd, "propose", workspace.path)[0] == 0
    assert len(workspace.cuboids()) > 0
    left = sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")
    assert left == ["candidates.arrow", "proposals.arrow"]


def test_two_processes_may_propose_at_once(workspace, capfd):
    argv = [sys.executable, "-m", "perception_label", "propose", str(workspace.path), "--json"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(p.communicate(timeout=120)[0]) for p in both]
    assert [p.returncode for p in both] == [0, 0]
    assert told[0]["n_boxes"] == told[1]["n_boxes"] == len(workspace.cuboids())
