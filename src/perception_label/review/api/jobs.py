"""Long work in the background."""

from dataclasses import asdict

from flask import Response, jsonify

from perception_label.errors import SettingError
from perception_label.review.answers import JobNow, JobsNow
from perception_label.review.api.routes import blueprint, desk_of, jobs_of
from perception_label.review.jobs import Job
from perception_label.review.payloads import JobAsk, JobPath, LogPath

routes = blueprint("jobs", "Long work: started, watched, stopped.")


@routes.post("/logs/<log_id>/jobs", responses={202: JobNow})
def start(path: LogPath, body: JobAsk) -> tuple[Response, int]:
    """Start a job; asked for again before it is over, it is the same job."""
    job = jobs_of().start(desk_of(path.log_id), body.kind, body.track_id)
    return jsonify(asdict(job)), 202


@routes.get("/logs/<log_id>/jobs", responses={200: JobsNow})
def jobs(path: LogPath) -> Response:
    """Return the log's jobs, the newest first."""
    desk_of(path.log_id)
    return jsonify(jobs=[asdict(job) for job in jobs_of().of_log(path.log_id)])


@routes.get("/logs/<log_id>/jobs/<job_id>", responses={200: JobNow})
def job(path: JobPath) -> Response:
    """Return how far a job is."""
    return jsonify(asdict(_of(path)))


@routes.delete("/logs/<log_id>/jobs/<job_id>", responses={200: JobNow})
def cancel(path: JobPath) -> Response:
    """Stop a job; nothing half-made of it is left."""
    return jsonify(asdict(jobs_of().cancel(_of(path).job_id)))


def _of(path: JobPath) -> Job:
    found = jobs_of().find(path.job_id)
    if found.log_id != path.log_id:
        raise SettingError(f"job: expected one of log {path.log_id}, got {path.job_id!r}")
    return found
