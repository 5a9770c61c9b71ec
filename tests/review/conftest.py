import shutil
import threading
from contextlib import contextmanager, suppress
from functools import partial
from importlib.resources import files

import pytest

from app_pages import READY
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
        seed=3, duration_s=1.2, vehicles=4, cyclists=0, pedestrians=2, lidar=COARSE,
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


@contextmanager
def _serving(served, access=None):
    """Serve the app on a free port; gives its address."""
    from waitress import create_server

    from perception_label.review.app import build_app

    server = create_server(
        build_app(served.workspace, served.log.id, access), host="127.0.0.1", port=0, threads=8
    )

    def run():
        with suppress(OSError):  # closed while it waits
            server.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    server.close()
    thread.join(1)  # a page's long poll may hold it for longer


@contextmanager
def opened(chromium, address, is_there=READY, *, expected=(), script=None):
    """Open the app and wait until it is there; an error of the page or its console fails.

    Unless it has one of the `expected` texts. `script` runs before the page's own.
    """
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800},
        bypass_csp=True,  # `wait_for_function` evaluates strings on the page
    )
    page = context.new_page()
    if script:
        page.add_init_script(script)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(address)
    page.wait_for_function(is_there)
    yield page
    context.close()
    assert [fault for fault in faults if not any(part in fault for part in expected)] == []


@pytest.fixture
def serving():
    """Return what serves the app of a workspace to whom `access` lets in."""
    return _serving


@pytest.fixture
def visiting(chromium):
    """Return what opens a page, see `opened`."""
    return partial(opened, chromium)


@pytest.fixture
def site(served):
    with _serving(served) as address:
        yield address


@pytest.fixture
def page(chromium, site):
    """The app's page on the tests' town."""
    with opened(chromium, site) as page:
        yield page


@pytest.fixture
def film_page(chromium, film):
    """The app's page on a log with a camera."""
    is_there = "document.getElementById('images')?.session?.scene != null"
    with _serving(film) as address, opened(chromium, address, is_there) as page:
        yield page


@pytest.fixture(scope="module")
def blank(chromium):
    """A page that has the bundles and nothing more."""
    context = chromium.new_context()
    page = context.new_page()
    page.evaluate("window.React = {}; window.ReactDOM = {}")
    assets = files("perception_label") / "review" / "assets"
    for name in ("three.js", "perception_label.js"):
        page.add_script_tag(content=(assets / name).read_text())
    yield page
    context.close()
