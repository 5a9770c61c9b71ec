"""Points where none can be: beyond any LiDAR, under the road, in the vehicle itself."""

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Floats, Ints, Pose
from perception_label.cloud.ground import ground_surface
from perception_label.quality.checks import some
from perception_label.quality.findings import Finding

FAR_M = 500.0  # automotive LiDARs end at 300
BELOW_M = 2.0  # deeper than kerbs, ditches and reflections in puddles of a good recording
BELOW_RANGE_M = 30.0  # beyond it the ground is too sparsely seen to judge
MUCH_BELOW = 0.01
# Around the sensor, inside any vehicle's outline: half length, half width, up, down, metres.
BODY_M = (1.0, 0.6, 0.2, -1.0)
MUCH_INSIDE = 0.001
CLEARLY_INSIDE = 0.01  # below, it is a roof rail or a second LiDAR's housing


def check_points(sweeps_m: dict[int, NDArray[np.float32]], ego_from_lidar: Pose) -> list[Finding]:
    """Find points where none can be.

    Parameters
    ----------
    sweeps_m : dict of (N, 3) float32
        Points of some sweeps by their number, sensor frame.
    ego_from_lidar : (4, 4)
        Where the sensor sits; only its rotation counts.
    """
    counts = {k: _impossible(p, ego_from_lidar) for k, p in sweeps_m.items() if len(p)}
    if not counts:
        return []
    numbers, table = np.array(list(counts)), np.array(list(counts.values()), dtype=np.float64)
    n_points = sum(len(p) for p in sweeps_m.values())
    return [
        *_far(numbers, table[:, 0], table[:, 1]),
        *_below(numbers, table[:, 2], table[:, 3]),
        *_inside(numbers, table[:, 4], table[:, 5], n_points),
    ]


def _far(numbers: Ints, n_far: Floats, farthest_m: Floats) -> list[Finding]:
    if not n_far.any():
        return []
    return [
        Finding(
            "points_far",
            "warning",
            f"sweeps {some(numbers[n_far > 0])}",
            {"n_points": int(n_far.sum()), "farthest_m": float(farthest_m.max())},
            f"no LiDAR reaches beyond {FAR_M:.0f} m: the unit may be wrong, or the points are in "
            "a map's coordinates and not the sensor's",
        )
    ]


def _below(numbers: Ints, n_below: Floats, n_near: Floats) -> list[Finding]:
    share = float(n_below.sum() / max(n_near.sum(), 1))
    if share <= MUCH_BELOW:
        return []
    return [
        Finding(
            "points_below_ground",
            "warning",
            f"sweeps {some(numbers[n_below > MUCH_BELOW * n_near])}",
            {"share": share, "n_points": int(n_below.sum()), "deeper_than_m": BELOW_M},
            "reflections, a tilted mounting, or a bridge: check roll and pitch of ego_from_lidar",
        )
    ]


def _inside(numbers: Ints, n_inside: Floats, n_zero: Floats, n_points: int) -> list[Finding]:
    share = float(n_inside.sum() / n_points)
    if share <= MUCH_INSIDE:
        return []
    return [
        Finding(
            "points_inside_ego",
            "warning" if share > CLEARLY_INSIDE else "info",
            f"sweeps {some(numbers[n_inside > 0])}",
            {"share": share, "n_points": int(n_inside.sum()), "n_at_origin": int(n_zero.sum())},
            "the sensor sees its own vehicle, or the driver writes lost returns as zeros: crop it",
        )
    ]


def _impossible(points_m: NDArray[np.float32], ego_from_lidar: Pose) -> tuple[float, ...]:
    """Count points: far, farthest, below ground, near enough to judge that, inside, at zero."""
    range_m = np.linalg.norm(points_m, axis=1)
    upright = (points_m @ ego_from_lidar[:3, :3].T.astype(np.float32)).astype(np.float32)
    near = upright[range_m < BELOW_RANGE_M]
    below = ground_surface(near).height_above(near) < -BELOW_M if len(near) else np.empty(0)
    ahead, side, up, down = BODY_M
    inside = (
        (np.abs(upright[:, 0]) < ahead)
        & (np.abs(upright[:, 1]) < side)
        & (upright[:, 2] < up)
        & (upright[:, 2] > down)
    )
    return (
        float((range_m > FAR_M).sum()),
        float(range_m.max()),
        float(np.sum(below)),
        float(len(near)),
        float(inside.sum()),
        float((range_m == 0).sum()),
    )
