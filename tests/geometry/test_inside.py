import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import inside as oracle
from perception_label import Cuboids, points_inside
from perception_label.errors import ShapeError
from perception_label.geometry import inside

SEEDS = st.integers(0, 2**32 - 1)
BOX = Cuboids([[0, 0, 0]], [[4, 2, 1.5]], [0])


def scene(seed, n, m):
    rng = np.random.default_rng(seed)
    cuboids = Cuboids(
        rng.uniform(-9, 9, (m, 3)) * [1, 1, 0.1], rng.uniform(0.2, 8, (m, 3)), rng.uniform(-4, 4, m)
    )
    return rng.uniform(-12, 12, (n, 3)).astype(np.float32) * np.float32([1, 1, 0.2]), cuboids


@given(SEEDS, st.integers(0, 60), st.integers(0, 9), st.booleans())
def test_grid_matches_the_oracle(seed, n, m, wide):
    points, cuboids = scene(seed, n, m)
    points = points.astype(np.float64) if wide else points
    lookup = inside._Lookup.build(cuboids).arrays()
    counts, marks = np.zeros(m, np.int64), np.zeros((m, n), np.uint8)
    first = np.full(n, -1, np.int32)
    oracle.count_inside(points, *lookup, counts)
    oracle.mark_inside(points, *lookup, marks)
    oracle.assign_first(points, *lookup, first)
    assert points_inside(points, cuboids).tolist() == counts.tolist()
    assert points_inside(points, cuboids, mask=True).tolist() == marks.astype(bool).tolist()
    assert inside.assign_points(points, cuboids).tolist() == first.tolist()


@given(SEEDS, st.integers(0, 60), st.integers(0, 9), st.floats(0, 2))
def test_raised_points_match_the_oracle(seed, n, m, rise_m):
    points, cuboids = scene(seed, n, m)
    counts = np.zeros((m, 2), np.int64)
    oracle.count_raised(points, *inside._Lookup.build(cuboids).arrays(), rise_m, counts)
    assert inside.points_above_bottom(points, cuboids, rise_m).tolist() == counts.tolist()
    assert counts[:, 0].tolist() == points_inside(points, cuboids).tolist()


@given(SEEDS, st.integers(1, 9))
def test_cells_list_cuboids_in_rising_order(seed, m):
    rng = np.random.default_rng(seed)
    first, last = np.sort(rng.integers(0, 5, (2, m, 2)), axis=0)
    spans = np.stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]], axis=1)
    total = int(np.prod(last - first + 1, axis=1).sum())
    got = np.zeros(26, np.int64), np.empty(total, np.int32)
    expected = np.zeros(26, np.int64), np.empty(total, np.int32)
    inside.core.fill_cells(spans, 5, *got)
    oracle.fill_cells(spans, 5, *expected)
    assert [a.tolist() for a in got] == [a.tolist() for a in expected]


@given(SEEDS)
def test_order_of_points_and_cuboids_changes_nothing(seed):
    points, cuboids = scene(seed, 200, 8)
    rng = np.random.default_rng(seed)
    order = rng.permutation(8)
    counts = points_inside(points, cuboids)
    assert points_inside(rng.permutation(points), cuboids[order]).tolist() == counts[order].tolist()


def test_faces_edges_and_corners_are_inside():
    corners = np.array([[2, 1, 0.75], [-2, 1, 0], [2, 0, 0], [0, -1, -0.75]], dtype=np.float32)
    beyond = np.array([[2.001, 0, 0], [0, 1.001, 0], [0, 0, 0.751]])
    for yaw in (0, np.pi / 2, 0.3, -2.5):
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        box = Cuboids(BOX.center_m, BOX.size_m, [yaw])
        assert points_inside(corners @ turn.T, box).tolist() == [4]
        assert points_inside(beyond @ turn.T, box).tolist() == [0]


def test_utm_coordinates_keep_their_digits():
    far = np.array([4.0e5, 5.4e6, 120.0])
    box = Cuboids([far], [[4, 2, 1.5]], [0.4])
    points = box.corners_m()[0] * 0.999 + far * 0.001
    assert points_inside(points, box).tolist() == [8]
    assert points_inside(points + np.array([0, 0, 0.01]), box).tolist() == [4]


def test_huge_and_distant_cuboids_do_not_make_a_huge_grid():
    cuboids = Cuboids(
        [[0, 0, 0], [1e7, -1e7, 0], [0, 0, 0]], [[4, 2, 2], [4, 2, 2], [1e6, 1e6, 2]], [0, 1, 0]
    )
    points = np.array([[1, 0, 0], [1e7, -1e7, 0], [4e5, 4e5, 0], [9e8, 0, 0]])
    assert points_inside(points, cuboids).tolist() == [1, 1, 2]
    assert inside.assign_points(points, cuboids).tolist() == [0, 1, 2, -1]


def test_nan_is_outside_everything():
    points = np.array([[np.nan, 0, 0], [0, np.inf, 0], [0, 0, np.nan], [0, 0, 0]])
    assert points_inside(points, BOX).tolist() == [1]
    broken = Cuboids([[0, 0, 0], [np.nan, 0, 0]], [[4, 2, 2]] * 2, [0, 0])
    assert points_inside(points, broken).tolist() == [1, 0]
    assert points_inside(points, broken[[1]]).tolist() == [0]


def test_nothing_in_nothing_out():
    none = BOX[:0]
    assert points_inside(np.empty((0, 3)), BOX).tolist() == [0]
    assert points_inside(np.zeros((5, 3)), none).shape == (0,)
    assert points_inside(np.zeros((5, 3)), none, mask=True).shape == (0, 5)
    assert inside.assign_points(np.zeros((2, 3)), none).tolist() == [-1, -1]


def test_read_only_points_are_taken_and_other_shapes_refused():
    points = np.zeros((3, 3), dtype=np.float32)
    points.flags.writeable = False
    assert points_inside(points, BOX).tolist() == [3]
    with pytest.raises(ShapeError, match=r"expected \(N, 3\)"):
        points_inside(np.zeros((3, 2)), BOX)
