"""Tracks from PointRCNN's cars on KITTI, and the forward Kalman baseline on the same boxes.

`python benchmarks/tracking/bench_association.py` prints accuracy and speed of both. Each takes
all detections and gets the threshold on a track's mean score that gives it the best MOTA; then
each takes only the detections above a threshold, the best of nine, with no filter on tracks.
"""

import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import forward_kalman
import kitti_detections as kitti

from perception_label import track_cuboids

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


if __name__ == "__main__":
    LOGS = [kitti.load(DATA, name) for name in kitti.SEQUENCES]
    TRUTHS = [truth for _, truth in LOGS]
    N = sum(truth.n_sweeps for truth in TRUTHS)
    for label, tracker in TRACKERS.items():
        shown = [tracker(*log) for log in LOGS]
        walls = []
        for _ in range(7):
            start = time.perf_counter()
            for log in LOGS:
                tracker(*log)
            walls.append(time.perf_counter() - start)
        print(
            f"{label}: {N / min(walls):,.0f} sweeps/s, mean MOTA over thresholds "
            f"{kitti.best(TRUTHS, shown)[2]:.3f}"
        )
        for how in (by_track_score, by_detection_score):
            threshold, score = how(tracker, LOGS, TRUTHS)
            print(
                f"  {how.__name__} >= {threshold:.2f}: MOTA {score.mota:.4f}, "
                f"HOTA {score.hota:.4f}, switches {score.identity_switches}, "
                f"false {score.fp}, missed {score.fn}"
            )
