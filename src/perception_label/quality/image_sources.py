"""How right a source's labels on images are, where people's labels tell."""

import numpy as np

from perception_label.arrays import Floats
from perception_label.geometry.image_labels import ImageLabels
from perception_label.geometry.masks import from_coco, mask_iou

SAME_BOX = 0.5  # overlap from which a box is taken for right
SAME_MASK = 0.7  # and a mask: what is less has to be drawn again


def judged_on_images(
    labels: ImageLabels, right: ImageLabels, wrong: ImageLabels
) -> dict[str, bool]:
    """Return which tracks of a source are right and which are not, as far as people tell.

    Parameters
    ----------
    labels : ImageLabels
        The source's, on one camera's images.
    right, wrong : ImageLabels
        What people accept, and what they refused, on the same images.

    Returns
    -------
    dict of bool
        By track: right where more of its labels meet a right label than miss the one of their
        own track or meet a refused one. Tracks that people's labels say nothing of are left out.
    """
    votes: dict[str, int] = {}
    for other, vote in ((right, 1), (wrong, -1)):
        for row in _met(labels, other):
            name = str(labels.track_ids[row])
            votes[name] = votes.get(name, 0) + vote
    for row in _missed(labels, right):
        name = str(labels.track_ids[row])
        votes[name] = votes.get(name, 0) - 1
    return {name: vote > 0 for name, vote in votes.items()}


def _met(labels: ImageLabels, other: ImageLabels) -> list[int]:
    """Return the labels that lie on another of their image."""
    by_image = _by_image(other)
    return [
        row
        for row in range(len(labels))
        if any(_same(labels, row, other, k) for k in by_image.get(int(labels.images[row]), ()))
    ]


def _missed(labels: ImageLabels, right: ImageLabels) -> list[int]:
    """Return the labels that are not on the right one of their own track."""
    own = {
        (str(name), int(kind), int(image)): k
        for k, (name, kind, image) in enumerate(
            zip(right.track_ids, right.kinds, right.images, strict=True)
        )
    }
    missed = []
    for row in range(len(labels)):
        place = (str(labels.track_ids[row]), int(labels.kinds[row]), int(labels.images[row]))
        if place in own and not _same(labels, row, right, own[place]):
            missed.append(row)
    return missed


def _same(a: ImageLabels, i: int, b: ImageLabels, j: int) -> bool:
    one, two = a.shapes[i], b.shapes[j]
    if one is not None and two is not None and one.kind == two.kind == "mask":
        masks = [from_coco([{"size": s.size_px, "counts": s.counts}]) for s in (one, two)]
        return bool(mask_iou(masks[0], masks[1])[0, 0] >= SAME_MASK)
    return _overlap(a.boxes_px[i], b.boxes_px[j]) >= SAME_BOX


def _overlap(a: Floats, b: Floats) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if not (sides > 0).all():
        return 0.0
    shared = float(sides.prod())
    return shared / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def _by_image(labels: ImageLabels) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, image in enumerate(labels.images.tolist()):
        found.setdefault(image, []).append(row)
    return found
