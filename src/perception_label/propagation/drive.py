"""Where a followed vehicle goes next: its speed, its bend, and how sure both are.

An extended Kalman filter (Kalman 1960) of what rolls along its heading: no turn without way. The
middle of the box slips outwards in a bend: a vehicle turns about its rear axle.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from perception_label.arrays import Floats
from perception_label.geometry.cuboids import wrap
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
        x, y, yaw, speed, bend = self.state
        way, time = speed * dt, abs(dt)
        turn = bend * way
        c, s = np.cos(yaw + turn / 2), np.sin(yaw + turn / 2)
        aside = turn * self.axle_m
        dx, dy = way * c - aside * s, way * s + aside * c
        keeps = np.exp(-time / _STRAIGHTENS_S)
        move = np.eye(5)
        move[:2, 2] = -dy, dx
        move[0, 3] = dt * (c - bend * self.axle_m * s - dy * bend / 2)
        move[1, 3] = dt * (s + bend * self.axle_m * c + dx * bend / 2)
        move[0, 4] = way * (-self.axle_m * s - dy / 2)
        move[1, 4] = way * (self.axle_m * c + dx / 2)
        move[2, 3:] = bend * dt, way
        move[4, 4] = keeps
        spread = move @ self.spread @ move.T
        new_bend = _bend(self.motion, speed) ** 2 * (1 - keeps**2)
        slip, skew, push = _SLIP_M**2 * time, _SKEW_RAD**2 * time, self.motion.ahead * time
        spread.flat[::6] += (slip, slip, skew, push, new_bend)
        state = np.array([x + dx, y + dy, yaw + turn, speed, bend * keeps])
        return type(self)(state, spread, self.motion, self.axle_m)

    def seen(self, pose: Floats, weight: Floats) -> Self:
        """Return it with a pose (4,) taken into account; weight (3, 3) as in `Fixes`."""
        off = pose[[0, 1, 3]] - self.state[:3]
        off[2] = wrap(off[2])
        total = self.spread[:3, :3] + np.linalg.inv(weight)
        gain = np.linalg.solve(total, self.spread[:3]).T
        state = self.state + gain @ off
        state[3] = np.clip(state[3], -self.motion.top_mps, self.motion.top_mps)
        spread = self.spread - gain @ self.spread[:3]
        return type(self)(state, (spread + spread.T) / 2, self.motion, self.axle_m)

    def own_spread(self) -> Floats:
        """Return the covariance (3, 3) of its pose ahead, sideways and turned."""
        c, s = np.cos(self.state[2]), np.sin(self.state[2])
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        found: Floats = turn @ self.spread[:3, :3] @ turn.T
        return found


def _bend(motion: Motion, speed_mps: float) -> float:
    """Return the spread of the bend at a speed, 1/m."""
    return min(motion.bend, _PULL_MPS2 / max(speed_mps * speed_mps, 0.1))
