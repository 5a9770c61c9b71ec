"""Where cuboids appear in the forward camera's picture."""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cameras import Camera

NEAR_M = 0.1  # nothing closer to the camera's plane has a place in the picture
EDGES = np.array(
    [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
)


@dataclass(frozen=True, slots=True)
class Boxes2d:
    """M boxes in a picture.

    Attributes
    ----------
    corners_px : (M, 4) float64
        Left, top, right, bottom, clipped to the picture; -1 where nothing is in it.
    truncated : (M,) int64
        0 at most 5 % of the box outside, 1 up to half, 2 more; -1 where there is no camera.
    outside : (M,) float64
        Share of the box beyond the picture's edge, 1 where nothing is inside; -1 where there is
        no camera.
    """

    corners_px: Floats
    truncated: Ints
    outside: Floats


def project(rows: Floats, camera: Camera | None) -> Boxes2d:
    """Return where label rows (M, 7) h, w, l, x, y, z, rotation_y appear; distortion is ignored."""
    n = len(rows)
    if camera is None or not n:
        return Boxes2d(np.full((n, 4), -1.0), np.full(n, -1), np.full(n, -1.0))
    points, seen = _outline(_corners(rows))
    matrix = np.asarray(camera.intrinsics, dtype=np.float64)
    pixels = points @ matrix.T
    depth = np.where(seen, points[..., 2], 1.0)
    pixels = pixels[..., :2] / depth[..., None]
    low = np.where(seen[..., None], pixels, np.inf).min(axis=1)
    high = np.where(seen[..., None], pixels, -np.inf).max(axis=1)
    limit = np.array([camera.width_px - 1, camera.height_px - 1], dtype=np.float64)
    clipped_low, clipped_high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    inside = seen.any(axis=1) & (clipped_high > clipped_low).all(axis=1)
    corners = np.where(inside[:, None], np.column_stack([clipped_low, clipped_high]), -1.0)
    whole = np.where(inside, np.prod(np.where(inside[:, None], high - low, 1.0), axis=1), 1.0)
    share = np.prod(clipped_high - clipped_low, axis=1) / np.maximum(whole, 1e-9)
    truncated = np.where(share >= 0.95, 0, np.where(share >= 0.5, 1, 2))
    share = np.where(inside, share, 0.0)
    # Wholly outside is more than half outside: evaluators then leave the box aside.
    return Boxes2d(corners, np.where(inside, truncated, 2), 1.0 - share)


def _corners(rows: Floats) -> Floats:
    """Return the (M, 8, 3) corners in the camera's frame, bottom four first."""
    unit = np.array([[1, 0, 1], [-1, 0, 1], [-1, 0, -1], [1, 0, -1]], dtype=np.float64) / 2
    unit = np.concatenate([unit, unit - [0, 1, 0]])
    local = unit[None] * rows[:, None, [2, 0, 1]]
    c, s = np.cos(rows[:, 6])[:, None], np.sin(rows[:, 6])[:, None]
    x = c * local[..., 0] + s * local[..., 2]
    z = -s * local[..., 0] + c * local[..., 2]
    return np.stack([x, local[..., 1], z], axis=-1) + rows[:, None, 3:6]


def _outline(corners: Floats) -> tuple[Floats, np.ndarray]:
    """Return (M, 20, 3) corners and edge crossings of the near plane, and which are before it."""
    a, b = corners[:, EDGES[:, 0]], corners[:, EDGES[:, 1]]
    crosses = (a[..., 2] > NEAR_M) != (b[..., 2] > NEAR_M)
    step = np.where(crosses, b[..., 2] - a[..., 2], 1.0)
    at = (NEAR_M - a[..., 2]) / step
    crossing = a + at[..., None] * (b - a)
    points = np.concatenate([corners, crossing], axis=1)
    seen = np.concatenate([corners[..., 2] > NEAR_M, crosses], axis=1)
    return points, seen
