"""What a video file holds, told by its packets: headers lie about rate, length and start.

A packet is what the file stores of one image. Packets stand in the order in which they must be
decoded; images stand in the order in which they are shown. They differ where an image is stored
as the difference to a later one (B-pictures).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.errors import SourceError
from perception_label.video.order import shown_packets
from perception_label.video.packets import PacketId, Packets, read_packets


@dataclass(frozen=True)
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
    is_given : (P,) bool
        Whether a packet is for the decoder: not if it is cut off, or its key is not there.
    """

    path: Path
    packets: Packets
    timestamps_ns: Ints
    packet_of: Ints
    image_of: Ints
    is_given: Mask
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.packet_of)

    @cached_property
    def keys(self) -> Ints:
        """The packets at which decoding may start."""
        return np.flatnonzero(self.packets.is_key)

    @cached_property
    def leads(self) -> Mask:
        """(P,) whether a packet is shown before the key it follows in the file."""
        key = self.keys[
            np.maximum(
                np.searchsorted(self.keys, np.arange(len(self.packets)), side="right") - 1, 0
            )
        ]
        return np.asarray((self.image_of >= 0) & (self.image_of < self.image_of[key]))

    @cached_property
    def numbers(self) -> dict[PacketId, int]:
        """The number of each packet by who it is; those that look the same are missing."""
        ids = self.packets.ids()
        found = {who: k for k, who in enumerate(ids)}
        if len(found) < len(ids):
            seen: set[PacketId] = set()
            for who in ids:
                if who in seen:
                    found.pop(who, None)
                seen.add(who)
        return found

    def key_for(self, packet: int) -> int:
        """Return the key from which this packet can be decoded.

        A picture shown before the key it follows in the file needs the key before that.
        """
        at = max(int(np.searchsorted(self.keys, packet, side="right")) - 1, 0)
        if self.leads[packet]:
            at = max(at - 1, 0)
        return int(self.keys[at])

    def key_after(self, key: int) -> int:
        """Return the key that follows a key, or how many packets there are."""
        at = int(np.searchsorted(self.keys, key, side="right"))
        return int(self.keys[at]) if at < len(self.keys) else len(self.packets)


def read_index(path: Path) -> VideoIndex:
    """Return the index of a video's first video stream: every packet is read, none decoded.

    Only where the file does not say in which order images are shown, it is decoded once.

    Raises
    ------
    SourceError
        If it is no video, or holds no image that can be decoded.
    """
    packets = read_packets(path)
    order, times_ns, is_given, warnings = shown_packets(path, packets)
    if not len(order):
        raise SourceError(f"{path}: expected at least one whole image, got none")
    image_of = np.full(len(packets), -1, dtype=np.int64)
    image_of[order] = np.arange(len(order))
    return VideoIndex(path, packets, times_ns, order, image_of, is_given, tuple(warnings))
