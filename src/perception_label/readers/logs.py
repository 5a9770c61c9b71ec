"""Which log of a folder is meant, and what its clock looks like."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import SourceError
from perception_label.geometry.poses import EgoPoses
from perception_label.readers.files import listed, refuse


def only_log(path: Path, logs: Sequence[Path], kind: str) -> Path:
    """Return the one log there is; several are listed with how to name one of them."""
    if not logs:
        raise refuse(path, f"a {kind}", "another layout" if path.exists() else "nothing there")
    if len(logs) > 1:
        names = [log.name for log in logs]
        raise SourceError(
            f"{path}: expected one {kind}, got {len(logs)}: {listed(names)}; "
            f"name one, as in {path}:{names[0]}"
        )
    return logs[0]


def at_least_one(folder: Path, files: list[Path], pattern: str) -> list[Path]:
    """Return the files, of which there must be one."""
    if not files:
        raise refuse(folder, f"files {pattern}", "none")
    return files


def time_warnings(timestamps_ns: Ints) -> list[str]:
    """Say which sweeps are out of order or share their timestamp; ingest sorts them."""
    steps = np.diff(timestamps_ns)
    back, same = np.flatnonzero(steps < 0), len(timestamps_ns) - len(np.unique(timestamps_ns))
    out = []
    if len(back):
        out.append(
            f"{len(back)} sweeps out of order, the first is sweep {back[0] + 1}, "
            f"{-steps[back[0]] / 1e9:.3f} s before the one it follows"
        )
    if same:
        out.append(f"{same} sweeps share their timestamp with another")
    return out


def path_of(timestamps_ns: Ints, world_from_ego: Floats) -> EgoPoses:
    """Return ego poses in time order; of several at one instant the first counts."""
    times, first = np.unique(timestamps_ns, return_index=True)
    return EgoPoses(times, world_from_ego[first])


def empty_warnings(files: Sequence[Path | None]) -> list[str]:
    """Say how many of a log's instants have no LiDAR file."""
    missing = sum(f is None for f in files)
    if not missing:
        return []
    return [f"{missing} of {len(files)} instants have no LiDAR file and are kept as empty sweeps"]


def safe_name(text: str) -> str:
    """Return a text as the name of a log or sensor: other characters become hyphens."""
    name = re.sub(r"[^A-Za-z0-9._+=@-]+", "-", text).strip("-.")
    return name[:100] or "unnamed"
