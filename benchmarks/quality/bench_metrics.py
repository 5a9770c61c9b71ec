"""Scoring a log, and TrackEval on the same pairs."""

import numpy as np
import pytest
from trackeval.metrics import CLEAR, HOTA, Identity

from perception_label.config import Scoring
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.metrics import locate, score_labels
from perception_label.quality.metrics_tracking import Tracked, score_tracks
from perception_label.quality.pairs import pair_up

SIZES = {"4k": 40, "190k": 3600, "1.9M": 36_000}  # sweeps, of 53 boxes each


def make_log(n_sweeps, n_tracks=53, life=200, seed=0):
    """Truth around a moving ego, and labels of it with noise, gaps, switches and extras."""
    rng = np.random.default_rng(seed)
    times = np.arange(n_sweeps) * 100_000_000
    poses = np.tile(np.eye(4), (n_sweeps, 1, 1))
    poses[:, 0, 3] = np.arange(n_sweeps) * 0.8
    sweep = np.repeat(np.arange(n_sweeps), n_tracks)
    slot = np.tile(np.arange(n_tracks), n_sweeps)
    track = slot + n_tracks * ((sweep + slot * 7) // life)
    n = len(sweep)
    home = rng.uniform(-50, 50, (track.max() + 1, 3)) * [1, 1, 0.02]
    center = home[track] + np.column_stack([sweep * 0.8, np.zeros(n), np.zeros(n)])
    cuboids = Cuboids(center, np.tile([4.5, 1.9, 1.6], (n, 1)), np.zeros(n))
    truth = labels_of(times[sweep], track, cuboids)
    keep = rng.random(n) < 0.9
    shift = rng.normal(0, 0.25, (n, 3)) * [1, 1, 0.3]
    shift[rng.random(n) < 0.1] += 30
    found = Cuboids(center + shift, cuboids.size_m, rng.normal(0, 0.05, n))[keep]
    other = track[keep] + (track.max() + 1) * (sweep[keep] % 97 > 60)
    return truth, labels_of(times[sweep[keep]], other, found, rng.random(keep.sum())), times, poses


def labels_of(times, track, cuboids, scores=None):
    m = len(track)
    return Labels(
        timestamps_ns=times,
        tracks=track.astype(np.int32),
        track_names=tuple(map(str, range(int(track.max()) + 1))),
        classes=np.zeros(m, np.int16),
        class_names=("car",),
        cuboids=cuboids,
        scores=np.ones(m) if scores is None else scores,
        n_points=np.full(m, -1),
    )


@pytest.mark.benchmark(group="score_labels")
@pytest.mark.parametrize("size", SIZES)
def test_score_labels(benchmark, size):
    log = make_log(SIZES[size])
    rounds = 1 if size == "1.9M" else 3
    result = benchmark.pedantic(score_labels, log, rounds=rounds)
    assert result["vehicle"].tracks.hota > 0.3


@pytest.fixture(scope="module")
def pairs():
    truth, labels, times, poses = make_log(SIZES["4k"] * 5)
    sides = [locate(s, times, poses, max_range_m=Scoring().max_range_m) for s in (truth, labels)]
    met = pair_up(truth.cuboids, sides[0].sweeps, labels.cuboids, sides[1].sweeps)
    tracked = [
        Tracked(side.sweeps, np.unique(label.tracks, return_inverse=True)[1])
        for side, label in zip(sides, (truth, labels), strict=True)
    ]
    return *tracked, met.truth, met.label, met.iou_3d


@pytest.mark.benchmark(group="tracking metrics of 10,600 boxes")
def test_ours(benchmark, pairs):
    benchmark(score_tracks, *pairs)


@pytest.mark.benchmark(group="tracking metrics of 10,600 boxes")
def test_trackeval(benchmark, pairs):
    truth, labels, i, j, similarity = pairs
    n = int(truth.sweeps.max()) + 1
    matrices = []
    for s in range(n):
        a, b = np.flatnonzero(truth.sweeps == s), np.flatnonzero(labels.sweeps == s)
        here = truth.sweeps[i] == s
        matrix = np.zeros((len(a), len(b)))
        matrix[np.searchsorted(a, i[here]), np.searchsorted(b, j[here])] = similarity[here]
        matrices.append(matrix)
    data = {
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(labels),
        "num_gt_ids": int(truth.tracks.max()) + 1,
        "num_tracker_ids": int(labels.tracks.max()) + 1,
        "num_timesteps": n,
        "gt_ids": [truth.tracks[truth.sweeps == s] for s in range(n)],
        "tracker_ids": [labels.tracks[labels.sweeps == s] for s in range(n)],
        "similarity_scores": matrices,
    }
    metrics = [HOTA(), CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False})]
    result = benchmark(lambda: [metric.eval_sequence(data) for metric in metrics])
    ours = score_tracks(*pairs)
    assert ours.hota == pytest.approx(result[0]["HOTA"].mean())
    assert ours.mota == pytest.approx(result[1]["MOTA"])
    assert ours.idf1 == pytest.approx(result[2]["IDF1"])
