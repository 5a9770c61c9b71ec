"""Boxes on the images of one camera linked to tracks, by overlap."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from perception_label.arrays import Floats, Ints
from perception_label.errors import ShapeError

LEAST_IOU = 0.3  # below, two boxes are not of one object: SORT's value (Bewley et al. 2016)
MOST_GAP = 3  # images without a box that a track outlives


def link_boxes(
    boxes_px: Floats,
    images: Ints,
    classes: Ints,
    *,
    least_iou: float = LEAST_IOU,
    most_gap: int = MOST_GAP,
) -> Ints:
    """Return the track of each box, numbered from 0 in order of birth.

    Parameters
    ----------
    boxes_px : (M, 4) float64
        x0, y0, x1, y1 in pixels.
    images : (M,) int64
        The image of each, any order.
    classes : (M,) int64
        Boxes of two classes are never of one track.
    least_iou : float
        Overlap with the track's last box, moved on as it moved before.
    most_gap : int
        Images a track may be unseen for.

    Returns
    -------
    (M,) int64
        Each image's boxes are assigned at once, the sum of overlaps being the largest.
    """
    m = len(boxes_px)
    if images.shape != (m,) or classes.shape != (m,) or boxes_px.shape != (m, 4):
        raise ShapeError(f"boxes_px: expected ({m}, 4) with images and classes, got others")
    ids = np.full(m, -1, dtype=np.int64)
    last: dict[int, tuple[int, int]] = {}  # track: row, image
    speed: dict[int, Floats] = {}
    n_tracks = 0
    for image in np.unique(images).tolist():
        rows = np.flatnonzero(images == image)
        last = {t: seen for t, seen in last.items() if image - seen[1] <= most_gap + 1}
        tracks = list(last)
        here = np.array(
            [boxes_px[last[t][0]] + speed[t] * (image - last[t][1]) for t in tracks]
        ).reshape(-1, 4)
        overlap = box_iou(here, boxes_px[rows])
        known = np.array([classes[last[t][0]] for t in tracks], dtype=np.int64)
        overlap[known[:, None] != classes[rows][None]] = 0
        for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
            if overlap[i, j] >= least_iou:
                ids[rows[j]] = tracks[i]
        for row in rows.tolist():
            if ids[row] < 0:
                ids[row] = n_tracks
                n_tracks += 1
            track = int(ids[row])
            step = np.zeros(4)
            if track in last:
                before, then = last[track]
                step = (boxes_px[row] - boxes_px[before]) / (image - then)
            # Only the place is carried on: sizes jitter more than they grow.
            speed[track] = np.tile((step[:2] + step[2:]) / 2, 2)
            last[track] = (row, image)
    return ids


def box_iou(a: Floats, b: Floats) -> Floats:
    """Return how much each of (M, 4) boxes overlaps each of (K, 4): shared over joined area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(c[:, 2:] - c[:, :2]).clip(0).prod(axis=1) for c in (a, b)]
    joined = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, joined, out=np.zeros_like(shared), where=joined > 0))
