import pytest

from app_pages import drag, eventually, select


@pytest.fixture
def track(served):
    return max(served.tracks().values(), key=lambda t: (len(t["sweeps"]), t["track_id"]))


def at(page, sweep):
    found = page.evaluate("(s) => document.getElementById('timeline').lanes.at(s)", sweep)
    return found["x"], found["y"] - 8  # where keyframes and sources are


def state(served, name):
    return served.workspace.edits(served.log).state().tracks.get(name)


def keys(served, name):
    """Return the sweeps of the keyframes that people set."""
    found = state(served, name)
    if found is None:
        return []
    times = served.log.timestamps_ns.tolist()
    return [
        times.index(at_ns)
        for at_ns, source in zip(found.key_timestamps_ns.tolist(), found.key_sources, strict=True)
        if source == "human"
    ]


def test_keyframes_are_added_dragged_and_taken_away(page, served, track):
    name, (first, second) = track["track_id"], (track["sweeps"][4], track["sweeps"][8])
    select(page, track, first)
    page.mouse.dblclick(*at(page, first))
    eventually(lambda: keys(served, name) == [first])
    page.wait_for_function(
        "(id) => document.getElementById('viewer').session.tracks.get(id).keys"
        ".some((key) => key.source === 'human')",
        arg=name,
    )
    x, y = at(page, first)
    drag(page, (x, y), (at(page, second)[0] - x, 0))
    eventually(lambda: keys(served, name) == [second])
    page.wait_for_function("document.getElementById('viewer').session.outbox.size === 0")
    page.wait_for_timeout(300)
    page.mouse.dblclick(*at(page, second))
    eventually(lambda: keys(served, name) == [])


def test_an_end_of_the_life_is_dragged(page, served, track):
    sweeps, times = track["sweeps"], served.log.timestamps_ns
    select(page, track, sweeps[0])
    half = (at(page, 1)[0] - at(page, 0)[0]) / 2
    x, y = at(page, sweeps[-1])
    to = at(page, sweeps[5])[0]
    drag(page, (x + half, y + 10), (to - x - half, 0))
    found = eventually(lambda: state(served, track["track_id"]))
    assert found.span_ns == (times[sweeps[0]], times[sweeps[5]])


def test_a_click_on_the_ruler_shows_that_sweep(page, served):
    last = len(served.log.sweeps) - 1
    x, y = at(page, last)
    page.mouse.click(x, y - 28)
    page.wait_for_function("(n) => document.getElementById('viewer').session.sweep === n", arg=last)
