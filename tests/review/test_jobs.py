import threading

import pytest

from app_pages import eventually
from perception_label.errors import SettingError
from perception_label.review import jobs as module
from perception_label.review.desk import Desk
from perception_label.review.jobs import Jobs


@pytest.fixture
def desk(served):
    return Desk(served.workspace, served.log)


@pytest.fixture
def held(monkeypatch):
    """A kind of job that goes on step by step until it is let go."""
    go, begun = threading.Event(), threading.Event()

    def work(_desk, _track, progress):
        for step in range(1000):
            progress(step, 1000)
            begun.set()
            if go.wait(0.01):
                break
        return "worked"

    monkeypatch.setattr(module, "KINDS", {"held": work, "again": lambda *_: "done again"})
    return go, begun


def test_a_job_tells_how_far_it_is_and_what_came_of_it(desk, held):
    jobs = Jobs()
    job = jobs.start(desk, "held")
    eventually(lambda: jobs.find(job.job_id).of == 1000)
    assert jobs.find(job.job_id).status == "running"
    held[0].set()
    eventually(lambda: jobs.find(job.job_id).is_over)
    assert (jobs.find(job.job_id).status, jobs.find(job.job_id).message) == ("done", "worked")


def test_the_same_job_is_not_started_twice_and_others_wait(desk, held):
    jobs = Jobs()
    first, second = jobs.start(desk, "held"), jobs.start(desk, "held")
    assert first.job_id == second.job_id
    other = jobs.start(desk, "again")
    held[1].wait(10)
    assert jobs.find(other.job_id).status == "waiting"
    held[0].set()
    eventually(lambda: jobs.find(other.job_id).status == "done")
    assert [job.kind for job in jobs.of_log(desk.log.id)] == ["again", "held"]


def test_a_cancelled_job_stops_at_its_next_step(desk, held):
    jobs = Jobs()
    job = jobs.start(desk, "held")
    held[1].wait(10)
    assert jobs.cancel(job.job_id).status == "cancelled"
    after = jobs.start(desk, "again")
    eventually(lambda: jobs.find(after.job_id).is_over)
    assert jobs.find(job.job_id).status == "cancelled"
    assert not held[0].is_set()


def test_an_unknown_kind_and_an_unknown_job(desk):
    with pytest.raises(SettingError, match="'dance'"):
        Jobs().start(desk, "dance")
    with pytest.raises(SettingError, match="'nobody'"):
        Jobs().find("nobody")


def test_jobs_over_the_api(served):
    answer = served.client.post(f"{served.root}/jobs", json={"kind": "solve"})
    assert answer.status_code == 202
    job_id = answer.json["job_id"]
    over = eventually(
        lambda: served.get(f"/jobs/{job_id}").json["status"] in ("done", "failed"), 60
    )
    assert over
    assert served.get(f"/jobs/{job_id}").json["status"] == "done"
    assert served.log.machine("solved") is not None
    assert [job["job_id"] for job in served.get("/jobs").json["jobs"]] == [job_id]
    assert served.get("/jobs/other").status_code == 404
    track = next(iter(served.tracks()))
    served.client.post(f"{served.root}/jobs", json={"kind": "propagate", "track_id": track})
    eventually(lambda: served.get("/jobs").json["jobs"][0]["message"].endswith("boxes"), 60)


def test_a_job_on_no_track_fails_in_one_line(served):
    answer = served.client.post(
        f"{served.root}/jobs", json={"kind": "propagate", "track_id": "nobody"}
    )
    job_id = answer.json["job_id"]
    eventually(lambda: served.get(f"/jobs/{job_id}").json["status"] == "failed")
    assert "'nobody'" in served.get(f"/jobs/{job_id}").json["message"]
