"""The images of a log's cameras: files of their own, or places in a video."""

from dataclasses import replace

import numpy as np

from perception_label.errors import LabelError, SettingError, SourceError
from perception_label.geometry.cameras import VIDEO_SUFFIXES, Images
from perception_label.storage.logs import Log
from perception_label.video.decode import VideoImages
from perception_label.video.folder import FolderImages
from perception_label.video.images import CACHE_BYTES, ImageSource
from perception_label.video.index import read_index


def open_camera(log: Log, camera: str, *, cache_bytes: int = CACHE_BYTES) -> ImageSource:
    """Return the images of a log's camera, with the log's times.

    Raises
    ------
    SettingError
        If the log has no such camera.
    SourceError
        If its images cannot be read, or its video is no longer the one that was ingested.
    """
    known = log.image_timestamps_ns
    if camera not in known:
        raise SettingError(
            f"log {log.id}: expected a camera of {', '.join(known) or '(none)'}, got {camera!r}"
        )
    images = log.images[camera]
    missing = [path for path in images.paths[:1] if not path.exists()]
    if missing or not images.paths:
        where = missing[0] if missing else f"log {log.id}"
        raise SourceError(f"{where}: expected the first image of {camera}, got none there")
    first = images.paths[0]
    if images.presentation_ns is None:
        return FolderImages(
            first.parent,
            timestamps_ns=images.timestamps_ns,
            files=images.paths,
            cache_bytes=cache_bytes,
        )
    index = read_index(first)
    if not np.array_equal(index.timestamps_ns, images.presentation_ns):
        raise SourceError(
            f"{first}: expected the video that was ingested, {len(images.paths)} images, got "
            f"another of {len(index)}"
        )
    return VideoImages(
        first, timestamps_ns=images.timestamps_ns, cache_bytes=cache_bytes, index=index
    )


def placed(camera: str, images: Images, warnings: list[str]) -> Images:
    """Return a recording's images with their places inside a video, if they are one.

    Raises
    ------
    SourceError
        If the video cannot be read, or there is not a time for each of its images: which
        image a time belongs to would be a guess.
    """
    if images.presentation_ns is not None or not images.paths:
        return images
    if images.paths[0].suffix.lower() not in VIDEO_SUFFIXES:
        return images
    path = images.paths[0]
    index = read_index(path)
    if len(index) != len(images.timestamps_ns):
        told = f" ({index.warnings[0]})" if index.warnings else ""
        raise SourceError(
            f"{path.name}: expected {len(images.timestamps_ns)} images as there are times, got "
            f"{len(index)}{told}"
        )
    if (np.diff(images.timestamps_ns) < 0).any():
        at = int(np.flatnonzero(np.diff(images.timestamps_ns) < 0)[0]) + 1
        raise SourceError(f"{path.name}: expected ascending times, got image {at} earlier")
    warnings += [f"camera {camera}: {text}" for text in index.warnings]
    return replace(images, presentation_ns=index.timestamps_ns)


def placed_all(
    images: dict[str, Images], warnings: list[str], left_out: list[str]
) -> dict[str, Images]:
    """Return the images of every camera whose images can be told apart; see `placed`."""
    kept = {}
    for camera, theirs in images.items():
        try:
            kept[camera] = placed(camera, theirs, warnings)
        except LabelError as error:
            left_out.append(f"images of {camera}: {error}")
    return kept
