"""Boxes on images: x0, y0, x1, y1 in pixels, edges at x0 and x1, so that x1 - x0 is the width."""

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats
from perception_label.errors import ShapeError


def as_boxes(boxes_px: ArrayLike, name: str = "boxes_px") -> Floats:
    """Return boxes as (B, 4) C-contiguous float64.

    Raises
    ------
    ShapeError
        If they are not (B, 4) finite numbers with x0 < x1 and y0 < y1.
    """
    try:
        given = np.asarray(boxes_px, dtype=np.float64)
    except (TypeError, ValueError):
        raise ShapeError(f"{name}: expected (B, 4) numbers, got {boxes_px!r:.60}") from None
    if given.ndim != 2 or given.shape[1] != 4:
        raise ShapeError(f"{name}: expected (B, 4), got {given.shape}")
    good = np.isfinite(given).all(axis=1) & (given[:, 2:] > given[:, :2]).all(axis=1)
    if not good.all():
        i = int(np.argmin(good))
        raise ShapeError(f"{name}, row {i}: expected x0 < x1 and y0 < y1, got {given[i].tolist()}")
    return np.ascontiguousarray(given)


def box_iou(a: Floats, b: Floats) -> Floats:
    """Return the IoU of boxes with boxes of the same place in the other array.

    Parameters
    ----------
    a, b : (..., 4) float64
        Boxes, pixels; shapes are broadcast: `box_iou(a[:, None], b)` is (A, B).

    Returns
    -------
    (...) float64
        Shared area over joined area, 0 to 1; 0 where they only touch or one has no area, NaN
        where one has a NaN.

    Examples
    --------
    >>> box_iou(np.array([0.0, 0, 4, 2]), np.array([2.0, 0, 6, 2])).round(3).item()
    0.333
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    overlap = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(overlap, 0.0).prod(axis=-1)
    joined = area(a) + area(b) - shared
    return np.asarray(shared / np.where(joined == 0, 1.0, joined))


def area(boxes_px: Floats) -> Floats:
    """Return the areas of (..., 4) boxes, square pixels; 0 where an edge is past its other."""
    return np.asarray(np.maximum(boxes_px[..., 2:] - boxes_px[..., :2], 0.0).prod(axis=-1))


def center_and_size(boxes_px: Floats) -> tuple[Floats, Floats]:
    """Return (..., 2) centres and (..., 2) widths and heights of (..., 4) boxes."""
    return (boxes_px[..., :2] + boxes_px[..., 2:]) / 2, boxes_px[..., 2:] - boxes_px[..., :2]


def from_center(center_px: Floats, size_px: Floats) -> Floats:
    """Return (..., 4) boxes of (..., 2) centres and sizes."""
    return np.concatenate([center_px - size_px / 2, center_px + size_px / 2], axis=-1)


def inside_share(boxes_px: Floats, width_px: int, height_px: int) -> Floats:
    """Return the share of each box's area that is inside the image, 0 to 1, (...)."""
    edge = np.array([width_px, height_px], dtype=np.float64)
    cut = np.concatenate(
        [np.clip(boxes_px[..., :2], 0.0, edge), np.clip(boxes_px[..., 2:], 0.0, edge)], axis=-1
    )
    return np.asarray(area(cut) / np.maximum(area(boxes_px), 1e-9))
