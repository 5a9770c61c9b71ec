"""Tracks from PointRCNN's cars on KITTI, and the forward Kalman baseline on the same boxes.

`python benchmarks/tracking/bench_association.py` prints accuracy and speed of both. Each takes
all detections and gets the threshold on a track's mean score that gives it the best MOTA; then
each takes only the detections above a threshold, the best of nine, with no filter on tracks.
Pedestrians and cyclists follow, and the speed on a simulated street of 190 cars in each sweep.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import forward_kalman
import kitti_detections as kitti

from perception_label import Cuboids, track_cuboids

DATA = Path(os.environ.get("PERCEPTION_LABEL_DATA", "../shared/data")) / "kitti_tracking"
DETECTION_THRESHOLDS = (-9.0, 0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def ours(found, truth):
    """Return what is shown, and its ids."""
    ids = track_cuboids(found.cuboids, found.timestamps_ns, scores=found.scores)
    return found[ids >= 0], ids[ids >= 0]


def baseline(found, truth):
    sweeps, ids, rows, cuboids = forward_kalman.track(found.sweeps, found.cuboids, truth.n_sweeps)
    return kitti.Found(sweeps, cuboids, found.scores[rows], found.boxes_px[rows]), ids


TRACKERS = {"ours": ours, "forward Kalman": baseline}


@pytest.fixture(scope="module")
def logs():
    if not DATA.exists():
        pytest.skip(f"real recordings are not under {DATA}")
    return [kitti.load(DATA, name) for name in kitti.SEQUENCES]


@pytest.mark.benchmark(group="tracks from 2,421 detections of 431 sweeps")
@pytest.mark.parametrize("name", TRACKERS)
def test_tracker(benchmark, logs, name):
    run = TRACKERS[name]
    benchmark.pedantic(lambda: [run(*log) for log in logs], rounds=3, warmup_rounds=1)


def test_more_accurate_than_the_baseline_at_each_best_threshold(logs):
    truths = [truth for _, truth in logs]
    for choose in (by_track_score, by_detection_score):
        mine, theirs = (choose(run, logs, truths)[1] for run in TRACKERS.values())
        assert mine.mota > theirs.mota
        assert mine.identity_switches < theirs.identity_switches


def by_track_score(run, logs, truths):
    return kitti.best(truths, [run(*log) for log in logs])[:2]


def by_detection_score(run, logs, truths):
    scored = []
    for threshold in DETECTION_THRESHOLDS:
        total = None
        for found, truth in logs:
            part = kitti.judge(truth, *run(found[found.scores >= threshold], truth))
            total = part if total is None else total + part
        scored.append((threshold, total))
    return max(scored, key=lambda s: s[1].mota)


def street(n_sweeps, n_cars=190):
    """Return cuboids and times of cars that stand or drive 8 m/s, 15 % of boxes missed."""
    rng = np.random.default_rng(0)
    sweep, car = np.repeat(np.arange(n_sweeps), n_cars), np.tile(np.arange(n_cars), n_sweeps)
    speed = rng.choice([0, 0, 0, 8, -8], n_cars)[car]
    x = (car % 20) * 8 + (sweep % 200) * 0.1 * speed + sweep * 0.8
    center = np.column_stack([x, (car // 20) * 6, 0 * x]) + rng.normal(0, 0.3, (len(x), 3))
    keep = rng.random(len(x)) < 0.85
    size = np.tile([4.4, 1.8, 1.5], (int(keep.sum()), 1))
    return Cuboids(center[keep], size, np.zeros(len(size))), sweep[keep] * 100_000_000


def fastest_s(run, rounds=5):
    walls = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        walls.append(time.perf_counter() - start)
    return min(walls)


def report(kind, chosen):
    logs = [kitti.load(DATA, name, kind) for name in kitti.SEQUENCES]
    truths = [truth for _, truth in logs]
    n_sweeps = sum(truth.n_sweeps for truth in truths)
    for name, run in TRACKERS.items():
        mean = kitti.best(truths, [run(*log) for log in logs])[2]
        wall_s = fastest_s(lambda run=run: [run(*log) for log in logs])
        print(f"{kind}, {name}: {n_sweeps / wall_s:,.0f} sweeps/s, mean MOTA {mean:.3f}")
        for how in chosen:
            threshold, score = how(run, logs, truths)
            print(
                f"  {how.__name__} >= {threshold:.2f}: MOTA {score.mota:.4f}, "
                f"HOTA {score.hota:.4f}, switches {score.identity_switches}, "
                f"false {score.fp}, missed {score.fn}"
            )


if __name__ == "__main__":
    report("Car", (by_track_score, by_detection_score))
    report("Pedestrian", (by_track_score,))
    report("Cyclist", (by_track_score,))
    CROWD = street(500)
    print(f"street: {500 / fastest_s(lambda: track_cuboids(*CROWD), 3):,.0f} sweeps/s")
