"""The Python client, over a real socket."""

import numpy as np
import pytest

from conftest import ROOT
from perception_label.errors import EditError, SettingError, SourceError, WorkspaceError
from perception_label.pipeline.boxes import machine_labels
from perception_label.review import client as module
from perception_label.review.access.people import People
from perception_label.review.access.settings import Access
from perception_label.review.client import Client
from perception_label.review.container import pack, shuffled, unpack
from perception_label.storage.edits import make

PASSWORD = "a long password"


@pytest.fixture
def client(site):
    return Client(site)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "RETRIES_S", (0.01,))


def test_sweeps_are_arrays(client, served):
    (log_id,) = client.logs()
    assert log_id == served.log.id
    found, stored = client.sweep(log_id, 3), served.log.sweep(3)
    assert found.timestamp_ns == stored.timestamp_ns
    np.testing.assert_allclose(found.world_from_sensor, stored.world_from_sensor, atol=1e-5)
    assert len(found) == len(stored)
    step_m = np.ptp(stored.points_m, axis=0) / 65_535
    for axis in range(3):  # shuffled, and rounded to a step
        ours, theirs = np.sort(found.points_m[:, axis]), np.sort(stored.points_m[:, axis])
        assert np.abs(ours - theirs).max() <= step_m[axis]
    assert 0 <= found.intensity.min() <= found.intensity.max() <= 1
    with pytest.raises(SettingError, match="got 9999"):
        client.sweep(log_id, 9999)


def test_points_survive_the_way():
    points = np.random.default_rng(4).normal(0, 30, (500, 3)).astype(np.float32)
    found, intensity = unpack(pack(points, None))
    assert intensity is None
    steps_m = np.ptp(points, axis=0) / 65_535
    order = shuffled(len(points))
    assert (np.abs(found - points[order]) <= steps_m).all()
    assert unpack(pack(points[:0], None))[0].shape == (0, 3)
    for broken in (b"", b"PLS1", pack(points, None)[:-1], b"XXXX" + pack(points, None)[4:]):
        with pytest.raises(SourceError):
            unpack(broken)


def test_labels_are_columns(client, served):
    found, stored = client.labels(served.log.id), machine_labels(served.log, "proposals")
    assert len(found) == len(stored)
    assert set(found.track_names) == set(stored.track_names)
    by_place = lambda labels: np.lexsort(np.round(labels.cuboids.center_m, 2).T)  # noqa: E731
    np.testing.assert_allclose(
        found.cuboids.center_m[by_place(found)],
        stored.cuboids.center_m[by_place(stored)],
        atol=2e-4,
    )
    name = found.track_names[0]
    assert set(client.labels(served.log.id, [name]).track_names) == {name}
    assert len(client.labels(served.log.id, [])) == 0
    assert client.tracks(served.log.id, ["nobody"]) == []


def test_a_queue_item_is_judged_and_a_track_corrected(client, served):
    log_id = served.log.id
    item = client.queue(log_id, "track", limit=1)[0]
    (judged,) = client.append(log_id, [make.verdict(item["track_id"], "accept")])
    assert judged.status == "appended"
    track = next(t for t in client.tracks(log_id) if t.track_id != item["track_id"])
    x, y, z, yaw = track.poses[:4]
    at = served.log.timestamps_ns[track.sweeps[0]]
    edit = make.set_keyframe(
        track.track_id, at, [x + 0.3, y, z], yaw, base_revision=track.revision, active_s=2.0
    )
    again = make.set_lifespan(track.track_id, *served.log.timestamps_ns[[0, 1]].tolist())
    results = client.append(log_id, [edit, edit, again])
    assert [r.status for r in results] == ["appended", "duplicate", "appended"]
    state = served.workspace.edits(served.log).track(track.track_id)
    assert state.keyframes.center_m[state.key_sources.index("human"), 0] == pytest.approx(x + 0.3)
    assert state.span_ns == tuple(served.log.timestamps_ns[[0, 1]].tolist())
    (now,) = client.tracks(log_id, [track.track_id])
    assert now.revision == results[-1].revision
    news = client.changes(log_id, judged.revision)
    assert news["revision"] == now.revision
    assert news["changes"][-1]["track_id"] == track.track_id


def test_a_program_uses_a_token_or_a_password(served, serving):
    people = People(served.workspace.path / "access")
    people.put_user("ann", PASSWORD, "reviewer")
    track = next(iter(served.tracks()))
    log_id, edit = served.log.id, make.verdict(track, "accept")
    with serving(served, Access(provider="local")) as url:
        with pytest.raises(SettingError, match="log in first"):
            Client(url).logs()
        with pytest.raises(SettingError, match="wrong"):
            Client(url).log_in("ann", "guess")
        reader = Client(url, people.put_token("ann", "reviewer", "read"))
        assert reader.append(log_id, [edit])[0].status == "denied"
        editor = Client(url, people.put_token("ann", "reviewer", "edit"))
        assert editor.append(log_id, [edit])[0].status == "appended"
        page = Client(url)
        page.log_in("ann", PASSWORD)
        assert page.append(log_id, [make.comment(track, "by password")])[0].status == "appended"
    authors = [row.edit.author for row in served.workspace.edits(served.log).history()]
    assert authors[-2:] == ["ann", "ann"]


def test_refusals_and_silence_are_told_in_one_line(client, served, impatient):
    with pytest.raises(SettingError, match="'other'"):
        client.scene("other")
    with pytest.raises(EditError, match="ops"):
        client.append(served.log.id, [make.comment("x" * 300, "too long a name")])
    with pytest.raises(WorkspaceError, match="expected an answer"):
        Client("http://127.0.0.1:9").logs()
    with pytest.raises(SettingError, match="expected an address"):
        Client("no address").logs()


def test_what_was_not_answered_is_sent_again(client, served, monkeypatch, impatient):
    import requests

    sent = []
    send = requests.Session.request

    def lossy(self, method, url, **said):
        answer = send(self, method, url, **said)
        sent.append(method)
        if sent.count("POST") == 2:  # the first one brings the cookie
            raise requests.ConnectionError
        return answer

    monkeypatch.setattr(requests.Session, "request", lossy)
    track = next(iter(served.tracks()))
    (result,) = client.append(served.log.id, [make.verdict(track, "reject", "a bush")])
    assert result.status == "duplicate"
    rows = served.workspace.edits(served.log).history(track)
    assert [row.edit.kind for row in rows].count("verdict") == 1


def test_the_docs_show_how():
    text = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
    for name in ("review.client import Client", ".labels(", ".append(", ".queue(", ".sweep("):
        assert name in text
