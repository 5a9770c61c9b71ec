"""A video as images: any of them by its number, exactly, and all of them in turn, fast."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from perception_label.arrays import Ints
from perception_label.errors import SourceError
from perception_label.video.cache import ByteCache
from perception_label.video.decoder import AnomalyError, Decoder
from perception_label.video.images import (
    CACHE_BYTES,
    Picture,
    as_grey,
    number,
    numbers,
    preview_size,
    times_for,
)
from perception_label.video.index import VideoIndex, read_index
from perception_label.video.prefetch import ahead

AHEAD_BYTES = 32 << 20  # of images decoded before they are asked for
MAX_AHEAD = 4
# Decoders that can leave out detail without touching other images.
LOWRES_CODECS = ("mjpeg",)
MAX_LOWRES = 3


class VideoImages:
    """The images of a video file, with a decoder for each thread that asks."""

    def __init__(
        self,
        path: Path,
        *,
        timestamps_ns: Ints | None = None,
        cache_bytes: int = CACHE_BYTES,
        damaged: str = "error",
        index: VideoIndex | None = None,
    ) -> None:
        self.name = str(path)
        self.index = read_index(path) if index is None else index
        self.warnings = self.index.warnings
        own = self.index.timestamps_ns
        self.timestamps_ns = own if timestamps_ns is None else times_for(len(own), timestamps_ns)
        self._damaged = damaged
        self._keys = np.array([self.index.key_for(int(k)) for k in self.index.packet_of])
        self._cache = ByteCache(cache_bytes)
        self._local = threading.local()
        self._verdicts: dict[int, dict[int, bool]] = {}  # of images that need a key, by that key
        self._lock = threading.Lock()
        self._first_good, first = self._find_first()
        self._stored = first.width, first.height
        self._turn = _quarter_turns(first)
        self.width_px, self.height_px = self._stored if self._turn % 2 == 0 else self._stored[::-1]

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (
            self.index.path,
            self.timestamps_ns,
            self._cache.limit_bytes,
            self._damaged,
        )

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.index)

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size.

        Raises
        ------
        SourceError
            If it cannot be decoded whole, or has another size than the first.
        """
        i = number(self, i)
        width, height = preview_size(*self._stored, scale)
        lowres = self._lowres(scale)
        shown = self._shown(i, self._decoder(lowres))
        self._check(i, shown, lowres)
        small = VideoReformatter().reformat(
            shown, width=width, height=height, format="rgb24", interpolation="AREA"
        )
        return self._upright(np.asarray(small.to_ndarray()))

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8: the decoder's luma, read-only.

        Its range is the file's: of most videos 16 to 235, of JPEG 0 to 255.

        Raises
        ------
        SourceError
            If it cannot be decoded whole, or has another size than the first.
        """
        i = number(self, i)
        return self._grey(i, self._shown(i, self._decoder(0)))

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn, decoded ahead by a thread of its own.

        Backwards they are decoded from one key to the next and kept until it is their turn; of
        a stretch too long for the cache only a part, more than once.
        """
        wanted = numbers(self, start, stop, step)
        width, height = self._stored
        n_ahead = max(1, min(MAX_AHEAD, AHEAD_BYTES // (width * height)))
        return ahead(self._forwards(wanted) if step > 0 else self._backwards(wanted), n_ahead)

    def damaged_images(self) -> list[int]:
        """Return the images found damaged so far; each is judged when it is first asked for."""
        with self._lock:
            found = [i for v in self._verdicts.values() for i, is_good in v.items() if not is_good]
        return sorted(found)

    def _forwards(self, wanted: range, decoder: Decoder | None = None) -> Iterator[Picture]:
        decoder = decoder or Decoder(self.index)
        for i in wanted:
            yield self._grey(i, self._shown(i, decoder))

    def _backwards(self, wanted: range) -> Iterator[Picture]:
        decoder = Decoder(self.index)
        width, height = self._stored
        most = max(1, max(self._cache.limit_bytes, AHEAD_BYTES) // (width * height))
        turned = wanted[::-1]
        end = len(turned)
        while end:
            start = end - 1
            key = self._key(turned[start])
            while start and end - start < most and self._key(turned[start - 1]) == key:
                start -= 1
            yield from reversed(list(self._forwards(turned[start:end], decoder)))
            end = start

    def _key(self, i: int) -> int:
        return int(self._keys[i])

    def _shown(self, i: int, decoder: Decoder) -> av.VideoFrame:
        """Return the picture to show for image i: its own, or if so asked the last good one."""
        try:
            return self._picture(i, decoder)
        except _DamagedError:
            if self._damaged == "error":
                raise
        for earlier in range(i - 1, -1, -1):
            try:
                return self._picture(earlier, decoder)
            except _DamagedError:
                continue
        return self._picture(self._first_good, decoder)

    def _picture(self, i: int, decoder: Decoder) -> av.VideoFrame:
        """Return image i as decoded; where anything is odd its neighbourhood is judged first."""
        kept = self._cache.get((decoder.lowres, i))
        if kept is not None:
            return kept
        verdicts = self._verdicts.get(self._key(i))
        if verdicts is None:
            try:
                return decoder.picture(i)
            except AnomalyError:
                pass
        if verdicts is None or verdicts[i]:
            kept = self._judged(i, decoder.lowres)
        if kept is None:
            raise _DamagedError(self._told(i, "a whole picture, got damaged data"))
        return kept

    def _judged(self, i: int, lowres: int) -> av.VideoFrame | None:
        """Return image i if nothing it needs is damaged, and note the same of its neighbours."""
        key, found = self._key(i), []

        def keep(image: int, picture: av.VideoFrame) -> None:
            self._keep(image, picture, lowres)
            if image == i:
                found.append(picture)

        verdicts: dict[int, bool] = {}
        Decoder(self.index, keep, lowres=lowres, verdicts=verdicts).judge(key)
        with self._lock:
            ours = np.flatnonzero(self._keys == key).tolist()
            self._verdicts[key] = {k: verdicts.get(k, False) for k in ours}
        return found[0] if found else None

    def _find_first(self) -> tuple[int, av.VideoFrame]:
        for i in range(len(self)):
            try:
                return i, self._picture(i, self._decoder(0))
            except _DamagedError:
                continue
        raise SourceError(f"{self.name}: expected an image that can be decoded, got none")

    def _decoder(self, lowres: int) -> Decoder:
        decoders: dict[int, Decoder] = self._local.__dict__.setdefault("decoders", {})
        if lowres not in decoders:

            def keep(image: int, picture: av.VideoFrame) -> None:
                self._keep(image, picture, lowres)

            decoders[lowres] = Decoder(self.index, keep, lowres=lowres)
        return decoders[lowres]

    def _keep(self, i: int, picture: av.VideoFrame, lowres: int) -> None:
        self._cache.put((lowres, i), picture, sum(p.buffer_size for p in picture.planes))

    def _lowres(self, scale: float) -> int:
        if self.index.packets.codec not in LOWRES_CODECS:
            return 0
        return min(MAX_LOWRES, int(np.log2(1 / scale)))

    def _grey(self, i: int, shown: av.VideoFrame) -> Picture:
        self._check(i, shown, 0)
        return self._upright(luma(shown))

    def _upright(self, picture: Picture) -> Picture:
        return np.ascontiguousarray(np.rot90(picture, self._turn)) if self._turn else picture

    def _check(self, i: int, shown: av.VideoFrame, lowres: int) -> None:
        width, height = (-(-s // (1 << lowres)) for s in self._stored)
        if (shown.width, shown.height) != (width, height):
            raise SourceError(
                self._told(
                    i, f"{width} x {height} px as the first, got {shown.width} x {shown.height}"
                )
            )

    def _told(self, i: int, what: str) -> str:
        return f"{self.name}, image {i} ({self.timestamps_ns[i] / 1e9:.3f} s): expected {what}"


class _DamagedError(SourceError):
    """An image cannot be decoded whole."""


def luma(shown: av.VideoFrame) -> Picture:
    """Return the brightness a picture was stored with, (H, W) uint8, read-only.

    Planar YUV and grey: the plane itself, of more than 8 bits the upper 8. Anything else
    becomes RGB first.
    """
    name = shown.format.name
    bits = shown.format.components[0].bits
    if (
        name.startswith(("yuv4", "yuvj4", "gray", "nv12", "nv21"))
        and bits <= 16
        and name[-2:] != "be"
    ):
        plane = shown.planes[0]
        kind = np.uint8 if bits == 8 else np.dtype("<u2")
        rows = np.frombuffer(plane, dtype=kind).reshape(plane.height, -1)
        picture = rows[: shown.height, : shown.width]
        if bits > 8:
            picture = picture >> (bits - 8)
        grey: Picture = np.ascontiguousarray(picture, dtype=np.uint8)
        grey.flags.writeable = False
        return grey
    return as_grey(np.asarray(VideoReformatter().reformat(shown, format="rgb24").to_ndarray()))


def _quarter_turns(shown: av.VideoFrame) -> int:
    """Return how often a picture must be turned counter-clockwise by 90 degrees to stand upright.

    Turns by other angles are not followed.
    """
    return round(shown.rotation / 90) % 4 if shown.rotation % 90 == 0 else 0


def _reopen(path: Path, timestamps_ns: Ints, cache_bytes: int, damaged: str) -> VideoImages:
    return VideoImages(path, timestamps_ns=timestamps_ns, cache_bytes=cache_bytes, damaged=damaged)
