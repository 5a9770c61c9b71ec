"""Images in order of time, wherever they come from: a video, a folder, arrays in memory."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints, as_timestamps
from perception_label.errors import SettingError, ShapeError, SourceError

Picture = NDArray[np.uint8]  # (H, W) grey or (H, W, 3) RGB

PERIOD_NS = 100_000_000  # between images that nobody dated
CACHE_BYTES = 256 << 20  # of decoded images a source keeps
# Rec. 601, as JPEG and most cameras' luma have it.
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@runtime_checkable
class ImageSource(Protocol):
    """n images of one size in order of presentation time; threads may share one.

    Attributes
    ----------
    timestamps_ns : (n,) int64
        Presentation times in the source's own clock, nanoseconds.
    height_px, width_px : int
        Size of every image as it is shown, rotation applied.
    name : str
        For messages: the file, the folder or `images`.
    warnings : tuple of str
        What is odd about the source, a line each.
    """

    timestamps_ns: Ints
    height_px: int
    width_px: int
    name: str
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many images there are."""
        ...

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        ...

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8."""
        ...

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn, decoded ahead; memory does not grow with their number."""
        ...


def open_images(
    source: str | PathLike[str] | Iterable[Picture] | ImageSource,
    *,
    timestamps_ns: Ints | None = None,
    cache_bytes: int = CACHE_BYTES,
    damaged: str = "error",
) -> ImageSource:
    """Open a video file, a folder of images, or images in memory.

    Parameters
    ----------
    source : path, ImageSource, sequence or iterable of (H, W) or (H, W, 3) arrays
        A video that FFmpeg reads; a folder of PNG or JPEG files, in the order a person
        counts; or arrays, uint8 or uint16 (of which the upper byte is taken).
    timestamps_ns : (n,) int64, optional
        When each image was taken, if the source does not know better. Without them a video
        has its own presentation times, and images that nobody dated are 0.1 s apart.
    cache_bytes : int
        Decoded images kept for the next look, at most.
    damaged : {"error", "repeat"}
        What to give for an image of a video that cannot be decoded, or only with guessed
        parts: an error, or the last good image before it. Its number and time stay its own.

    Returns
    -------
    ImageSource
        Opened; nothing but the first image was decoded.

    Raises
    ------
    SourceError
        If there is no image, or the file is not a video that can be read.
    ShapeError
        If arrays are not images of one size, or the times do not fit them.

    Examples
    --------
    >>> images = open_images([np.zeros((4, 6), np.uint8)] * 3)
    >>> len(images), images.height_px, images.width_px, images.image(2).shape
    (3, 4, 6, (4, 6, 3))
    """
    if damaged not in ("error", "repeat"):
        raise SettingError(f"damaged: expected error or repeat, got {damaged!r}")
    if isinstance(source, str | PathLike):
        path = Path(source).expanduser()
        if path.is_dir():
            from perception_label.video.folder import FolderImages

            return FolderImages(path, timestamps_ns=timestamps_ns, cache_bytes=cache_bytes)
        from perception_label.video.decode import VideoImages

        return VideoImages(
            path, timestamps_ns=timestamps_ns, cache_bytes=cache_bytes, damaged=damaged
        )
    if isinstance(source, ImageSource):
        return source
    if not isinstance(source, Iterable):
        raise ShapeError(f"images: expected a path or arrays, got {type(source).__name__}")
    return ArrayImages(list(source), timestamps_ns=timestamps_ns)


class ArrayImages:
    """Images held in memory, as they were given."""

    def __init__(self, images: Sequence[Picture], *, timestamps_ns: Ints | None = None) -> None:
        if not len(images):
            raise SourceError("images: expected at least one, got none")
        self._images = [as_picture(image, f"image {i}") for i, image in enumerate(images)]
        self.name = "images"
        self.warnings: tuple[str, ...] = ()
        self.height_px, self.width_px = self._images[0].shape[:2]
        for i, image in enumerate(self._images):
            check_size(self, i, image)
        self.timestamps_ns = times_for(len(images), timestamps_ns)

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self._images)

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        return shrunk(as_rgb(self._images[number(self, i)]), scale)

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8."""
        return as_grey(self._images[number(self, i)])

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn."""
        return (self.grey(i) for i in numbers(self, start, stop, step))


def as_picture(image: NDArray[np.generic], what: str) -> Picture:
    """Return an image as C-contiguous uint8; of 16 bits the upper byte.

    Raises
    ------
    ShapeError
        If it is not (H, W), (H, W, 1) or (H, W, 3) of uint8 or uint16 with a pixel at least.
    """
    given = np.asarray(image)
    if given.ndim == 3 and given.shape[2] == 1:
        given = given[..., 0]
    fits = given.ndim == 2 or (given.ndim == 3 and given.shape[2] == 3)
    if not fits or given.dtype not in (np.uint8, np.uint16) or not given.size:
        raise ShapeError(
            f"{what}: expected (H, W) or (H, W, 3) uint8 or uint16, got {given.shape} {given.dtype}"
        )
    if given.dtype == np.uint16:
        given = given >> 8
    return np.ascontiguousarray(given, dtype=np.uint8)


def as_grey(picture: Picture) -> Picture:
    """Return (H, W) uint8: 0.299 R + 0.587 G + 0.114 B, rounded; grey stays as it is."""
    if picture.ndim == 2:
        return picture
    return np.asarray(picture.astype(np.float32) @ GREY + 0.5, dtype=np.uint8)


def as_rgb(picture: Picture) -> Picture:
    """Return (H, W, 3) uint8; grey is repeated in each channel."""
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def preview_size(width_px: int, height_px: int, scale: float) -> tuple[int, int]:
    """Return width and height of a preview, at least a pixel each.

    Raises
    ------
    SettingError
        If the scale is not above 0 and at most 1.
    """
    if not 0 < scale <= 1:
        raise SettingError(f"scale: expected above 0 and at most 1, got {scale}")
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def shrunk(picture: Picture, scale: float) -> Picture:
    """Return a preview of an image: each pixel the mean of those it covers."""
    height, width = picture.shape[:2]
    size = preview_size(width, height, scale)
    if size == (width, height):
        return picture
    from PIL import Image

    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    return np.asarray(small)


def number(source: ImageSource, i: int) -> int:
    """Return i as a number from 0; negative counts from the end.

    Raises
    ------
    SettingError
        If there is no such image.
    """
    n = len(source)
    if not -n <= i < n:
        raise SettingError(f"{source.name}: expected an image from 0 to {n - 1}, got {i}")
    return i % n


def numbers(source: ImageSource, start: int, stop: int | None, step: int) -> range:
    """Return the image numbers of a slice, as Python slices a list.

    With a step below 0, `start` 0 means the last image, so that `step=-1` alone is
    all images backwards.
    """
    if step == 0:
        raise SettingError("step: expected other than 0, got 0")
    first = None if step < 0 and start == 0 else start
    return range(len(source))[slice(first, stop, step)]


def times_for(n: int, timestamps_ns: Ints | None) -> Ints:
    """Return the (n,) times given, or times 0.1 s apart."""
    if timestamps_ns is None:
        return np.arange(n, dtype=np.int64) * PERIOD_NS
    times = as_timestamps(timestamps_ns)
    if len(times) != n:
        raise ShapeError(f"timestamps_ns: expected a time for each of {n} images, got {len(times)}")
    return times


def check_size(source: ImageSource, i: int, picture: Picture) -> None:
    """Refuse an image of another size than the first: labels are in its pixels.

    Raises
    ------
    SourceError
        If it has another size.
    """
    height, width = picture.shape[:2]
    if (height, width) != (source.height_px, source.width_px):
        raise SourceError(
            f"{source.name}, image {i}: expected {source.width_px} x {source.height_px} px as the "
            f"first, got {width} x {height}"
        )
