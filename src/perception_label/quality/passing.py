"""Whether labels are good enough to hand over: found, right, tight, and one id per object."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.geometry.labels import Labels
from perception_label.quality.metrics import GROUPS, SET_ASIDE
from perception_label.quality.metrics_detection import Criterion, match_boxes
from perception_label.quality.metrics_tracking import Tracked, score_tracks
from perception_label.quality.pairs import pair_up

# 3-D IoU from which a box needs no correction, and from which it is on its object at all.
PASS_IOU: Mapping[str, float] = {"vehicle": 0.7, "pedestrian": 0.5, "cyclist": 0.5}
FOUND_IOU: Mapping[str, float] = {"vehicle": 0.5, "pedestrian": 0.25, "cyclist": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Counts of boxes, and the shares they give; a share of nothing is None.

    Attributes
    ----------
    n_truth, n_labels : int
        Boxes that count: with enough points, and of a class in `GROUPS`.
    n_found : int
        Pairs at `FOUND_IOU`.
    n_passing : int
        Those of them at `PASS_IOU`.
    n_class_right : int
        Those of them with the truth's own class.
    iou_sum : float
        3-D IoU over the pairs.
    identity_switches : int
        Times a truth track goes on under another label track.
    """

    n_truth: int
    n_labels: int
    n_found: int
    n_passing: int
    n_class_right: int
    iou_sum: float
    identity_switches: int

    @property
    def recall(self) -> float | None:
        """Share of the truth that is labelled."""
        return self.n_found / self.n_truth if self.n_truth else None

    @property
    def precision(self) -> float | None:
        """Share of the labels that are on an object."""
        return self.n_found / self.n_labels if self.n_labels else None

    @property
    def mean_iou(self) -> float | None:
        """Mean 3-D IoU of the pairs."""
        return self.iou_sum / self.n_found if self.n_found else None

    @property
    def passing(self) -> float | None:
        """Share of the labels that need no correction; a false label is not one of them."""
        return self.n_passing / self.n_labels if self.n_labels else None

    @property
    def passing_recall(self) -> float | None:
        """Share of the truth with a label that needs no correction."""
        return self.n_passing / self.n_truth if self.n_truth else None

    @property
    def right_class(self) -> float | None:
        """Share of the pairs whose class is the truth's."""
        return self.n_class_right / self.n_found if self.n_found else None


def group_of(class_name: str) -> str | None:
    """Return the group of a class, None for one that is not judged."""
    return next((name for name, members in GROUPS.items() if class_name in members), None)


def pass_iou(class_name: str) -> float:
    """Return the 3-D IoU at which a box of this class needs no correction."""
    return PASS_IOU.get(group_of(class_name) or "", 0.5)


def judge(truth: Labels, labels: Labels, *, min_points: int = 5) -> Passing:
    """Compare labels with truth, all groups of classes together.

    Parameters
    ----------
    truth, labels : Labels
        M and K boxes, world frame, at instants where the truth is complete. A box with fewer
        points than `min_points` is set aside on either side: nobody could tell what is right
        there. One nobody counted the points of (-1) is judged.
    min_points : int
        Points inside the box.

    Returns
    -------
    Passing
        All counts 0 where both are empty.
    """
    parts = [_group(name, truth, labels, min_points) for name in GROUPS]
    names = Passing.__dataclass_fields__
    return Passing(**{n: sum(getattr(p, n) for p in parts) for n in names})


def _group(name: str, truth: Labels, labels: Labels, min_points: int) -> Passing:
    judged = _of(truth, GROUPS[name])
    i = np.flatnonzero(judged | _of(truth, SET_ASIDE.get(name, ())))
    j = np.flatnonzero(_of(labels, GROUPS[name]))
    truth_counts, shown = (judged & _enough(truth, min_points))[i], _enough(labels, min_points)[j]
    truth, labels = truth[i], labels[j]
    _, sweep = np.unique(
        np.concatenate([truth.timestamps_ns, labels.timestamps_ns]), return_inverse=True
    )
    at, on = sweep[: len(truth)], sweep[len(truth) :]
    pairs = pair_up(truth.cuboids, at, labels.cuboids, on)
    found = match_boxes(
        pairs, Criterion("iou_3d", FOUND_IOU[name]), labels.scores, truth_counts, shown
    )
    iou = pairs.iou_3d[found.pair]
    return Passing(
        n_truth=int(np.count_nonzero(truth_counts)),
        n_labels=int(np.count_nonzero(found.label_counts)),
        n_found=len(found.pair),
        n_passing=int(np.count_nonzero(iou >= PASS_IOU[name])),
        n_class_right=_same_class(truth, labels, found.truth, found.label),
        iou_sum=float(iou.sum()),
        identity_switches=_switches(truth, labels, at, on, (found.truth, found.label, iou)),
    )


def _switches(
    truth: Labels, labels: Labels, at: Ints, on: Ints, pairs: tuple[Ints, Ints, Floats]
) -> int:
    i, j, iou = pairs
    scored = score_tracks(
        Tracked(at, truth.tracks.astype(np.int64)),
        Tracked(on, labels.tracks.astype(np.int64)),
        i,
        j,
        iou,
        threshold=0.0,
    )
    return scored.identity_switches


def _same_class(truth: Labels, labels: Labels, i: Ints, j: Ints) -> int:
    if not len(i):
        return 0
    mine = np.array(truth.class_names)[truth.classes[i]]
    return int(np.count_nonzero(mine == np.array(labels.class_names)[labels.classes[j]]))


def _enough(labels: Labels, min_points: int) -> Mask:
    enough: Mask = (labels.n_points < 0) | (labels.n_points >= min_points)
    return enough


def _of(labels: Labels, members: tuple[str, ...]) -> Mask:
    named = np.array([name in members for name in labels.class_names], dtype=bool)
    return named[labels.classes] if len(named) else np.zeros(len(labels), dtype=bool)
