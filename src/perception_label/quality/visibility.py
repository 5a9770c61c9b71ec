"""What a sweep can and cannot see: which boxes stand behind something nearer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Points
from perception_label.geometry.cuboids import Cuboids

STEP_RAD = np.radians(0.5)  # sideways; spinning LiDARs take 0.1 to 0.4 degrees
RISE_RAD = np.radians(1.0)  # upwards: the gap between two beams of most sensors
LOWEST_RAD, HIGHEST_RAD = np.radians(-32.0), np.radians(22.0)
MARGIN_M = 0.7  # a return this much nearer than the box is of something else


@dataclass(frozen=True, slots=True)
class RangeImage:
    """How far a sweep saw in each direction from the sensor.

    `first_m` (E, A) float32: range of the nearest return, infinity where none came back;
    E steps of elevation from `LOWEST_RAD`, A of azimuth from -pi.
    """

    first_m: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Views:
    """How a sweep sees M boxes.

    Attributes
    ----------
    hidden : (M,) float64
        Share of the box's directions where something nearer stands.
    through : (M,) float64
        Share where the beam went on beyond the box: nothing stood there.
    looked : (M,) float64
        Share of directions that had a return at all.
    range_m : (M,) float64
        Distance of the box's centre, horizontally.
    """

    hidden: Floats
    through: Floats
    looked: Floats
    range_m: Floats


def range_image(points_m: Points) -> RangeImage:
    """Return how far a sweep saw, from (N, 3) points around an upright sensor."""
    n_rise = round((HIGHEST_RAD - LOWEST_RAD) / RISE_RAD)
    n_turn = round(2 * np.pi / STEP_RAD)
    flat = np.hypot(points_m[:, 0], points_m[:, 1])
    rise = np.floor((np.arctan2(points_m[:, 2], flat) - LOWEST_RAD) / RISE_RAD)
    turn = np.floor((np.arctan2(points_m[:, 1], points_m[:, 0]) + np.pi) / STEP_RAD)
    inside = (rise >= 0) & (rise < n_rise) & (flat > 0.5) & np.isfinite(flat)
    cell = rise[inside].astype(np.int64) * n_turn + turn[inside].astype(np.int64) % n_turn
    first = np.full(n_rise * n_turn, np.inf, dtype=np.float32)
    np.minimum.at(first, cell, flat[inside].astype(np.float32))
    return RangeImage(first.reshape(n_rise, n_turn))


def views(seen: RangeImage, cuboids: Cuboids) -> Views:
    """Return how boxes are seen, (M,) each; boxes in the coordinate frame of the points.

    Only the middle of a box upwards counts: what is lower is often hidden by the ground's own
    crest and by kerbs. Horizontal distances are compared, so the angle of a beam does not matter.
    """
    n_rise, n_turn = seen.first_m.shape
    out = np.zeros((4, len(cuboids)))
    corners = cuboids.corners_m()
    for k in range(len(cuboids)):
        flat = np.hypot(corners[k, :, 0], corners[k, :, 1])
        middle = np.arctan2(cuboids.center_m[k, 1], cuboids.center_m[k, 0])
        turn = np.arctan2(corners[k, :, 1], corners[k, :, 0]) - middle
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        left, right = (middle + turn.min(), middle + turn.max())
        rises = np.arctan2([cuboids.center_m[k, 2], corners[k, 4, 2]], max(flat.min(), 0.5))
        rows = np.arange(
            max(0, int((rises.min() - LOWEST_RAD) / RISE_RAD)),
            min(n_rise, int((rises.max() - LOWEST_RAD) / RISE_RAD) + 1),
        )
        columns = np.arange(
            int(np.floor((left + np.pi) / STEP_RAD)), int(np.floor((right + np.pi) / STEP_RAD)) + 1
        )
        out[3, k] = np.hypot(*cuboids.center_m[k, :2])
        if not len(rows):
            continue
        first = seen.first_m[np.ix_(rows, columns % n_turn)]
        out[0, k] = np.mean(first < flat.min() - MARGIN_M)
        out[1, k] = np.mean(np.isfinite(first) & (first > flat.max() + MARGIN_M))
        out[2, k] = np.mean(np.isfinite(first))
    return Views(*out)
