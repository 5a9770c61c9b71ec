"""Decoded images kept for the next look, up to so many bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any


class ByteCache:
    """The values used last, up to so many bytes together; threads may share one."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.n_bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: Hashable) -> Any:
        """Return the value, or None if it is not kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Any, n_bytes: int) -> None:
        """Keep a value, and let go of those used longest ago; one too large is not kept."""
        with self._lock:
            if key in self._kept:
                self.n_bytes -= self._kept.pop(key)[1]
            if n_bytes > self.limit_bytes:
                return
            self._kept[key] = (value, n_bytes)
            self.n_bytes += n_bytes
            while self.n_bytes > self.limit_bytes:
                self.n_bytes -= self._kept.popitem(last=False)[1][1]
