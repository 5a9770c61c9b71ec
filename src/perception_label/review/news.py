"""When the edit log grows: many wait for it, and one looks."""

import time
from collections.abc import Callable
from threading import Lock

POLL_S = 0.2  # other processes write to the same database: nothing tells of their edits
GATHER_S = 0.3  # edits come in rows: who hears of the first waits so long for the next


class News:
    """The last revision of a log, for threads that wait for a newer one."""

    def __init__(self, revision: Callable[[], int]) -> None:
        self._revision = revision
        self._turn = Lock()
        self._head, self._looked = 0, float("-inf")

    def after(self, since: int, wait_s: float) -> int:
        """Return the last revision; waits at most so long until it is above `since`."""
        until = time.monotonic() + wait_s
        head = self._revision()
        while head <= since and time.monotonic() < until:
            time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
            head = self._look()
        if head > since and time.monotonic() + GATHER_S < until:
            time.sleep(GATHER_S)
            head = self._revision()
        return head

    def _look(self) -> int:
        with self._turn:
            if time.monotonic() - self._looked >= POLL_S / 2:
                self._head, self._looked = self._revision(), time.monotonic()
            return self._head
