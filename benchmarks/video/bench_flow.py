"""Flow beside OpenCV's, one thread each: dense against DIS and Farneback, points against PyrLK.

`python benchmarks/video/bench_flow.py` prints errors and times; `pytest` on it times alone.
Times are the least of several rounds, in CPU time of the thread, since machines are shared.
"""

import time
from functools import partial

import cv2
import numpy as np
import pytest
from flow_truth import Pair, pairs

from perception_label import dense_flow, follow_points

cv2.setNumThreads(1)
ROUNDS = 5
LK = {"winSize": (21, 21), "maxLevel": 3, "criteria": (3, 30, 0.01)}


def dis(preset, first, second):
    return cv2.DISOpticalFlow_create(preset).calc(first, second, None)


def farneback(first, second):
    return cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 5, 15, 3, 5, 1.2, 0)


DENSE = {
    "ours, draft": partial(dense_flow, quality="draft"),
    "ours, fast": partial(dense_flow, quality="fast"),
    "ours, medium": partial(dense_flow, quality="medium"),
    "ours, fine": partial(dense_flow, quality="fine"),
    "DIS, fast": partial(dis, cv2.DISOPTICAL_FLOW_PRESET_FAST),
    "DIS, medium": partial(dis, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM),
    "Farneback": farneback,
}


def pyr_lk(first, second, points):
    found, ok, _ = cv2.calcOpticalFlowPyrLK(first, second, points[:, None], None, **LK)
    return found[:, 0], ok[:, 0] > 0


def pyr_lk_both_ways(first, second, points):
    found, ok = pyr_lk(first, second, points)
    back, ok_back = pyr_lk(second, first, found)
    return found, ok & ok_back & (np.linalg.norm(back - points, axis=1) <= 1)


def ours(first, second, points):
    return follow_points(first, second, points)[:2]


POINTS = {"ours, both ways": ours, "PyrLK, forwards": pyr_lk, "PyrLK, both ways": pyr_lk_both_ways}


def least_ms(call, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return 1e3 * min(times)


def corners(image, n=500):
    return cv2.goodFeaturesToTrack(image, n, 0.001, 7)[:, 0]


def large() -> Pair:
    """Return noise with structure at 1080p, its turned, grown, dimmed and noisy copy."""
    rng = np.random.default_rng(0)
    h, w = 1080, 1920
    picture = sum(
        (s * cv2.resize(rng.normal(0, 1, (h // s, w // s)), (w, h), interpolation=cv2.INTER_CUBIC))
        for s in (4, 8, 16, 32, 64)
    )
    first = np.clip(128 + picture, 0, 255)
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), 1.0, 1.02)
    turn[:, 2] += [7.3, -4.6]
    second = cv2.warpAffine(first, turn, (w, h), flags=cv2.INTER_CUBIC, borderMode=4)
    second = 0.85 * second + 15 + rng.normal(0, 2, second.shape)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    flow = np.stack([x, y], axis=2) @ (turn[:, :2] - np.eye(2)).T + turn[:, 2]
    ends = np.stack([x, y], axis=2) + flow
    inside = ((ends >= 0) & (ends <= [w - 1, h - 1])).all(axis=2)
    return first.astype(np.uint8), np.clip(second, 0, 255).astype(np.uint8), flow, inside


def report_dense(name, pair):
    first, second, flow, known = pair
    for method, call in DENSE.items():
        error = np.linalg.norm(call(first, second) - flow, axis=2)[known]
        ms = least_ms(partial(call, first, second))
        print(
            f"{name:14} {method:13} {error.mean():7.3f} px {(error > 3).mean():6.3f} {ms:7.1f} ms"
        )


def report_points(name, pair):
    first, second, flow, known = pair
    points = corners(first)
    column, row = points.round().astype(int).T
    points = np.ascontiguousarray(points[known[row, column]])
    column, row = points.round().astype(int).T
    for method, call in POINTS.items():
        found, ok = call(first, second, points)
        error = np.linalg.norm(found - points - flow[row, column], axis=1)
        ms = least_ms(partial(call, first, second, points))
        print(
            f"{name:14} {method:17} n {len(points)} ok {ok.mean():.3f} of those median "
            f"{np.median(error[ok]):.3f} mean {error[ok].mean():.3f} within 1 px "
            f"{(error[ok] < 1).mean():.3f}; all within 1 px {(error < 1).mean():.3f}; {ms:.2f} ms"
        )


@pytest.fixture(scope="module")
def pair():
    return large()


@pytest.mark.parametrize("method", DENSE)
@pytest.mark.benchmark(group="dense flow, 1080p")
def test_dense(benchmark, pair, method):
    benchmark.pedantic(DENSE[method], pair[:2], rounds=3, warmup_rounds=1)


@pytest.mark.parametrize("method", POINTS)
@pytest.mark.benchmark(group="500 points, 1080p")
def test_points(benchmark, pair, method):
    benchmark(POINTS[method], *pair[:2], corners(pair[0]))


if __name__ == "__main__":
    at_hand = {**pairs(), "1080p": large()}
    print("dense: mean error, share over 3 px, time")
    for name, pair_ in at_hand.items():
        report_dense(name, pair_)
    print("points")
    for name, pair_ in at_hand.items():
        report_points(name, pair_)
