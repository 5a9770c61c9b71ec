"""What a browser test does on the app's page."""

import time

SESSION = "document.getElementById('viewer').session"
VIEW = "document.getElementById('viewer').view"
READY = (
    "document.getElementById('viewer')?.session?.tracks.size > 0"
    " && document.getElementById('viewer').view?.timings.length > 0"
)


def select(page, track, sweep):
    """Show a sweep and select a track there."""
    page.evaluate(
        f"([id, sweep]) => {{ {SESSION}.show(sweep); {SESSION}.select(id); }}",
        [track["track_id"], sweep],
    )
    # The panes draw what they gathered.
    page.wait_for_function(
        "document.getElementById('panes').panes.every((pane) => pane.at(0, 0) !== null)"
    )
    page.wait_for_timeout(150)


def in_pane(page, pane, along_right, along_up):
    """Return where a place of the box is in a pane (0 top, 1 side, 2 rear), CSS pixels."""
    at = page.evaluate(
        "([k, r, u]) => document.getElementById('panes').panes[k].at(r, u)",
        [pane, along_right, along_up],
    )
    return at["x"], at["y"]


def drag(page, start, way, *, key=None):
    """Drag from a place by some pixels, a modifier held if one is given."""
    page.mouse.move(*start)
    page.mouse.down()
    if key:
        page.keyboard.down(key)
    page.mouse.move(start[0] + way[0] / 2, start[1] + way[1] / 2)
    page.mouse.move(start[0] + way[0], start[1] + way[1])
    page.mouse.up()
    if key:
        page.keyboard.up(key)


def box_at(track, sweep):
    """Return x, y, z, yaw of a track at a sweep, and its size."""
    k = track["sweeps"].index(sweep)
    return track["poses"][4 * k : 4 * k + 4], track["size_m"]


def eventually(found, seconds=10.0):
    """Return what `found` returns as soon as it is true; fail if it never is."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {found}")


def show_place(page, place, sweep):
    """Put a place of the world in the middle of the main view; return where it is, CSS pixels."""
    page.evaluate(
        f"(c) => {VIEW}.lookAt({{center: c, size: [4, 2, 1.5], yaw: 0}})",
        [float(v) for v in place],
    )
    page.wait_for_function(f"{VIEW}.timings.at(-1)?.sweep === {sweep}")
    page.wait_for_timeout(250)
    at = page.evaluate(f"(c) => {VIEW}.project(c)", [float(v) for v in place])
    return at["x"], at["y"]
