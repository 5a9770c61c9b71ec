"""Working ahead of who asks, by so much and no more."""

from collections import deque
from collections.abc import Iterable, Iterator
from threading import Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


class _End:
    """What ends a row of items: nothing more, or an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterable[T], n_ahead: int) -> Iterator[T]:
    """Yield items made by another thread, at most `n_ahead` before they are asked for.

    An error of the maker is raised here, in its turn. Leaving the loop stops the maker.
    """
    made: deque[T | _End] = deque()
    n_room, n_made = Semaphore(max(1, n_ahead)), Semaphore(0)
    is_wanted = [True]

    def put(item: T | _End) -> bool:
        n_room.acquire()
        made.append(item)
        n_made.release()
        return is_wanted[0]

    def make() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_End())
        except BaseException as error:  # noqa: BLE001  it belongs to who asks
            put(_End(error))

    worker = Thread(target=make, name="prefetch", daemon=True)
    worker.start()
    try:
        while True:
            n_made.acquire()
            item = made.popleft()
            n_room.release()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return
    finally:
        is_wanted[0] = False
        # Room for the item in the making, and for its end.
        n_room.release()
        n_room.release()
        worker.join()
