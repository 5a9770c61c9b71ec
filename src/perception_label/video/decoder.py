"""One decoder, somewhere in a video; for one thread.

Which image a picture is, is never counted: each packet carries its number into the decoder and
the picture brings it out again.
"""

from collections.abc import Callable

import av

from perception_label.video.index import VideoIndex
from perception_label.video.packets import NO_TIME, open_video, packet_id
from perception_label.video.trust import Trust

NEAR = 30  # images ahead: whoever asks so goes on, and the decoder need not start anew

Keep = Callable[[int, av.VideoFrame], None]


class AnomalyError(Exception):
    """The decoder met something odd: what it gave since the last key must be looked into."""


class Decoder:
    """An open container with its decoder.

    Parameters
    ----------
    index : VideoIndex
        Of the same file.
    keep : function (image, picture), optional
        Called with every picture that was decoded on the way, also those not asked for.
    lowres : int
        Decode at 1/2**lowres of the size, where the codec can.
    verdicts : dict, optional
        Damage does not raise but is noted here: whether each image passed is as it should be.
    """

    def __init__(
        self,
        index: VideoIndex,
        keep: Keep | None = None,
        *,
        lowres: int = 0,
        verdicts: dict[int, bool] | None = None,
    ) -> None:
        self.index = index
        self._keep = keep
        self.lowres = lowres
        self._verdicts = verdicts
        self._trust = Trust(index)
        self._last = -1  # image asked for last
        self._ready: dict[int, av.VideoFrame] = {}
        self._open()

    def _open(self) -> None:
        self._container = open_video(self.index.path)
        self._stream = self._container.streams.video[0]
        context = self._stream.codec_context
        # One thread where errors must be told apart: with more they come late.
        self._stream.thread_type = "AUTO" if self._verdicts is None else "NONE"
        context.thread_count = 0 if self._verdicts is None else 1
        if self.lowres:
            context.options = {"lowres": str(self.lowres)}
        context.copy_opaque = True
        self._packets = iter(self._container.demux(self._stream))
        self.next = 0  # packet that the container gives next
        self._is_lost = False  # whether the decoder must start anew at a key

    def picture(self, i: int) -> av.VideoFrame:
        """Return image i; a jump decodes no more than it needs, a walk goes on decoding.

        Raises
        ------
        AnomalyError
            If anything between the key and the image is damaged, or the container is.
        """
        packet = int(self.index.packet_of[i])
        is_walk = self._last < i <= self._last + NEAR
        self._last = i
        for k in [k for k in self._ready if k < i]:
            del self._ready[k]
        if i in self._ready:
            return self._ready.pop(i)
        key = self.index.key_for(packet)
        on_the_way = not self._is_lost and key <= self.next
        if not (on_the_way and (packet >= self.next or self._trust.awaits(packet))):
            self.go_to(key)
        image_of, is_disposable = self.index.image_of, self.index.packets.is_disposable
        while i not in self._ready:
            k = self.next
            is_needless = k < len(image_of) and is_disposable[k] and image_of[k] < i
            if not self.feed(skip=bool(is_needless)):
                break
            if k == packet and not is_walk:
                self.drain()
                break
        if i not in self._ready:
            self._is_lost = True
            raise AnomalyError
        return self._ready.pop(i)

    def judge(self, key: int) -> None:
        """Decode all that needs this key, from the key before it on, which settles their fate."""
        index = self.index
        earlier = index.keys[index.keys < key]
        end = index.key_after(key) + 1
        while end < len(index.image_of) and index.leads[end]:
            end += 1
        self.go_to(int(earlier[-1]) if len(earlier) else key)
        while self.next < end and self.feed():
            self._ready.clear()
        if not self._is_lost:
            self.drain()
        self._ready.clear()

    def go_to(self, key: int) -> None:
        """Stand before a key with an empty decoder."""
        self._ready.clear()
        self._is_lost = False
        packets = self.index.packets
        for time in (int(packets.pts[key]), int(packets.dts[key])):
            if time != NO_TIME and self._seek(time, key):
                return
        # The clock of this file cannot be trusted: count its packets.
        if not self._seek(None, key):
            self._is_lost = True
            raise AnomalyError

    def feed(self, *, skip: bool = False) -> bool:
        """Give the decoder the next packet, or pass it by; False at the end of the file."""
        try:
            packet = next((p for p in self._packets if p.size), None)
        except av.error.FFmpegError:
            packet = None
        if packet is None or self.next >= len(self.index.image_of):
            self.drain()
            return False
        k = self.next
        self.next += 1
        if self.index.is_given[k] and not skip:
            self._give(packet, k)
        return True

    def drain(self) -> None:
        """Take out what the decoder holds back; it must start anew afterwards."""
        self._is_lost = True
        self._take(None, -1)
        self._settle(is_drained=True)

    def _give(self, packet: av.Packet, k: int) -> None:
        # A new object for each: the library tells them apart by where they lie.
        packet.opaque = (k,)
        self._trust.gave(k)
        self._take(packet, k)
        self._settle()

    def _take(self, packet: av.Packet | None, k: int) -> None:
        try:
            pictures = self._stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            self._is_odd()
            if k >= 0:
                self._trust.came(k, None, is_whole=False)
            return
        pts = self.index.packets.pts
        for picture in pictures:
            if picture.opaque is None:
                self._is_odd()
                continue
            (k,) = picture.opaque
            is_same = picture.pts is None or pts[k] in (picture.pts, NO_TIME)
            self._trust.came(k, picture, is_whole=is_same and not picture.is_corrupt)

    def _settle(self, *, is_drained: bool = False) -> None:
        for image, picture, is_good in self._trust.settle(is_drained=is_drained):
            if self._verdicts is not None:
                self._verdicts[image] = is_good
            if not is_good:
                self._is_odd()
                continue
            self._ready[image] = picture
            if self._keep is not None:
                self._keep(image, picture)

    def _is_odd(self) -> None:
        if self._verdicts is None:
            self._is_lost = True
            raise AnomalyError

    def _seek(self, time: int | None, key: int) -> bool:
        """Stand before packet `key`, found by its time, or from the file's start by counting."""
        try:
            if time is None:
                self._container.close()
                self._open()
            else:
                self._container.seek(time, stream=self._stream, backward=True)
                self._packets = iter(self._container.demux(self._stream))
            return self._wind(key, is_counting=time is None)
        except av.error.FFmpegError:
            return False

    def _wind(self, key: int, *, is_counting: bool) -> bool:
        """Pass by the packets before `key` and give the decoder that one."""
        k = -1
        for packet in self._packets:
            if not packet.size:
                continue
            k = (
                k + 1
                if is_counting
                else self.index.numbers.get(packet_id(packet), len(self.index.image_of))
            )
            if k > key:
                return False
            if k == key:
                self.next = key + 1
                self._trust.begin(key)
                self._give(packet, key)
                return True
        return False
