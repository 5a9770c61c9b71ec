"""Point clouds and pictures beside the labels, for formats whose readers want them."""

import shutil
from collections.abc import Callable
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception_label.arrays import Ints
from perception_label.export.labelled import Labelled

JPEG_QUALITY = 95


def picture_file(labelled: Labelled, camera: str, i: int, suffix: str) -> Callable[[Path], None]:
    """Return a function that writes image i of a camera as `.png` or `.jpg`.

    A picture that is such a file already is copied, bit by bit; others are decoded, and stored
    without loss in PNG.
    """
    return partial(_fill_picture, labelled, camera, i, suffix)


class PictureBytes:
    """The pictures of one camera as the bytes of JPEG or PNG files.

    A picture that is such a file already keeps its bytes; others are decoded, and stored as
    JPEG of high quality.
    """

    def __init__(self, labelled: Labelled, camera: str) -> None:
        self.labelled, self.camera = labelled, camera
        self._opened = cache(labelled.pictures)

    def read(self, i: int) -> tuple[bytes, str, tuple[int, int]]:
        """Return image i, its suffix, `.jpg` or `.png`, and its width and height."""
        images = self.labelled.images[self.camera]
        suffix = images.paths[i].suffix.lower()
        suffix = {".jpeg": ".jpg"}.get(suffix, suffix)
        if images.presentation_ns is None and suffix in (".jpg", ".png"):
            data = images.paths[i].read_bytes()
            with Image.open(BytesIO(data)) as picture:
                return data, suffix, picture.size
        decoded = Image.fromarray(np.asarray(self._opened(self.camera).image(i)))
        out = BytesIO()
        decoded.save(out, format="JPEG", quality=JPEG_QUALITY)
        return out.getvalue(), ".jpg", decoded.size


def nearest_images(labelled: Labelled, camera: str, within_ns: int) -> Ints:
    """Return for each sweep the image nearest in time, (S,) int64; -1 where none is near."""
    times = labelled.timestamps_ns
    if camera not in labelled.images or not len(labelled.images[camera].timestamps_ns):
        return np.full(len(times), -1, dtype=np.int64)
    taken = labelled.images[camera].timestamps_ns
    order = np.argsort(taken, kind="stable")
    after = np.clip(np.searchsorted(taken[order], times), 0, len(taken) - 1)
    before = np.maximum(after - 1, 0)
    gap = np.abs(taken[order][[before, after]] - times)
    found = order[np.where(gap[0] < gap[1], before, after)]
    return np.where(gap.min(axis=0) <= within_ns, found, -1).astype(np.int64)


def half_period_ns(timestamps_ns: Ints) -> int:
    """Return half the usual time between sweeps; 50 ms for fewer than two."""
    return int(np.median(np.diff(timestamps_ns))) // 2 if len(timestamps_ns) > 1 else 50_000_000


def intensity_scale(labelled: Labelled) -> float:
    """Return what makes this log's intensities go from 0 to 1: 1, or 1 / 255, by a few sweeps."""
    n = len(labelled.timestamps_ns)
    for i in sorted({0, n // 2, n - 1} if n else set()):
        intensity = labelled.sweep(i).intensity
        if intensity is not None and len(intensity) and float(intensity.max()) > 1:
            return 1 / 255
    return 1.0


def points_and_intensity(labelled: Labelled, i: int, scale: float) -> NDArray[np.float32]:
    """Return (N, 4) float32 x, y, z, intensity of a sweep, sensor frame; 0 where unknown."""
    sweep = labelled.sweep(i)
    out = np.zeros((len(sweep), 4), dtype=np.float32)
    out[:, :3] = sweep.points_m
    if sweep.intensity is not None:
        out[:, 3] = np.clip(sweep.intensity * np.float32(scale), 0, 1)
    return out


def fill_points(labelled: Labelled, i: int, scale: Callable[[], float], path: Path) -> None:
    """Write sweep i as KITTI's `.bin`: float32 x, y, z, intensity from 0 to 1."""
    points_and_intensity(labelled, i, scale()).astype("<f4").tofile(path)


def _fill_picture(labelled: Labelled, camera: str, i: int, suffix: str, path: Path) -> None:
    images = labelled.images[camera]
    known = {".jpeg": ".jpg"}
    source = images.paths[i]
    kind = source.suffix.lower()
    if images.presentation_ns is None and known.get(kind, kind) == suffix:
        shutil.copyfile(source, path)
        return
    picture = Image.fromarray(np.asarray(labelled.pictures(camera).image(i)))
    if suffix == ".png":
        picture.save(path, format="PNG", compress_level=1)
    else:
        picture.save(path, format="JPEG", quality=JPEG_QUALITY)
