"""The whole path from stored sweeps to dense labels: speed, memory, and how both grow.

python benchmarks/pipeline/bench_propose.py [--seconds 20 60 300] [--drive 20] [--keep FOLDER]

A drive of `--drive` seconds is simulated with default settings (0.13 CPU seconds a sweep); a
longer log drives it forwards and backwards in turn, so its sweeps, poses and moving objects
stay continuous. A parked car is then seen again on every turn: such a log has fewer tracks than
a real one of its length. `--drive 300` simulates it all. Each length runs in a process of its
own, so peak memory is that length's alone: "MB" is the peak of what the process allocated, read
at each sweep, without the pages of the memory-mapped sweeps, which the system takes back at
will; "with pages" is the peak of both. No rival publishes a figure.
"""

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from perception_label.config import Settings
from perception_label.geometry.poses import EgoPoses
from perception_label.pipeline.ingest import ingest
from perception_label.pipeline.propose import propose_labels, searched_stride
from perception_label.pipeline.workspace import open_workspace
from perception_label.proposals.scorer import load_scorer
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import SceneSettings

HZ = 10


def drive(folder: Path, seconds: int) -> Path:
    """Simulate and ingest a drive, unless it is there."""
    root = folder / f"drive-{seconds}"
    if not (root / "workspace.toml").exists():
        ingest(root, simulate_log(SceneSettings(duration_s=float(seconds)), count_points=False))
    return root


def back_and_forth(folder: Path, base: Path, seconds: int) -> Path:
    """Ingest a log that drives a shorter one forwards and backwards until its time is up."""
    root = folder / f"turns-{seconds}"
    if (root / "workspace.toml").exists():
        return root
    log = open_workspace(base).log(None)
    n, period = seconds * HZ, 2 * len(log.sweeps) - 2
    turn = np.arange(n) % period
    turn = np.minimum(turn, period - turn)
    times = log.timestamps_ns[0] + np.arange(n, dtype=np.int64) * (10**9 // HZ)
    # The sensor's poses as the vehicle's: the sensor is then at the vehicle's origin.
    poses = EgoPoses(times, log.world_from_sensor[turn])

    def sweep(i):
        return dataclasses.replace(log.sweep(int(turn[i])), timestamp_ns=int(times[i]))

    recording = dataclasses.replace(
        simulate_log(SceneSettings(duration_s=0.1), count_points=False),
        timestamps_ns=times,
        ego_from_lidar=np.eye(4),
        source=sweep,
        ego_poses=poses,
        truth=None,
    )
    ingest(root, recording)
    return root


def allocated_mb() -> float:
    """Return what this process holds that is not a mapped file (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("RssAnon")) / 1024


def measure(root: Path, workers: int) -> dict:
    """Propose labels for a workspace's log; wall and CPU seconds of each phase."""
    log = open_workspace(root).log(None)
    settings, scorer = Settings(), load_scorer()
    stride = searched_stride(log.timestamps_ns, settings.proposals.search_hz)
    searched = len(range(0, len(log.sweeps), stride))
    stamps = {}
    peak = [allocated_mb()]

    def progress(done: int, _total: int) -> None:
        peak[0] = max(peak[0], allocated_mb())
        stamps[done] = time.perf_counter(), time.process_time()

    start = time.perf_counter(), time.process_time()
    labels = propose_labels(log, settings, scorer, workers, progress)
    end = time.perf_counter(), time.process_time()
    peak[0] = max(peak[0], allocated_mb())
    marks = [start, stamps[searched], stamps[searched + 1], end]
    wall, cpu = (np.diff([m[k] for m in marks]).tolist() for k in (0, 1))
    return {
        "sweeps": len(log.sweeps),
        "points": int(np.mean([len(log.sweep(i)) for i in range(0, len(log.sweeps), 20)])),
        "tracks": len(np.unique(labels.tracks)),
        "boxes": len(labels),
        "wall": wall,
        "cpu": cpu,
        "peak_mb": peak[0],
        "peak_with_pages_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, nargs="+", default=[20, 60, 300])
    parser.add_argument("--drive", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="a folder whose ingested logs are used again")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.workers)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        print("load of the machine before:", " ".join(f"{x:.1f}" for x in os.getloadavg()))
        print("seconds  sweeps/s  x real  CPU ms/sweep = detect + link + count", end="    ")
        print("MB  with pages  tracks  points a sweep")
        for seconds in args.seconds:
            base = drive(folder, min(seconds, args.drive))
            root = base if seconds <= args.drive else back_and_forth(folder, base, seconds)
            command = [sys.executable, __file__, "--measure", root, "--workers", args.workers]
            done = subprocess.run(
                list(map(str, command)), check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout)
            n = found["sweeps"]
            rate = n / sum(found["wall"])
            cpu = [1000 * c / n for c in found["cpu"]]
            print(
                f"{seconds:7d}  {rate:8.1f}  {rate / HZ:6.1f}  {sum(cpu):12.1f} = "
                f"{cpu[0]:6.1f} + {cpu[1]:4.1f} + {cpu[2]:5.1f}  {found['peak_mb']:4.0f}  "
                f"{found['peak_with_pages_mb']:10.0f}  {found['tracks']:6d}  {found['points']:14d}",
                flush=True,
            )
        print("load of the machine after:", " ".join(f"{x:.1f}" for x in os.getloadavg()))


if __name__ == "__main__":
    main()
