"""Long work in the background: one job at a time, each with its progress, each can be stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Lock, Thread
from uuid import uuid4

from perception_label.errors import LabelError, SettingError
from perception_label.pipeline.propose import Progress, propose
from perception_label.pipeline.solve import solve
from perception_label.pipeline.solve_images import solve_images
from perception_label.review.desk import Desk

MOST_KEPT = 50  # jobs that are told of; the oldest that is over is forgotten first
WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work, and how far it is: `done` of `of`; `message` is what came of it."""

    job_id: str
    log_id: str
    kind: str
    track_id: str
    status: str = WAITING
    done: int = 0
    of: int = 0
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in (DONE, FAILED, CANCELLED)


class _StoppedError(Exception):
    """Somebody cancelled the job."""


class Jobs:
    """The jobs of a workspace, in the order they were asked for; threads may share it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._jobs: dict[str, Job] = {}
        self._desks: dict[str, Desk] = {}
        self._is_busy = False

    def start(self, desk: Desk, kind: str, track_id: str = "") -> Job:
        """Queue a job; one that is the same and not over is returned instead.

        Raises
        ------
        SettingError
            If there is no such kind of job.
        """
        if kind not in KINDS:
            raise SettingError(f"job: expected one of {', '.join(KINDS)}, got {kind!r}")
        with self._turn:
            for known in self._jobs.values():
                same = (known.log_id, known.kind, known.track_id) == (desk.log.id, kind, track_id)
                if same and not known.is_over:
                    return known
            job = Job(str(uuid4()), desk.log.id, kind, track_id)
            self._jobs[job.job_id], self._desks[job.job_id] = job, desk
            over = [name for name, each in self._jobs.items() if each.is_over]
            for name in over[: max(0, len(self._jobs) - MOST_KEPT)]:
                del self._jobs[name]
            if not self._is_busy:
                self._is_busy = True
                Thread(target=self._work, name="jobs", daemon=True).start()
            return job

    def find(self, job_id: str) -> Job:
        """Return a job; raises SettingError if there is none of that id."""
        with self._turn:
            if job_id not in self._jobs:
                raise SettingError(f"job: expected one that was started, got {job_id!r}")
            return self._jobs[job_id]

    def of_log(self, log_id: str) -> list[Job]:
        """Return the jobs of a log, the newest first."""
        with self._turn:
            return [job for job in reversed(self._jobs.values()) if job.log_id == log_id]

    def cancel(self, job_id: str) -> Job:
        """Stop a job at its next step; what is over stays as it is."""
        job = self.find(job_id)
        return job if job.is_over else self._change(job_id, status=CANCELLED)

    def _work(self) -> None:
        while True:
            with self._turn:
                waiting = next((j for j in self._jobs.values() if j.status == WAITING), None)
                if waiting is None:
                    self._is_busy = False
                    return
                desk = self._desks.pop(waiting.job_id)
            self._run(waiting, desk)

    def _run(self, job: Job, desk: Desk) -> None:
        def progress(done: int, of: int) -> None:
            if self._change(job.job_id, done=done, of=of).status == CANCELLED:
                raise _StoppedError

        if self._change(job.job_id, status=RUNNING).status == CANCELLED:
            return
        try:
            said = KINDS[job.kind](desk, job.track_id, progress)
        except _StoppedError:
            return
        except LabelError as error:
            self._change(job.job_id, status=FAILED, message=str(error))
        except Exception as error:  # noqa: BLE001 - whoever asks is told
            self._change(job.job_id, status=FAILED, message=repr(error))
        else:
            desk.forget()
            self._change(job.job_id, status=DONE, message=said)

    def _change(self, job_id: str, **what: str | int) -> Job:
        with self._turn:
            job = self._jobs[job_id]
            if job.status != CANCELLED:
                self._jobs[job_id] = job = replace(job, **what)  # type: ignore[arg-type]
            return job


def _propose(desk: Desk, _track_id: str, progress: Progress) -> str:
    made = propose(desk.workspace, desk.log, progress=progress)
    return f"{made.n_tracks} tracks, {made.n_boxes} boxes"


def _solve(desk: Desk, _track_id: str, progress: Progress) -> str:
    made = solve(desk.workspace, desk.log, progress=progress)
    return f"{made.n_tracks} tracks, {made.n_boxes} boxes"


def _propagate(desk: Desk, track_id: str, progress: Progress) -> str:
    progress(0, 1)
    desk.forget(track_id)
    shown = desk.shown(track_id)
    if shown is None:
        raise SettingError(f"log {desk.log.id}: expected one of its tracks, got {track_id!r}")
    progress(1, 1)
    return f"{len(shown.cuboids)} boxes"


def _propagate_images(desk: Desk, _track_id: str, progress: Progress) -> str:
    made = solve_images(desk.workspace, desk.log, progress=progress)
    return f"{made.n_tracks} tracks, {made.n_labels} labels on {made.n_images} images"


# What each kind of job does; it says what came of it.
KINDS: Mapping[str, Callable[[Desk, str, Progress], str]] = {
    "propagate": _propagate,
    "solve": _solve,
    "propose": _propose,
    "propagate_images": _propagate_images,
}
