"""Write the review app's main views to a folder, from a simulated log, with a real browser."""

import argparse
import re
import shutil
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from waitress import create_server

from perception_label.pipeline.propose import propose
from perception_label.pipeline.workspace import Workspace, open_workspace
from perception_label.review.app import build_app
from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import LidarSettings, SceneSettings

FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
README = Path(__file__).parent / "app.png"
N_COLOURS = 160  # a palette keeps the file small
SESSION = "document.getElementById('viewer').session"


def main() -> None:
    """Simulate, propose, serve, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/screenshots"))
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--readme", action="store_true", help="also renew the README's picture")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    scene = SceneSettings(
        seed=args.seed,
        duration_s=args.seconds,
        lidar=LidarSettings(n_beams=64),
    )
    with TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "workspace", create=True)
        workspace.ingest(simulate_log(scene, count_points=False))
        propose(workspace)
        take(workspace, args.out)
    if args.readme:
        with Image.open(args.out / "queue.png") as picture:
            picture.convert("RGB").quantize(N_COLOURS).save(README, format="PNG", optimize=True)
        print(f"{README}: {README.stat().st_size / 1000:.0f} kB")


def take(workspace: Workspace, out: Path) -> None:
    """Take every picture of a workspace's first log."""
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
        for name, go in VIEWS.items():
            go(page)
            page.wait_for_timeout(2000)
            page.screenshot(path=out / f"{name}.png")
            print(out / f"{name}.png")
        browser.close()
    server.close()


def _queue(page: Page) -> None:
    page.get_by_text(re.compile(r"^\d+ items$")).wait_for(timeout=120_000)
    page.evaluate(AHEAD)


def _tracks(page: Page) -> None:
    page.get_by_role("tab", name="tracks").click()


def _above(page: Page) -> None:
    page.keyboard.press("v")


def _light(page: Page) -> None:
    page.keyboard.press("v")
    page.get_by_role("button", name="Dark or light").click()


def _keys(page: Page) -> None:
    page.get_by_role("button", name="Dark or light").click()
    page.keyboard.press("?")


def _dashboards(page: Page) -> None:
    page.keyboard.press("Escape")
    page.get_by_role("button", name="dashboards").click()
    page.locator(".js-plotly-plot").nth(5).wait_for(timeout=60_000)


# A car ahead.
AHEAD = f"""() => {{
  const session = {SESSION}, sweep = 20, pose = session.scene.world_from_sensor[sweep];
  const ahead = [...session.tracks.values()].filter((t) => t.class_name === 'car').map((t) => {{
    const box = session.boxAt(t.track_id, sweep);
    if (!box) return null;
    const [x, y] = [0, 1].map((k) => pose[k] * (box.center[0] - pose[3])
      + pose[4 + k] * (box.center[1] - pose[7]));
    return {{id: t.track_id, x, y}};
  }}).filter((t) => t && t.x > 8 && Math.abs(t.y) < 0.4 * t.x).sort((a, b) => a.x - b.x)[0];
  session.show(sweep);
  if (ahead) session.select(ahead.id);
  session.tell('zoom');
}}"""
VIEWS = {
    "queue": _queue, "tracks": _tracks, "above": _above, "light": _light, "keys": _keys,
    "dashboards": _dashboards,
}  # fmt: skip


if __name__ == "__main__":
    main()
