import re

import pytest

from app_pages import SESSION, eventually, select


def state_of(served, name):
    return served.workspace.edits(served.log).state().tracks.get(name)


def human(served, name):
    """Return the instant and the height of each keyframe that people set."""
    found = state_of(served, name)
    heights = found.keyframes.center_m[:, 2].tolist()
    keys = zip(found.key_timestamps_ns.tolist(), heights, found.key_sources, strict=True)
    return [(at, z) for at, z, source in keys if source == "human"]


@pytest.fixture
def track(served):
    """A track with many boxes."""
    return max(served.tracks().values(), key=lambda t: len(t["sweeps"]))


def at_hand(page):
    """Return the id of the queue's item at hand, and its track's."""
    item = page.locator(".pl-queue li[aria-current]").get_attribute("data-item")
    return item, page.evaluate(f"{SESSION}.selected")


def walk(page):
    """Wait for the queue and take up its first item."""
    page.locator(".pl-queue li").first.wait_for(timeout=60_000)
    page.get_by_text(re.compile(r"^\d+ items$")).wait_for(timeout=60_000)
    page.keyboard.press(".")
    page.wait_for_function(f"{SESSION}.selected !== null")


def test_the_queue_is_walked_with_four_keys(page, served):
    walk(page)
    first, name = at_hand(page)
    items = {item["item_id"]: item for item in served.get("/queue", wait_s=60).json["items"]}
    assert items[first]["rank"] == 0
    assert page.evaluate(f"{SESSION}.sweep") == items[first]["sweep"]
    page.keyboard.press(".")
    page.wait_for_function(f"{SESSION}.selected !== '{name}'")
    page.keyboard.press(",")
    page.wait_for_function(f"{SESSION}.selected === '{name}'")
    page.keyboard.press("Enter")
    assert eventually(lambda: state_of(served, name)).verdict == "accept"
    page.wait_for_function(f"{SESSION}.selected !== '{name}'")
    second, other = at_hand(page)
    assert items[second]["track_id"] != name
    page.get_by_label("Reason to reject").fill("a bush")
    page.keyboard.press("Enter")
    page.keyboard.press("Backspace")
    rejected = eventually(lambda: state_of(served, other))
    assert (rejected.verdict, rejected.verdict_reason) == ("reject", "a bush")
    # The list went on by itself.
    page.wait_for_function(f"{SESSION}.selected !== '{other}' && {SESSION}.selected !== null")
    assert at_hand(page)[0] not in (first, second)


def test_a_missing_object_is_looked_at_and_taken_or_not(page, served):
    missing = served.get("/queue", kind="missing", wait_s=60).json["items"]
    assert len(missing) >= 2
    page.get_by_label("Kind of item").select_option("missing")
    walk(page)
    taken = missing[0]["track_id"]
    page.wait_for_function(f"{SESSION}.tracks.has('{taken}')")
    assert page.evaluate(f"{SESSION}.boxAt('{taken}', {SESSION}.sweep)") is not None
    page.keyboard.press(".")
    # Nobody took it: it is no track.
    page.wait_for_function(f"!{SESSION}.tracks.has('{taken}')")
    assert state_of(served, taken) is None
    page.keyboard.press(",")
    page.wait_for_function(f"{SESSION}.selected === '{taken}'")
    page.keyboard.press("Enter")
    assert eventually(lambda: state_of(served, taken)).is_live
    page.wait_for_function(f"{SESSION}.selected === '{missing[1]['track_id']}'")
    page.keyboard.press("Backspace")
    assert not eventually(lambda: state_of(served, missing[1]["track_id"])).is_live
    assert taken in served.tracks()
    assert missing[1]["track_id"] not in served.tracks()


def test_class_attributes_and_numbers_of_a_track(page, served, track):
    name, sweep = track["track_id"], track["sweeps"][3]
    select(page, track, sweep)
    details = page.get_by_role("region", name="Selected track")
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    details.get_by_label("Class").select_option("truck")
    eventually(lambda: (found := state_of(served, name)) and found.class_name == "truck")
    details.get_by_label("is articulated").select_option("yes")
    details.get_by_label("occlusion").select_option("partial")
    at = int(served.log.timestamps_ns[sweep])
    eventually(lambda: state_of(served, name).attributes == {"is_articulated": True})
    eventually(lambda: state_of(served, name).sweep_attributes == {"occlusion": {at: "partial"}})
    details.get_by_label("z m", exact=True).fill("2.5")
    page.keyboard.press("Enter")
    eventually(lambda: state_of(served, name).n_human == 1)
    assert [z for _, z in human(served, name)] == pytest.approx([2.5])
    details.get_by_role("button", name="z to later").click()
    eventually(lambda: state_of(served, name).n_human == 2)
    (_, here), (last, there) = human(served, name)
    assert (here, there) == pytest.approx((2.5, 2.5))
    assert last == served.log.timestamps_ns[track["sweeps"][-1]]
    details.get_by_label("stands still").click()
    eventually(lambda: len(state_of(served, name).static_ns))
    details.get_by_label("Last sweep").fill(str(track["sweeps"][-1]))
    details.get_by_label("First sweep").fill(str(track["sweeps"][1]))
    page.keyboard.press("Enter")
    first = int(served.log.timestamps_ns[track["sweeps"][1]])
    eventually(lambda: (span := state_of(served, name).span_ns) and span[0] == first)
    details.get_by_role("button", name="done").click()
    eventually(lambda: state_of(served, name).is_finalised)


def test_a_comment_leads_back_to_its_sweep_and_the_past_can_be_undone(page, served, track):
    name, sweep = track["track_id"], track["sweeps"][2]
    select(page, track, sweep)
    page.keyboard.press("/")
    page.keyboard.type("is that a van?")
    page.keyboard.press("Enter")
    eventually(lambda: (found := state_of(served, name)) and found.comments == ("is that a van?",))
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{SESSION}.sweep === {sweep + 1}")
    page.get_by_role("button", name=f"go to sweep {sweep}").first.click()
    page.wait_for_function(f"{SESSION}.sweep === {sweep}")
    page.keyboard.press("y")
    eventually(lambda: state_of(served, name).is_finalised)
    page.get_by_text("History").click()
    page.locator(".pl-past li", has_text="finalise").get_by_role("button", name="undo").click()
    eventually(lambda: not state_of(served, name).is_finalised)


def test_joining_two_tracks_shows_first_what_it_would_make(page, served):
    one, two = sorted(served.tracks().values(), key=lambda t: -len(t["sweeps"]))[:2]
    select(page, one, one["sweeps"][0])
    page.evaluate(f"{SESSION}.askToMerge('{two['track_id']}')")
    dialog = page.get_by_role("dialog", name="Join two tracks")
    assert two["track_id"] in dialog.inner_text()
    assert "boxes" in dialog.inner_text()
    dialog.get_by_role("button", name="no").click()
    dialog.wait_for(state="hidden")
    page.evaluate(f"{SESSION}.askToMerge('{two['track_id']}')")
    dialog.get_by_role("button", name="join").click()
    # Two objects far apart are no object: the server says so, and nothing is lost.
    page.get_by_role("log", name="Messages").get_by_text(re.compile("merge")).wait_for()
    assert served.tracks().keys() >= {one["track_id"], two["track_id"]}


def test_the_table_and_the_view_select_the_same_track(page, track):
    name = track["track_id"]
    page.get_by_role("tab", name="tracks").click()
    row = page.locator(f'.ag-center-cols-container [row-id="{name}"]')
    other = page.evaluate(f"[...{SESSION}.tracks.keys()].find((k) => k !== '{name}')")
    page.locator(f'.ag-center-cols-container [row-id="{other}"]').click()
    page.wait_for_function(f"{SESSION}.selected === '{other}'")
    page.evaluate(f"{SESSION}.select('{name}')")
    row.wait_for()
    page.wait_for_function(
        f"""document.querySelector('[row-id="{name}"]').classList.contains('ag-row-selected')"""
    )
    assert page.evaluate(f"{SESSION}.selected") == name


def test_the_address_remembers_and_themes_change(page, track):
    name, sweep = track["track_id"], track["sweeps"][4]
    select(page, track, sweep)
    page.get_by_label("Kind of item").select_option("missing")
    page.wait_for_url(re.compile(rf"sweep={sweep}&track={name}&kind=missing"))
    page.reload()
    page.wait_for_function(f"document.getElementById('viewer')?.session?.selected === '{name}'")
    assert page.evaluate(f"{SESSION}.sweep") == sweep
    assert page.get_by_label("Kind of item").input_value() == "missing"
    back = "document.getElementById('viewer').view.scene.background.getHex()"
    dark = page.evaluate(back)
    page.get_by_role("button", name="Dark or light").click()
    page.wait_for_function(f"{back} !== {dark}")
    assert page.evaluate("document.body.dataset.agThemeMode") == "light"


def test_dashboards_and_jobs(page, served, track):
    served.post(served.key_op(track, 1, active_s=4.0))
    page.get_by_role("button", name="dashboards").click()
    page.locator(".js-plotly-plot").nth(5).wait_for(timeout=30_000)
    assert page.get_by_text("annotator-hours per sensor-hour").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="jobs").click()
    page.get_by_role("button", name="solve all tracks").click()
    page.locator(".pl-jobs li", has_text="done").wait_for(timeout=60_000)
    assert served.log.machine("solved") is not None


def test_what_is_not_saved_is_said_and_sent_later(page, served, track):
    name = track["track_id"]
    select(page, track, track["sweeps"][0])
    # A real 401 would be an error on the console, which fails every test.
    page.evaluate(
        """window.kept = window.fetch; window.fetch = (url, init) => String(url).endsWith('/edits')
          ? Promise.resolve(new Response('{"error": "log in"}', {status: 401}))
          : window.kept(url, init); null"""
    )
    page.keyboard.press("y")
    header = page.locator("#status")
    header.get_by_text("unsaved (1)").wait_for()
    header.get_by_role("link", name="log in").wait_for()
    page.evaluate("window.fetch = window.kept; null")
    header.get_by_role("button", name="try again").click()
    header.get_by_text("saved", exact=True).wait_for()
    assert state_of(served, name).is_finalised
