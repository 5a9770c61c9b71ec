import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from perception_label import open_workspace
from perception_label.cli import STOPPED, main

WITH_LIMIT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from perception_label.cli import main
raise SystemExit(main(sys.argv[2:]))
"""
SLOWLY = """
import sys, time
from pathlib import Path
from perception_label.pipeline import intake
from perception_label.cli import main
plain = intake.read_sweep
def slow(recording, row):
    Path(sys.argv[1]).touch()
    time.sleep(0.2)
    return plain(recording, row)
intake.read_sweep = slow
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.fixture
def drive(tmp_path):
    """A folder of point files with poses, as a team would have it."""
    folder = tmp_path / "drive"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(6):
        np.save(folder / f"{k:03d}.npy", rng.normal(0, 20, (5000, 4)).astype(np.float32))
    rows = [f"1 0 0 {k * 0.5} 0 1 0 0 0 0 1 0\n" for k in range(6)]
    (folder / "poses.txt").write_text("".join(rows))
    return folder


def run(capsys, *argv):
    code = main([str(a) for a in argv])
    out, err = capsys.readouterr()
    return code, out, err


# What a shell starts in the background ignores Ctrl-C, and so do its children.
CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def spawn(script, *argv):
    return subprocess.Popen(
        [sys.executable, "-c", CTRL_C + script, *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ingest_prints_one_json_object(drive, tmp_path, capsys):
    code, out, err = run(capsys, "ingest", drive, tmp_path / "ws", "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["log_id"], result["n_sweeps"], result["n_points"]) == ("drive", 6, 30000)
    assert (result["left_out"], result["is_new"]) == ([], True)
    assert any("10 Hz" in text for text in result["warnings"])
    assert open_workspace(tmp_path / "ws").logs() == ["drive"]


def test_ingest_again_says_that_it_was_there(drive, tmp_path, capsys):
    run(capsys, "ingest", drive, tmp_path / "ws")
    code, out, _ = run(capsys, "ingest", drive, tmp_path / "ws")
    assert code == 0
    assert out.startswith("already had, unchanged: log drive (folder): 6 sweeps, 30000 points")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["ingest", "/no/such/place", "ws"], 1, "/no/such/place: expected a recording"),
        (["ingest", "DRIVE", "ws", "--format", "tape"], 1, "format: expected one of auto"),
        (["ingest", "DRIVE", "ws", "--odometry", "open3d"], 1, "expected a source without ego"),
        (["ingest", "DRIVE", "ws", "--deskew"], 1, "expected a time of each point"),
        (["ingest", "DRIVE"], 2, "Missing argument"),
        (["ingest", "DRIVE", "ws", "--fast"], 2, "No such option"),
        (["doctor", "/no/such/place"], 1, "expected a workspace"),
    ],
)
def test_mistakes_are_one_clear_line(drive, tmp_path, capsys, monkeypatch, argv, code, message):
    monkeypatch.chdir(tmp_path)
    got, out, err = run(capsys, *[str(drive) if a == "DRIVE" else a for a in argv])
    assert (got, out) == (code, "")
    assert message in err
    if code == 1:
        assert err.count("\n") == 1
        assert not (tmp_path / "ws" / "logs" / "drive").exists()


def test_doctor_tells_its_findings(drive, tmp_path, capsys):
    (drive / "poses.txt").unlink()
    run(capsys, "ingest", drive, tmp_path / "ws")
    code, out, _ = run(capsys, "doctor", tmp_path / "ws", "--json")
    findings = json.loads(out)["findings"]
    kinds = {f["kind"]: f for f in findings}
    assert code == 0
    assert kinds["missing_poses"]["severity"] == "error"
    assert kinds["missing_poses"]["log_id"] == "drive"
    code, out, _ = run(capsys, "doctor", tmp_path / "ws", "--log", "drive")
    assert "error: missing_poses in the whole log" in out


def test_a_full_disk_is_one_clear_line_and_leaves_no_log(drive, tmp_path):
    process = spawn(WITH_LIMIT, 200_000, "ingest", drive, tmp_path / "ws")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.count("\n") == 1
    assert "expected to write, got: the file would exceed the allowed size" in err
    assert open_workspace(tmp_path / "ws").logs() == []
    assert not [p for p in (tmp_path / "ws").rglob("*") if p.is_file() and p.stat().st_size > 100]


@pytest.mark.parametrize("is_there", [False, True], ids=["new workspace", "with a log"])
@pytest.mark.parametrize(
    ("number", "reason"), [(13, "it may not be written"), (30, "it is on a read-only file system")]
)
def test_a_read_only_workspace_is_one_clear_line(
    number, reason, is_there, drive, tmp_path, capsys, monkeypatch
):
    ws = tmp_path / "ws"
    if is_there:
        run(capsys, "ingest", drive, ws)
        (drive / "006.npy").write_bytes((drive / "000.npy").read_bytes())
        (drive / "poses.txt").unlink()
    before = {p: p.stat().st_mtime_ns for p in ws.rglob("*")}
    make, open_file = os.mkdir, os.open

    # Not chmod: who runs the tests as root may write anywhere.
    def refusing(plain, is_write):
        def call(path, *args, **kwargs):
            if str(path).startswith(str(ws)) and is_write(*args):
                raise OSError(number, os.strerror(number), str(path))
            return plain(path, *args, **kwargs)

        return call

    monkeypatch.setattr(os, "mkdir", refusing(make, lambda *_: True))
    monkeypatch.setattr(os, "open", refusing(open_file, lambda flags, *_: flags & os.O_CREAT))
    code, out, err = run(capsys, "ingest", drive, ws, "--replace")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert reason in err
    assert {p: p.stat().st_mtime_ns for p in ws.rglob("*")} == before


# Nobody reads a sweep before both are there, however late one of them starts.
TOGETHER = SLOWLY.replace(
    "raise",
    """
import os
Path(f"{sys.argv[1]}.{os.getpid()}").touch()
def gathered(recording, row):
    here = Path(sys.argv[1])
    while len(list(here.parent.glob(f"{here.name}.*"))) < 2:
        time.sleep(0.01)
    return slow(recording, row)
intake.read_sweep = gathered
raise""",
)


def test_two_processes_may_ingest_the_same_recording(drive, tmp_path):
    mark = tmp_path / "mark"
    both = [spawn(TOGETHER, mark, "ingest", drive, tmp_path / "ws", "--json") for _ in range(2)]
    told = [p.communicate(timeout=60) for p in both]
    assert [p.returncode for p in both] == [0, 0], told
    assert sorted(json.loads(out)["is_new"] for out, _ in told) == [False, True]
    assert sum("waiting: another process" in err for _, err in told) == 1
    assert sum(len(s) for s in open_workspace(tmp_path / "ws").log().sweeps) == 30000


def test_ctrl_c_stops_cleanly_and_the_next_ingest_carries_on(drive, tmp_path, capsys):
    mark = tmp_path / "mark"
    process = spawn(SLOWLY, mark, "ingest", drive, tmp_path / "ws")
    end = time.monotonic() + 60
    written = tmp_path / "ws/logs/.ingest/drive/sweeps"
    while time.monotonic() < end:
        if any(p.stat().st_size > 100_000 for p in written.glob("*.arrow")):
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (STOPPED, "", "perception-label: stopped")
    assert open_workspace(tmp_path / "ws").logs() == []
    code, out, _ = run(capsys, "ingest", drive, tmp_path / "ws", "--json")
    assert code == 0
    assert json.loads(out)["n_resumed"] >= 1
    run(capsys, "ingest", drive, tmp_path / "fresh")
    for name in ("logs/drive/log.json", "logs/drive/ego_poses.arrow"):
        assert (tmp_path / "ws" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()
    for path in (tmp_path / "fresh/logs/drive/sweeps").iterdir():
        assert path.read_bytes() == (tmp_path / "ws/logs/drive/sweeps" / path.name).read_bytes()
