import shutil
import threading

import pytest

from served import Served

FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--no-first-run",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def served(town_workspace, tmp_path):
    return Served(town_workspace, tmp_path / "served")


@pytest.fixture(scope="session")
def film_workspace(tmp_path_factory):
    """A second of a simulated drive with a small camera; only to be read."""
    from perception_label import open_workspace
    from perception_label.simulate.log import simulate_log
    from perception_label.simulate.settings import CameraSettings, SceneSettings
    from towns import COARSE, proposals

    camera = CameraSettings(width_px=160, height_px=100, focal_px=120.0, smooth_edges=False)
    settings = SceneSettings(
        seed=3, duration_s=1.2, vehicles=10, cyclists=3, pedestrians=20, lidar=COARSE,
        cameras=(camera,),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("film")
    recording = simulate_log(settings, count_points=False, images_folder=folder / "images")
    workspace = open_workspace(folder / "ws", create=True)
    workspace.ingest(recording)
    proposals(workspace, workers=1)
    return workspace


@pytest.fixture
def film(film_workspace, tmp_path):
    return Served(film_workspace, tmp_path / "film")


@pytest.fixture(scope="session")
def chromium():
    """Return a running browser, or skip."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(served):
    """Serve the app on a free port; return its address."""
    from waitress import create_server

    from perception_label.review.app import build_app

    server = create_server(
        build_app(served.workspace, served.log.id), host="127.0.0.1", port=0, threads=8
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    server.close()
    thread.join(10)


@pytest.fixture
def page(chromium, site):
    """Open the app; an error on the page or its console fails the test."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800},
        bypass_csp=True,  # `wait_for_function` evaluates strings on the page
    )
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(site)
    page.wait_for_function(
        "document.getElementById('viewer')?.session?.tracks.size > 0"
        " && document.getElementById('viewer').view?.timings.length > 0"
    )
    yield page
    context.close()
    assert faults == []
