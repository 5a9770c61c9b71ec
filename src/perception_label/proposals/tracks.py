"""From linked detections to tracks: one size each, a pose at every sweep, a probability."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.proposals.hypotheses import CYCLIST, PEDESTRIAN, VEHICLE

# How far the middle of a track may wander and still stand still: the noise of its detections.
STILL_M = {VEHICLE: 0.9, PEDESTRIAN: 0.5, CYCLIST: 0.6}
# Ratio of detection noise to what one sweep's acceleration moves, squared, at 10 Hz: 0.3 m
# against 2 m/s^2 for places, 0.1 rad against 1 rad/s^2 for headings.
PLACE_STIFFNESS = 225.0
TURN_STIFFNESS = 100.0
MOVING_MPS = 1.0  # above, the path tells the heading
RIDING_MPS = 2.7  # above, a person rides: walkers make 1.5, and few run along streets
RIDER_SIZE_M = (1.75, 0.65)
LONG_ENOUGH = 20  # detections of one object after which more say little
USUAL_SLIP_M, USUAL_SPREAD_M = 0.5, 0.2  # of detections about their track
N_TRACK_FEATURES = 11

TALL = 0.8  # quantile of the heights: most sweeps miss the top, few reach too high
BETWEEN_BEAMS_M = 0.05
CAR_HEIGHT_M = 1.65  # of passenger cars, sport utility vehicles among them
CAR_HEIGHTS_M = (1.4, 1.95)  # hardly any is lower or higher
CAR_LENGTH_M = 5.7


@dataclass(frozen=True, slots=True)
class Linked:
    """M detections of one track, in sweep order; world frame.

    `sweeps` (M,) are sweep numbers, `sensor_m` (M, 2) where the sensor was.
    """

    sweeps: Ints
    cuboids: Cuboids
    scores: Floats
    group: int
    sensor_m: Floats


@dataclass(frozen=True, slots=True)
class Track:
    """One object over the sweeps first to last, world frame, a box at each.

    It was detected from `first_found` to `last_found`.

    `features` (11,) is what the calibration of its score sees.
    """

    first: int
    last: int
    first_found: int
    last_found: int
    cuboids: Cuboids
    group: int
    is_static: bool
    features: Floats


def group_of(group: int, center_m: Floats, seconds: Floats) -> int:
    """Return what linked detections of a group are: who moves too fast for a walker rides.

    center_m (M, 2 or 3) and seconds (M,) of the detections, world frame, in order of time.
    """
    third = len(seconds) // 3
    if group != PEDESTRIAN or third < 2:
        return group
    way = center_m[-third:, :2].mean(axis=0) - center_m[:third, :2].mean(axis=0)
    took_s = seconds[-third:].mean() - seconds[:third].mean()
    return CYCLIST if np.linalg.norm(way) > RIDING_MPS * took_s else PEDESTRIAN


def build_track(
    linked: Linked, sweep_s: Floats, stride: int = 1, n_searched: int | None = None
) -> Track:
    """Return the track of linked detections.

    `sweep_s` (S,) are the sweeps' times, seconds; every `stride`-th sweep was searched, so the
    track reaches up to stride - 1 sweeps beyond its first and last detection. `n_searched` says
    how many those are if some of them were empty.
    """
    standing = stands_still(linked)
    first = max(0, int(linked.sweeps[0]) - stride + 1)
    last = min(len(sweep_s) - 1, int(linked.sweeps[-1]) + stride - 1)
    n = last - first + 1
    cuboids = _parked(linked, n) if standing else _moving(linked, sweep_s[first : last + 1], first)
    searched = n_searched or -(-len(sweep_s) // stride)
    at_detections = cuboids.center_m[linked.sweeps - first]
    features = _features(linked, standing, stride, searched, at_detections)
    found = int(linked.sweeps[0]), int(linked.sweeps[-1])
    return Track(first, last, *found, cuboids, linked.group, standing, features)


def stands_still(linked: Linked) -> bool:
    """Tell whether the detections stay in one place, up to their noise."""
    at = linked.cuboids.center_m[:, :2]
    window = min(5, max(1, len(at) // 3))
    # Medians of the first, the middle and the last detections: single slips do not count.
    starts = np.unique(np.linspace(0, len(at) - window, 7).astype(int))
    places = np.array([np.median(at[k : k + window], axis=0) for k in starts])
    wander = np.linalg.norm(places[:, None] - places[None], axis=2).max()
    return bool(wander < STILL_M[linked.group])


def _features(
    linked: Linked, standing: bool, stride: int, n_searched: int, track_m: Floats
) -> Floats:
    best = np.sort(linked.scores)[-max(1, (len(linked.scores) + 1) // 2) :]
    n = len(linked.scores)
    life = (linked.sweeps[-1] - linked.sweeps[0]) // stride + 1
    apart = np.linalg.norm(linked.cuboids.center_m[:, :2] - linked.sensor_m, axis=1)
    slip = np.linalg.norm(linked.cuboids.center_m[:, :2] - track_m[:, :2], axis=1)
    length = linked.cuboids.size_m[:, 0]
    spread = np.abs(length - np.median(length))
    return np.array(
        [
            1.0,
            best.mean(),
            linked.scores.max(),
            linked.scores.mean(),
            # Both, since in a log of one sweep being seen once is all there can be.
            np.log1p(min(n, LONG_ENOUGH)),
            np.log1p(min(n_searched, LONG_ENOUGH)),
            n / life,
            float(standing),
            apart.min() / 50,
            # As if two more detections were as far off as usual: one alone cannot differ.
            (np.minimum(slip, 2.0).sum() + 2 * USUAL_SLIP_M) / (n + 2),
            (np.minimum(spread, 2.0).sum() + 2 * USUAL_SPREAD_M) / (n + 2),
        ]
    )


def _parked(linked: Linked, n: int) -> Cuboids:
    """Return one pose for n sweeps: the mean of the detections that agree with the best."""
    packed = linked.cuboids.packed()
    pose = _mean_box(packed, linked.scores)
    if linked.group == VEHICLE:
        pose = _with_height(pose, _car_height(pose[5], pose[3]))
    return Cuboids.unpack(np.repeat(pose[None], n, axis=0))


def _mean_box(packed: Floats, scores: Floats) -> Floats:
    best = packed[np.argmax(scores)]
    turn = (packed[:, 6] - best[6] + np.pi / 2) % np.pi - np.pi / 2
    near = np.linalg.norm(packed[:, :2] - best[:2], axis=1) < 0.35 * best[3] + 0.3
    agree = (np.abs(turn) < np.radians(20)) & near
    weight = scores[agree] ** 4
    weight = weight / weight.sum()
    pose = weight @ packed[agree]
    pose[6] = best[6] + weight @ turn[agree]
    bottom = np.median(packed[agree, 2] - packed[agree, 5] / 2)
    pose[5] = np.quantile(packed[agree, 5], TALL)
    pose[2] = bottom + pose[5] / 2
    return np.asarray(pose)


def _car_height(height_m: float, length_m: float) -> float:
    """Return the height of a vehicle, given the highest point on it.

    The top lies between two beams, a roof may not be hit at all, and a branch may hang over it:
    a car is believed to be about as high as cars are.
    """
    if length_m >= CAR_LENGTH_M:
        return float(height_m)
    believed = 0.75 * (height_m + BETWEEN_BEAMS_M) + 0.25 * CAR_HEIGHT_M
    return float(np.clip(believed, *CAR_HEIGHTS_M))


def _with_height(pose: Floats, height_m: float) -> Floats:
    """Return the box (7,) with another height on the same bottom."""
    out = pose.copy()
    out[2] += (height_m - pose[5]) / 2
    out[5] = height_m
    return out


def _moving(linked: Linked, seconds: Floats, first: int) -> Cuboids:
    """Return a smooth path at the n sweeps from number `first` on, taken at `seconds` (n,)."""
    packed = linked.cuboids.packed()
    size = _best_size(linked)
    if linked.group == CYCLIST:
        size[:2] = np.maximum(size[:2], RIDER_SIZE_M)  # some were taken for walkers
    at = _anchored(packed, size, linked.sensor_m) if linked.group == VEHICLE else packed[:, :2]
    rows = linked.sweeps - first
    n = len(seconds)
    weight = np.zeros(n)
    weight[rows] = np.maximum(linked.scores, 0.05)
    bottom = packed[:, 2] - packed[:, 5] / 2
    path = smooth(rows, np.column_stack([at, bottom]), weight, PLACE_STIFFNESS)
    yaw = _headings(linked, path[:, :2], seconds, rows, weight)
    center = np.column_stack([path[:, :2], path[:, 2] + size[2] / 2])
    return Cuboids(center, np.repeat(size[None], n, axis=0), yaw)


def smooth(rows: Ints, values: Floats, weight: Floats, stiffness: float) -> Floats:
    """Return the smoothest curve near weighted samples: Whittaker's smoother (1923).

    Parameters
    ----------
    rows : (M,) int64
        Where on the curve each sample lies, 0 to n - 1.
    values : (M, K) float64
        The samples.
    weight : (n,) float64
        Weight of the sample at each place, 0 where there is none; at least one positive.
    stiffness : float
        What squared second differences count against squared residuals.

    Returns
    -------
    (n, K) float64
        Straight across gaps and exact for samples on a line.
    """
    n = len(weight)
    target = np.zeros((n, values.shape[1]))
    target[rows] = values
    if n < 3 or len(rows) < 2:
        known = np.array(
            [np.interp(np.arange(n), rows, values[:, k]) for k in range(values.shape[1])]
        )
        return known.T
    bands = np.zeros((3, n))
    bands[2] = weight
    for offset, step in ((0, 1.0), (1, -2.0), (2, 1.0)):
        bands[2, offset : n - 2 + offset] += stiffness * step * step
    bands[1, 1 : n - 1] += stiffness * -2.0
    bands[1, 2:n] += stiffness * -2.0
    bands[0, 2:] += stiffness
    solved: Floats = solveh_banded(bands, weight[:, None] * target)
    return solved


def _best_size(linked: Linked) -> Floats:
    """Return the size from the better half of the detections."""
    size = linked.cuboids.size_m
    good = linked.scores >= np.median(linked.scores)
    weight = linked.scores[good] ** 4
    out = (weight / weight.sum()) @ size[good]
    out[2] = np.quantile(size[good, 2], TALL)
    if linked.group == VEHICLE:
        out[2] = _car_height(out[2], out[0])
    return np.asarray(out)


def _anchored(packed: Floats, size: Floats, sensor_m: Floats) -> Floats:
    """Return the centres of boxes of one size whose corner nearest the sensor stays put."""
    c, s = np.cos(packed[:, 6]), np.sin(packed[:, 6])
    away = packed[:, :2] - sensor_m
    along = np.sign(c * away[:, 0] + s * away[:, 1]) * (size[0] - packed[:, 3]) / 2
    across = np.sign(c * away[:, 1] - s * away[:, 0]) * (size[1] - packed[:, 4]) / 2
    shift = np.column_stack([c * along - s * across, s * along + c * across])
    return np.asarray(packed[:, :2] + shift)


def _headings(linked: Linked, path: Floats, seconds: Floats, rows: Ints, weight: Floats) -> Floats:
    """Return the heading at every sweep: along the path where it moves, else as detected."""
    n = len(path)
    velocity = np.gradient(path, seconds, axis=0) if n > 1 else np.zeros((1, 2))
    speed = np.linalg.norm(velocity, axis=1)
    course = np.arctan2(velocity[:, 1], velocity[:, 0])
    # A detection knows its axis but not which end is the front: the path says.
    ahead = course[np.argmax(speed)]
    detected = np.unwrap(linked.cuboids.yaw_rad, period=np.pi)
    travelled = course[rows[np.argmax(speed[rows])]] if speed.max() > MOVING_MPS else ahead
    reference = detected[np.argmax(speed[rows])]
    if np.cos(reference - travelled) < 0:
        detected = detected + np.pi
    axis = smooth(rows, detected[:, None], weight, TURN_STIFFNESS)[:, 0]
    lean = (course - axis + np.pi) % (2 * np.pi) - np.pi
    trust = np.clip((speed - MOVING_MPS) / 3.0, 0, 1)
    if linked.group == PEDESTRIAN:
        trust = np.clip(speed / 0.5, 0, 1)
    elif linked.group == VEHICLE:
        # Cars do not slide: a course far off the axis is noise.
        trust = np.where(np.abs(lean) < 0.6, trust, 0.0)
    return np.asarray(axis + trust * lean)


def class_of(track: Track) -> str:
    """Return the class of a track by its group and its size."""
    if track.group != VEHICLE:
        return "pedestrian" if track.group == PEDESTRIAN else "cyclist"
    return vehicle_class(track.cuboids.size_m[0])


def vehicle_class(size_m: Floats) -> str:
    """Return what a vehicle of this length, width and height (3,) most likely is."""
    length, _, height = size_m
    if length > 9.0 and height > 2.6:
        return "bus"
    return "truck" if length > 6.2 or (height > 2.4 and length > 5.0) else "car"


def probability(features: Floats, groups: Ints, weights: Floats) -> Floats:
    """Return the probability that each track is right, (T,): logistic regression per group."""
    logit = np.einsum("tf,tf->t", features, weights[groups])
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
