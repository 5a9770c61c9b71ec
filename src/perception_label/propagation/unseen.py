"""A track that no sweep saw anything of: all that is known are its keyframes."""

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.geometry.interpolate import interpolate
from perception_label.propagation.views import Subject

# How far off a curve through keyframes may be, for each second from the one before and from the
# one after: in the plane, in height, metres, and turned, radians.
_LEAST = np.array([0.15, 0.03, 0.02])


def unseen_path(subject: Subject) -> tuple[Floats, Floats]:
    """Return poses (S, 4) along the curve through the keyframes, and their covariances (S, 4, 4).

    How sure the curve is tell the keyframes themselves: each as far as the curve through all others
    misses it. So the next keyframe is asked for where the way bends.
    """
    views, keys = subject.views, subject.keys
    poses = _curve(subject, np.arange(len(keys.at)), np.arange(len(views)))
    poses[keys.at] = keys.poses
    off = _roughness(subject)
    seconds, keyed = views.seconds, views.seconds[keys.at]
    after = np.searchsorted(keyed, seconds, side="right").clip(1, max(len(keyed) - 1, 1))
    last = len(keyed) - 1
    before_s = np.abs(seconds - keyed[after - 1])
    after_s = np.abs(keyed[np.minimum(after, last)] - seconds)
    rough = np.maximum(off[after - 1], off[np.minimum(after, last)])
    spread = rough * (before_s * after_s)[:, None]
    covariances = np.zeros((len(views), 4, 4))
    for k, source in enumerate((0, 0, 1, 2)):
        covariances[:, k, k] = spread[:, source] ** 2
    return poses, covariances


def _roughness(subject: Subject) -> Floats:
    """Return how far off the curve without each keyframe is there, per squared second, (K, 3)."""
    seconds, n = subject.views.seconds[subject.keys.at], len(subject.keys.at)
    off = np.repeat(_LEAST[None], n, axis=0)
    for k in range(1, n - 1):
        others = np.delete(np.arange(n), k)
        there = _curve(subject, others, subject.keys.at[k : k + 1])[0]
        miss = subject.keys.poses[k] - there
        gaps_s2 = (seconds[k] - seconds[k - 1]) * (seconds[k + 1] - seconds[k])
        missed = np.array([np.hypot(miss[0], miss[1]), abs(miss[2]), abs(wrap(miss[3]))])
        off[k] = np.hypot(off[k], missed / gaps_s2)
    if n > 2:
        off[0], off[-1] = off[1], off[-2]
    return off


def _curve(subject: Subject, used: Ints, wanted: Ints) -> Floats:
    """Return the poses at sweeps wanted (P,) on the curve through some of the keyframes, (P, 4)."""
    keys, times_ns = subject.keys, np.rint(subject.views.seconds * 1e9).astype(np.int64)
    size_m = np.repeat(subject.size_m[None], len(used), axis=0)
    boxes = Cuboids(keys.poses[used, :3], size_m, keys.poses[used, 3])
    curve = interpolate(boxes, times_ns[keys.at[used]], times_ns[wanted], method="motion")
    return curve.packed()[:, [0, 1, 2, 6]]
