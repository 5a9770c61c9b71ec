"""What a video file holds, told by its packets: headers lie about rate, length and start.

A packet is what the file stores of one image. Packets stand in the order in which they must be
decoded; images stand in the order in which they are shown. They differ where an image is stored
as the difference to a later one (B-pictures).
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints, Mask
from perception_label.errors import SourceError

NO_TIME = np.iinfo(np.int64).min
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The n images and P packets of a video.

    Attributes
    ----------
    timestamps_ns : (n,) int64
        Presentation time of each image, relative to the stream's own clock, rounded.
    packet_of : (n,) int64
        The packet that shows image i.
    image_of : (P,) int64
        The image that packet k shows, -1 = none (it serves others only).
    pts, dts : (P,) int64
        Presentation and decoding time in units of `time_base`; NO_TIME where there is none.
    is_key, is_disposable : (P,) bool
        Decoding may start there; no other image needs it.
    places : (P, 2) int64
        Where a packet begins in the file (-1 unknown) and its bytes: with its times, who it is.
    """

    path: Path
    time_base: Fraction
    timestamps_ns: Ints
    packet_of: Ints
    image_of: Ints
    pts: Ints
    dts: Ints
    is_key: Mask
    is_disposable: Mask
    places: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    def key_before(self, packet: int) -> int:
        """Return the packet from which packet `packet` can be decoded, by what is marked.

        A picture that is shown before the key picture it follows in the file (a leading
        picture) needs the key before that one too.
        """
        keys = np.flatnonzero(self.is_key[: packet + 1])
        for key in keys[::-1]:
            if self.image_of[key] <= self.image_of[packet] or self.image_of[packet] < 0:
                return int(key)
        return 0


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
        raise SourceError(f"{path}: expected a whole video file, got: {_said(error)}") from None
    if not container.streams.video:
        container.close()
        raise SourceError(f"{path}: expected a video stream, got none")
    return container


def read_index(path: Path) -> VideoIndex:
    """Return the index of a video's first video stream: every packet is read, none decoded.

    Raises
    ------
    SourceError
        If it is no video, or holds no image.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        rows = []
        try:
            for packet in container.demux(stream):
                if packet.size:
                    rows.append(_row(packet))
        except av.error.FFmpegError as error:
            if not rows:
                raise SourceError(f"{path}: expected packets, got: {_said(error)}") from None
        time_base = stream.time_base
    if not rows:
        raise SourceError(f"{path}: expected at least one image, got a video of none")
    table = np.array(rows, dtype=np.int64)
    pts, dts = table[:, 0], table[:, 1]
    shown = np.flatnonzero(table[:, 4] == 0)
    times = np.where(pts == NO_TIME, dts, pts)
    order = shown[np.argsort(times[shown], kind="stable")]
    image_of = np.full(len(table), -1, dtype=np.int64)
    image_of[order] = np.arange(len(order))
    scale = time_base * NS
    stamps = [round(int(t) * scale) for t in times[order]]
    return VideoIndex(
        path=path,
        time_base=time_base,
        timestamps_ns=np.array(stamps, dtype=np.int64),
        packet_of=order,
        image_of=image_of,
        pts=pts,
        dts=dts,
        is_key=table[:, 2].astype(bool),
        is_disposable=table[:, 3].astype(bool),
        places=table[:, 5:7],
    )


def packet_id(packet: "av.Packet") -> tuple[int, ...]:
    """Return what tells a packet from others of its file: its times, place and size."""
    pts = NO_TIME if packet.pts is None else packet.pts
    dts = NO_TIME if packet.dts is None else packet.dts
    return (pts, dts, -1 if packet.pos is None else packet.pos, packet.size)


def _row(packet: "av.Packet") -> tuple[int, ...]:
    pts, dts, place, size = packet_id(packet)
    marks = (packet.is_keyframe, packet.is_disposable, packet.is_discard)
    return (pts, dts, *map(int, marks), place, size)


def _said(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
