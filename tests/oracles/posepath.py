"""Slow twin of perception_label._core.posepath: SciPy's Slerp, one segment at a time."""

import numpy as np
from scipy.spatial.transform import Rotation, Slerp


def interpolate_poses(times_ns, poses, quaternions, at_ns, out):
    rotations = Rotation.from_quat(quaternions)
    for i, t in enumerate(at_ns.tolist()):
        k = int(np.clip(np.searchsorted(times_ns, t, side="right") - 1, 0, len(times_ns) - 1))
        out[i] = poses[k]
        if t <= times_ns[0] or t >= times_ns[-1]:
            continue
        share = (t - int(times_ns[k])) / (int(times_ns[k + 1]) - int(times_ns[k]))
        out[i, :3, :3] = Slerp([0, 1], rotations[k : k + 2])(share).as_matrix()
        out[i, :3, 3] = (1 - share) * poses[k, :3, 3] + share * poses[k + 1, :3, 3]
