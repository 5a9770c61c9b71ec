"""Who is at which track now: shown to the others, and never in anybody's way.

Whether an edit is stored is decided by its base revision alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

LEASE_S = 10.0  # a page renews its own every few seconds
MOST = 1000  # of a log


@dataclass(frozen=True, slots=True)
class Lease:
    """One open page: its person, and the track and sweep they are at."""

    client_id: str
    author: str
    track_id: str | None
    sweep: int


class Leases:
    """The open pages of a log, in this process; those that fall silent are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = Lock()
        self._pages: dict[str, tuple[float, Lease]] = {}

    def renew(self, lease: Lease) -> list[Lease]:
        """Say where a page is; return where the others are."""
        now = self._clock()
        with self._turn:
            self._pages[lease.client_id] = now + LEASE_S, lease
            self._pages = {name: each for name, each in self._pages.items() if each[0] > now}
            while len(self._pages) > MOST:
                del self._pages[next(iter(self._pages))]
            return [each for name, (_, each) in self._pages.items() if name != lease.client_id]
