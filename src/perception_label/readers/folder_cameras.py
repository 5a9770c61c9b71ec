"""The cameras of a folder: pictures, or a video with the times of its images.

`images/<camera>/*.png` (or `camera/`, `cameras/`): names that are times, or one for each sweep.
`images/<camera>.mp4` (any of `VIDEO_SUFFIXES`) with `<camera>.timestamps.txt` (or `.csv`) beside
it: a line for each image of the video, in the order shown, in the sweeps' clock. Without that
file nobody knows when its images were taken, and a rate is no time.
"""

import re
from pathlib import Path

from perception_label.arrays import Ints
from perception_label.geometry.cameras import VIDEO_SUFFIXES, Images
from perception_label.readers.calibration import Calibration
from perception_label.readers.files import numbered, read_text
from perception_label.readers.poses_text import times_ns

KINDS = ("images", "camera", "cameras")
TIMES = (".timestamps.txt", ".timestamps.csv", "_timestamps.txt", "_timestamps.csv")
# Seconds with a fraction, or an epoch in s, ms, us or ns; a mere number is a counter.
TIME_NAME = re.compile(r"\d+\.\d{3,9}|\d{10}|\d{13}|\d{16}|\d{18,19}")


def camera_images(
    folder: Path, calibration: Calibration, sweep_times_ns: Ints
) -> tuple[dict[str, Images], list[str]]:
    """Return the images of each calibrated camera, and what was left out, a line each.

    Of a video the path is given for each of its times; what lies inside is for the ingest.
    """
    images: dict[str, Images] = {}
    left_out: list[str] = []
    for kind in KINDS:
        for place in sorted((folder / kind).glob("*")):
            name = place.name if place.is_dir() else place.name.split(".")[0]
            found = _pictures(place, sweep_times_ns) if place.is_dir() else _video(place)
            if found is None or name in images:
                continue
            if name not in calibration.cameras:
                left_out.append(f"images of {name}: calibration.json has no such camera")
            elif isinstance(found, str):
                left_out.append(f"images of {name}: {found}")
            else:
                images[name] = found
    return images, left_out


def time_lines(path: Path) -> list[str]:
    """Return the last word of each line of a file of times; a first line of words is a title."""
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if lines and any(c.isalpha() and c not in "eE" for c in lines[0]):
        lines = lines[1:]
    return [line.replace(",", " ").split()[-1] for line in lines]


def _pictures(place: Path, sweep_times_ns: Ints) -> Images | str | None:
    paths = numbered(place, [".jpg", ".jpeg", ".png"])
    if not paths:
        return None
    if all(TIME_NAME.fullmatch(p.stem) for p in paths):
        return Images(times_ns(place, [p.stem for p in paths]), tuple(paths))
    if len(paths) == len(sweep_times_ns):
        return Images(sweep_times_ns, tuple(paths))
    return "no times, and not one for each sweep"


def _video(place: Path) -> Images | str | None:
    if place.suffix.lower() not in VIDEO_SUFFIXES:
        return None
    times = [place.with_name(place.stem + ending) for ending in TIMES]
    found = next((path for path in times if path.is_file()), None)
    if found is None:
        return f"{place.name} tells when nothing was taken: expected {times[0].name} beside it"
    stamps = times_ns(found, time_lines(found))
    return Images(stamps, (place,) * len(stamps))
