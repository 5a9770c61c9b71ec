"""Cuboids of one track between its keyframes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception_label.arrays import Ints, as_timestamps
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cuboids import Cuboids, wrap

METHODS = ("linear", "makima", "motion")


def interpolate(
    keyframes: Cuboids,
    key_timestamps_ns: NDArray[Any],
    timestamps_ns: NDArray[Any],
    *,
    method: str = "motion",
) -> Cuboids:
    """Return the cuboids of one track at any times, through its keyframes.

    Give keyframes in the world frame: in a moving coordinate frame a parked car drives.
    Rotations take the shorter way, sizes go straight from key to key, and a key's instant
    gets that key back unchanged.

    Parameters
    ----------
    keyframes : Cuboids
        K >= 1 cuboids, in any order of time.
    key_timestamps_ns : (K,) int64
        Their times, each once.
    timestamps_ns : (S,) int64
        The times wanted, in any order.
    method : {"motion", "linear", "makima"}
        "linear": straight, constant speed; held outside the keys.
        "makima": modified Akima cubics (Akima 1970, with MATLAB's weights), which do not
        overshoot flat stretches, axis by axis (so the result depends a little on how the
        coordinate frame is turned); straight below three keys; held outside the keys.
        "motion": between keys that lie ahead of or behind each other's headings the rear axle
        follows a cubic that leaves and arrives along the headings and the cuboid points along
        it, so a car does not slide sideways; the way grows monotonically (Hyman 1983), so one
        that stops does not roll back; everything else is linear. Before the first and after
        the last key the cuboid goes on at constant velocity. One key is held.

    Returns
    -------
    Cuboids
        S cuboids in the keyframes' coordinate frame, yaw in [-pi, pi].

    Raises
    ------
    SettingError
        If the method is unknown.
    ShapeError
        If there is no keyframe, a key is not finite, two share a time, or shapes disagree.

    Examples
    --------
    >>> keys = Cuboids([[0, 0, 0], [10, 0, 0]], [[4, 2, 1.5]] * 2, [0, 0])
    >>> interpolate(keys, np.array([0, 10]), np.array([4]), method="linear").center_m.tolist()
    [[4.0, 0.0, 0.0]]
    """
    # Numba takes a moment to load, and not every caller of this package interpolates.
    from perception_label._core import curves

    if method not in METHODS:
        raise SettingError(f"method: expected one of {sorted(METHODS)}, got {method!r}")
    key_times, packed = _keys(keyframes, key_timestamps_ns)
    times = as_timestamps(timestamps_ns)
    out = np.empty((len(times), 7))
    if method == "motion":
        curves.motion(key_times, packed, times, out)
    else:
        curves.linear(key_times, packed, times, out)
    if method == "makima":
        moving = np.ascontiguousarray(packed[:, [0, 1, 2, 6]])
        smooth = np.empty((len(times), 4))
        curves.makima(key_times, moving, times, smooth)
        out[:, [0, 1, 2, 6]] = smooth
    turned = np.abs(out[:, 6]) > np.pi
    out[turned, 6] = wrap(out[turned, 6])
    return Cuboids.unpack(out)


def _keys(keyframes: Cuboids, key_timestamps_ns: NDArray[Any]) -> tuple[Ints, NDArray[np.float64]]:
    """Return the keys in time order, packed, yaw unwrapped."""
    given = as_timestamps(key_timestamps_ns, "key_timestamps_ns")
    if given.shape != (len(keyframes),):
        raise ShapeError(f"key_timestamps_ns: expected ({len(keyframes)},), got {given.shape}")
    if not len(given):
        raise ShapeError("keyframes: expected at least one, got none")
    order = np.argsort(given, kind="stable")
    times = np.ascontiguousarray(given[order])
    packed = keyframes.packed()[order]
    if not np.isfinite(packed).all():
        row = int(order[np.argmin(np.isfinite(packed).all(axis=1))])
        raise ShapeError(f"keyframes: expected finite numbers, got {keyframes.packed()[row]}")
    twice = np.diff(times) == 0
    if twice.any():
        raise ShapeError(f"key_timestamps_ns: expected each once, got {times[1:][twice][0]} twice")
    packed[:, 6] = np.unwrap(packed[:, 6])
    return times, np.ascontiguousarray(packed)
