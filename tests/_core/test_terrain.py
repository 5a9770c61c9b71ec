import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import terrain as oracle
from perception_label._core import terrain

HALF = 1 << 30


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.floats(0.3, 3))
def test_plane_heights_match_least_squares(seed, n, reach):
    r = np.random.default_rng(seed)
    at = np.unique(r.integers(-8, 8, (n, 2)), axis=0)
    cells = np.sort((at[:, 0] + HALF) * 2**32 + at[:, 1] + HALF).astype(np.int64)
    heights = r.normal(size=len(cells)).astype(np.float32)
    places = r.uniform(-5, 5, (7, 2))
    args = (cells, heights, places, 0.5, reach, 2.0, 6, HALF)
    out, expected = np.empty(7), np.empty(7)
    terrain.plane_heights(*args, out)
    oracle.plane_heights(*args, expected)
    assert out == pytest.approx(expected, abs=1e-6, nan_ok=True)


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_choose_points_matches_its_twin(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-9, 9, (n, 3)).astype(np.float32)
    height = rng.uniform(-1, 6, n).astype(np.float32)
    points[::9, 0], height[::7] = np.nan, np.nan
    results = []
    for side in (terrain, oracle):
        ground, rows = np.zeros(n, np.uint8), np.zeros(n, np.int64)
        found = side.choose_points(points, height, 0.2, 4.5, 7.0, ground, rows)
        results.append((ground.tolist(), rows[:found].tolist()))
    assert results[0] == results[1]
