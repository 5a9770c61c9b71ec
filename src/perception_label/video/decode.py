"""A video as images: any of them by its number, exactly, and all of them in turn, fast.

Which image a decoded picture is, is never counted: each packet carries its number into the
decoder and the picture brings it out again.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from perception_label.arrays import Ints
from perception_label.errors import SourceError
from perception_label.video.cache import ByteCache
from perception_label.video.images import (
    CACHE_BYTES,
    Picture,
    number,
    numbers,
    preview_size,
    times_for,
)
from perception_label.video.index import VideoIndex, open_video, packet_id, read_index


class VideoImages:
    """The images of a video file, one decoder for each thread that asks."""

    def __init__(
        self,
        path: Path,
        *,
        timestamps_ns: Ints | None = None,
        cache_bytes: int = CACHE_BYTES,
        damaged: str = "error",
    ) -> None:
        self.name = str(path)
        self.index = read_index(path)
        self.warnings = self.index.warnings
        n = len(self.index.timestamps_ns)
        own = self.index.timestamps_ns
        self.timestamps_ns = own if timestamps_ns is None else times_for(n, timestamps_ns)
        self._damaged = damaged
        self._cache = ByteCache(cache_bytes)
        self._local = threading.local()
        self.height_px = self.width_px = 0
        first = self._shown(0)
        self.height_px, self.width_px = first.height, first.width

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.index.timestamps_ns)

    def image(self, i: int, *, scale: float = 1.0) -> Picture:
        """Return image i, (H, W, 3) uint8 RGB, or a preview `scale` times its size."""
        width, height = preview_size(self.width_px, self.height_px, scale)
        shown = self._shown(number(self, i))
        converter = VideoReformatter()
        small = converter.reformat(
            shown, width=width, height=height, format="rgb24", interpolation="AREA"
        )
        return np.asarray(small.to_ndarray())

    def grey(self, i: int) -> Picture:
        """Return image i, (H, W) uint8: the decoder's luma."""
        return luma(self._shown(number(self, i)))

    def greys(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Picture]:
        """Yield grey images in turn."""
        return (self.grey(i) for i in numbers(self, start, stop, step))

    def _shown(self, i: int) -> av.VideoFrame:
        shown = self._cache.get(i)
        if shown is not None:
            return shown
        for k, shown in self._decoder().until(i):
            self._cache.put(k, shown, sum(p.buffer_size for p in shown.planes))
            if self.height_px and (shown.height, shown.width) != (self.height_px, self.width_px):
                raise SourceError(
                    f"{self.name}, image {k}: expected {self.width_px} x {self.height_px} px as "
                    f"the first, got {shown.width} x {shown.height}"
                )
            if k == i:
                return shown
        raise SourceError(f"{self.name}, image {i}: expected a picture, the decoder gave none")

    def _decoder(self) -> "Decoder":
        if not hasattr(self._local, "decoder"):
            self._local.decoder = Decoder(self.index)
        decoder: Decoder = self._local.decoder
        return decoder


class Decoder:
    """One open container and its decoder, somewhere in the file; for one thread."""

    def __init__(self, index: VideoIndex) -> None:
        self._index = index
        self._container = open_video(index.path)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.copy_opaque = True
        self._who = {(*a, *b): k for k, (*a, b) in enumerate(zip(
            index.pts.tolist(), index.dts.tolist(), index.places.tolist(), strict=True
        ))}  # fmt: skip
        self._next = 0  # packet the container gives next
        self._given = -1  # image that came out last
        self._packets = iter(self._container.demux(self._stream))
        self._waiting: list[tuple[int, av.VideoFrame]] = []

    def until(self, i: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (number, picture) of images up to image i, from where that is shortest."""
        packet = int(self._index.packet_of[i])
        key = self._index.key_before(packet)
        if self._given >= i or key > self._next:
            self._go_to(key)
        while self._given < i:
            if not self._waiting and not self._feed():
                return
            while self._waiting:
                self._given, shown = self._waiting.pop(0)
                yield self._given, shown
                if self._given == i:
                    return

    def _go_to(self, key: int) -> None:
        self._waiting.clear()
        self._given = int(self._index.image_of[key]) - 1
        index = self._index
        for target in (int(index.pts[key]), int(index.dts[key])):
            self._container.seek(target, stream=self._stream, backward=True)
            self._packets = iter(self._container.demux(self._stream))
            for packet in self._packets:
                k = self._who.get(packet_id(packet), -1)
                if k > key or not packet.size:
                    break
                if k == key:
                    self._next = key
                    self._send(packet)
                    return
        self._container.seek(0, stream=self._stream, backward=True)
        self._packets = iter(self._container.demux(self._stream))
        self._next = 0

    def _feed(self) -> bool:
        packet = next(self._packets, None)
        if packet is None:
            return False
        self._send(packet)
        return True

    def _send(self, packet: av.Packet) -> None:
        if packet.size:
            packet.opaque = self._next
            self._next += 1
        for shown in self._stream.codec_context.decode(packet):
            self._waiting.append((int(self._index.image_of[shown.opaque]), shown))


def luma(shown: av.VideoFrame) -> Picture:
    """Return the luma plane as (H, W) uint8; pictures without one are converted."""
    if shown.format.name in ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "gray"):
        plane = shown.planes[0]
        rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
        return np.ascontiguousarray(rows[: shown.height, : shown.width])
    return np.asarray(VideoReformatter().reformat(shown, format="gray").to_ndarray())
