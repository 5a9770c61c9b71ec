"""Every command and every Python block of the README runs, in order, in one folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from conftest import DATA, ROOT
from readme_blocks import Block, blocks

README = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
# Fetching and installing is what CI does around this test.
ELSEWHERE = ("git clone", "cd ", "source .venv", "pip install", "python -m pip")


def run(arguments, folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def serve(command, folder):
    """Run a command that serves until Ctrl-C: its page answers, and it stops."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        [*command.split(), "--port", "0", "--json"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = json.loads(process.stdout.readline())["url"]
        with urlopen(url, timeout=60) as answer:
            assert b"perception-label" in answer.read()
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


def run_all(found, folder):
    """Run blocks in order; return the first command that was not run for want of recordings."""
    folder.mkdir(parents=True)
    if DATA.exists():
        (folder.parent / "shared").mkdir()
        (folder.parent / "shared" / "data").symlink_to(DATA)
    for block in found:
        if block.language == "python":
            run([sys.executable, "-c", block.text], folder)
            continue
        for command in block.commands:
            if command.startswith("make "):
                assert set(command.split()[1:]) <= set(TARGETS), command
            elif "../shared" in command and not DATA.exists():
                return command
            elif command.startswith("perception-label review"):
                serve(command, folder)
            elif not command.startswith(ELSEWHERE):
                run(["bash", "-euo", "pipefail", "-c", command], folder)
    return None


@pytest.mark.slow
def test_the_readme_runs(tmp_path):
    left = run_all(README, tmp_path / "project")
    if left:
        pytest.skip(f"no real recordings under {DATA}: not run from {left!r} on")


def test_a_readme_whose_command_fails_is_caught(tmp_path):
    good = [Block("bash", "echo 1 > made\nmake test"), Block("python", "open('made').close()")]
    assert run_all(good, tmp_path / "good") is None
    for k, bad in enumerate((Block("bash", "cat nothing"), Block("python", "raise SystemExit(3)"))):
        with pytest.raises(AssertionError):
            run_all([bad], tmp_path / str(k) / "bad")
    with pytest.raises(AssertionError, match="make nothing"):
        run_all([Block("bash", "make nothing")], tmp_path / "bad" / "make")


def test_blocks_are_found_and_commands_joined():
    text = (
        "a\n```bash\n# why\n$ one \\\n  two\nthree\n```\n```text\nno\n```\n```python\nx = 1\n```\n"
    )
    shell, python = blocks(text)
    assert shell.commands == ["one    two", "three"]
    assert python == Block("python", "x = 1\n")
