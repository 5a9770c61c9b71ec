"""In which order the packets of a video are shown, and when.

Presentation times say so wherever they are what they should be: each once, none before its
packet's decoding time, decoding times rising. Otherwise (AVI stores no presentation times, raw
streams no times at all, a capture card repeats one, two recordings were joined) the decoder is
asked once: the order in which it gives pictures is the order in which they are shown.
"""

from pathlib import Path

import av
import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.video.packets import NO_TIME, Packets, open_video

PERIOD_NS = 100_000_000  # between images of a file that has no times
NS = 1_000_000_000
REORDERING = ("h264", "hevc")  # codecs whose AVI files do not tell which image comes first
MAX_DEPTH = 16  # images a decoder may hold back (H.264, H.265)
ODD_GAP = 3.0  # times the usual one: a first gap that AVI made up


def shown_packets(path: Path, packets: Packets) -> tuple[Ints, Ints, Mask, list[str]]:
    """Return the packets in the order shown, their times, which serve, and warnings.

    Returns
    -------
    order : (n,) int64
        The packet of each image; packets that only serve others are not among them.
    timestamps_ns : (n,) int64
        When each is shown.
    is_given : (P,) bool
        Whether a packet is for the decoder: not if it is cut off, or its key is not there.
    warnings : list of str
        What is odd, a line each.
    """
    warnings: list[str] = []
    pts, dts = packets.pts, packets.dts
    stored = np.where(pts == NO_TIME, dts, pts)
    is_given = _is_given(packets, stored, warnings)
    is_shown = is_given & ~packets.is_hidden
    if (stored == NO_TIME).any():
        order = _decoded_order(path, packets, is_shown)
        warnings.append("the file has no times: its images are taken to be 0.1 s apart")
        return order, np.arange(len(order), dtype=np.int64) * PERIOD_NS, is_given, warnings
    if "avi" in packets.container:
        order, stored = _avi_order(path, packets, is_shown, stored, warnings)
    elif _is_sound(packets):
        order = _sorted_by(stored, is_shown)
    else:
        order = _decoded_order(path, packets, is_shown)
        _tell_of_times(stored[order], packets, warnings)
    order = _without_holes(packets, order, stored, warnings)
    scale = packets.time_base * NS
    times = np.array([round(int(t) * scale) for t in stored[order]], dtype=np.int64)
    return order, times, is_given, warnings


def _is_given(packets: Packets, stored: Ints, warnings: list[str]) -> Mask:
    """Return (P,) which packets are whole and can be decoded."""
    is_whole = ~packets.is_cut
    if packets.is_cut.any():
        warnings.append("the last packet is cut off: it is left out")
    first = int(np.flatnonzero(packets.is_key)[0])
    known = stored != NO_TIME
    # What follows the first key in the file and is shown before it needs a key that is not there.
    leads = known & (stored < stored[first]) & ~packets.is_key
    after = np.flatnonzero(packets.is_key[first + 1 :])
    leads[first + 1 + int(after[0]) if len(after) else len(leads) :] = False
    leads[:first] = True
    n = int((leads & is_whole & ~packets.is_hidden).sum())
    if n:
        warnings.append(f"{n} images before the first key image cannot be decoded: left out")
    return np.asarray(is_whole & ~leads)


def _is_sound(packets: Packets) -> bool:
    pts, dts = packets.pts, packets.dts
    known = dts != NO_TIME
    rising = bool((np.diff(dts[known]) > 0).all())
    unique = len(np.unique(pts)) == len(pts)
    return rising and unique and bool((pts[known] >= dts[known]).all())


def _sorted_by(times: Ints | Floats, is_shown: Mask) -> Ints:
    rows = np.flatnonzero(is_shown)
    return rows[np.argsort(times[rows], kind="stable")]


def _avi_order(
    path: Path, packets: Packets, is_shown: Mask, stored: Ints, warnings: list[str]
) -> tuple[Ints, Ints]:
    """Return order and times of an AVI's packets: it stores slots, in the order of decoding."""
    if packets.codec in REORDERING and not packets.is_key.all():
        order = _decoded_order(path, packets, is_shown)
        times = stored.copy()
        times[order] = np.sort(packets.dts[order])
        if (np.diff(order) < 0).any():
            warnings.append("AVI has no presentation times: all may be late by the same amount")
    else:
        order, times = _sorted_by(stored, is_shown), stored
    gaps = np.diff(times[order])
    if len(gaps) > 2 and gaps[0] > ODD_GAP * np.median(gaps[1:]):
        warnings.append("the first image's time is made up: AVI loses when a recording starts")
    return order, times


def _decoded_order(path: Path, packets: Packets, is_shown: Mask) -> Ints:
    """Return the packets shown in the order in which the decoder gives their pictures."""
    # With one thread an error takes no other picture with it.
    came = _came_out(path, "AUTO") or _came_out(path, "NONE") or []
    place = np.full(len(packets), -1.0)
    place[came] = np.arange(len(came))
    for k in np.flatnonzero(place < 0).tolist():
        # A damaged one stands behind the one before it in the file.
        place[k] = place[k - 1] + 1e-6 if k else -0.5
    return _sorted_by(place, is_shown)


def _came_out(path: Path, threads: str) -> list[int] | None:
    """Return the packets in the order of their pictures; None if many threads met an error."""
    came: list[int] = []
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = threads
        stream.codec_context.copy_opaque = True
        k = 0
        for packet in container.demux(stream):
            if packet.size:
                # A new object for each: the library tells them apart by where they lie.
                packet.opaque = (k,)
                k += 1
            try:
                came += [p.opaque[0] for p in stream.codec_context.decode(packet) if p.opaque]
            except av.error.FFmpegError:
                if threads != "NONE":
                    return None
    return came


def _tell_of_times(times: Ints, packets: Packets, warnings: list[str]) -> None:
    steps = np.diff(times)
    for what, rows in (("repeat", steps == 0), ("go back", steps < 0)):
        if rows.any():
            at = int(np.flatnonzero(rows)[0]) + 1
            seconds = float(times[at] * packets.time_base)
            warnings.append(
                f"presentation times {what} at {int(rows.sum())} images, first at image {at} "
                f"({seconds:.3f} s): images stand in the order in which they are shown"
            )


def _without_holes(packets: Packets, order: Ints, stored: Ints, warnings: list[str]) -> Ints:
    """Return the order without the images behind which others of a file cut short are missing."""
    n_missing = max(packets.announced - len(packets), 0)
    scale = float(packets.time_base)
    last = stored[order].max(initial=0) * scale
    gap = float(np.median(np.abs(np.diff(stored[order])))) * scale if len(order) > 1 else 0.0
    # A header's length may count from zero or from the first image: take the kinder one.
    is_short = packets.announced_s > 0 and last + 5 * max(gap, 0.01) < packets.announced_s
    if not (n_missing or is_short or packets.is_cut.any()):
        return order
    told = f"{packets.announced} images" if n_missing else f"{packets.announced_s:.3f} s"
    if n_missing or is_short:
        warnings.append(f"the file is cut short: it announces {told}, and ends at {last:.3f} s")
    # What was lost would be decoded later; so many images may wait for one decoded after them.
    n = min(_depth(order), len(order) - 1)
    if n:
        warnings.append(f"{n} images at the cut are left out: others before them may be missing")
    return order[: len(order) - n]


def _depth(order: Ints) -> int:
    """Return how many images shown later are decoded before an image, at most."""
    image_of = np.argsort(order)  # of the packets that are shown, in the order of the file
    later = np.zeros(len(order), dtype=np.int64)
    for lag in range(1, min(MAX_DEPTH, len(order) - 1) + 1):
        later[lag:] += image_of[:-lag] > image_of[lag:]
    return int(later.max(initial=0))
