"""Every command and every Python block of the README runs, in order, in one folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import DATA, ROOT
from readme_blocks import Block, blocks

README = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
# Fetching and installing is what CI does around this test.
ELSEWHERE = ("git clone", "cd ", "pip install", "python -m pip")


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


@pytest.mark.slow
def test_the_readme_runs(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    if DATA.exists():
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "data").symlink_to(DATA)
    skipped = []
    for block in README:
        if block.language == "python":
            if skipped:
                continue
            run([sys.executable, "-c", block.text], folder)
            continue
        for command in block.commands:
            if command.startswith("make "):
                assert set(command.split()[1:]) <= set(TARGETS), command
            elif "../shared" in command and not DATA.exists():
                skipped.append(command)
            elif not command.startswith(ELSEWHERE) and not skipped:
                run(["bash", "-euo", "pipefail", "-c", command], folder)
    if skipped:
        pytest.skip(f"no real recordings under {DATA}: not run from {skipped[0]!r} on")


def test_blocks_are_found_and_commands_joined():
    text = (
        "a\n```bash\n# why\n$ one \\\n  two\nthree\n```\n```text\nno\n```\n```python\nx = 1\n```\n"
    )
    shell, python = blocks(text)
    assert shell.commands == ["one    two", "three"]
    assert python == Block("python", "x = 1\n")
