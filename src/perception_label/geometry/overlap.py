"""How much upright cuboids overlap, and keeping the best of those that do."""

import numpy as np
from numpy.typing import ArrayLike

from perception_label._core import overlap as core
from perception_label.arrays import Floats, Ints
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cuboids import Cuboids

MEASURES = {"iou": 0, "iou_3d": 1, "min_area": 2}


def overlap_bev(a: Cuboids, b: Cuboids) -> Floats:
    """Return the bird's-eye-view IoU of every pair of two sets of cuboids.

    The footprints are clipped exactly (Sutherland and Hodgman, 1974) in the first one's own
    axes, so the result does not lose digits far from the origin.

    Parameters
    ----------
    a : Cuboids
        M cuboids.
    b : Cuboids
        K cuboids in the same coordinate frame.

    Returns
    -------
    (M, K) float64
        Shared footprint over joined footprint, 0 to 1. Cuboids that only touch, have no
        area (or a size below zero) or hold a NaN overlap nothing: 0.

    Examples
    --------
    >>> a = Cuboids([[0, 0, 0]], [[4, 2, 1.5]], [0])
    >>> b = Cuboids([[2, 0, 0], [9, 9, 0]], [[4, 2, 1.5], [4, 2, 1.5]], [0, 0])
    >>> overlap_bev(a, b).round(3).tolist()
    [[0.333, 0.0]]
    """
    return _matrix(a, b, "iou")


def overlap_3d(a: Cuboids, b: Cuboids) -> Floats:
    """Return the volume IoU of every pair of two sets of cuboids.

    Parameters
    ----------
    a : Cuboids
        M cuboids.
    b : Cuboids
        K cuboids in the same coordinate frame.

    Returns
    -------
    (M, K) float64
        Shared volume over joined volume, 0 to 1. Cuboids that only touch, have no volume
        or hold a NaN overlap nothing: 0.

    Examples
    --------
    >>> a = Cuboids([[0, 0, 0]], [[4, 2, 2]], [0])
    >>> overlap_3d(a, Cuboids([[0, 0, 1]], [[4, 2, 2]], [0])).round(3).tolist()
    [[0.333]]
    """
    return _matrix(a, b, "iou_3d")


def overlap_bev_pairs(a: Cuboids, b: Cuboids) -> Floats:
    """Return the bird's-eye-view IoU of each a with the b of the same row, (M,) float64.

    Raises
    ------
    ShapeError
        If a and b differ in length.
    """
    return _pairs(a, b, "iou")


def overlap_3d_pairs(a: Cuboids, b: Cuboids) -> Floats:
    """Return the volume IoU of each a with the b of the same row, (M,) float64.

    Raises
    ------
    ShapeError
        If a and b differ in length.
    """
    return _pairs(a, b, "iou_3d")


def keep_best(
    cuboids: Cuboids, scores: ArrayLike, max_overlap: float, *, measure: str = "iou"
) -> Ints:
    """Return the cuboids that no better one overlaps too much (greedy suppression).

    Parameters
    ----------
    cuboids : Cuboids
        M cuboids.
    scores : (M,) float
        Higher is better; equal scores keep their order, NaN comes last.
    max_overlap : float
        A cuboid goes when one that stays overlaps it by more.
    measure : {"iou", "iou_3d", "min_area"}
        Bird's-eye-view IoU, volume IoU, or the share of the smaller footprint covered.

    Returns
    -------
    (n,) int64
        Rows that stay, best first.

    Raises
    ------
    ShapeError
        If there is not one score per cuboid.
    SettingError
        If the measure is unknown.
    """
    if measure not in MEASURES:
        raise SettingError(f"measure: expected one of {sorted(MEASURES)}, got {measure!r}")
    score = np.asarray(scores, dtype=np.float64)
    if score.shape != (len(cuboids),):
        raise ShapeError(f"scores: expected ({len(cuboids)},), got {score.shape}")
    order = np.argsort(-score, kind="stable").astype(np.int64)
    stays = np.zeros(len(score), dtype=np.uint8)
    core.suppress(
        _footprints(cuboids),
        order,
        float(max_overlap),
        MEASURES[measure],
        np.empty(len(score), dtype=np.int64),
        stays,
    )
    return np.asarray(order[stays[order] == 1])


def _footprints(cuboids: Cuboids) -> Floats:
    """Return (M, 9): centre, cosine and sine of yaw, half sizes, radius of the footprint."""
    out = np.empty((len(cuboids), 9))
    out[:, :3] = cuboids.center_m
    out[:, 3] = np.cos(cuboids.yaw_rad)
    out[:, 4] = np.sin(cuboids.yaw_rad)
    out[:, 5:8] = np.where(cuboids.size_m > 0, cuboids.size_m, 0) / 2
    # A hair wider than exact, so that rounding never rejects a pair that overlaps.
    out[:, 8] = np.hypot(out[:, 5], out[:, 6]) * (1 + 1e-12)
    return out


def _matrix(a: Cuboids, b: Cuboids, measure: str) -> Floats:
    out = np.empty((len(a), len(b)))
    core.overlap_matrix(_footprints(a), _footprints(b), MEASURES[measure], out)
    return out


def _pairs(a: Cuboids, b: Cuboids, measure: str) -> Floats:
    if len(a) != len(b):
        raise ShapeError(f"b: expected {len(a)} cuboids, one for each a, got {len(b)}")
    out = np.empty(len(a))
    core.overlap_pairs(_footprints(a), _footprints(b), MEASURES[measure], out)
    return out
