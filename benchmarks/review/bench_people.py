"""How a server bears many reviewers: each edits once a second while sweeps stream to all.

python benchmarks/review/bench_people.py WORKSPACE [--reviewers 20] [--seconds 60]

Serves a copy of the workspace (with proposals) with logins. Each simulated reviewer does what an
open page does: an edit a second (one in ten on a track that all edit), its track read again, the
changes of the others heard and their tracks read, a new sweep's points every second, presence, the
queue, jobs and the cost meter. "seen by others" is from an edit's acknowledgement until the last
of the others has its track. Nothing is lost if each edit that was acknowledged, and no other one,
is in the edit log. Memory is what the process holds itself, without mapped files.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from perception_label import open_workspace
from perception_label.review.access.people import People
from perception_label.review.client import Client

REVIEWERS = Path(__file__).parents[2] / "tests" / "reviewers.py"
PROCESSES = 4  # that the reviewers are in: one interpreter would wait for itself
LEAST_BOXES = 20  # of a track that is edited
N_SHARED = 3


def main() -> None:
    """Serve, let them work, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "workspace"
        shutil.copytree(said.workspace, copy, symlinks=True)
        workspace = open_workspace(copy)
        log = workspace.log(workspace.logs()[0])
        tokens = tokens_of(workspace, said.reviewers)
        server = subprocess.Popen(
            [
                sys.executable, "-m", "perception_label", "review", str(copy), "--log", log.id,
                "--login", "local", "--port", "0", "--json",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            url = json.loads(server.stdout.readline())["url"]
            before = len(workspace.edits(log).history())
            orders = orders_of(url, log, tokens)
            memory = Memory(server.pid)
            found = at_work(orders, said.seconds)
            memory.stop()
        finally:
            server.terminate()
            server.wait(10)
        told(found, memory, said.seconds)
        stored = [row.edit.edit_id for row in workspace.edits(log).history()[before:]]
        report_loss(found, stored)


def tokens_of(workspace, n: int) -> list[str]:
    """Make accounts, and a token of each."""
    people = People(workspace.path / "access")
    for k in range(n):
        people.put_user(f"reviewer-{k}", "a long password", "reviewer")
    return [people.put_token(f"reviewer-{k}", "reviewer", "edit") for k in range(n)]


def orders_of(url: str, log, tokens: list[str]) -> list[dict]:
    """Share out the tracks: some are of all, the others of one reviewer each."""
    tracks = [t for t in Client(url, tokens[0]).tracks(log.id) if len(t.sweeps) >= LEAST_BOXES]
    times = [str(t) for t in log.timestamps_ns.tolist()]
    plain = [
        {
            "track_id": t.track_id, "revision": t.revision, "sweeps": t.sweeps, "poses": t.poses,
            "times": [times[s] for s in t.sweeps],
        }
        for t in tracks
    ]  # fmt: skip
    shared, own = plain[:N_SHARED], plain[N_SHARED:]
    common = {"url": url, "log": log.id, "shared": shared, "n_sweeps": len(times)}
    return [
        common | {"token": token, "own": own[k :: len(tokens)], "seed": k}
        for k, token in enumerate(tokens)
    ]


def at_work(orders: list[dict], seconds: float) -> list[dict]:
    """Run all reviewers at the same time, in some processes."""
    parts = [part for k in range(PROCESSES) if (part := orders[k::PROCESSES])]
    begin_s = time.monotonic() + 2.0
    running = []
    for part in parts:
        process = subprocess.Popen(
            [sys.executable, str(REVIEWERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        json.dump({"orders": part, "seconds": seconds, "begin_s": begin_s}, process.stdin)
        process.stdin.close()
        running.append(process)
    found = [each for process in running for each in json.load(process.stdout)]
    for process in running:
        process.wait()
    return found


class Memory:
    """What a process holds, each second."""

    def __init__(self, pid: int) -> None:
        self.pid, self.mib, self.cpu_s = pid, [], self._cpu_s(pid)
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        self._over.set()
        self.cpu_s = self._cpu_s(self.pid) - self.cpu_s

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            self.mib += [int(x.split()[1]) / 1024 for x in lines if x.startswith("RssAnon")]

    @staticmethod
    def _cpu_s(pid: int) -> float:
        facts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def told(found: list[dict], memory: Memory, seconds: float) -> None:
    """Print the waits, and what the server took."""
    for name, key in (
        ("edit acknowledged", "edit_s"), ("its track read again", "solved_s"),
        ("a sweep's points", "sweep_s"),
    ):  # fmt: skip
        line(name, [value for each in found for value in each[key]])
    line("seen by others", seen_s(found))
    third = len(memory.mib) // 3
    thirds = [np.median(memory.mib[k * third : (k + 1) * third]) for k in range(3)]
    print("memory, MiB, medians of each third:", " ".join(f"{value:.0f}" for value in thirds))
    print(f"server: {memory.cpu_s:.0f} s of CPU in {seconds:.0f} s; load {os.getloadavg()[0]:.1f}")


def seen_s(found: list[dict]) -> list[float]:
    """Return how long each edit took to be with the last of the others."""
    acked = dict(pair for each in found for pair in each["acked"])
    heard = [sorted((rev, at) for rev, at in each["seen"]) for each in found]
    waits = []
    for revision, at in acked.items():
        arrived = [next((t for rev, t in pairs if rev >= revision), None) for pairs in heard]
        if None not in arrived:  # the last ones come when nobody listens any more
            waits.append(max(arrived) - at)
    return waits


def line(name: str, values_s: list[float]) -> None:
    """Print a wait."""
    at = np.percentile(1000 * np.array(values_s), [50, 95, 100])
    print(
        f"{name:22s} {len(values_s):6d}  median, p95, most: {at[0]:.0f} {at[1]:.0f} {at[2]:.0f} ms"
    )


def report_loss(found: list[dict], stored: list[str]) -> None:
    """Print whether all that was acknowledged is stored, once, and nothing else."""
    acked = [edit for each in found for edit in each["edits"]]
    faults = [fault for each in found for fault in each["faults"]]
    made = [name for name in stored if name in set(acked)]
    print(
        f"{len(acked)} edits acknowledged, {len(made)} stored, "
        f"{len(set(acked) - set(stored))} lost, {sum(e['conflicts'] for e in found)} conflicts, "
        f"faults: {faults or 'none'}"
    )


if __name__ == "__main__":
    main()
