"""Where wheels and feet go: lanes, turns and pavements as curves by arc length."""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats
from perception_label.simulate.town import KERB_M, LANE_M, SIDEWALK_M, Street, Town

_STEP_M = 0.5
_STOP_BACK_M = 5.0  # from the crossing kerb to the stop line
# Directions 0 … 3: +u, +v, -u, -v; a street of axis 1 runs along u.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))

Node = tuple[int, int]  # a crossing: index of the street u = u_i, index of the street v = v_j


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop line: where on a path, at which crossing, coming along which axis (0 = u)."""

    at_m: float
    node: Node
    axis: int


@dataclass(frozen=True, slots=True)
class Path:
    """A curve in the plane by arc length.

    Attributes
    ----------
    s_m : (K,) float64
        Arc length of the samples, from 0.
    xy_m : (K, 2) float64
        World frame.
    yaw_rad : (K,) float64
        Heading, unwrapped.
    limit_mps : (K,) float64
        What the bend allows.
    stops : tuple of Stop
        Stop lines in order.
    """

    s_m: Floats
    xy_m: Floats
    yaw_rad: Floats
    limit_mps: Floats
    stops: tuple[Stop, ...] = ()

    @property
    def length_m(self) -> float:
        """Arc length, metres."""
        return float(self.s_m[-1])

    def at(self, s_m: Floats) -> Floats:
        """Return (…, 3): x, y and heading at arc lengths; before and after, the ends hold."""
        return np.stack(
            [
                np.interp(s_m, self.s_m, self.xy_m[:, 0]),
                np.interp(s_m, self.s_m, self.xy_m[:, 1]),
                np.interp(s_m, self.s_m, self.yaw_rad),
            ],
            axis=-1,
        )


def curve(points_m: Floats, stops: tuple[tuple[int, Node, int], ...] = ()) -> Path:
    """Return the path through (K, 2) points, resampled evenly and smoothed at the joints."""
    step = np.linalg.norm(np.diff(points_m, axis=0), axis=1)
    keep = np.concatenate([[True], step > 1e-6])
    raw = np.concatenate([[0.0], np.cumsum(step)])
    s = np.arange(0, raw[-1], _STEP_M)
    xy = np.column_stack([np.interp(s, raw[keep], points_m[keep, k]) for k in (0, 1)])
    if len(xy) > 9:
        kernel = np.array([1, 2, 3, 4, 3, 2, 1]) / 16
        padded = np.concatenate([np.repeat(xy[:1], 3, 0), xy, np.repeat(xy[-1:], 3, 0)])
        smooth = np.column_stack([np.convolve(padded[:, k], kernel, "valid") for k in (0, 1)])
        xy[3:-3] = smooth[3:-3]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    yaw = np.unwrap(np.arctan2(np.gradient(xy[:, 1]), np.gradient(xy[:, 0])))
    bend = np.abs(np.gradient(yaw) / np.maximum(np.gradient(length), 1e-6))
    limit = np.sqrt(2.2 / np.maximum(bend, 1e-4))  # 2.2 m/s2 sideways is a calm turn
    at = [Stop(float(np.interp(raw[k], s, length)), node, axis) for k, node, axis in stops]
    return Path(length, xy, yaw, limit, tuple(at))


def drive(
    town: Town, node: Node, directions: list[int], *, lane: int = 0, shift_m: float = 0.0
) -> Path:
    """Return the path of a vehicle that leaves `node` and takes `directions`, one per crossing.

    Parameters
    ----------
    town : Town
        The plan.
    node : (int, int)
        The crossing the first street starts from.
    directions : list of int
        Per street: 0 +u, 1 +v, 2 -u, 3 -v. A reversal is not possible.
    lane : int
        Preferred lane, 0 next to the middle; a turn to the right takes the outermost.
    shift_m : float
        How far to the right of the lane's middle.
    """
    points: list[Floats] = []
    stops: list[tuple[int, Node, int]] = []
    count = 0
    for k, direction in enumerate(directions):
        axis = 0 if direction % 2 == 0 else 1
        ahead = (node[0] + _STEPS[direction][0], node[1] + _STEPS[direction][1])
        lanes = _street_of(town, node, direction).lanes
        turn = (directions[k + 1] - direction) % 4 if k + 1 < len(directions) else 0
        taken = lanes - 1 if turn == 3 else 0 if turn == 1 else min(lane, lanes - 1)
        offset = (taken + 0.5) * LANE_M + shift_m
        straight = _lane(town, node, ahead, direction, offset)
        if points:
            joint = _bend(points[-1], straight)
            points.append(joint)
            count += len(joint)
        points.append(straight)
        count += len(straight)
        stops.append((count - 1, ahead, axis))
        node = ahead
    return curve(np.concatenate(points), tuple(stops))


def pavement(town: Town, block: Node, lateral_m: float, *, reverse: bool) -> Path:
    """Return the way round a block on its pavement, `lateral_m` from the kerb, twice round."""
    i, j = block
    corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
    sides = []
    for direction in range(4):
        start, end = corners[direction], corners[(direction + 1) % 4]
        street = _street_of(town, start, direction)
        low, high = _ends(town, start, end, direction, lateral_m + 1.5)
        at = np.linspace(low, high, max(2, int(abs(high - low))))
        # The block lies to the left of its sides walked counter-clockwise.
        side = street.half_width_m + lateral_m
        left = 1.0 if direction in (0, 1) else -1.0
        sides.append(town.along(street, at, np.full(len(at), left * side))[:, :2])
    ring = np.concatenate([*sides, *sides])
    return curve(ring[::-1] if reverse else ring)


def crossing(town: Town, node: Node, direction: int, side: int) -> Path:
    """Return a way over the street that leaves `node` in `direction`, at its mouth."""
    street = _street_of(town, node, direction)
    cross = town.street(1 - street.axis, node[1 - street.axis])
    sign = 1.0 if direction in (0, 1) else -1.0
    at = cross.at_m + sign * (cross.half_width_m + _STOP_BACK_M - 2.2)
    reach = street.half_width_m + 0.6 * SIDEWALK_M
    lateral = np.linspace(-reach, reach, 30) * side
    return curve(town.along(street, np.full(30, at), lateral)[:, :2])


def surface_m(town: Town, xy_m: Floats, *, on_foot: bool) -> Floats:
    """Return the height something moves at; feet climb the kerb over some steps, (…,)."""
    height = town.height_m(xy_m)
    if on_foot:
        height = height + KERB_M * np.clip(town.outside_road_m(xy_m) / 0.3 + 0.5, 0, 1)
    return height


def _street_of(town: Town, node: Node, direction: int) -> Street:
    axis = 1 if direction % 2 == 0 else 0
    return town.street(axis, node[axis])


def _ends(
    town: Town, start: Node, end: Node, direction: int, margin_m: float
) -> tuple[float, float]:
    """Return the running coordinates between two crossings, `margin_m` clear of their kerbs."""
    across = 0 if direction % 2 == 0 else 1
    a, b = town.street(across, start[across]), town.street(across, end[across])
    sign = 1.0 if direction in (0, 1) else -1.0
    return a.at_m + sign * (a.half_width_m + margin_m), b.at_m - sign * (b.half_width_m + margin_m)


def _lane(town: Town, start: Node, end: Node, direction: int, offset_m: float) -> Floats:
    street = _street_of(town, start, direction)
    low, high = _ends(town, start, end, direction, _STOP_BACK_M)
    at = np.linspace(low, high, max(2, int(abs(high - low))))
    right = -1.0 if direction in (0, 1) else 1.0
    out: Floats = town.along(street, at, np.full(len(at), right * offset_m))[:, :2]
    return out


def _bend(before_m: Floats, after_m: Floats) -> Floats:
    """Return a cubic Bezier curve from the end of one lane to the start of the next."""
    p0, p3 = before_m[-1], after_m[0]
    reach = 0.45 * float(np.linalg.norm(p3 - p0))
    d0, d1 = before_m[-1] - before_m[-2], after_m[1] - after_m[0]
    p1 = p0 + reach * d0 / np.linalg.norm(d0)
    p2 = p3 - reach * d1 / np.linalg.norm(d1)
    t = np.linspace(0, 1, 24)[1:-1, None]
    out: Floats = (
        (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3
    )
    return out
