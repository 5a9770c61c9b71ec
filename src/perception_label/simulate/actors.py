"""What moves: a body, a way and a time table, asked for its pose at any instant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats
from perception_label.simulate.blocks import Thing
from perception_label.simulate.bodies import TRAILER_M, Body
from perception_label.simulate.paths import surface_m
from perception_label.simulate.shapes.people import PHASES
from perception_label.simulate.town import Town
from perception_label.simulate.traffic import Drive

_STRIDE_M = 1.45  # of a double step


@dataclass(frozen=True, slots=True)
class Actor:
    """A mover.

    Attributes
    ----------
    body : Body
        What it looks like.
    drive : Drive
        Its way and when it is where.
    behind_m : float
        How far behind the drive's own place it runs: what is towed.
    on_foot : bool
        Whether it climbs kerbs and stays upright.
    """

    body: Body
    drive: Drive
    behind_m: float = 0.0
    on_foot: bool = False

    def place(self, time_s: Floats) -> Floats:
        """Return (K, 3): x, y, heading at times, seconds from the start of the log."""
        return self.drive.path.at(self.drive.travelled_m(time_s) - self.behind_m)

    def poses(self, town: Town, time_s: Floats) -> Floats:
        """Return (K, 4, 4) world_from_object; the origin is on the ground."""
        place = self.place(time_s)
        z = surface_m(town, place[:, :2], on_foot=self.on_foot)
        return poses_on(town, place, z, follows_slope=not self.on_foot)

    def posture(self, time_s: float) -> int:
        """Return which mesh of the body shows: walkers step with the way they make."""
        if self.body.style != "walker":
            return 0
        share = float(self.drive.travelled_m(np.array([time_s]))[0]) / _STRIDE_M
        return int(np.floor(share * PHASES)) % PHASES


class Presence:
    """Where movers are each second of a log: who may matter at an instant, told quickly."""

    def __init__(self, actors: Sequence[Actor], duration_s: float) -> None:
        whole = np.arange(0, duration_s + 1.5)
        span = [[a.drive.start_s, a.drive.end_s] for a in actors]
        self._span = np.array(span, dtype=np.float64).reshape(-1, 2)
        place = np.array([a.place(whole)[:, :2] for a in actors])
        self._place = place.reshape(len(actors), len(whole), 2)

    def near(self, xy_m: Floats, time_s: float, reach_m: float) -> list[int]:
        """Return the movers that are there at an instant and may be within `reach_m` of a place."""
        second = min(round(time_s), self._place.shape[1] - 1)
        # Within half a second nobody moves farther than the added metres.
        found = np.hypot(*(self._place[:, second] - xy_m).T) < reach_m + 15
        found &= (self._span[:, 0] <= time_s) & (time_s <= self._span[:, 1])
        return np.flatnonzero(found).tolist()


def poses_on(town: Town, place: Floats, z_m: Floats, *, follows_slope: bool) -> Floats:
    """Return (K, 4, 4) poses of things at x, y, heading (K, 3), tilted with the road or upright."""
    ahead = np.column_stack([np.cos(place[:, 2]), np.sin(place[:, 2]), np.zeros(len(place))])
    up = np.zeros((len(place), 3))
    up[:, 2] = 1
    if follows_slope:
        slope = town.slope(place[:, :2])
        up[:, :2] = -slope
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        ahead[:, 2] = np.einsum("ki,ki->k", slope, ahead[:, :2])
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    out = np.zeros((len(place), 4, 4))
    out[:, :3, 0], out[:, :3, 2] = ahead, up
    out[:, :3, 1] = np.cross(up, ahead)
    out[:, :2, 3], out[:, 2, 3], out[:, 3, 3] = place[:, :2], z_m, 1
    return out


def thing_poses(town: Town, things: list[Thing]) -> Floats:
    """Return (K, 4, 4) world_from_object of what never moves."""
    if not things:
        return np.empty((0, 4, 4))
    place = np.array([[t.x_m, t.y_m, t.yaw_rad] for t in things])
    z = np.array([t.z_m for t in things])
    tilted = np.array([t.follows_slope for t in things])
    upright = poses_on(town, place, z, follows_slope=False)
    sloped = poses_on(town, place, z, follows_slope=True)
    return np.asarray(np.where(tilted[:, None, None], sloped, upright))


def road_actors(drives: list[Drive]) -> list[Actor]:
    """Return what the drives put on the road: each vehicle, and each trailer behind its truck."""
    out = []
    for drive in drives:
        out.append(Actor(drive.body, drive))
        if drive.tow_m > 0:
            _, width, height = drive.body.size_m
            body = Body("trailer", (TRAILER_M, width, height), drive.body.variant)
            out.append(Actor(body, drive, (drive.body.size_m[0] + TRAILER_M) / 2 + 1.0))
    return out


def centers(poses: Floats, height_m: float) -> Floats:
    """Return (K, 3) middles of the boxes of bodies at poses."""
    out: Floats = poses[:, :3, 3] + poses[:, :3, 2] * (height_m / 2)
    return out
