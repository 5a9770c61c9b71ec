"""A file of 2-D labels meets its video: numbers and times made one, mistakes refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.errors import SourceError
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.masks import from_coco
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.geometry.shapes_valid import check_mask, check_polygon
from perception_label.readers.image_labels import ImageLabelFile, read_image_labels
from perception_label.video.images import ImageSource

NEAR_NS = 1_000_000  # tools round times to milliseconds


def labels_for(path: Path, images: ImageSource, format: str = "auto") -> ImageLabels:
    """Return the labels of a file with both the number and the time of each image.

    Parameters
    ----------
    path : Path
        The file; see `readers.image_labels.read_image_labels`.
    images : ImageSource
        The video they are for.
    format : str
        `auto` goes by suffix and content.

    Raises
    ------
    SourceError
        If the file cannot be read or is for another video: its size or number of images
        differs, a number is not in the video, a time is not that of an image (to 1 ms), a
        label does not touch the image, a mask is of another size; or if a track has two labels
        of one kind on one image, or of two classes.
    """
    return fitted(read_image_labels(path, format), images)


def fitted(read: ImageLabelFile, images: ImageSource) -> ImageLabels:
    """Return labels that were read with both the number and the time of each image; see above."""
    _check_video(read, images)
    labels = _placed(read, images)
    _check_once(read.path, labels)
    return _checked(read.path, labels, images)


def chosen_keys(labels: ImageLabels, every: int | None = None) -> Mask:
    """Return which labels are keyframes: those that the file says, or each `every`-th image's.

    A track without a label on one of those images keeps its middle one.
    """
    if every is None:
        return labels.is_key.copy()
    chosen: Mask = (labels.images % every == 0) & labels.visible
    for rows in labels.tracks().values():
        seen = rows[labels.visible[rows]]
        if len(seen) and not chosen[seen].any():
            chosen[seen[len(seen) // 2]] = True
    return chosen


def _check_video(read: ImageLabelFile, images: ImageSource) -> None:
    where = f"{read.path}: expected labels for {images.name}"
    size = f"{images.width_px} x {images.height_px}"
    if read.width_px and (read.width_px, read.height_px) != (images.width_px, images.height_px):
        raise SourceError(f"{where} of {size} px, got some for {read.width_px} x {read.height_px}")
    if read.image_names and _paths(images):
        return
    if read.n_images and read.n_images != len(images):
        told = " told by order alone" if read.image_names else ""
        raise SourceError(f"{where} of {len(images)} images, got some for {read.n_images}{told}")


def _paths(images: ImageSource) -> tuple[Path, ...]:
    return tuple(getattr(images, "paths", ()))


def _placed(read: ImageLabelFile, images: ImageSource) -> ImageLabels:
    """Return the labels with numbers and times of the video's images."""
    labels, times = read.labels, images.timestamps_ns
    numbers = labels.images
    if read.image_names and _paths(images):
        numbers = _by_name(read, images)[numbers]
    is_timed = labels.timestamps_ns >= 0
    by_time = is_timed & (numbers < 0)
    if by_time.any():
        numbers = numbers.copy()
        numbers[by_time] = _at_times(read.path, labels.timestamps_ns[by_time], images)
    wrong = (numbers < 0) | (numbers >= len(images))
    if wrong.any():
        raise SourceError(
            f"{read.path}: expected image numbers from 0 to {len(images) - 1} as {images.name} "
            f"has, got {numbers[wrong][0]}: labels for another video?"
        )
    apart = is_timed & (np.abs(times[numbers] - labels.timestamps_ns) > NEAR_NS)
    if apart.any():
        row = int(np.flatnonzero(apart)[0])
        raise SourceError(
            f"{read.path}: expected image {numbers[row]} of {images.name} at "
            f"{times[numbers[row]]} ns, got {labels.timestamps_ns[row]}: labels for another video?"
        )
    return replace(labels, images=numbers, timestamps_ns=times[numbers])


def _by_name(read: ImageLabelFile, images: ImageSource) -> Ints:
    known = {path.name: k for k, path in enumerate(_paths(images))}
    missing = [name for name in read.image_names if name not in known]
    if missing:
        raise SourceError(
            f"{read.path}: expected images that are in {images.name}, got {missing[0]!r} "
            f"and {len(missing) - 1} more that are not"
        )
    return np.array([known[name] for name in read.image_names], dtype=np.int64)


def _at_times(path: Path, at_ns: Ints, images: ImageSource) -> Ints:
    times = images.timestamps_ns
    order = np.argsort(times, kind="stable")
    after = np.clip(np.searchsorted(times[order], at_ns), 0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    gap = np.abs(times[order][[before, after]] - at_ns)
    found = np.where(gap[0] < gap[1], before, after)
    if (gap.min(axis=0) > NEAR_NS).any():
        row = int(np.argmax(gap.min(axis=0)))
        near = times[order][found[row]]
        raise SourceError(
            f"{path}: expected times of images of {images.name}, got {at_ns[row]} ns, the nearest "
            f"image being at {near}: labels for another video?"
        )
    return np.asarray(order[found], dtype=np.int64)


def _check_once(path: Path, labels: ImageLabels) -> None:
    classes: dict[str, str] = {}
    for (name, kind), rows in labels.tracks().items():
        twice = np.flatnonzero(np.diff(labels.images[rows]) == 0)
        if len(twice):
            image = labels.images[rows[twice[0]]]
            raise SourceError(
                f"{path}: expected one {kind} of track {name} in image {image}, got two"
            )
        for said in set(labels.class_names[rows].tolist()):
            if classes.setdefault(name, said) != said:
                raise SourceError(
                    f"{path}: expected one class of track {name}, got {classes[name]} and {said}"
                )


def _checked(path: Path, labels: ImageLabels, images: ImageSource) -> ImageLabels:
    """Return the labels with the boxes around masks; refuse what is not on its image."""
    size = (images.height_px, images.width_px)
    boxes = labels.boxes_px.copy()
    for row in np.flatnonzero(labels.kinds != KINDS.index("box")).tolist():
        shape: Shape = labels.shapes[row]
        where = f"{path}: track {labels.track_ids[row]} in image {labels.images[row]}"
        try:
            if shape.kind == "mask":
                check_mask(shape, size)
                plain = {"size": shape.size_px, "counts": shape.counts}
                boxes[row] = from_coco([plain]).boxes_px()[0]
            elif shape.kind == "polygon":
                check_polygon(shape)
        except ValueError as error:
            raise SourceError(f"{where}: {error}") from None
    is_box = labels.kinds == KINDS.index("box")
    flat = is_box & ~((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    off = (boxes[:, 0] >= size[1]) | (boxes[:, 1] >= size[0]) | (boxes[:, 2:] <= 0).any(axis=1)
    for wrong, wanted in (
        (flat, "a box with x0 < x1 and y0 < y1"),
        (off & labels.visible, f"a label on the image of {size[1]} x {size[0]} px"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SourceError(
                f"{path}: track {labels.track_ids[row]} in image {labels.images[row]}: expected "
                f"{wanted}, got {np.round(boxes[row], 1).tolist()}"
            )
    return replace(labels, boxes_px=boxes)
