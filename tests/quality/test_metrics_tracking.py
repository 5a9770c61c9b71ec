"""TrackEval 1.3 is the oracle: random tracks, and real detections against real labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trackeval.metrics import CLEAR, HOTA, Identity

from perception_label.geometry.cuboids import Cuboids
from perception_label.quality.metrics_tracking import Tracked, score_tracks
from perception_label.quality.pairs import pair_up


def scene(seed, n_sweeps=12, n_truth=5, n_labels=6, density=0.4):
    """Boxes with random gaps, and a random sparse similarity in each sweep."""
    rng = np.random.default_rng(seed)
    sweeps, rows = [], []
    for n, share in ((n_truth, 0.8), (n_labels, 0.7)):
        there = rng.random((n_sweeps, n)) < share
        there[rng.random(n_sweeps) < 0.15] = False
        sweep, track = np.nonzero(there)
        order = rng.permutation(len(sweep))
        sweeps.append(Tracked(sweep[order], track[order]))
    truth, labels = sweeps
    i, j = np.nonzero(truth.sweeps[:, None] == labels.sweeps[None, :])
    similarity = rng.random(len(i))
    # A label that keeps to its truth, so that continuity matters.
    similarity[truth.tracks[i] == labels.tracks[j]] **= 0.3
    keep = rng.random(len(i)) < density
    rows = (i[keep], j[keep], similarity[keep])
    return truth, labels, *rows


def as_trackeval(truth, labels, i, j, similarity):
    dense = np.zeros((len(truth), len(labels)))
    dense[i, j] = similarity
    n_sweeps = int(max([0, *truth.sweeps, *labels.sweeps])) + 1
    _, truth_ids = np.unique(truth.tracks, return_inverse=True)
    _, label_ids = np.unique(labels.tracks, return_inverse=True)
    at = [
        (np.flatnonzero(truth.sweeps == s), np.flatnonzero(labels.sweeps == s))
        for s in range(n_sweeps)
    ]
    return {
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(labels),
        "num_gt_ids": len(set(truth_ids.tolist())),
        "num_tracker_ids": len(set(label_ids.tolist())),
        "num_timesteps": n_sweeps,
        "gt_ids": [truth_ids[a] for a, _ in at],
        "tracker_ids": [label_ids[b] for _, b in at],
        "similarity_scores": [dense[np.ix_(a, b)] for a, b in at],
    }


def check(truth, labels, i, j, similarity, threshold=0.5):
    ours = score_tracks(truth, labels, i, j, similarity, threshold=threshold)
    data = as_trackeval(truth, labels, i, j, similarity)
    config = {"PRINT_CONFIG": False, "THRESHOLD": threshold}
    hota = HOTA().eval_sequence(data)
    clear = CLEAR(config).eval_sequence(data)
    identity = Identity(config).eval_sequence(data)
    close = {"rel": 1e-9, "abs": 1e-12}
    assert ours.hota == pytest.approx(hota["HOTA"].mean(), **close)
    assert ours.det_a == pytest.approx(hota["DetA"].mean(), **close)
    assert ours.ass_a == pytest.approx(hota["AssA"].mean(), **close)
    assert ours.mota == pytest.approx(clear["MOTA"], **close)
    assert (ours.motp or 0) == pytest.approx(clear["MOTP"], **close)
    assert ours.idf1 == pytest.approx(identity["IDF1"], **close)
    assert (ours.tp, ours.fp, ours.fn) == (clear["CLR_TP"], clear["CLR_FP"], clear["CLR_FN"])
    assert ours.identity_switches == clear["IDSW"]
    assert ours.fragmentations == clear["Frag"]
    assert (ours.mostly_tracked, ours.mostly_lost) == (clear["MT"], clear["ML"])
    return ours


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.4, 0.9]), st.sampled_from([0.25, 0.5]))
def test_random_tracks_score_as_trackeval_scores_them(seed, density, threshold):
    truth, labels, *pairs = scene(seed, density=density)
    if len(truth) and len(labels):
        check(truth, labels, *pairs, threshold=threshold)


def test_a_crowded_scene_scores_as_trackeval_scores_it():
    check(*scene(3, n_sweeps=60, n_truth=20, n_labels=30, density=0.5))


def test_perfect_labels_score_one():
    truth, *_ = scene(1)
    rows = np.arange(len(truth))
    score = score_tracks(truth, truth, rows, rows, np.ones(len(truth)))
    assert (score.hota, score.mota, score.idf1) == pytest.approx((1, 1, 1))
    assert score.identity_switches == 0


def test_a_track_cut_in_two_costs_one_switch():
    sweeps = np.arange(10)
    truth = Tracked(sweeps, np.zeros(10, dtype=np.int64))
    labels = Tracked(sweeps, (sweeps >= 5).astype(np.int64))
    score = score_tracks(truth, labels, sweeps, sweeps, np.full(10, 0.8))
    assert score.identity_switches == 1
    assert score.mota == pytest.approx(0.9)
    assert score.idf1 == pytest.approx(0.5)


def test_scores_do_not_depend_on_the_order_of_rows():
    truth, labels, i, j, similarity = scene(7)
    shuffled = np.random.default_rng(0).permutation(len(truth))
    back = np.argsort(shuffled)
    moved = Tracked(truth.sweeps[shuffled], truth.tracks[shuffled])
    a = score_tracks(truth, labels, i, j, similarity)
    b = score_tracks(moved, labels, back[i], j, similarity)
    assert a.hota == pytest.approx(b.hota)
    assert (a.mota, a.idf1, a.fragmentations) == (b.mota, b.idf1, b.fragmentations)


def test_pooling_two_groups_is_scoring_them_as_one_with_distinct_tracks():
    first, second = scene(4), scene(5)
    gap = 100
    n, m = len(first[0]), len(first[1])
    both = [
        Tracked(np.r_[a.sweeps, b.sweeps + gap], np.r_[a.tracks, b.tracks + gap])
        for a, b in zip(first[:2], second[:2], strict=True)
    ]
    pooled = score_tracks(*first) + score_tracks(*second)
    whole = score_tracks(
        *both,
        np.r_[first[2], second[2] + n],
        np.r_[first[3], second[3] + m],
        np.r_[first[4], second[4]],
    )
    assert pooled.hota == pytest.approx(whole.hota)
    assert (pooled.mota, pooled.idf1) == pytest.approx((whole.mota, whole.idf1))


@pytest.mark.parametrize(("n", "m"), [(0, 0), (3, 0), (0, 3), (1, 1)])
def test_empty_sides_have_counts_and_no_ratios_without_truth(n, m):
    none = np.empty(0, dtype=np.int64)
    score = score_tracks(
        Tracked(np.arange(n), np.zeros(n, dtype=np.int64)),
        Tracked(np.arange(m), np.zeros(m, dtype=np.int64)),
        none,
        none,
        np.empty(0),
    )
    assert (score.tp, score.fp, score.fn) == (0, m, n)
    assert (score.hota, score.idf1) == ((0, 0) if n else (None, None))
    assert score.mota == (-m / n if n else None)
    assert score.motp is None


def kitti_cuboids(rows):
    """Columns h w l x y z ry of the rectified camera, as x ahead, y left, z up."""
    h, w, length, x, y, z, ry = rows.T
    center = np.column_stack([z, -x, -y + h / 2])
    return Cuboids(center, np.column_stack([length, w, h]), -ry - np.pi / 2)


def chained(sweeps, cuboids, gate_m=3.0):
    """The plainest tracker: each box takes the id of the nearest box of the sweep before."""
    ids = np.full(len(sweeps), -1, dtype=np.int64)
    for sweep in np.unique(sweeps):
        now, last = np.flatnonzero(sweeps == sweep), np.flatnonzero(sweeps == sweep - 1)
        for row in now:
            distance = np.linalg.norm(cuboids.center_m[last] - cuboids.center_m[row], axis=1)
            free = [k for k in np.argsort(distance) if ids[last[k]] not in ids[now]]
            near = free and distance[free[0]] < gate_m
            ids[row] = ids[last[free[0]]] if near else ids.max() + 1
    return ids


@pytest.mark.realdata
@pytest.mark.parametrize("sequence", ["0003", "0012", "0016"])
def test_real_detections_score_as_trackeval_scores_them(real_data, sequence):
    folder = real_data("kitti_tracking")
    lines = (folder / "label_02" / f"{sequence}.txt").read_text().splitlines()
    cars = [line.split() for line in lines if line.split()[2] in ("Car", "Van")]
    numbers = np.array([[float(v) for v in line[:2] + line[3:17]] for line in cars])
    detections = np.loadtxt(folder / "pointrcnn_Car" / f"{sequence}.txt", delimiter=",")
    found = kitti_cuboids(detections[:, 7:14])
    at = detections[:, 0].astype(np.int64)
    truth = Tracked(numbers[:, 0].astype(np.int64), numbers[:, 1].astype(np.int64))
    labels = Tracked(at, chained(at, found))
    met = pair_up(kitti_cuboids(numbers[:, 9:16]), truth.sweeps, found, labels.sweeps)
    score = check(truth, labels, met.truth, met.label, met.iou_3d, threshold=0.25)
    # Detections with wrong geometry would agree with TrackEval too, on nothing.
    assert score.motp > 0.6
