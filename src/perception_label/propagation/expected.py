"""How good each box will be, from its covariance, and where one more keyframe helps most."""

import numpy as np
from scipy.special import erf

from perception_label.arrays import Floats, Ints, Mask


def expected_iou(covariances: Floats, yaw_rad: Floats, size_m: Floats) -> Floats:
    """Return the expected 3-D IoU with the truth of boxes of the right size, (S,).

    Along each axis of the box the shared part of its length is (1 - |error| / length), whose mean
    over normal errors is known; errors of axes are taken as independent, and turning by an angle
    costs as much as it takes from a rectangle's overlap to first order.

    Parameters
    ----------
    covariances : (S, 4, 4) float64
        Of x, y, z, metres, and yaw, radians.
    yaw_rad : (S,) float64
        Headings.
    size_m : (3,) float64
        Length, width, height.
    """
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    axes = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], axis=1)
    plane = axes @ covariances[:, :2, :2] @ np.swapaxes(axes, 1, 2)
    variance = np.stack([plane[:, 0, 0], plane[:, 1, 1], covariances[:, 2, 2]], axis=1)
    shared = _mean_share(np.sqrt(np.maximum(variance, 0.0)), size_m).prod(axis=1)
    aspect = (size_m[0] / size_m[1] + size_m[1] / size_m[0]) / 4
    turned = np.sqrt(np.maximum(covariances[:, 3, 3], 0.0)) * np.sqrt(2 / np.pi)
    shared *= np.maximum(1 - aspect * np.minimum(turned, 0.5), 0.0)
    return np.asarray(shared / (2 - shared))


def _mean_share(sigma_m: Floats, size_m: Floats) -> Floats:
    """Return the mean of max(0, 1 - |error| / size) over normal errors."""
    ratio = size_m / np.maximum(sigma_m, 1e-9)
    tail = np.sqrt(2 / np.pi) / ratio * (1 - np.exp(-np.minimum(ratio**2 / 2, 700.0)))
    return np.asarray(erf(ratio / np.sqrt(2)) - tail)


SLACK_M = 1.5  # that keyframes of the same object may be off

# Mean times until something else is followed instead, seconds: while points are found, and
# while none are. Fitted on simulated logs and PandaSet, see docs/solver.md.
_RIGID_S = (120.0, 4.0)
_WALKER_S = (50.0, 2.0)


def chance_lost(seconds: Floats, keyed: Ints, found: Mask, *, is_rigid: bool) -> Floats:
    """Return the probability that a moving object is no longer where it was followed to, (S,).

    It grows with the time from the nearest keyframe `keyed` (K,), fast where the sensor's points
    were not found, `found` (S,).
    """
    away_s = np.abs(seconds[:, None] - seconds[keyed]).min(axis=1)
    while_found, while_lost = _RIGID_S if is_rigid else _WALKER_S
    return np.asarray(1 - np.exp(-away_s / np.where(found, while_found, while_lost)))


def out_of_reach(seconds: Floats, keyed: Ints, places_m: Floats, top_mps: float) -> Mask:
    """Return the sweeps between two keyframes that nothing so slow can go between, (S,).

    keyed (K,) ascending sweeps with places_m (K, 2); one of the two keyframes is of something else.
    """
    way_m = np.linalg.norm(np.diff(places_m, axis=0), axis=1)
    teleports = way_m > top_mps * np.diff(seconds[keyed]) + SLACK_M
    after = np.searchsorted(keyed, np.arange(len(seconds)), side="right")
    between = (after > 0) & (after < len(keyed))
    gap = np.clip(after - 1, 0, max(len(keyed) - 2, 0))
    found = between & teleports[gap] if len(teleports) else np.zeros(len(seconds), np.bool_)
    found[keyed] = False
    return np.asarray(found)


def next_keyframe(expected: Floats, keyed: Ints) -> int:
    """Return the sweep where one more keyframe helps most: the least sure one.

    Of equally sure ones it is the one farthest from all keyframes `keyed` (K,), then the first.
    """
    at = np.arange(len(expected))
    away = np.abs(at[:, None] - keyed).min(axis=1) if len(keyed) else at
    open_ = away > 0
    if not open_.any():
        return 0
    order = np.lexsort((at, -away, np.round(expected, 3)))
    return int(order[open_[order]][0])
