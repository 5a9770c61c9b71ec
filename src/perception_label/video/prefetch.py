"""Working ahead of who asks, by so much and no more."""

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

WAIT_S = 0.1  # how often a waiting thread looks whether it is still wanted


def ahead(items: Iterable[T], n_ahead: int) -> Iterator[T]:
    """Yield items made by another thread, at most `n_ahead` before they are asked for.

    An error of the maker is raised here, in its turn. Leaving the loop stops the maker.
    """
    made: Queue[tuple[bool, T | BaseException | None]] = Queue(maxsize=max(1, n_ahead))
    unwanted = Event()

    def put(is_item: bool, value: T | BaseException | None) -> None:
        while not unwanted.is_set():
            try:
                return made.put((is_item, value), timeout=WAIT_S)
            except Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(True, item)
                if unwanted.is_set():
                    return
            put(False, None)
        except BaseException as error:  # noqa: BLE001  it belongs to who asks
            put(False, error)

    worker = Thread(target=make, name="prefetch", daemon=True)
    worker.start()
    try:
        while True:
            try:
                is_item, value = made.get(timeout=WAIT_S)
            except Empty:
                continue
            if is_item:
                yield value  # type: ignore[misc]
            elif isinstance(value, BaseException):
                raise value
            else:
                return
    finally:
        unwanted.set()
        worker.join()
