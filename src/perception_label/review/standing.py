"""The review queue as it stands: answered at once, made again behind it when something changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread

from perception_label.errors import LabelError
from perception_label.pipeline.boxes import is_settled
from perception_label.pipeline.propose import CANDIDATES
from perception_label.pipeline.propose import NAME as PROPOSALS
from perception_label.pipeline.queue import review_queue
from perception_label.pipeline.solve import NAME as SOLVED
from perception_label.quality.queue import QueueItem, ReviewQueue
from perception_label.storage.edits import EditLog, LogState
from perception_label.storage.logs import Log

RESTS = 3  # times as long as a queue took the next one is not made: edits go on meanwhile
_MADE_FROM = (PROPOSALS, CANDIDATES, SOLVED)

Version = tuple[int, tuple[int, ...]]  # the edits' revision; when each machine result was written


@dataclass(frozen=True, slots=True)
class Standing:
    """A queue as far as it is known.

    Attributes
    ----------
    revision : int
        The edits' revision now.
    items : tuple of QueueItem
        In order; what was settled since the queue was made is left out.
    notes : tuple of str
        For people.
    is_ready : bool
        False while the first one is made: there are no items yet.
    is_stale : bool
        True while a newer one is made.
    """

    revision: int
    items: tuple[QueueItem, ...]
    notes: tuple[str, ...]
    is_ready: bool
    is_stale: bool


class StandingQueue:
    """The queue of one log; threads may share it, at most one makes it anew."""

    def __init__(
        self, log: Log, edits: EditLog, make: Callable[..., ReviewQueue] = review_queue
    ) -> None:
        self._log, self._edits, self._make = log, edits, make
        self._news = Condition()
        self._found: ReviewQueue | None = None
        self._version: Version | None = None
        self._fault: tuple[Version, LabelError] | None = None
        self._is_busy = False

    def now(self, wait_s: float = 0.0) -> Standing:
        """Return the queue as it stands, after waiting at most so long for one of these edits.

        Raises
        ------
        LabelError
            If it cannot be made, such as without proposals.
        """
        state = self._edits.state()
        wanted = self._now(state)
        with self._news:
            if not self._is_over(wanted) and not self._is_busy:
                self._is_busy = True
                Thread(target=self._work, name="queue", daemon=True).start()
            self._news.wait_for(lambda: self._is_over(wanted), timeout=wait_s)
            found, version, fault = self._found, self._version, self._fault
        if fault is not None and fault[0] == wanted:
            raise fault[1]
        items = () if found is None else tuple(i for i in found if not _is_over(i, state))
        notes = () if found is None else found.notes
        return Standing(state.revision, items, notes, found is not None, version != wanted)

    def _is_over(self, wanted: Version) -> bool:
        return self._version == wanted or (self._fault is not None and self._fault[0] == wanted)

    def _now(self, state: LogState) -> Version:
        return state.revision, tuple(_written(self._log, name) for name in _MADE_FROM)

    def _work(self) -> None:
        while True:
            state = self._edits.state()
            wanted = self._now(state)
            with self._news:
                if self._is_over(wanted):
                    self._is_busy = False
                    return
            begun = time.monotonic()
            try:
                found = self._make(self._log, state=state)
            except Exception as error:  # noqa: BLE001 - whoever asks is told
                told = error if isinstance(error, LabelError) else LabelError(f"queue: {error!r}")
                with self._news:
                    self._fault = wanted, told
                    self._news.notify_all()
                continue
            with self._news:
                self._found, self._version, self._fault = found, wanted, None
                self._news.notify_all()
            time.sleep(RESTS * (time.monotonic() - begun))


def _is_over(item: QueueItem, state: LogState) -> bool:
    track = state.tracks.get(item.track_id)
    # Whoever takes up a missing object has answered its item.
    return is_settled(track) or (item.kind == "missing" and track is not None)


def _written(log: Log, name: str) -> int:
    try:
        return log.machine_file(name).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
