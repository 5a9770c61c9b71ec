"""Where the depth of a sweep jumps: outlines of things, which a camera sees as edges too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perception_label.arrays import Floats, Ints, Mask, as_points

STEP_RAD = 0.0035  # cells of direction: 0.2 degrees, about as far apart as beams are
NEAREST_M = 2.0  # nearer lies the vehicle itself
REACH_M = 60.0  # outlines of farther things are too coarse to tell anything
JUMP_M = 0.5  # depth jumps by this much at least …
JUMP_SHARE = 0.1  # … and by this share of the nearer range: ground is slanted, not torn
RISE_M = 0.4  # above each other, an outline and what is behind differ in height: ground does not


@dataclass(frozen=True, slots=True)
class DepthEdges:
    """E places where something ends before something farther.

    Attributes
    ----------
    points_m : (E, 3) float64
        On the nearer thing's outline: at its range, halfway to the next direction; the frame
        of the points.
    is_upright : (E,) bool
        Whether the outline runs upwards there (the jump is sideways); else it runs sideways.
    """

    points_m: Floats
    is_upright: Mask

    def __len__(self) -> int:
        return len(self.points_m)


def depth_edges(points_m: ArrayLike) -> DepthEdges:
    """Find the outlines of things in one sweep.

    Directions are put into cells of 0.2 degrees, of each the nearest point counts, and cells
    side by side or one above the other are compared, over one empty cell at most. The idea is
    Levinson and Thrun's (Automatic online calibration of cameras and lasers, 2013).

    Parameters
    ----------
    points_m : (N, 3)
        Points of one LiDAR, sensor frame (directions are seen from its origin), metres.

    Returns
    -------
    DepthEdges
        E outline points within 60 m; points that are not finite are left out.
    """
    points = as_points(points_m).astype(np.float64)
    away = np.sqrt(np.einsum("ij,ij->i", points, points))
    keep = (away > NEAREST_M) & (away < 1e4)
    points, away = points[keep], away[keep]
    azimuth = np.arctan2(points[:, 1], points[:, 0])
    elevation = np.arcsin(points[:, 2] / away)
    cells = _cells(azimuth, elevation, away)
    parts = []
    for gap in (1, 2):
        beside = np.roll(cells, -gap, axis=1)
        free = (np.roll(cells, -1, axis=1) < 0) | (gap == 1)
        both = (cells >= 0) & (beside >= 0) & free
        parts.append((cells[both], beside[both], True))
        below, above = cells[:-gap], cells[gap:]
        free = (cells[1:-1] < 0) if gap == 2 else np.ones(below.shape, dtype=bool)
        both = (below >= 0) & (above >= 0) & free
        parts.append((below[both], above[both], False))
    found, upright = [], []
    for a, b, is_upright in parts:
        near, far = np.where(away[a] <= away[b], a, b), np.where(away[a] <= away[b], b, a)
        jumps = away[far] - away[near] > np.maximum(JUMP_M, JUMP_SHARE * away[near])
        jumps &= away[near] < REACH_M
        if not is_upright:
            jumps &= np.abs(points[far, 2] - points[near, 2]) > RISE_M
        near, far = near[jumps], far[jumps]
        sideways = (azimuth[far] - azimuth[near] + np.pi) % (2 * np.pi) - np.pi
        at = azimuth[near] + sideways / 2 * is_upright
        up = elevation[near] + (elevation[far] - elevation[near]) / 2 * (not is_upright)
        ray = np.column_stack([np.cos(up) * np.cos(at), np.cos(up) * np.sin(at), np.sin(up)])
        found.append(ray * away[near][:, None])
        upright.append(np.full(len(near), is_upright))
    return DepthEdges(np.concatenate(found), np.concatenate(upright))


def _cells(azimuth: Floats, elevation: Floats, away: Floats) -> Ints:
    """Return the nearest point of each direction, (rows, columns), -1 for none."""
    columns, rows = int(2 * np.pi / STEP_RAD), int(np.pi / STEP_RAD) + 1
    column = np.minimum(((azimuth + np.pi) / (2 * np.pi) * columns).astype(np.int64), columns - 1)
    row = ((elevation + np.pi / 2) / STEP_RAD).astype(np.int64)
    key = row * columns + column
    order = np.lexsort((away, key))
    unique, first = np.unique(key[order], return_index=True)
    cells = np.full(rows * columns, -1, dtype=np.int64)
    cells[unique] = order[first]
    return cells.reshape(rows, columns)
