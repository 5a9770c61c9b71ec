"""How long a reviewer waits: first points, the next sweep, an edit, its track solved anew.

python benchmarks/review/bench_app.py [WORKSPACE] [--edits 20] [--sweeps 20] [--points 1000000]

Serves a copy of the workspace (with proposals), else one made up with so many points a sweep and
200 cars that stand, and opens the app in Chromium with software WebGL, as on a machine without a
GPU. "first points" is from navigation to 20,000 points drawn, "all points" to all of them; "next
sweep" from the key to the end of drawing, its points fetched ahead; "acknowledged" the request
that stores an edit, there and back; "redrawn" from the edit to the solved track's boxes drawn.
Medians and 95th percentiles; then the CPU time of the browser's processes and of the server for one
of each, which other work on the machine hardly changes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

FLAGS = (
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--no-first-run",
)  # fmt: skip
PORT = 8097
# The app's policy forbids the scripts that measure it.
PAGE = {"viewport": {"width": 1280, "height": 800}, "bypass_csp": True}
SESSION = "document.getElementById('viewer').session"
FIRST = """(function look() {
  const view = window.perception_label?.earlyView?.() ?? document.getElementById('viewer')?.view;
  const n = view?.session.scene?.n_points[view.session.sweep] ?? Infinity;
  if (view && view.points.count >= Math.min(20000, n)) {
    view.renderer.getContext().finish();
    window.firstMs ??= performance.now();
    if (view.points.count >= n) {
      view.draw();
      view.renderer.getContext().finish();
      window.allMs = performance.now();
      return;
    }
  }
  setTimeout(look, 5);
})()"""
DRAWN = """const view = document.getElementById('viewer').view, session = view.session;
const drawn = () => { const gl = view.renderer.getContext();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); };"""
NEXT = f"""async () => {{ {DRAWN}
  const sweep = session.sweep + 1;
  await session.clouds.load(sweep);
  await new Promise((wake) => setTimeout(wake, 300));
  const begun = performance.now();
  session.show(sweep);
  while (view.timings.at(-1)?.sweep !== sweep) await new Promise((wake) => setTimeout(wake, 0));
  drawn();
  return performance.now() - begun; }}"""
EDIT = f"""async (id) => {{ {DRAWN}
  const track = session.tracks.get(id), sweep = track.sweeps[track.sweeps.length >> 1];
  session.show(sweep);
  session.select(id);
  await session.clouds.load(sweep);
  await new Promise((wake) => setTimeout(wake, 500));
  const box = session.boxAt(id, sweep), was = track.revision;
  performance.clearResourceTimings();
  const begun = performance.now();
  session.drag({{...box, center: [box.center[0] + 0.1, box.center[1], box.center[2]]}});
  session.commitDrag();
  const isSolved = () => session.tracks.get(id)?.revision > was;
  while (!isSolved()) await new Promise((wake) => setTimeout(wake, 1));
  view.draw();
  drawn();
  const redrawn = performance.now() - begun;
  const sent = performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/edits'));
  return [sent[0]?.duration ?? NaN, redrawn, track.sweeps.length]; }}"""


def main() -> None:
    """Serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--points", type=int, default=1_000_000, help="without a workspace")
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--sweeps", type=int, default=20)
    parser.add_argument(
        "--warm", type=float, default=20.0, help="seconds the server has to warm up"
    )
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "workspace"
        if said.workspace:
            shutil.copytree(said.workspace, copy, symlinks=True)
        else:
            sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
            from wide_logs import wide_workspace

            wide_workspace(copy, sweeps=24, points=said.points, tracks=200)
        server = subprocess.Popen(
            [sys.executable, "-m", "perception_label", "review", str(copy), "--port", str(PORT)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait(f"http://127.0.0.1:{PORT}/api/v1/healthz")
            with sync_playwright() as starter:
                path = shutil.which("chromium")
                browser = starter.chromium.launch(executable_path=path, args=list(FLAGS))
                measure(lambda: browser.new_page(**PAGE), said, server.pid)
                browser.close()
        finally:
            server.terminate()
            server.wait(10)


def measure(opened, said: argparse.Namespace, server: int) -> None:
    """Print the four waits."""
    firsts, alls = [], []
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    for k in range(5):
        page: Page = opened()
        page.add_init_script(FIRST)
        page.goto(f"http://127.0.0.1:{PORT}/")
        page.wait_for_function("window.allMs > 0", timeout=120_000)
        if k == 0:
            page.wait_for_timeout(1000 * said.warm)
        else:
            firsts.append(page.evaluate("window.firstMs"))
            alls.append(page.evaluate("window.allMs"))
        if k < 4:
            page.close()
    page.wait_for_function(f"{SESSION}.tracks.size > 0", timeout=120_000)
    n = page.evaluate(f"{SESSION}.scene.n_points[0]")
    print(f"{n:,} points a sweep, {page.evaluate(f'{SESSION}.tracks.size')} tracks")
    told("first points", firsts, 1000)
    told("all points", alls, float("nan"))
    with Cpu("a sweep", said.sweeps, server):
        waits = [page.evaluate(NEXT) for _ in range(said.sweeps)]
    told("next sweep", waits, 100)
    ids = page.evaluate(
        f"[...{SESSION}.tracks.values()].filter((t) => t.sweeps.length > 15)"
        f".map((t) => t.track_id).slice(0, {said.edits})"
    )
    rows = np.array([page.evaluate(EDIT, name) for name in ids])
    told("acknowledged, first edit of a track", rows[:, 0], 50)
    told("redrawn, first edit of a track", rows[:, 1], 300)
    with Cpu("a further edit", len(ids), server):
        rows = np.array([page.evaluate(EDIT, name) for name in ids])
    told("acknowledged, further edits", rows[:, 0], 50)
    told("redrawn, further edits", rows[:, 1], 300)


class Cpu:
    """Prints what the browser and the server spent on each of n things that are done inside."""

    def __init__(self, name: str, n: int, server: int) -> None:
        self.name, self.n, self.server = name, max(n, 1), server

    def __enter__(self) -> None:
        self.begun = spent_ms(os.getpid()), spent_ms(self.server)

    def __exit__(self, *_fault: object) -> None:
        ours, theirs = spent_ms(os.getpid()) - self.begun[0], spent_ms(self.server) - self.begun[1]
        browser = (ours - theirs) / self.n
        print(f"  CPU of {self.name}: browser {browser:.0f} ms, server {theirs / self.n:.0f} ms")


def spent_ms(pid: int) -> float:
    """Return the CPU time of a process and of all that it started and that still run."""
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    parent, spent = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended
        parent[int(path.parent.name)] = int(fields[1])
        spent[int(path.parent.name)] = tick * (int(fields[11]) + int(fields[12]))
    total = 0.0
    for each, used in spent.items():
        at = each
        while at > 1 and at != pid:
            at = parent.get(at, 0)
        total += used if at == pid else 0.0
    return total


def told(name: str, values_ms, most_ms: float) -> None:
    """Print the median and 95th percentile of waits beside what they may be."""
    middle, high = np.percentile(np.asarray(values_ms), [50, 95])
    print(f"{name:38s} {middle:7.0f} ms  p95 {high:7.0f} ms  (wanted {most_ms:g})", flush=True)


def wait(address: str, seconds: float = 60.0) -> None:
    """Return when a server answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
