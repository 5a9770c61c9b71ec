"""The packets of a video file: what it stores, before anything is decoded."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints, Mask
from perception_label.errors import SourceError

NO_TIME = np.iinfo(np.int64).min
LOOK_BYTES = 4096  # where the first slice of a picture begins, behind parameters and remarks

PacketId = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Packets:
    """The P packets of a video stream, in the file's order: that of decoding.

    Attributes
    ----------
    pts, dts : (P,) int64
        Presentation and decoding time in units of `time_base`; NO_TIME where there is none.
    is_key, is_disposable, is_hidden, is_cut : (P,) bool
        Decoding may start there; no other image needs it; it is decoded and not shown (an
        edit list says so); it is the last one and part of it is missing.
    places : (P, 2) int64
        Where it begins in the file (-1 unknown), and its bytes.
    announced_s : float
        How long the file's header says the stream is, 0 = it does not say.
    announced : int
        How many images the header says there are, where headers of this kind can be trusted.
    """

    time_base: Fraction
    codec: str
    container: str
    pts: Ints
    dts: Ints
    is_key: Mask
    is_disposable: Mask
    is_hidden: Mask
    is_cut: Mask
    places: NDArray[np.int64]
    announced_s: float
    announced: int

    def __len__(self) -> int:
        """Return how many packets there are."""
        return len(self.pts)

    def ids(self) -> list[PacketId]:
        """Return what `packet_id` says of each packet."""
        columns = np.column_stack([self.pts, self.dts, self.places]).tolist()
        return [(a, b, c, d) for a, b, c, d in columns]


def open_video(path: Path) -> "av.container.InputContainer":
    """Open a file that FFmpeg reads.

    Raises
    ------
    SourceError
        If it is not there, is cut off before its index or is no video.
    """
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if not path.exists():
            raise SourceError(f"{path}: expected a video file or a folder, got nothing") from None
        raise SourceError(f"{path}: expected a whole video file, got: {said(error)}") from None
    if not container.streams.video:
        container.close()
        raise SourceError(f"{path}: expected a video stream, got none")
    return container


def read_packets(path: Path) -> Packets:
    """Return the packets of a file's first video stream.

    Raises
    ------
    SourceError
        If it is no video, or holds no image.
    """
    rows: list[tuple[int, ...]] = []
    with open_video(path) as container:
        stream = container.streams.video[0]
        codec, kind = stream.codec_context.name, container.format.name
        needs = _Needs(codec, stream.codec_context.extradata or b"")
        try:
            for packet in container.demux(stream):
                if packet.size:
                    rows.append(_row(packet, needs))
        except av.error.FFmpegError as error:
            if not rows:
                raise SourceError(f"{path}: expected packets, got: {said(error)}") from None
        if not rows:
            raise SourceError(f"{path}: expected at least one image, got a video of none")
        table = np.array(rows, dtype=np.int64)
        return Packets(
            time_base=stream.time_base,
            codec=codec,
            container=kind,
            pts=table[:, 0],
            dts=table[:, 1],
            is_key=table[:, 2].astype(bool) if table[:, 2].any() else np.arange(len(table)) == 0,
            is_disposable=table[:, 3].astype(bool) | needs.nobody(table[:, 8]),
            is_hidden=table[:, 4].astype(bool),
            # Elsewhere the mark may only mean that the stream was joined: the decoder will tell.
            is_cut=table[:, 5].astype(bool) & (np.arange(len(table)) == len(table) - 1),
            places=table[:, 6:8],
            announced_s=_announced_s(container, stream),
            # An AVI counts empty slots, a Matroska file says nothing.
            announced=stream.frames if "mp4" in kind else 0,
        )


def packet_id(packet: "av.Packet") -> PacketId:
    """Return what tells a packet from others of its file: its times, place and size."""
    pts = NO_TIME if packet.pts is None else packet.pts
    dts = NO_TIME if packet.dts is None else packet.dts
    return (pts, dts, -1 if packet.pos is None else packet.pos, packet.size)


def said(error: Exception) -> str:
    """Return what a library said went wrong, on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:200]


def _row(packet: "av.Packet", needs: "_Needs") -> tuple[int, ...]:
    pts, dts, place, size = packet_id(packet)
    marks = (packet.is_keyframe, packet.is_disposable, packet.is_discard, packet.is_corrupt)
    return (pts, dts, *map(int, marks), place, size, needs.layer(packet))


def _announced_s(container: "av.container.InputContainer", stream: "av.VideoStream") -> float:
    told = stream.metadata.get("DURATION", "")
    if told.count(":") == 2:
        hours, minutes, seconds = told.split(":")
        try:
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        except ValueError:
            return 0.0
    if "mpegts" in container.format.name or stream.duration is None:
        # MPEG-TS has no header: its length is reckoned from what is there.
        return 0.0
    if "avi" in container.format.name:
        return float(stream.frames * stream.time_base)
    return float(stream.duration * stream.time_base)


class _Needs:
    """Tells from a picture's first slice whether other pictures may need it (H.264, H.265).

    In H.264 `nal_ref_idc` 0 says nobody does (ITU-T H.264, 7.4.1). In H.265 even types below
    16 say nobody on the same temporal layer does (ITU-T H.265, table 7-1), so only on the
    topmost layer nobody at all.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        place = {"h264": 4, "hevc": 21}.get(codec, 0)
        # A configuration record begins with its version, a raw stream with a start code.
        is_record = len(extradata) > place and extradata[0] == 1
        self._length_bytes = (extradata[place] & 3) + 1 if place and is_record else 0

    def layer(self, packet: "av.Packet") -> int:
        """Return the temporal layer of a picture nobody on its layer needs, -1 - it else."""
        if self._codec not in ("h264", "hevc"):
            return -1
        data = bytes(memoryview(packet)[:LOOK_BYTES])
        for at in self._units(data):
            if self._codec == "h264" and data[at] & 31 in (1, 5):
                return 0 if data[at] >> 5 & 3 == 0 else -1
            kind = data[at] >> 1 & 63
            if self._codec == "hevc" and kind < 32 and at + 1 < len(data):
                layer = max((data[at + 1] & 7) - 1, 0)
                return layer if kind < 16 and kind % 2 == 0 else -1 - layer
        return -1

    def nobody(self, layers: Ints) -> Mask:
        """Return (P,) whether nobody needs a picture, from all of their layers."""
        top = np.where(layers < 0, -1 - layers, layers).max(initial=0)
        return np.asarray(layers == top)

    def _units(self, data: bytes) -> list[int]:
        found, at = [], 0
        while self._length_bytes and at + self._length_bytes < len(data):
            found.append(at + self._length_bytes)
            at = found[-1] + int.from_bytes(data[at : found[-1]], "big")
        if not self._length_bytes:
            while 0 <= (at := data.find(b"\0\0\1", at)) < len(data) - 3:
                at += 3
                found.append(at)
        return found
