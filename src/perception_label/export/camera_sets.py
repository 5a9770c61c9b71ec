"""2-D labels of every camera of a log, for formats of single images or of one video each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perception_label.arrays import Ints, Mask
from perception_label.export.labelled import Labelled
from perception_label.export.pictures import picture_file
from perception_label.geometry.image_labels import BOX, ImageLabels
from perception_label.geometry.shapes import KINDS

_SUFFIXES = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png"}


@dataclass(frozen=True, slots=True)
class CameraSet:
    """One camera of a log: its images, and the labels on them that can be seen.

    Attributes
    ----------
    labelled : Labelled
        The log.
    camera : str
        Its camera.
    labels : ImageLabels
        In order of image and track; each has a place, and `images` is its image's number.
    width_px, height_px : int
        Of each image.
    timestamps_ns : (n,) int64
        Of each image.
    suffix : str
        Of the pictures when they are written: `.png` or `.jpg`.
    """

    labelled: Labelled
    camera: str
    labels: ImageLabels
    width_px: int
    height_px: int
    timestamps_ns: Ints
    suffix: str

    @property
    def name(self) -> str:
        """A name of log and camera that tells it from all others."""
        return f"{self.labelled.log_id}__{self.camera}"

    def picture(self, i: int) -> Callable[[Path], None]:
        """Return a function that writes image i."""
        return picture_file(self.labelled, self.camera, i, self.suffix)

    def by_image(self) -> list[Ints]:
        """Return the rows of the labels on each image, (n,) of (k,) int64."""
        n = len(self.timestamps_ns)
        cuts = np.searchsorted(self.labels.images, np.arange(1, n))
        return np.split(np.arange(len(self.labels), dtype=np.int64), cuts) if n else []


def camera_sets(
    labelled: Labelled, kinds: tuple[str, ...] = KINDS, *, only: bool = True
) -> tuple[list[CameraSet], list[str]]:
    """Return the cameras of a log that have images, and what of their labels is left out.

    Parameters
    ----------
    labelled : Labelled
        The log.
    kinds : tuple of str
        The kinds of shapes that the format holds; of others the box around them is kept.
    only : bool
        Whether the format holds nothing else, so that a log without images is left out.
    """
    sets, left_out = [], []
    for camera, images in labelled.images.items():
        labels = labelled.image_labels(camera)
        n = len(images.timestamps_ns)
        if not n:
            continue
        has_place: Mask = np.asarray(np.isfinite(labels.boxes_px).all(axis=1))
        is_there = (labels.images >= 0) & (labels.images < n)
        kept = has_place & is_there & labels.visible
        if not kept.all():
            n_out = int((~kept).sum())
            left_out.append(
                f"log {labelled.log_id}: {n_out} labels on {camera} where nothing is to be seen"
            )
        labels = labels[np.flatnonzero(kept)]
        is_other = ~np.isin(labels.kinds, [KINDS.index(kind) for kind in kinds])
        x0, y0, x1, y1 = labels.boxes_px.T
        # A line or a point may be as thin as it likes; a box of no size is none.
        is_thin = (is_other | (labels.kinds == BOX)) & ((x1 <= x0) | (y1 <= y0))
        if is_thin.any():
            n_thin = int(is_thin.sum())
            left_out.append(f"log {labelled.log_id}: {n_thin} boxes without size on {camera}")
            labels = labels[np.flatnonzero(~is_thin)]
        order = np.lexsort((labels.kinds, labels.track_ids.astype(str), labels.images))
        labels = labels[order]
        other = ~np.isin(labels.kinds, [KINDS.index(kind) for kind in kinds])
        if other.any():
            left_out.append(
                f"log {labelled.log_id}: {int(other.sum())} shapes on {camera}: "
                "the boxes around them are kept"
            )
        sets.append(
            CameraSet(
                labelled,
                camera,
                _as_boxes(labels, other),
                *_size_px(labelled, camera),
                images.timestamps_ns,
                _suffix(labelled, camera),
            )
        )
    if only and not sets and len(labelled.boxes):
        n = len(labelled.boxes)
        left_out.append(f"log {labelled.log_id}: {n} boxes: it has no images to have them on")
    return sets, left_out


def _as_boxes(labels: ImageLabels, rows: Mask) -> ImageLabels:
    if not rows.any():
        return labels
    columns = {name: getattr(labels, name) for name in ImageLabels.__slots__}
    columns["kinds"] = np.where(rows, BOX, labels.kinds).astype(np.int8)
    shapes = labels.shapes.copy()
    shapes[rows] = None
    return ImageLabels(**{**columns, "shapes": shapes})


def _size_px(labelled: Labelled, camera: str) -> tuple[int, int]:
    """Return width and height: as calibrated, else of the first picture."""
    if camera in labelled.cameras:
        known = labelled.cameras[camera]
        return known.width_px, known.height_px
    height, width = labelled.pictures(camera).image(0).shape[:2]
    return width, height


def _suffix(labelled: Labelled, camera: str) -> str:
    images = labelled.images[camera]
    if images.presentation_ns is not None:
        return ".jpg"
    found = {_SUFFIXES.get(path.suffix.lower(), "") for path in images.paths}
    return found.pop() if len(found) == 1 and "" not in found else ".jpg"


def sets_of_logs(
    logs: Sequence[Labelled], kinds: tuple[str, ...]
) -> tuple[list[CameraSet], list[str], int]:
    """Return the cameras of all logs, what is left out, and how many as `n_not_written` counts."""
    sets: list[CameraSet] = []
    left_out: list[str] = []
    n_left_out = 0
    for labelled in logs:
        theirs, said = camera_sets(labelled, kinds)
        sets += theirs
        left_out += said
        n_left_out += n_not_written(labelled, sum(len(one.labels) for one in theirs))
    return sets, left_out, n_left_out


def n_not_written(labelled: Labelled, n_written: int) -> int:
    """Return what a plan says is left out of a log's cuboids, so that its 2-D labels are counted.

    Less than 0 where there are more 2-D labels than cuboids.
    """
    return len(labelled.boxes) - n_written
