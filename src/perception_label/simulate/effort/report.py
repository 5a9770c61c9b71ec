"""The cost of several ways of labelling one log, side by side, at equal quality."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from perception_label.arrays import Floats
from perception_label.quality.passing import Passing, judge
from perception_label.simulate.effort.actions import ActionSeconds, Effort, effort
from perception_label.simulate.effort.baselines import Work
from perception_label.simulate.effort.objects import Judged

TITLES: Mapping[str, str] = {
    "by_hand": "(a) every sweep by hand",
    "sensor_linear": "(b) keyframes every 5 sweeps, linear in the sensor frame",
    "world_linear": "(c) keyframes where needed, linear in the world frame",
    "ours": "(d) proposals, review queue, solver",
}
SHARES = ("recall", "precision", "mean_iou", "passing", "passing_recall", "right_class")


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of labelling a log.

    Attributes
    ----------
    name : str
        A key of `TITLES`.
    work : Work
        What was done, and the labels it left.
    effort : Effort
        What it cost.
    quality : Passing
        The labels against the truth.
    curve : (n, 2) float64
        Nominal seconds per track spent so far, and the share of the truth's boxes that then
        carry a box which passes.
    """

    name: str
    work: Work
    effort: Effort
    quality: Passing
    curve: Floats

    @property
    def boxes_per_keyframe(self) -> float | None:
        """Final boxes per box a person set; None if nobody set one."""
        n = self.work.n_keyframes
        return self.quality.n_labels / n if n else None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        shares = {name: getattr(self.quality, name) for name in SHARES}
        return {
            "title": TITLES[self.name],
            **asdict(self.effort),
            "n_keyframes": self.work.n_keyframes,
            "boxes_per_keyframe": self.boxes_per_keyframe,
            "quality": {**shares, **asdict(self.quality)},
            "curve": np.round(self.curve, 5).tolist(),
        }


def strategy(name: str, judged: Judged, work: Work, seconds: ActionSeconds) -> Strategy:
    """Return what a baseline cost and how good its labels are; it may stop after any track."""
    spent = effort(work.actions, seconds, n_tracks=len(judged.things), sensor_s=judged.sensor_s)
    quality = judge(judged.truth, work.labels, min_points=judged.min_points)
    return Strategy(name, work, spent, quality, cheapest_first(judged, work, seconds))


def cheapest_first(judged: Judged, work: Work, seconds: ActionSeconds) -> Floats:
    """Return a baseline's curve if it labels the tracks that cost least per box first.

    No order of tracks reaches any share of the boxes for less.
    """
    per_track = dict.fromkeys((thing.name for thing in judged.things), 0.0)
    for action in work.actions:
        per_track[action.track_id] += seconds.pause_factor * seconds.seconds[action.key][1]
    n_boxes = np.array([np.count_nonzero(thing.shown) for thing in judged.things])
    spent = np.array([per_track[thing.name] for thing in judged.things])
    order = np.argsort(spent / np.maximum(n_boxes, 1), kind="stable")
    total = max(1, int(n_boxes.sum()))
    curve = np.zeros((len(order) + 1, 2))
    curve[1:, 0] = np.cumsum(spent[order]) / max(1, len(order))
    curve[1:, 1] = np.cumsum(n_boxes[order]) / total
    return curve


def seconds_to_reach(baseline: Strategy, share: float) -> float:
    """Return the seconds per track a baseline needs for this share of boxes passing.

    The tracks that cost most per box are the ones it leaves out.
    """
    return float(np.interp(share, baseline.curve[:, 1], baseline.curve[:, 0]))


@dataclass(frozen=True, slots=True)
class CostReport:
    """All strategies on one log.

    Attributes
    ----------
    log_id : str
        The log.
    noise_m, noise_rad : float
        Of the hand that set keyframes.
    judged : Judged
        What had to be labelled.
    strategies : dict of str to Strategy
        By name, in the order of `TITLES`.
    over_time : (n, 2) float64
        Of ours: after so many tracks, nominal seconds per track over the last tenth of them.
    wall_s : dict of str to float
        Machine time of each.
    """

    log_id: str
    noise_m: float
    noise_rad: float
    judged: Judged
    strategies: Mapping[str, Strategy]
    over_time: Floats
    wall_s: Mapping[str, float]

    def times_cheaper(self) -> dict[str, float]:
        """Return how many times each baseline costs what ours does, at ours' quality."""
        ours = self.strategies.get("ours")
        if ours is None or ours.quality.passing_recall is None:
            return {}
        share, mine = ours.quality.passing_recall, ours.effort.seconds_per_track["nominal"]
        return {
            name: seconds_to_reach(each, share) / mine
            for name, each in self.strategies.items()
            if name != "ours" and mine > 0
        }

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "log_id": self.log_id,
            "sensor_s": self.judged.sensor_s,
            "n_tracks": len(self.judged.things),
            "n_boxes": self.judged.n_boxes,
            "min_points": self.judged.min_points,
            "max_range_m": self.judged.max_range_m,
            "noise_m": self.noise_m,
            "noise_rad": self.noise_rad,
            "strategies": {name: each.as_dict() for name, each in self.strategies.items()},
            "times_cheaper_at_equal_quality": self.times_cheaper(),
            "seconds_per_track_over_time": np.round(self.over_time, 3).tolist(),
            "wall_s": dict(self.wall_s),
        }
