"""Items for tracks that move as their class cannot, and for sizes that do not fit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.cuboids import wrap
from perception_label.geometry.labels import Labels
from perception_label.quality.queue import QueueItem, Sources, TrackRows, by_track, item_at

WINDOW_S = 0.5  # changes are measured over this long: shorter ones are the boxes' own noise
SLOW_MPS = 2.0  # below, a sideways share or a turn is noise
SIZE_STEP = 0.15  # of the median size; what a hand that sets a box varies less
SIZE_STEP_M = 0.3
MOTION_SHARE = 0.5  # probability that a track that cannot move so is wrong around it


@dataclass(frozen=True, slots=True)
class Limits:
    """What the boxes of a class can do: a little more than real objects of it do."""

    speed_mps: float
    acceleration_mps2: float
    sideways_mps: float
    turn_radps: float
    length_m: tuple[float, float]
    width_m: tuple[float, float]
    height_m: tuple[float, float]


# Emergency braking reaches 10 m/s^2, and the noise of boxes 0.1 m over half a second 1.6 more.
_CAR = Limits(60.0, 12.0, 2.0, 1.5, (2.2, 7.0), (1.2, 2.6), (1.0, 2.8))
LIMITS: Mapping[str, Limits] = {
    "car": _CAR,
    "truck": Limits(45.0, 10.0, 2.0, 1.2, (4.0, 20.0), (1.5, 3.3), (1.4, 4.5)),
    "bus": Limits(40.0, 8.0, 2.0, 1.0, (5.0, 21.0), (1.8, 3.3), (2.2, 4.5)),
    "trailer": Limits(45.0, 10.0, 3.0, 1.5, (1.5, 20.0), (1.0, 3.3), (0.5, 4.5)),
    "construction_vehicle": Limits(25.0, 8.0, 2.0, 1.5, (1.5, 16.0), (1.0, 5.0), (1.0, 6.0)),
    "motorcycle": Limits(60.0, 12.0, 2.5, 2.5, (1.2, 3.0), (0.3, 1.3), (0.8, 2.2)),
    "bicycle": Limits(25.0, 8.0, 2.5, 3.0, (1.0, 2.4), (0.2, 1.2), (0.6, 2.2)),
    "cyclist": Limits(35.0, 8.0, 2.5, 3.0, (1.0, 2.8), (0.3, 1.4), (1.0, 2.4)),
    # People turn on the spot and step aside.
    "pedestrian": Limits(8.0, 8.0, 8.0, 20.0, (0.2, 1.8), (0.2, 1.8), (0.6, 2.4)),
}
ANY = Limits(60.0, 15.0, 60.0, 20.0, (0.1, 30.0), (0.1, 10.0), (0.1, 10.0))


@dataclass(frozen=True, slots=True)
class Motion:
    """How one track moves around each of its n boxes, over half a second each way or less.

    `speed_mps`, `acceleration_mps2`, `sideways_mps` and `turn_radps` are (n,) float64; NaN where
    too little of the track is there to tell.
    """

    speed_mps: Floats
    acceleration_mps2: Floats
    sideways_mps: Floats
    turn_radps: Floats


def motion(timestamps_ns: Ints, center_m: Floats, yaw_rad: Floats) -> Motion:
    """Return how a track moves, from boxes (n,) in time order, world frame.

    Differences reach `WINDOW_S` forwards and backwards, so that the noise of single boxes counts
    little; a track shorter than that in one direction has no acceleration there.
    """
    seconds = (timestamps_ns - timestamps_ns[0]) / 1e9
    n = len(seconds)
    here = np.arange(n)
    after = np.minimum(np.searchsorted(seconds, seconds + WINDOW_S - 1e-3), n - 1)
    before = np.maximum(np.searchsorted(seconds, seconds - WINDOW_S + 1e-3, side="right") - 1, 0)
    step = np.where(seconds[after] > seconds[before], seconds[after] - seconds[before], np.nan)
    velocity = (center_m[after, :2] - center_m[before, :2]) / step[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        ahead = (center_m[after, :2] - center_m[here, :2]) / (seconds[after] - seconds)[:, None]
        behind = (center_m[here, :2] - center_m[before, :2]) / (seconds - seconds[before])[:, None]
    is_whole = (seconds[after] - seconds >= WINDOW_S * 0.8) & (
        seconds - seconds[before] >= WINDOW_S * 0.8
    )
    change = np.linalg.norm(ahead - behind, axis=1) / (step / 2)
    across = np.abs(-np.sin(yaw_rad) * velocity[:, 0] + np.cos(yaw_rad) * velocity[:, 1])
    turn = np.abs(wrap(yaw_rad[after] - yaw_rad[before])) / step
    speed = np.linalg.norm(velocity, axis=1)
    return Motion(
        speed_mps=speed,
        acceleration_mps2=np.where(is_whole, change, np.nan),
        sideways_mps=np.where(speed > SLOW_MPS, across, np.nan),
        turn_radps=np.where(speed > SLOW_MPS, turn, np.nan),
    )


def motion_items(labels: Labels, source: Sources) -> list[QueueItem]:
    """Return one item per track that moves as its class cannot, at the worst instant."""
    found = []
    for track in by_track(labels):
        if len(track.rows) < 2:
            continue
        boxes = labels.cuboids
        moves = motion(
            labels.timestamps_ns[track.rows],
            boxes.center_m[track.rows],
            boxes.yaw_rad[track.rows],
        )
        limits = LIMITS.get(track.class_name, ANY)
        names = ("speed_mps", "acceleration_mps2", "sideways_mps", "turn_radps")
        over = np.array([getattr(moves, name) / getattr(limits, name) for name in names])
        over = np.where(np.isfinite(over), over, 0.0)
        which, worst = np.unravel_index(int(np.argmax(over)), over.shape)
        if over[which, worst] <= 1:
            continue
        value = float(getattr(moves, names[which])[worst])
        limit = getattr(limits, names[which])
        is_odd = over.max(axis=0) > 1
        bad = np.flatnonzero(is_odd)
        times = labels.timestamps_ns[track.rows]
        found.append(
            item_at(
                labels,
                track,
                int(track.rows[worst]),
                kind="motion",
                source=source,
                expected_error=MOTION_SHARE * float(is_odd.sum()),
                reason=f"{_WORDS[names[which]].format(value)}; a {track.class_name} stays under "
                f"{_WORDS[names[which]].format(limit).split(' ', 1)[1]}",
                span=(int(times[bad[0]]), int(times[bad[-1]])),
                is_only=True,
            )
        )
    return found


_WORDS = {
    "speed_mps": "moves {:.1f} m/s",
    "acceleration_mps2": "accelerates {:.1f} m/s2",
    "sideways_mps": "slides {:.1f} m/s sideways",
    "turn_radps": "turns {:.1f} rad/s",
}


def size_items(labels: Labels, source: Sources) -> list[QueueItem]:
    """Return one item per track whose size jumps, or is none its class has."""
    found = []
    for track in by_track(labels):
        size = labels.cuboids.size_m[track.rows]
        middle = np.median(size, axis=0)
        off = np.abs(size - middle)
        is_odd: Mask = np.any(off > np.maximum(SIZE_STEP * middle, SIZE_STEP_M), axis=1)
        unlike = _unlike(middle, LIMITS.get(track.class_name, ANY))
        if is_odd.any():
            worst = int(np.argmax((off / middle).max(axis=1)))
            was, is_now = size[worst], middle
            reason = f"is {_metres(was)} here and {_metres(is_now)} mostly"
            expected = float(is_odd.sum())
        elif unlike:
            worst = int(np.argmax(labels.n_points[track.rows]))
            reason = f"is {_metres(middle)}: no {track.class_name} is {unlike}"
            expected = 0.5 * len(track.rows)
        else:
            continue
        found.append(
            item_at(
                labels,
                track,
                int(track.rows[worst]),
                kind="size_jump",
                source=source,
                expected_error=expected,
                reason=reason,
                span=_odd_span(labels, track, is_odd),
                is_only=True,
            )
        )
    return found


def _unlike(size_m: Floats, limits: Limits) -> str:
    words = (("short", "long"), ("narrow", "wide"), ("low", "high"))
    ranges = (limits.length_m, limits.width_m, limits.height_m)
    for value, (least, most), (small, large) in zip(size_m, ranges, words, strict=True):
        if not least <= value <= most:
            return f"so {small if value < least else large}"
    return ""


def _metres(size_m: Floats) -> str:
    return " x ".join(f"{value:.1f}" for value in size_m) + " m"


def _odd_span(labels: Labels, track: TrackRows, is_odd: Mask) -> tuple[int, int] | None:
    bad = np.flatnonzero(is_odd)
    if not len(bad):
        return None
    times = labels.timestamps_ns[track.rows[bad]]
    return int(times[0]), int(times[-1])
