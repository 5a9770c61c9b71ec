"""How well single boxes agree with truth: recall, precision, AP, overlap and heading.

Matching is that of Pascal VOC, nuScenes and Argoverse 2: labels in order of their score
each take the closest free truth box of their sweep. As in KITTI, truth that is set aside
costs no recall, and a label on it is neither right nor wrong; the same holds for a label
outside the judged region that matches nothing. AP is the area under the precision envelope
at every recall step (Pascal VOC 2010), not KITTI's 40 sampled steps.
"""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.errors import SettingError
from perception_label.geometry.cuboids import Cuboids, wrap
from perception_label.quality.matching import greedy_matching
from perception_label.quality.pairs import Pairs

MEASURES = ("iou_3d", "iou_bev", "distance")


@dataclass(frozen=True, slots=True)
class Criterion:
    """When a label counts as on a truth box: IoU of at least, or centres (from above) within.

    `measure` is `iou_3d`, `iou_bev` or `distance` (metres).
    """

    measure: str
    threshold: float

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise SettingError(f"measure: expected one of {MEASURES}, got {self.measure!r}")

    def __str__(self) -> str:
        return f"{self.measure}@{self.threshold:g}"

    def closeness(self, pairs: Pairs) -> Floats:
        """Return (P,) how close each pair is, higher is closer, -inf where it does not count."""
        if self.measure == "distance":
            near: Mask = pairs.distance_m <= self.threshold
            return np.where(near, -pairs.distance_m, -np.inf)
        value: Floats = getattr(pairs, self.measure)
        return np.where(value >= self.threshold, value, -np.inf)


@dataclass(frozen=True, slots=True)
class Matches:
    """What became of M truth boxes and K labels under one criterion.

    Attributes
    ----------
    pair : (n,) int64
        Rows of the pairs that matched, in the list of pairs that was given.
    truth, label : (n,) int64
        Their boxes.
    truth_counts : (M,) bool
        Truth that recall is measured on.
    label_counts : (K,) bool
        Labels that are right or wrong; the others lie on truth that is set aside, or
        outside the judged region.
    """

    pair: Ints
    truth: Ints
    label: Ints
    truth_counts: Mask
    label_counts: Mask


def match_boxes(
    pairs: Pairs, criterion: Criterion, scores: Floats, truth_counts: Mask, label_inside: Mask
) -> Matches:
    """Match labels to truth, the highest score first.

    Parameters
    ----------
    pairs : Pairs
        The boxes that meet.
    criterion : Criterion
        When a pair may match.
    scores : (K,) float64
        Of the labels.
    truth_counts : (M,) bool
        False for truth that is set aside: too few points, too far, out of the truth's view.
    label_inside : (K,) bool
        Whether a label that matches nothing is wrong; False outside the judged region.

    Returns
    -------
    Matches
        Pairs of counted truth only.
    """
    closeness = criterion.closeness(pairs)
    able = np.flatnonzero(np.isfinite(closeness))
    counted = able[truth_counts[pairs.truth[able]]]
    a, b = pairs.truth[counted], pairs.label[counted]
    matched = counted[greedy_matching(a, b, scores[b], closeness[counted])]
    label_counts = label_inside.copy()
    set_aside = able[~truth_counts[pairs.truth[able]]]
    label_counts[pairs.label[set_aside]] = False
    label_counts[pairs.label[matched]] = True
    return Matches(matched, pairs.truth[matched], pairs.label[matched], truth_counts, label_counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxScore:
    """Agreement of single boxes; a ratio is None where nothing is there to measure it on.

    `n_truth` and `n_labels` are the boxes that count, `n_matched` the pairs. `mean_iou` (3-D)
    and the heading errors (radians; `heading_error_pi_rad` takes front and back as one) and
    `center_error_m` (from above) are means over the pairs.
    """

    n_truth: int
    n_labels: int
    n_matched: int
    ap: float | None
    mean_iou: float | None
    center_error_m: float | None
    heading_error_rad: float | None
    heading_error_pi_rad: float | None

    @property
    def recall(self) -> float | None:
        """Share of the truth that a label was found for."""
        return self.n_matched / self.n_truth if self.n_truth else None

    @property
    def precision(self) -> float | None:
        """Share of the labels that are on truth."""
        return self.n_matched / self.n_labels if self.n_labels else None


def score_boxes(
    matches: Matches,
    pairs: Pairs,
    truth: Cuboids,
    labels: Cuboids,
    scores: Floats,
    *,
    truth_in: Mask | None = None,
    label_in: Mask | None = None,
) -> BoxScore:
    """Measure the matches, all of them or those of one part of the region.

    `truth_in` (M,) and `label_in` (K,) choose the part: a pair belongs to where its truth
    lies, a label without truth to where it lies itself.
    """
    truth_part = matches.truth_counts if truth_in is None else matches.truth_counts & truth_in
    right = truth_part[matches.truth]
    i, j, pair = matches.truth[right], matches.label[right], matches.pair[right]
    wrong = matches.label_counts if label_in is None else matches.label_counts & label_in
    wrong = wrong.copy()
    wrong[matches.label] = False
    n_truth = int(np.count_nonzero(truth_part))
    ap = average_precision(scores[j], scores[wrong], n_truth) if n_truth else None
    turn = np.abs(wrap(truth.yaw_rad[i] - labels.yaw_rad[j]))
    return BoxScore(
        n_truth=n_truth,
        n_labels=len(j) + int(np.count_nonzero(wrong)),
        n_matched=len(j),
        ap=ap,
        mean_iou=_mean(pairs.iou_3d[pair]),
        center_error_m=_mean(pairs.distance_m[pair]),
        heading_error_rad=_mean(turn),
        heading_error_pi_rad=_mean(np.minimum(turn, np.pi - turn)),
    )


def average_precision(right_scores: Floats, wrong_scores: Floats, n_truth: int) -> float:
    """Return the area under the precision envelope over recall.

    Labels of equal score enter together, so the result does not depend on row order.

    Parameters
    ----------
    right_scores, wrong_scores : (n,), (m,) float64
        Scores of the labels on truth, and of those that are not.
    n_truth : int
        Truth boxes, at least `n`, at least 1.
    """
    scores = np.concatenate([right_scores, wrong_scores])
    right = np.arange(len(scores)) < len(right_scores)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
    hits, taken = hits[last], last + 1
    precision = np.maximum.accumulate((hits / taken)[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) * precision) / n_truth)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
