import math

import pytest

from app_pages import SESSION, drag, eventually, select

GRID = "document.querySelector('[role=dialog]').grid"


@pytest.fixture
def car(served):
    tracks = [t for t in served.tracks().values() if len(t["sweeps"]) >= 10]
    ego = served.log.world_from_sensor[:, :2, 3]
    return min(tracks, key=lambda t: math.dist(t["poses"][:2], ego[t["sweeps"][0]]))


def human(served, name):
    """Return the sweeps at which people set a keyframe."""
    state = served.workspace.edits(served.log).state().tracks.get(name)
    if state is None:
        return []
    times = served.log.timestamps_ns.tolist()
    keys = zip(state.key_timestamps_ns.tolist(), state.key_sources, strict=True)
    return [times.index(at) for at, source in keys if source == "human"]


def test_the_batch_grid_corrects_and_accepts_cells(page, served, car):
    name = car["track_id"]
    select(page, car, car["sweeps"][0])
    page.keyboard.press("b")
    page.get_by_role("dialog", name="One track over many sweeps").wait_for()
    sweeps = page.evaluate(f"{GRID}.sweeps")
    assert (sweeps[0], sweeps[-1]) == (car["sweeps"][0], car["sweeps"][-1])
    # A drag in a cell is an edit at that cell's sweep.
    cell = sweeps[len(sweeps) // 2]
    ends = page.evaluate(
        f"""(sweep) => {{ const pane = {GRID}.panes(sweep)[0];
        return [pane.at(0, 0), pane.at(0, 0.4)]; }}""",
        cell,
    )
    drag(page, (ends[0]["x"], ends[0]["y"]), (0, ends[1]["y"] - ends[0]["y"]))
    eventually(lambda: human(served, name) == [cell])
    # Two cells are chosen with the keyboard and accepted: keyframes there, too.
    page.locator(f"[data-cell='{sweeps[0]}']").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.evaluate(f"{SESSION}.sweep") == sweeps[1]
    page.get_by_role("button", name="Accept 2").click()
    eventually(lambda: human(served, name) == sorted({*sweeps[:2], cell}))
    # Run again: the cell's keyframe goes, the others stay.
    eventually(lambda: page.evaluate(f"{SESSION}.outbox.size") == 0)
    page.wait_for_function(
        f"{SESSION}.tracks.get('{name}').keys.filter((k) => k.source === 'human').length === 3"
    )
    page.locator(f"[data-cell='{cell}']").click()
    page.get_by_role("button", name="Run 1 again").click()
    eventually(lambda: human(served, name) == sweeps[:2])
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def test_the_review_grid_accepts_all_but_the_bad_ones(page, served):
    page.keyboard.press("Shift+B")
    page.get_by_role("dialog", name="Many look-alike tracks").wait_for()
    tiles = page.locator("button[data-cell]")
    tiles.first.wait_for()
    names = tiles.evaluate_all("(all) => all.map((tile) => tile.dataset.cell)")
    assert len(names) >= 2
    page.wait_for_function("document.querySelectorAll('[data-drawn]').length > 0")
    tiles.first.click()
    page.get_by_role("button", name=f"Accept {len(names) - 1}", exact=True).click()

    def verdicts():
        state = served.workspace.edits(served.log).state()
        return {name: track.verdict for name, track in state.tracks.items() if track.verdict}

    eventually(lambda: len(verdicts()) == len(names) - 1)
    assert verdicts() == dict.fromkeys(names[1:], "accept")
