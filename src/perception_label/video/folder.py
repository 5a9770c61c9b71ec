"""A folder of PNG and JPEG files as images in order of time.

Order is by name as a person counts. Names that are all times (seconds with a fraction, or an
epoch in s, ms, us or ns) date the images; else they are 0.1 s apart.
Rotation. EXIF orientation is applied: an image stands as it is shown.
Depth. Of 16 bits the upper byte is taken. Transparency is dropped, palettes are resolved.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from perception_label.arrays import Ints
from perception_label.errors import SourceError
from perception_label.video.cache import ByteCache
from perception_label.video.images import (
    CACHE_BYTES,
    Picture,
    as_grey,
    as_picture,
    as_rgb,
    check_size,
    number,
    numbers,
    preview_size,
    times_for,
)

SUFFIXES = (".png", ".jpg", ".jpeg")
DEEP = ("I;16", "I;16B", "I;16L", "I")  # Pillow's names for 16 bits a pixel
TIME_NAME = re.compile(r"\d+\.\d{3,9}|\d{10}|\d{13}|\d{16}|\d{18,19}")


class FolderImages:
    """Images that are files; each is read when asked for.

    `files` names them, in order, where they are not all those of the folder.
    """

    def __init__(
        self,
        path: Path,
        *,
        timestamps_ns: Ints | None = None,
        cache_bytes: int = CACHE_BYTES,
        files: Sequence[Path] | None = None,
    ) -> None:
        self.name = str(path)
        self.paths = _of_folder(path) if files is None else list(files)
        if not self.paths:
            raise SourceError(f"{path}: expected PNG or JPEG images, got none")
        self.warnings: tuple[str, ...] = ()
        self.timestamps_ns = times_for(len(self.paths), timestamps_ns)
        self._cache = ByteCache(cache_bytes)
        self.height_px, self.width_px = read_image(self.paths[0]).shape[:2]

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.paths)

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        size = preview_size(self.width_px, self.height_px, scale)
        if size == (self.width_px, self.height_px):
            return as_rgb(self._picture(number(self, i)))
        return as_rgb(read_image(self.paths[number(self, i)], size))

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8."""
        return as_grey(self._picture(number(self, i)))

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn."""
        return (self.grey(i) for i in numbers(self, start, stop, step))

    def _picture(self, i: int) -> Picture:
        kept = self._cache.get(i)
        if kept is None:
            kept = read_image(self.paths[i])
            check_size(self, i, kept)
            self._cache.put(i, kept, kept.nbytes)
        picture: Picture = kept
        return picture


def read_image(path: Path, size: tuple[int, int] | None = None) -> Picture:
    """Return an image file, (H, W) or (H, W, 3) uint8, at a preview's (width, height) if given.

    Raises
    ------
    SourceError
        If it is not a whole image.
    """
    try:
        with Image.open(path) as opened:
            if size is not None and opened.format == "JPEG":
                # The decoder itself can leave out detail: half, quarter or eighth size.
                opened.draft(opened.mode, size)
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in DEEP:
                deep = np.asarray(upright).astype(np.uint16)
                picture = as_picture(deep, str(path))
            else:
                is_grey = upright.mode in ("1", "L", "LA", "La")
                picture = np.asarray(upright.convert("L" if is_grey else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise SourceError(f"{path}: expected a whole PNG or JPEG image, got: {error}") from None
    if size is None or picture.shape[1::-1] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _of_folder(path: Path) -> list[Path]:
    files = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "."]
    return sorted(files, key=lambda p: (_natural(p.stem), p.name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]
