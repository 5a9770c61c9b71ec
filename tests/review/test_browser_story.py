"""What a person does on the demo's workspace: correct a bad track, add a missing one, export."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from app_pages import SESSION, box_at, drag, eventually, in_pane, show_place
from perception_label.export.csv import read
from perception_label.geometry.inside import points_inside
from perception_label.geometry.labels import each_track
from perception_label.geometry.overlap import overlap_3d
from perception_label.tables import labels_from_table
from review_process import Process

SWEEP = 6
LEAST_POINTS = 60  # of an object that anybody would see


@pytest.fixture
def opened(served, chromium):
    """The app, as the command line serves it."""
    process = Process(served.workspace)
    context = chromium.new_context(viewport={"width": 1400, "height": 850}, bypass_csp=True)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(process.url)
    page.get_by_text(re.compile(r"^\d+ items$")).wait_for(timeout=60_000)
    yield page
    context.close()
    process.kill()
    assert faults == []


def truth_at(served):
    """Return each true track's box at the sweep, and how many points are in it."""
    cloud, at = served.log.sweep(SWEEP), served.log.timestamps_ns[SWEEP]
    pose = np.asarray(served.log.world_from_sensor[SWEEP])
    points = cloud.points_m @ pose[:3, :3].T + pose[:3, 3]
    found = {}
    for name, boxes in each_track(served.log.truth()).items():
        here = boxes[boxes.timestamps_ns == at].cuboids
        if len(here):
            found[name] = here, int(points_inside(points, here, mask=True).sum())
    return found


def worst_and_missing(served):
    """Return a proposal that is off by some decimetres, its truth, and a truth without any."""
    tracks = {n: t for n, t in served.tracks().items() if SWEEP in t["sweeps"]}
    places = {n: box_at(t, SWEEP)[0] for n, t in tracks.items()}
    bad, missing = [], []
    for truth, n_points in truth_at(served).values():
        if n_points < LEAST_POINTS:
            continue
        away, name = min((math.dist(p[:2], truth.center_m[0, :2]), n) for n, p in places.items())
        if 0.3 < away < 1.2:
            bad.append((away, name, truth))
        elif away > 3:
            missing.append((-n_points, truth))
    _, name, truth = max(bad, key=lambda item: item[0])
    return tracks[name], truth, min(missing, key=lambda item: item[0])[1]


def test_a_bad_track_and_a_missing_one_are_corrected_and_exported(opened, served, tmp_path):
    page = opened
    bad, truth, missing = worst_and_missing(served)
    known = set(served.tracks())
    # The bad one: found in the table of tracks, dragged to where its object is.
    page.get_by_role("tab", name="tracks").click()
    page.locator(f'.ag-center-cols-container [row-id="{bad["track_id"]}"]').click()
    page.wait_for_function(f"{SESSION}.selected === '{bad['track_id']}'")
    page.get_by_label("Number of the sweep").fill(str(SWEEP))
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('panes').panes[0].points.length > 0")
    (x, y, _, yaw), _ = box_at(bad, SWEEP)
    dx, dy = truth.center_m[0, :2] - (x, y)
    ahead, left = (
        math.cos(yaw) * dx + math.sin(yaw) * dy,
        math.cos(yaw) * dy - math.sin(yaw) * dx,
    )
    start, end = in_pane(page, 0, 0, 0), in_pane(page, 0, left, ahead)
    drag(page, start, (end[0] - start[0], end[1] - start[1]))
    eventually(lambda: served.tracks()[bad["track_id"]]["revision"] > 0)
    page.keyboard.press("Enter")
    edits = served.workspace.edits(served.log)
    eventually(lambda: edits.state().tracks[bad["track_id"]].verdict == "accept")
    # The missing one: seen from above, one click, and the engine does the rest.
    page.keyboard.press("v")
    at = show_place(page, missing.center_m[0], SWEEP)
    page.keyboard.press("n")
    page.mouse.click(*at)
    (made,) = eventually(lambda: set(served.tracks()) - known, 30)
    page.wait_for_function(f"{SESSION}.selected === '{made}'")
    page.get_by_text("saved", exact=True).wait_for()
    # Exported as it is now.
    done = subprocess.run(
        [
            sys.executable, "-m", "perception_label", "export", str(served.workspace.path),
            "--format", "csv", "--out", str(tmp_path / "out"), "--json",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    file = next(f for f in json.loads(done.stdout)["files"] if f.endswith(".csv"))
    labels = each_track(labels_from_table(read(file)))
    corrected = exported(labels, bad["track_id"], served)
    assert math.dist(corrected.center_m[0, :2], truth.center_m[0, :2]) < 0.06
    assert math.dist(corrected.center_m[0, :2], (x, y)) > 0.25
    assert len(labels[bad["track_id"]]) >= len(bad["sweeps"])
    added = exported(labels, made, served)
    assert math.dist(added.center_m[0, :2], missing.center_m[0, :2]) < 0.8
    assert overlap_3d(added, missing)[0, 0] > 0.25
    assert len(labels[made]) > 5


def exported(labels, name, served):
    """Return a track's exported box at the sweep."""
    boxes = labels[name]
    return boxes[boxes.timestamps_ns == served.log.timestamps_ns[SWEEP]].cuboids
