import pytest

from perception_label.review.meter import Tally
from perception_label.review.shell.callbacks import cost_line
from perception_label.review.shell.charts import charts, keyframes_met


def test_the_past_of_a_track_with_its_comments_and_what_was_undone(served):
    name, track = next(iter(served.tracks().items()))
    key = served.key_op(track)
    at = key["timestamp_ns"]
    served.post(key)
    comment = {"edit_id": "c", "kind": "comment", "track_id": name, "timestamp_ns": at}
    served.post(comment | {"after": {"text": "look here"}})
    served.post({"edit_id": "u", "kind": "undo", "after": {"edit_id": key["edit_id"]}})
    edits = served.get("/history", track_id=name).json["edits"]
    by_kind = {edit["kind"]: edit for edit in edits if edit["source"] == "human"}
    assert edits[0]["kind"] == "undo"
    assert by_kind["set_keyframe"]["is_undone"]
    assert not by_kind["comment"]["is_undone"]
    assert by_kind["comment"]["text"] == "look here"
    assert by_kind["comment"]["sweep"] == track["sweeps"][0]
    assert served.get("/history", track_id="nobody").json["edits"] == []


def test_cost_is_measured_from_peoples_edits(served):
    track = max(served.tracks().values(), key=lambda t: len(t["sweeps"]))
    served.post(served.key_op(track, active_s=7.2))
    cost = served.get("/cost").json
    times = served.log.timestamps_ns
    hours = 1.15 * 7.2 / ((times[-1] - times[0]) / 1e9)
    assert cost["annotator_hours_per_sensor_hour"] == pytest.approx(hours)
    assert cost["actions"] == {"set_keyframe": [1, 7.2]}  # what machines did costs nobody's time
    assert cost["n_keyframes"] == 1
    now = served.tracks(track_id=track["track_id"])[track["track_id"]]
    assert cost["boxes_per_keyframe"] == len(now["sweeps"])


def test_a_log_nobody_worked_on(served):
    meter = Tally().meter(0.0, 0, 0)
    assert meter.hours_per_sensor_hour is None
    assert meter.boxes_per_keyframe is None
    assert served.get("/cost").json["active_s"] == 0


def test_dashboards_of_a_log_with_and_without_work(served):
    from perception_label.review.api.routes import DESKS

    desks = served.client.application.extensions[DESKS]
    desk = desks.desk(served.log.id)
    assert len(keyframes_met(desk)[0]) == 0
    charts(desk)
    track = max(served.tracks().values(), key=lambda t: len(t["sweeps"]))
    served.post(served.key_op(track, 2, active_s=3.0))
    expected, met = keyframes_met(desk)
    assert len(expected) == 1
    assert 0 < met[0] < 1
    charts(desk)
    assert "boxes per keyframe" in cost_line(desks, served.log.id)
