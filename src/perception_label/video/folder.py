"""A folder of PNG and JPEG files as images in order of time.

Order is by name as a person counts. Names that are all times (seconds with a fraction, or an
epoch in s, ms, us or ns) date the images; else they are 0.1 s apart.
Rotation. EXIF orientation is applied: an image stands as it is shown.
Depth. Of 16 bits the upper byte is taken. Transparency is dropped, palettes are resolved.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
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
from perception_label.video.prefetch import ahead

SUFFIXES = (".png", ".jpg", ".jpeg")
DEEP = ("I;16", "I;16B", "I;16L", "I")  # Pillow's names for 16 bits a pixel
NS = 1_000_000_000
AHEAD_BYTES = 32 << 20  # of images read before they are asked for
MAX_AHEAD = 4
ORIENTATION = 0x0112  # the EXIF tag; these values swap width and height
SIDEWAYS = (5, 6, 7, 8)
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
        told = times_of_names(self.paths) if timestamps_ns is None else timestamps_ns
        self.timestamps_ns = times_for(len(self.paths), told)
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
        i = number(self, i)
        kept = self._cache.get((size, i))
        if kept is None:
            kept = read_image(self.paths[i], size, (self.width_px, self.height_px))
            self._cache.put((size, i), kept, kept.nbytes)
        return as_rgb(kept)

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8."""
        return as_grey(self._picture(number(self, i)))

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn, read ahead by a thread of its own."""
        wanted = numbers(self, start, stop, step)
        n_ahead = max(1, min(MAX_AHEAD, AHEAD_BYTES // (self.width_px * self.height_px)))
        return ahead((self.grey(i) for i in wanted), n_ahead)

    def _picture(self, i: int) -> Picture:
        kept = self._cache.get(i)
        if kept is None:
            kept = read_image(self.paths[i])
            check_size(self, i, kept)
            self._cache.put(i, kept, kept.nbytes)
        picture: Picture = kept
        return picture


def _of_folder(path: Path) -> list[Path]:
    files = [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != "."]
    return sorted(files, key=lambda p: (_natural(p.stem), p.name))


def times_of_names(paths: Sequence[Path]) -> Ints | None:
    """Return the times that all names are, nanoseconds, or None if one is something else."""
    if not all(TIME_NAME.fullmatch(p.stem) for p in paths):
        return None
    units = {10: NS, 13: 1_000_000, 16: 1_000}
    return np.array(
        [
            int(Decimal(p.stem) * NS) if "." in p.stem else int(p.stem) * units.get(len(p.stem), 1)
            for p in paths
        ],
        dtype=np.int64,
    )


def read_image(
    path: Path, size: tuple[int, int] | None = None, whole: tuple[int, int] | None = None
) -> Picture:
    """Return an image file, (H, W) or (H, W, 3) uint8, upright.

    Parameters
    ----------
    path : Path
        PNG, JPEG or anything else that Pillow reads.
    size : (width, height), optional
        Of a preview; a JPEG is then decoded at half, quarter or eighth size where that will do.
    whole : (width, height), optional
        Which size the image must have.

    Raises
    ------
    SourceError
        If it is not a whole image, or has another size.
    """
    try:
        with Image.open(path) as opened:
            is_turned = opened.getexif().get(ORIENTATION, 1) in SIDEWAYS
            found = opened.size[::-1] if is_turned else opened.size
            if whole is not None and found != whole:
                raise SourceError(
                    f"{path}: expected {whole[0]} x {whole[1]} px as the first, "
                    f"got {found[0]} x {found[1]}"
                )
            if size is not None and opened.format == "JPEG":
                opened.draft(opened.mode, size[::-1] if is_turned else size)
            picture = _pixels(ImageOps.exif_transpose(opened), str(path))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, SourceError):
            raise
        told = " ".join(str(error).split())
        raise SourceError(f"{path}: expected a whole PNG or JPEG image, got: {told}") from None
    if size is None or picture.shape[1::-1] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _pixels(upright: Image.Image, where: str) -> Picture:
    if upright.mode in DEEP:
        return as_picture(np.asarray(upright).astype(np.uint16), where)
    is_grey = upright.mode in ("1", "L", "LA", "La")
    return np.asarray(upright.convert("L" if is_grey else "RGB"))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]
