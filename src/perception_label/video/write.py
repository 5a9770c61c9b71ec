"""Images to a video file, to look at."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import SettingError
from perception_label.video.images import Picture

FORMATS = {".mp4": "mp4", ".mkv": "matroska", ".avi": "avi", ".mov": "mov"}
CODECS = ("libx264", "mpeg4")  # the first this build of FFmpeg has
BASE = Fraction(1, 90_000)  # of presentation times; players know it
FASTEST_HZ = 240


def write_video(
    path: Path, pictures: Iterable[Picture], timestamps_ns: Ints, suffix: str | None = None
) -> None:
    """Write RGB images as a video with the images' own times, from zero.

    Parameters
    ----------
    path : Path
        The file.
    pictures : iterable of (H, W, 3) uint8
        One for each time, all of one size; a last odd row or column is left out, which the
        codecs cannot hold.
    timestamps_ns : (n,) int64
        When each is shown. Times that do not rise are moved just after the one before.
    suffix : str, optional
        `.mp4`, `.mkv`, `.avi` or `.mov`; the file's own by default.

    Raises
    ------
    SettingError
        If the suffix is none of these, or the images are less than 2 pixels wide or high.
    """
    kind = FORMATS.get((suffix or path.suffix).lower())
    if kind is None:
        raise SettingError(f"{path}: expected a suffix of {', '.join(FORMATS)}, got {suffix!r}")
    seconds = (timestamps_ns - timestamps_ns[:1]) / 1e9
    with av.open(str(path), "w", format=kind) as container:
        stream, before = None, -1
        for picture, at_s in zip(pictures, seconds.tolist(), strict=True):
            if stream is None:
                stream = _stream(container, picture, seconds, str(path), kind)
            even = np.ascontiguousarray(picture[: stream.height, : stream.width])
            image = av.VideoFrame.from_ndarray(even, format="rgb24")
            clock = stream.codec_context.time_base
            before = max(before + 1, round(at_s / clock))
            image.pts, image.time_base = before, clock
            container.mux(stream.encode(image))
        if stream is not None:
            container.mux(stream.encode())


def _stream(container: object, picture: Picture, seconds: Floats, where: str, kind: str):  # type: ignore[no-untyped-def]
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    if height < 2 or width < 2:
        raise SettingError(f"{where}: expected images of 2 pixels or more, got {picture.shape[:2]}")
    codec = next(name for name in CODECS if name in av.codecs_available)
    step_s = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.1
    rate = Fraction(1 / max(step_s, 1 / FASTEST_HZ)).limit_denominator(1001)
    stream = container.add_stream(codec, rate=rate)  # type: ignore[attr-defined]
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    # AVI and MPEG-4 have no room for a finer clock than their rate.
    stream.codec_context.time_base = 1 / rate if codec == "mpeg4" or kind == "avi" else BASE
    stream.codec_context.max_b_frames = 0  # AVI shows a video with them late by some images
    if codec == "libx264":
        stream.options = {"crf": "20", "preset": "veryfast"}
    return stream
