"""Which pictures of a decoder are what the file holds, and which were guessed from the rest.

A decoder that meets damage goes on: it conceals, and what it gives until the next key is built
upon that. So a picture counts only when every packet it may need has come out whole.
"""

from collections import deque
from typing import Any

from perception_label.video.index import VideoIndex


class Trust:
    """The packets a decoder was given since a key, settled in their order.

    Damage spreads from a packet to all that follow it up to the next key, unless nobody needs
    that packet; and from there to the pictures that lead the next key.
    """

    def __init__(self, index: VideoIndex) -> None:
        self._image_of = index.image_of.tolist()
        self._is_key = index.packets.is_key.tolist()
        self._is_disposable = index.packets.is_disposable.tolist()
        self._leads = index.leads.tolist()
        self.begin(0)

    def begin(self, key: int) -> None:
        """Forget everything: the decoder starts anew at this key."""
        self._first = key
        self._open: deque[int] = deque()
        self._came: dict[int, tuple[Any, bool]] = {}
        self._last = -1
        self._is_tainted = False
        self._are_leads_tainted = False

    def gave(self, packet: int) -> None:
        """Note that the decoder was given a packet."""
        self._open.append(packet)

    def came(self, packet: int, picture: Any, *, is_whole: bool = True) -> None:
        """Note that a packet's picture came out, or that the decoder refused it."""
        self._came[packet] = (picture, is_whole)
        if picture is not None:
            self._last = max(self._last, self._image_of[packet])

    def awaits(self, packet: int) -> bool:
        """Tell whether a packet was given and is not settled yet."""
        return packet in self._open

    def settle(self, *, is_drained: bool = False) -> list[tuple[int, Any, bool]]:
        """Return (image, picture or None, can be trusted) of what is decided now.

        Pictures come out in the order shown: one that was passed over is missing. Pictures
        that lead the key at which decoding began are left out: what they need was not given.
        """
        settled = []
        while self._open:
            packet = self._open[0]
            image = self._image_of[packet]
            is_out = packet in self._came or image < 0
            if not is_out and not is_drained and image > self._last:
                break
            self._open.popleft()
            picture, is_whole = self._came.pop(packet, (None, image < 0))
            if self._is_key[packet]:
                self._are_leads_tainted, self._is_tainted = self._is_tainted, False
                self._key = packet
            leads = self._leads[packet]
            if image >= 0 and not (leads and self._key == self._first):
                is_tainted = self._are_leads_tainted if leads else self._is_tainted
                settled.append((image, picture, is_whole and not is_tainted))
            if not is_whole and not self._is_disposable[packet]:
                self._are_leads_tainted |= leads
                self._is_tainted |= not leads
        return settled
