"""Where a followed vehicle goes next: its speed, its bend, and how sure both are.

An extended Kalman filter (Kalman 1960) of what rolls along its heading: no turn without way. The
middle of the box slips outwards in a bend: a vehicle turns about its rear axle.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perception_label._core import drive
from perception_label.arrays import Floats
from perception_label.propagation.motion import Motion

_AXLE = 0.27  # of the length, from the middle of the box back to the rear axle
_STRAIGHTENS_S = 2.0  # a bend is over in about this time
_PULL_MPS2 = 1.5  # spread of the acceleration sideways that people drive with
_FIRST_MPS = 1.5  # that the first speed may be off
_SLIP_M = 0.1  # per root second, any way
_SKEW_RAD = 0.03  # per root second, beyond what way and bend say
_EXACT = 1e-4  # variance of a keyframe's pose


@dataclass(frozen=True, slots=True)
class Drive:
    """A pose with speed and bend.

    `state` (5,) is x, y, metres, yaw, radians, speed, m/s, and bend (curvature), 1/m; `spread`
    (5, 5) its covariance; `axle_m` how far the rear axle is behind the middle.
    """

    state: Floats
    spread: Floats
    motion: Motion
    axle_m: float

    @classmethod
    def started(cls, pose: Floats, speed_mps: float, motion: Motion, length_m: float) -> Self:
        """Return a drive that sets out from a keyframe's pose (4,) x, y, z, yaw."""
        state = np.array([pose[0], pose[1], pose[3], speed_mps, 0.0])
        bend = _bend(motion, speed_mps)
        spread = np.diag([_EXACT, _EXACT, _EXACT, _FIRST_MPS**2, bend**2])
        return cls(state, spread, motion, _AXLE * length_m)

    def after(self, dt: float) -> Self:
        """Return where it is dt seconds later; earlier, if dt is negative."""
        motion = self.motion
        rules = np.array([
            self.axle_m, _STRAIGHTENS_S, _SLIP_M**2, _SKEW_RAD**2, motion.ahead, motion.bend,
            _PULL_MPS2,
        ])  # fmt: skip
        state, spread = np.empty(5), np.empty((5, 5))
        drive.after(self.state, self.spread, dt, rules, state, spread)
        return type(self)(state, spread, motion, self.axle_m)

    def seen(self, pose: Floats, weight: Floats) -> Self:
        """Return it with a pose (4,) taken into account; weight (3, 3) as in `Fixes`."""
        state, spread = self.state.copy(), self.spread.copy()
        drive.seen(state, spread, pose, weight, self.motion.top_mps)
        return type(self)(state, spread, self.motion, self.axle_m)

    def own_spread(self) -> Floats:
        """Return the covariance (3, 3) of its pose ahead, sideways and turned."""
        c, s = np.cos(self.state[2]), np.sin(self.state[2])
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        found: Floats = turn @ self.spread[:3, :3] @ turn.T
        return found


def _bend(motion: Motion, speed_mps: float) -> float:
    """Return the spread of the bend at a speed, 1/m."""
    return min(motion.bend, _PULL_MPS2 / max(speed_mps * speed_mps, 0.1))
