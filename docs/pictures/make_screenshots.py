"""Write the review app's main views to a folder, dark and light, from a simulated log."""

import argparse
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from waitress import create_server

from perception_label.pipeline.propose import propose
from perception_label.pipeline.workspace import Workspace, open_workspace
from perception_label.review.app import build_app
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import CameraSettings, LidarSettings, SceneSettings

FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
README = Path(__file__).parent / "app.png"
N_COLOURS = 200  # a palette keeps the file small
SESSION = "document.getElementById('viewer').session"
SETTLE_MS = 1500


def main() -> None:
    """Simulate, propose, serve, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/screenshots"))
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--workspace", type=Path, help="one that is there, instead of a new log")
    parser.add_argument("--readme", action="store_true", help="also renew the README's picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        take(_workspace(args, Path(folder)), args.out)
    if args.readme:
        with Image.open(args.out / "queue-dark.png") as picture:
            picture.convert("RGB").quantize(N_COLOURS).save(README, format="PNG", optimize=True)
        print(f"{README}: {README.stat().st_size / 1000:.0f} kB")


def _workspace(args: argparse.Namespace, folder: Path) -> Workspace:
    if args.workspace:
        shutil.copytree(args.workspace, folder / "workspace")
        return open_workspace(folder / "workspace")
    scene = SceneSettings(
        seed=args.seed,
        duration_s=args.seconds,
        lidar=LidarSettings(n_beams=64),
        cameras=(CameraSettings(),),
    )
    workspace = open_workspace(folder / "workspace", create=True)
    workspace.ingest(simulate_log(scene, count_points=False, images_folder=folder / "images"))
    propose(workspace)
    return workspace


def take(workspace: Workspace, out: Path) -> None:
    """Take every picture of a workspace's first log, dark and light."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"screenshots: expected a browser, got none of {', '.join(BROWSERS)}")
    server = create_server(build_app(workspace), host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    with sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=path, args=FLAGS)
        # Waiting for an expression is refused by the page's own rules else.
        page = browser.new_page(viewport={"width": 1600, "height": 900}, bypass_csp=True)
        page.goto(f"http://127.0.0.1:{server.effective_port}/")
        page.wait_for_function("document.getElementById('viewer')?.view?.timings.length > 0")
        page.get_by_text(re.compile(r"^\d+ items$")).wait_for(timeout=120_000)
        page.evaluate(AHEAD)
        for scheme in ("dark", "light"):
            for name, view in VIEWS.items():
                with view(page):
                    page.wait_for_timeout(SETTLE_MS)
                    page.screenshot(path=out / f"{name}-{scheme}.png")
                    print(out / f"{name}-{scheme}.png")
            page.get_by_role("button", name="Dark or light").click()
        browser.close()
    server.close()


@contextmanager
def _queue(_page: Page) -> Iterator[None]:
    yield


@contextmanager
def _tracks(page: Page) -> Iterator[None]:
    page.get_by_role("tab", name="tracks").click()
    yield
    page.get_by_role("tab", name="queue").click()


@contextmanager
def _above(page: Page) -> Iterator[None]:
    page.keyboard.press("v")
    page.evaluate(f"{SESSION}.set({{colour: 'class'}})")
    yield
    page.evaluate(f"{SESSION}.set({{colour: 'height'}})")
    page.keyboard.press("v")


@contextmanager
def _around(page: Page) -> Iterator[None]:
    page.evaluate(f"{SESSION}.set({{around: 5, colour: 'time', showsTrajectory: true}})")
    yield
    page.evaluate(f"{SESSION}.set({{around: 0, colour: 'height', showsTrajectory: false}})")


@contextmanager
def _grid(page: Page, key: str) -> Iterator[None]:
    page.keyboard.press(key)
    yield
    page.keyboard.press("Escape")


@contextmanager
def _images(page: Page) -> Iterator[None]:
    page.keyboard.press("i")
    yield
    page.keyboard.press("Escape")


@contextmanager
def _merge(page: Page) -> Iterator[None]:
    page.evaluate(f"""() => {{ const s = {SESSION};
      s.askToMerge([...s.tracks.keys()].find((id) => id !== s.selected)); }}""")
    yield
    page.get_by_role("dialog", name="Join two tracks").get_by_role("button", name="no").click()


@contextmanager
def _keys(page: Page) -> Iterator[None]:
    page.keyboard.press("?")
    yield
    page.keyboard.press("Escape")


@contextmanager
def _dashboards(page: Page) -> Iterator[None]:
    page.get_by_role("button", name="dashboards").click()
    page.locator(".js-plotly-plot").nth(5).wait_for(timeout=60_000)
    yield
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)


# A car ahead.
AHEAD = f"""() => {{
  const session = {SESSION}, sweep = session.scene.n_sweeps >> 1;
  const pose = session.scene.world_from_sensor[sweep];
  const cost = (t) => t.x + (t.x > 8 && Math.abs(t.y) < 0.4 * t.x ? 0 : 1000);
  const ahead = [...session.tracks.values()].filter((t) => t.class_name === 'car').map((t) => {{
    const box = session.boxAt(t.track_id, sweep);
    if (!box) return null;
    const [x, y] = [0, 1].map((k) => pose[k] * (box.center[0] - pose[3])
      + pose[4 + k] * (box.center[1] - pose[7]));
    return {{id: t.track_id, x, y}};
  }}).filter(Boolean).sort((a, b) => cost(a) - cost(b))[0];
  session.show(sweep);
  if (ahead) session.select(ahead.id);
  session.tell('zoom');
}}"""
VIEWS = {
    "queue": _queue, "tracks": _tracks, "above": _above, "around": _around, "merge": _merge,
    "batch": lambda page: _grid(page, "b"), "grid": lambda page: _grid(page, "Shift+B"),
    "images": _images, "keys": _keys, "dashboards": _dashboards,
}  # fmt: skip


if __name__ == "__main__":
    main()
