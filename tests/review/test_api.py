from uuid import uuid4

import numpy as np
import pytest


def test_scene_tells_what_does_not_change(served):
    scene = served.get("/scene").json
    assert [int(t) for t in scene["timestamps_ns"]] == served.log.timestamps_ns.tolist()
    poses = np.array(scene["world_from_sensor"]).reshape(-1, 4, 4)
    np.testing.assert_allclose(poses, served.log.world_from_sensor, atol=1e-5)
    assert scene["ontology"]["classes"]["car"]["size_m"][0] > 3


def test_points_are_kept_by_the_browser(served):
    first = served.get("/sweeps/1/points")
    assert first.data[:4] == b"PLS1"
    assert "immutable" in first.headers["Cache-Control"]
    again = served.client.get(
        f"{served.root}/sweeps/1/points", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/sweeps/999/points", "/sweeps/-1/points", "/nothing"])
def test_what_is_not_there(served, path):
    assert served.get(path).status_code == 404


def test_an_unknown_log(served):
    answer = served.client.get("/api/v1/logs/other/scene")
    assert answer.status_code == 404
    assert "'other'" in answer.json["error"]


def test_proposals_are_shown_untouched(served):
    tracks = served.tracks()
    table = served.log.machine("proposals")
    assert set(tracks) == set(table.column("track_id").to_pylist())
    assert sum(len(t["sweeps"]) for t in tracks.values()) == len(table)
    assert {t["revision"] for t in tracks.values()} == {0}


def test_a_keyframe_adopts_the_proposal_and_solves_it(served):
    name, track = max(served.tracks().items(), key=lambda item: len(item[1]["sweeps"]))
    op = served.key_op(track, 3)
    (result,) = served.post(op)
    assert result["status"] == "appended"
    state = served.workspace.edits(served.log).track(name)
    assert state.n_human == 1
    assert state.source == "model:proposals"
    now = served.tracks(track_id=name)[name]
    k = now["sweeps"].index(track["sweeps"][3])
    assert now["sources"][now["box_sources"][k]] == "human"
    assert now["poses"][4 * k] == pytest.approx(op["after"]["center_m"][0], abs=1e-3)
    assert now["revision"] == result["revision"]


def test_sending_again_stores_once(served):
    track = next(iter(served.tracks().values()))
    op = served.key_op(track)
    assert [r["status"] for r in served.post(op) + served.post(op)] == ["appended", "duplicate"]


def test_an_edit_of_what_another_changed_is_a_conflict(served):
    track = next(iter(served.tracks().values()))
    served.post(served.key_op(track))
    (late,) = served.post(served.key_op(track, 1))
    assert late["status"] == "conflict"


def test_one_op_that_cannot_be_does_not_stop_the_others(served):
    one, two = list(served.tracks().values())[:2]
    bad = served.key_op(one, kind="no such kind")
    assert [r["status"] for r in served.post(bad, served.key_op(two))] == ["invalid", "appended"]


@pytest.mark.parametrize(
    "change",
    [{"edit_id": ""}, {"timestamp_ns": 5}, {"active_s": -1}, {"unknown": 1}, {"kind": None}],
)
def test_a_malformed_op_is_told(served, change):
    op = served.key_op(next(iter(served.tracks().values()))) | change
    answer = served.client.post(f"{served.root}/edits", json={"ops": [op]})
    assert answer.status_code == 422
    assert served.workspace.edits(served.log).revision == 0


def test_times_that_are_no_numbers_are_told(served):
    track = next(iter(served.tracks().values()))
    op = served.key_op(track, kind="set_lifespan", after={"first_ns": "x", "last_ns": "1"})
    (result,) = served.post(op)
    assert result["status"] == "invalid"
    assert "first_ns" in result["error"]


def test_deleted_tracks_are_gone(served):
    name, track = next(iter(served.tracks().items()))
    served.post(served.key_op(track, kind="delete", after={}))
    assert name not in served.tracks()
    assert served.get("/tracks", since=0).json["gone"] == [name]


def test_changes_tell_of_edits_by_others(served):
    track = next(iter(served.tracks().values()))
    before = served.get("/changes", since=0, wait_s=0).json
    assert before == {"revision": 0, "changes": []}
    served.post(served.key_op(track))
    after = served.get("/changes", since=0, wait_s=5).json
    assert after["changes"][-1]["kind"] == "set_keyframe"
    assert after["revision"] == after["changes"][-1]["revision"]


def test_the_queue_names_sweeps(served):
    answer = served.get("/queue", limit=3).json
    assert len(answer["items"]) == 3
    item = answer["items"][0]
    assert str(served.log.timestamps_ns[item["sweep"]]) == item["at_ns"]


def test_a_missing_object_can_be_taken(served):
    items = served.get("/queue", kind="missing").json["items"]
    if not items:
        pytest.skip("the town's proposals missed nothing")
    name = items[0]["track_id"]
    op = {"edit_id": str(uuid4()), "kind": "verdict", "track_id": name,
          "after": {"verdict": "accept", "reason": ""}}  # fmt: skip
    assert served.post(op)[0]["status"] == "appended"
    assert name in served.tracks()


def test_the_api_describes_itself(served):
    document = served.client.get("/api/v1/openapi.json").json
    assert "/api/v1/logs/{log_id}/edits" in document["paths"]


def _nearest(served, sweep=3):
    """Return the truth box nearest to the sensor."""
    truth, pose = served.log.truth(), served.log.world_from_sensor[sweep]
    here = truth[truth.timestamps_ns == served.log.timestamps_ns[sweep]].cuboids
    return here[[int(np.argmin(np.hypot(*(here.center_m[:, :2] - pose[:2, 3]).T)))]]


def _click(served, point, **more):
    body = {"track_id": "clicked", "sweep": 3, "point_m": list(point), **more}
    return served.client.post(f"{served.root}/clicks", json=body)


def test_a_click_makes_a_whole_track_once(served):
    place = _nearest(served).center_m[0]
    answer = _click(served, place)
    assert answer.status_code == 200, answer.text
    track = served.tracks()["clicked"]
    assert track["source"] == "model:click"
    assert len(track["sweeps"]) > 5
    before = served.workspace.edits(served.log).revision
    assert _click(served, place).json == answer.json
    assert served.workspace.edits(served.log).revision == before


def test_a_click_on_nothing_is_told(served):
    answer = _click(served, [5000, 5000, 0])
    assert answer.status_code == 400
    assert served.workspace.edits(served.log).revision == 0


@pytest.mark.parametrize("sweep", [20, 3600])
def test_a_click_on_a_sweep_that_is_not_there(served, sweep):
    here = {"track_id": "clicked", "sweep": sweep}
    for path, what in (
        ("clicks", {"point_m": [0, 0, 0]}),
        ("rectangles", {"center_m": [0, 0], "size_m": [2, 2]}),
    ):
        answer = served.client.post(f"{served.root}/{path}", json=here | what)
        assert (answer.status_code, f"got {sweep}" in answer.json["error"]) == (404, True)


def test_the_ground_under_a_truth_box(served):
    box = _nearest(served)
    x, y, z = box.center_m[0]
    found = served.get("/ground", x_m=x, y_m=y).json["z_m"]
    assert found == pytest.approx(z - box.size_m[0, 2] / 2, abs=0.3)
    assert served.get("/ground", x_m=1e6, y_m=0).json["z_m"] is None


def test_pictures_of_a_camera(town, tmp_path):
    import io
    from dataclasses import replace

    from PIL import Image

    from perception_label import open_workspace
    from perception_label.geometry.cameras import Camera, Images
    from perception_label.review.server import build_server

    folder = tmp_path / "front"
    folder.mkdir()
    paths = []
    for k in range(3):
        paths.append(folder / f"{k}.png")
        Image.new("RGB", (64, 48), (80 * k, 0, 0)).save(paths[-1])
    lens = ((50.0, 0.0, 31.5), (0.0, 50.0, 23.5), (0.0, 0.0, 1.0))
    recording = replace(
        town,
        cameras={"front": Camera(64, 48, lens, np.eye(4))},
        images={"front": Images(town.timestamps_ns[:3], tuple(paths))},
    )
    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(recording)
    client = build_server(workspace).test_client()
    root = f"/api/v1/logs/{workspace.log().id}/cameras"
    whole = client.get(f"{root}/front/images/2")
    assert whole.data == paths[2].read_bytes()
    small = client.get(f"{root}/front/images/2", query_string={"width_px": 32})
    seen = Image.open(io.BytesIO(small.data))
    assert (seen.size, seen.format) == ((32, 24), "JPEG")
    assert np.asarray(seen)[12, 16] == pytest.approx([160, 0, 0], abs=4)
    assert client.get(f"{root}/front/images/3").status_code == 404
    assert client.get(f"{root}/rear/images/0").status_code == 404


def test_a_log_without_proposals_has_an_empty_queue(town, tmp_path):
    from perception_label import open_workspace
    from perception_label.review.server import build_server

    workspace = open_workspace(tmp_path / "ws", create=True)
    workspace.ingest(town)
    client = build_server(workspace).test_client()
    answer = client.get(f"/api/v1/logs/{workspace.log().id}/queue")
    assert (answer.status_code, answer.json["items"]) == (200, [])
    assert "propose" in answer.json["notes"][0]


def test_two_servers_on_one_workspace_lose_nothing_and_see_each_other(served):
    from perception_label import open_workspace
    from perception_label.review.server import build_server
    from served import client_of

    name, track = next(iter(served.tracks().items()))
    other = client_of(build_server(open_workspace(served.workspace.path)))
    served.post(served.key_op(track))
    news = other.get(f"{served.root}/changes", query_string={"since": 0, "wait_s": 3}).json
    assert name in {change["track_id"] for change in news["changes"]}
    late = served.key_op(track, 1)
    answer = other.post(f"{served.root}/edits", json={"ops": [late]}).json
    assert answer["results"][0]["status"] == "conflict"
    again = late | {"edit_id": str(uuid4()), "base_revision": news["revision"]}
    answer = other.post(f"{served.root}/edits", json={"ops": [again]}).json
    assert answer["results"][0]["status"] == "appended"
    assert served.tracks(track_id=name)[name]["revision"] == answer["results"][0]["revision"]


def test_a_job_is_cancelled_over_the_api(served, monkeypatch):
    import threading

    from perception_label.review import jobs

    begun = threading.Event()

    def long(_desk, _track, progress):
        while True:
            progress(0, 2)
            begun.set()

    monkeypatch.setattr(jobs, "KINDS", {"long": long})
    job = served.client.post(f"{served.root}/jobs", json={"kind": "long"}).json
    assert begun.wait(10)
    answer = served.client.delete(f"{served.root}/jobs/{job['job_id']}")
    assert (answer.status_code, answer.json["status"]) == (200, "cancelled")
    assert served.client.delete(f"{served.root}/jobs/other").status_code == 404
