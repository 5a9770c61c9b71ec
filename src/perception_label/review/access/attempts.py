"""Slows down who guesses passwords."""

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

WINDOW_S = 900.0
MOST_OF_ONE = 5  # wrong passwords of one name from one address
MOST_OF_NAME = 50  # … of one name from anywhere
MOST_OF_ADDRESS = 30  # … from one address; an office shares one
MOST_KEPT = 10_000  # places that are remembered; the oldest is forgotten first


class Attempts:
    """Failed logins of the last quarter of an hour, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = Lock()
        self._failed: dict[tuple[str, ...], deque[float]] = {}

    def wait_s(self, name: str, address: str) -> float:
        """Return how long until the next attempt may be made; 0: now."""
        now = self._clock()
        with self._turn:
            waits = [0.0]
            for place, most in _places(name, address):
                times = self._failed.get(place, deque())
                while times and times[0] <= now - WINDOW_S:
                    times.popleft()
                if len(times) >= most:
                    waits.append(times[-most] + WINDOW_S - now)
            return max(waits)

    def begun(self, name: str, address: str) -> None:
        """Count an attempt before its password is looked at: many at once are many."""
        with self._turn:
            for place, most in _places(name, address):
                self._failed.setdefault(place, deque(maxlen=most)).append(self._clock())
            while len(self._failed) > MOST_KEPT:
                del self._failed[next(iter(self._failed))]

    def succeeded(self, name: str, address: str) -> None:
        """Forget this attempt, and what somebody mistyped before."""
        with self._turn:
            self._failed.pop((name, address), None)
            for place, _ in _places(name, address):
                times = self._failed.get(place)
                if times:
                    times.pop()


def _places(name: str, address: str) -> list[tuple[tuple[str, ...], int]]:
    return [
        ((name, address), MOST_OF_ONE),
        (("name", name, ""), MOST_OF_NAME),
        (("address", address, ""), MOST_OF_ADDRESS),
    ]
