"""How well labels follow objects: HOTA, the CLEAR counts and the identity counts.

Definitions: HOTA by Luiten et al. (IJCV 2021), MOTA and MOTP by Bernardin and Stiefelhagen
(2008), IDF1 by Ristani et al. (2016), each as TrackEval 1.3 computes it, which the tests
take as the oracle. Similarity is the 3-D IoU. A sweep where truth or labels are empty does
not count as a step between two others when switches and fragments are counted, as there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from perception_label.arrays import Floats, Ints, Mask
from perception_label.quality.matching import (
    best_matching,
    best_of_part,
    crowded_parts,
    is_alone,
)

ALPHAS = np.arange(0.05, 0.99, 0.05)  # HOTA's thresholds of similarity
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Tracked:
    """M boxes that are all in time order: the sweep and the track of each.

    Attributes
    ----------
    sweeps : (M,) int64
        Index of the sweep.
    tracks : (M,) int64
        Index of the track; a track has one box per sweep at most.
    """

    sweeps: Ints
    tracks: Ints

    def __len__(self) -> int:
        return len(self.tracks)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackScore:
    """Counts and sums of one or several groups of objects, and the ratios they give.

    The arrays are (19,), one value per threshold of `ALPHAS`. A ratio is None where there
    is no truth to compare with.
    """

    hota_tp: Floats
    hota_fp: Floats
    hota_fn: Floats
    association_sum: Floats
    similarity_sum: Floats
    tp: int
    fp: int
    fn: int
    overlap_sum: float
    identity_switches: int
    fragmentations: int
    mostly_tracked: int
    mostly_lost: int
    id_tp: int
    id_fp: int
    id_fn: int

    def __add__(self, other: "TrackScore") -> "TrackScore":
        """Pool two groups, each box weighing the same (TrackEval's detection average)."""
        names = TrackScore.__dataclass_fields__
        return TrackScore(**{n: getattr(self, n) + getattr(other, n) for n in names})

    @property
    def det_a(self) -> float | None:
        """Detection accuracy, the mean over the thresholds."""
        return self._mean(self.hota_tp / np.maximum(1, self.hota_tp + self.hota_fn + self.hota_fp))

    @property
    def ass_a(self) -> float | None:
        """Association accuracy, the mean over the thresholds."""
        return self._mean(self.association_sum / np.maximum(1, self.hota_tp))

    @property
    def hota(self) -> float | None:
        """Geometric mean of the two, per threshold, then the mean over the thresholds."""
        detection = self.hota_tp / np.maximum(1, self.hota_tp + self.hota_fn + self.hota_fp)
        association = self.association_sum / np.maximum(1, self.hota_tp)
        return self._mean(np.sqrt(detection * association))

    @property
    def mota(self) -> float | None:
        """Hits less false boxes and identity switches, per truth box."""
        if not self._n_truth:
            return None
        return (self.tp - self.fp - self.identity_switches) / self._n_truth

    @property
    def motp(self) -> float | None:
        """Mean similarity of the hits."""
        return self.overlap_sum / self.tp if self.tp else None

    @property
    def idf1(self) -> float | None:
        """F1 of boxes when each truth track may have one label track only."""
        if not self._n_truth:
            return None
        return self.id_tp / (self.id_tp + 0.5 * self.id_fp + 0.5 * self.id_fn)

    @property
    def _n_truth(self) -> int:
        return self.tp + self.fn

    def _mean(self, values: Floats) -> float | None:
        return float(values.mean()) if self._n_truth else None


def score_tracks(
    truth: Tracked,
    labels: Tracked,
    truth_rows: Ints,
    label_rows: Ints,
    similarity: Floats,
    *,
    threshold: float = 0.5,
) -> TrackScore:
    """Score label tracks against truth tracks.

    Parameters
    ----------
    truth, labels : Tracked
        M and K boxes.
    truth_rows, label_rows : (P,) int64
        The pairs of boxes of one sweep that overlap, each pair once.
    similarity : (P,) float64
        Above 0, at most 1; a pair that is not listed has 0.
    threshold : float
        Similarity from which a pair may be a hit, for MOTA, MOTP and IDF1.

    Returns
    -------
    TrackScore
        All counts 0 where both are empty.
    """
    keep = similarity > 0
    i, j, similar = truth_rows[keep], label_rows[keep], similarity[keep]
    hota = _hota(truth, labels, i, j, similar)
    close = similar >= threshold - EPS
    clear = _clear(truth, labels, i[close], j[close], similar[close])
    sure = similar >= threshold
    id_tp = _identity_hits(truth.tracks[i[sure]], labels.tracks[j[sure]])
    return TrackScore(
        **hota, **clear, id_tp=id_tp, id_fp=len(labels) - id_tp, id_fn=len(truth) - id_tp
    )


def _hota(truth: Tracked, labels: Tracked, i: Ints, j: Ints, similar: Floats) -> dict[str, Any]:
    track_i, track_j = truth.tracks[i], labels.tracks[j]
    key, pair = np.unique(track_i * _count(labels.tracks) + track_j, return_inverse=True)
    around = np.bincount(i, similar, len(truth))[i] + np.bincount(j, similar, len(labels))[j]
    shared = np.bincount(pair, similar / (around - similar), len(key))
    size = (np.bincount(truth.tracks)[track_i] if len(i) else 0) + (
        np.bincount(labels.tracks)[track_j] if len(j) else 0
    )
    chosen = best_matching(i, j, shared[pair] / (size - shared[pair]) * similar)
    pair, similar = pair[chosen], similar[chosen]
    size_of_pair = np.zeros(len(key))
    size_of_pair[pair] = np.broadcast_to(size, chosen.shape)[chosen]
    tp, association, closeness = np.zeros((3, len(ALPHAS)))
    for k, alpha in enumerate(ALPHAS):
        hit = similar >= alpha - EPS
        count = np.bincount(pair[hit], minlength=len(key))
        tp[k] = np.count_nonzero(hit)
        closeness[k] = similar[hit].sum()
        association[k] = np.sum(count * (count / np.maximum(1, size_of_pair - count)))
    return {
        "hota_tp": tp,
        "hota_fp": len(labels) - tp,
        "hota_fn": len(truth) - tp,
        "association_sum": association,
        "similarity_sum": closeness,
    }


def _clear(truth: Tracked, labels: Tracked, i: Ints, j: Ints, similar: Floats) -> dict[str, Any]:
    before = _row_a_step_before(truth, labels)
    label_of = _continued_matching(truth, labels, before, i, j, similar)
    hit = np.flatnonzero(label_of >= 0)
    by_track = hit[np.lexsort((truth.sweeps[hit], truth.tracks[hit]))]
    follows = np.diff(truth.tracks[by_track]) == 0
    switches = follows & (np.diff(labels.tracks[label_of[by_track]]) != 0)
    starts = hit[(before[hit] < 0) | (label_of[before[hit]] < 0)]
    n_of_track = np.bincount(truth.tracks)
    hits_of_track = np.bincount(truth.tracks[hit], minlength=len(n_of_track))
    share = hits_of_track[n_of_track > 0] / n_of_track[n_of_track > 0]
    matched = label_of[i] == j
    return {
        "tp": len(hit),
        "fp": len(labels) - len(hit),
        "fn": len(truth) - len(hit),
        "overlap_sum": float(similar[matched].sum()),
        "identity_switches": int(np.count_nonzero(switches)),
        "fragmentations": len(starts) - len(np.unique(truth.tracks[hit])),
        "mostly_tracked": int(np.count_nonzero(share > 0.8)),
        "mostly_lost": int(np.count_nonzero(share < 0.2)),
    }


def _continued_matching(
    truth: Tracked, labels: Tracked, before: Ints, i: Ints, j: Ints, similar: Floats
) -> Ints:
    """Return the label row of each truth row, or -1: a pair that goes on beats a closer one."""
    label_of = np.full(len(truth), -1, dtype=np.int64)
    alone = is_alone(i, j)
    label_of[i[alone]] = j[alone]
    parts = list(crowded_parts(i, j))
    # In time order, since what goes on depends on the sweep before.
    for part in sorted(parts, key=lambda pairs: truth.sweeps[i[pairs[0]]]):
        row, column = i[part], j[part]
        last = np.where(before[row] >= 0, label_of[before[row]], -1)
        goes_on = (last >= 0) & (labels.tracks[last] == labels.tracks[column])
        chosen = best_of_part(row, column, 1000.0 * goes_on + similar[part])
        label_of[row[chosen]] = column[chosen]
    return label_of


def _row_a_step_before(truth: Tracked, labels: Tracked) -> Ints:
    """Return the row of the same track one step earlier, -1 if it was not there."""
    before = np.full(len(truth), -1, dtype=np.int64)
    # Steps are the sweeps that hold both truth and labels.
    steps = np.intersect1d(truth.sweeps, labels.sweeps)
    rows = np.flatnonzero(np.isin(truth.sweeps, steps))
    rows = rows[np.lexsort((truth.sweeps[rows], truth.tracks[rows]))]
    step = np.searchsorted(steps, truth.sweeps[rows])
    follows: Mask = (np.diff(truth.tracks[rows]) == 0) & (np.diff(step) == 1)
    before[rows[1:][follows]] = rows[:-1][follows]
    return before


def _identity_hits(track_i: Ints, track_j: Ints) -> int:
    """Return the most boxes that a one-to-one matching of whole tracks explains."""
    if not len(track_i):
        return 0
    pair, count = np.unique(np.column_stack([track_i, track_j]), axis=0, return_counts=True)
    chosen = best_matching(pair[:, 0], pair[:, 1], count.astype(np.float64))
    return int(count[chosen].sum())


def _count(indices: Ints) -> int:
    return int(indices.max()) + 1 if len(indices) else 1
