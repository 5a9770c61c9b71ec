"""Long work in processes of its own: who stores an edit never waits for it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing import get_context, parent_process
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, cast

from perception_label.errors import LabelError
from perception_label.pipeline.evidence import evidence_of
from perception_label.pipeline.queue import review_queue
from perception_label.pipeline.workspace import open_workspace
from perception_label.review.machine import MachineTracks

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from perception_label.quality.queue import ReviewQueue
    from perception_label.review.shown import Shown
    from perception_label.storage.edits import EditLog, LogState, TrackState
    from perception_label.storage.logs import Log

BELOW = 5  # how much less than the server's the workers' turn counts (nice)


class Workers:
    """Processes that solve tracks, and one that makes queues; begun when first needed.

    They end with the server, however it ends. Threads may share them.
    """

    def __init__(self, place: Path, solvers: int | None = None) -> None:
        n = max(1, (os.cpu_count() or 1) // 2) if solvers is None else solvers
        self._all = [_Worker(place) for _ in range(n + 1)]
        self._queues, *free = self._all
        self._solvers: SimpleQueue[_Worker] = SimpleQueue()
        for each in free:
            self._solvers.put(each)

    def solve(self, log_id: str, track: TrackState) -> Shown:
        """Return an edited track, solved; the next free process does it."""
        worker = self._solvers.get()
        try:
            return cast("Shown", worker.ask(_solve, log_id, track))
        finally:
            self._solvers.put(worker)

    def processes(self) -> list[int]:
        """Return the ids of the processes that run now."""
        return [each.pid for each in self._all if each.pid]

    def warm_up(self, log_id: str) -> None:
        """Begin the process that solves next, and have it read a log's evidence."""
        worker = self._solvers.get()
        try:
            worker.ask(_warm_up, log_id)
        finally:
            self._solvers.put(worker)

    def queue(self, log: Log, *, state: LogState) -> ReviewQueue:
        """Return the review queue of these edits, or of newer ones."""
        return cast("ReviewQueue", self._queues.ask(_queue, log.id, state.revision))


class _Worker:
    """One process, begun again if it was ended."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._turn = Lock()
        self._line: Connection | None = None
        self.pid = 0

    def ask(self, what: Any, log_id: str, *said: Any) -> object:
        with self._turn:
            for is_last in (False, True):
                if self._line is None:
                    self._line, self.pid = _begun(self._place)
                try:
                    self._line.send((what, log_id, said))
                    is_done, answer = self._line.recv()
                    break
                except (EOFError, OSError):
                    self._line, self.pid = None, 0
                    if is_last:
                        raise LabelError(f"log {log_id}: its worker was ended twice") from None
        if is_done:
            return answer
        raise answer


def _begun(place: Path) -> tuple[Connection, int]:
    # Spawned: a fork would take over the server's locks, and its end of the line.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, place), daemon=True)
    process.start()
    theirs.close()
    return ours, process.pid or 0


def _end_with_server() -> None:
    """End this process in the middle of its work when the server is gone, killed or not."""
    server = parent_process()
    if server is not None:
        server.join()
        os._exit(1)


class _Place:
    """One log in a worker."""

    def __init__(self, place: Path, log_id: str) -> None:
        workspace = open_workspace(place)
        self.log: Log = workspace.log(log_id)
        self.edits: EditLog = workspace.edits(self.log)
        self.results = MachineTracks(self.log)


def _work(line: Connection, place: Path) -> None:
    """Do what is asked until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    Thread(target=_end_with_server, daemon=True).start()
    with suppress(OSError):
        os.nice(BELOW)
    logs: dict[str, _Place] = {}
    while True:
        try:
            what, log_id, said = line.recv()
        except (EOFError, OSError):
            return
        try:
            if log_id not in logs:
                logs[log_id] = _Place(place, log_id)
            answer: tuple[bool, object] = True, what(logs[log_id], *said)
        except LabelError as error:
            answer = False, error
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            answer = False, LabelError(f"log {log_id}: {error!r}")
        line.send(answer)


def _warm_up(here: _Place) -> None:
    evidence_of(here.log)


def _solve(here: _Place, track: TrackState) -> Shown:
    return here.results.solved(track)


def _queue(here: _Place, _revision: int) -> ReviewQueue:
    return review_queue(here.log, state=here.edits.state())
