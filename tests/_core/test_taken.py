import numpy as np

from _core.test_register import in_rows
from oracles import taken as oracle
from perception_label._core import taken

HALF_M, SIDE_M = np.array([2.0, 1.0, 0.8]), 0.3
POSE = np.array([10.3, -4.1, 0.5, 0.7])


def cells():
    return np.zeros(np.ceil(2 * HALF_M / SIDE_M).astype(int) + 3, np.uint8)


def test_mark_and_free_match_their_oracles():
    rng = np.random.default_rng(3)
    sweeps = [in_rows(rng.normal(POSE[:3], (2, 2, 0.5), (200, 3))) for _ in range(8)]
    own = rng.uniform(-HALF_M, HALF_M, (150, 3)).astype(np.float32)
    own[:2] = HALF_M, -HALF_M
    results = []
    for side in (taken, oracle):
        marked, points = cells(), own.copy()
        for bit, sweep in enumerate(sweeps):
            side.mark(sweep, POSE, HALF_M, SIDE_M, bit, np.empty((40, 3), np.float32), marked)
        n = side.free(points, HALF_M, SIDE_M, 4, marked)
        results.append((marked, points[:n]))
    assert (results[0][0] == results[1][0]).all()
    assert (results[0][1] == results[1][1]).all()
    assert 0 < len(results[0][1]) < len(own)


def test_all_points_are_free_where_nothing_was():
    none, scratch, marked = np.empty((0, 3), np.float32), np.empty((9, 3), np.float32), cells()
    taken.mark(none, POSE, HALF_M, SIDE_M, 0, scratch, marked)
    assert taken.free(np.zeros((5, 3), np.float32), HALF_M, SIDE_M, 1, marked) == 5
    assert taken.free(none, HALF_M, SIDE_M, 1, marked) == 0
