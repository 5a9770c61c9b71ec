"""MCAP, checked and converted by Rerun, which knows nothing of the library that wrote it."""

import subprocess
import sys
from pathlib import Path

from checks import client


@client("rerun-sdk")
def check(checks):
    path = checks.folder / "mcap/hill-1.mcap"
    rerun = Path(sys.executable).parent / "rerun"
    for argv, what in (
        (["mcap", "check", str(path)], "rerun mcap check finds no fault"),
        (["mcap", "convert", str(path), "-o", "hill.rrd"], "rerun converts it"),
    ):
        done = subprocess.run(
            [str(rerun), *argv], capture_output=True, text=True, timeout=120, check=False
        )
        checks.that(
            what, done.returncode == 0, done.stderr.strip()[-200:] if done.returncode else "ok"
        )
