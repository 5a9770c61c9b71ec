"""A video and a file of keyframes to a file of labels on every image."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from perception_label.errors import SettingError, SourceError
from perception_label.export.image_labels import LabelledVideo, format_for, write_image_labels
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.shapes import KINDS
from perception_label.pipeline.follow_shapes import Progress
from perception_label.pipeline.image_keyframes import chosen_keys, labels_for
from perception_label.pipeline.propagate_images import propagate
from perception_label.storage.whole import write_whole
from perception_label.video.images import ImageSource, open_images


@dataclass(frozen=True, slots=True)
class PropagateReport:
    """What became of a video.

    Attributes
    ----------
    n_images, n_tracks, n_keyframes, n_labels : int
        Images that were labelled; tracks; keyframes used; labels written, keyframes included.
    images_per_s : float
        Images by the time it took to decode and propagate; reading and writing files not counted.
    next_keyframes : dict of int
        By track, the image where one more keyframe would help most.
    held_out : dict or None
        If only some of the file's labels were keyframes: how well the others were met.
    left_out, warnings : tuple of str
        What the format could not hold; what is odd about the video.
    """

    n_images: int
    n_tracks: int
    n_keyframes: int
    n_labels: int
    images_per_s: float
    next_keyframes: dict[str, int]
    held_out: dict[str, Any] | None
    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]


def propagate_video(
    video: Path,
    boxes: Path,
    out: Path,
    *,
    boxes_format: str = "auto",
    format: str = "auto",
    every: int | None = None,
    span: tuple[int | None, int | None] = (None, None),
    picture: Path | None = None,
    progress: Progress | None = None,
) -> PropagateReport:
    """Write labels on every image of a video from those that a file gives on some.

    Parameters
    ----------
    video : Path
        A video file or a folder of images.
    boxes : Path
        Keyframes; see `readers.image_labels`.
    out : Path
        The file to write, whole or not at all.
    boxes_format, format : str
        Of the two files; `auto` goes by suffix and content.
    every : int, optional
        Take only the labels on every so many images as keyframes, and report how well the
        others were met.
    span : (first, last)
        Images to label, ends included; None is the video's end.
    picture : Path, optional
        Draw the result: a video (.mp4, .mkv, .avi) or a contact sheet (.png, .jpg).
    progress : callable, optional
        Called with how many of how many images are done.

    Raises
    ------
    SourceError
        If the video or the file cannot be read, or they do not belong together.
    SettingError
        If a format or the span is wrong.
    WorkspaceError
        If a result cannot be written; what was there is untouched.
    """
    from perception_label.pipeline.picture_images import check_picture, draw

    chosen = format_for(out, None if format == "auto" else format)
    if picture is not None:
        check_picture(picture)
    if every is not None and every < 1:
        raise SettingError(f"every: expected 1 or more, got {every}")
    _check_apart(video, boxes, out, picture)
    images = open_images(video)
    labels = labels_for(boxes, images, boxes_format)
    is_key = chosen_keys(labels, every)
    first, last = _span(span, images)
    keys = _as_keys(labels[is_key])
    if not keys.visible.any():
        raise SourceError(f"{boxes}: expected at least one label to start from, got none")
    begun = perf_counter()
    found, asked = propagate(images, keys, span=(first, last), progress=progress)
    seconds = perf_counter() - begun
    names = tuple(path.name for path in getattr(images, "paths", ()))
    labelled = LabelledVideo(
        video.name, found, images.width_px, images.height_px, images.timestamps_ns, names
    )
    left_out: list[str] = []
    write_whole(out, lambda part: left_out.extend(write_image_labels(part, labelled, chosen)))
    files = [out]
    if picture is not None:
        draw(picture, images, found, (first, last))
        files.append(picture)
    held = (
        None if every is None else _held_out(found, labels[~is_key & labels.visible], first, last)
    )
    return PropagateReport(
        n_images=last - first + 1,
        n_tracks=len({name for name, _ in keys.tracks()}),
        n_keyframes=int(keys.visible.sum()),
        n_labels=len(found),
        images_per_s=(last - first + 1) / max(seconds, 1e-9),
        next_keyframes={name: image for (name, _), image in asked.items()},
        held_out=held,
        files=tuple(files),
        left_out=tuple(left_out),
        warnings=images.warnings,
    )


def _check_apart(video: Path, boxes: Path, out: Path, picture: Path | None) -> None:
    """Refuse to write over what is read."""
    for result in (out, picture):
        if result is None:
            continue
        if result.is_dir() or any(result.absolute() == p.absolute() for p in (video, boxes)):
            raise SettingError(
                f"{result}: expected a file of its own to write, got one of the sources"
            )
    if picture is not None and picture.absolute() == out.absolute():
        raise SettingError(f"{picture}: expected another file than --out, got the same")


def _span(span: tuple[int | None, int | None], images: ImageSource) -> tuple[int, int]:
    n = len(images)
    first, last = (0 if span[0] is None else span[0]), (n - 1 if span[1] is None else span[1])
    if not 0 <= first <= last < n:
        raise SettingError(f"images: expected a span within 0 … {n - 1}, got {first} … {last}")
    return first, last


def _as_keys(labels: ImageLabels) -> ImageLabels:
    return replace(labels, is_key=np.ones(len(labels), dtype=np.bool_))


def _held_out(found: ImageLabels, truth: ImageLabels, first: int, last: int) -> dict[str, Any]:
    """Return how well the file's other labels were met; a missing one counts as an overlap of 0."""
    truth = truth[(truth.images >= first) & (truth.images <= last)]
    at = {
        (name, kind, image): row
        for row, (name, kind, image) in enumerate(
            zip(found.track_ids, found.kinds.tolist(), found.images.tolist(), strict=True)
        )
    }
    places = zip(truth.track_ids, truth.kinds.tolist(), truth.images.tolist(), strict=True)
    rows = np.array([at.get(place, -1) for place in places], dtype=np.int64)
    iou = np.zeros(len(rows))
    hit = rows >= 0
    iou[hit] = _iou(found.boxes_px[rows[hit]], truth.boxes_px[hit])
    return {
        "n": len(rows),
        "n_missing": int((~hit).sum()),
        "mean_iou": round(float(iou.mean()), 4) if len(iou) else None,
        "share_iou_0.5": round(float((iou >= 0.5).mean()), 4) if len(iou) else None,
        "share_iou_0.7": round(float((iou >= 0.7).mean()), 4) if len(iou) else None,
        "of": "boxes" if set(truth.kinds.tolist()) <= {KINDS.index("box")} else "boxes around",
    }


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    width = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.clip(width, 0, None).prod(axis=1)
    areas = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1)
    return np.asarray(np.nan_to_num(shared / (areas - shared)))
