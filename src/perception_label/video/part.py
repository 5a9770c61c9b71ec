"""Some consecutive images of a source, as a source."""

from collections.abc import Callable, Iterator

from perception_label.errors import SettingError
from perception_label.video.images import ImageSource, Picture, number, numbers


class Part:
    """Images first to last of another source, numbered from 0; nothing is copied.

    Parameters
    ----------
    source : ImageSource
        The whole.
    first, last : int
        Numbers in the whole, ends included.
    seen : callable, optional
        Called at each image that `greys` gives, in whatever thread takes it.

    Raises
    ------
    SettingError
        If there are no such images.
    """

    def __init__(
        self,
        source: ImageSource,
        first: int,
        last: int,
        seen: Callable[[], None] | None = None,
    ) -> None:
        if not 0 <= first <= last < len(source):
            raise SettingError(
                f"{source.name}: expected images from 0 to {len(source) - 1}, got {first} … {last}"
            )
        self._source, self._first, self._n = source, first, last - first + 1
        self._seen = seen
        self.name, self.warnings = source.name, source.warnings
        self.height_px, self.width_px = source.height_px, source.width_px
        self.timestamps_ns = source.timestamps_ns[first : last + 1]

    def __len__(self) -> int:
        """Return how many images there are."""
        return self._n

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        return self._source.image(self._first + number(self, i), scale=scale)

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8."""
        return self._source.grey(self._first + number(self, i))

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn, as the source does."""
        chosen = numbers(self, start, stop, step)
        if len(chosen) == 0:
            return
        begin, end = self._first + chosen[0], self._first + chosen[-1] + (1 if step > 0 else -1)
        # A source takes a start of 0 backwards for its last image, and an end below 0 from behind.
        if step < 0 and begin == 0:
            pictures: Iterator[Picture] = iter([self._source.grey(0)])
        else:
            pictures = self._source.greys(begin, None if end < 0 else end, step)
        for picture in pictures:
            if self._seen is not None:
                self._seen()
            yield picture
