import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import register as oracle
from perception_label._core import register

SIDE_M = 0.1
HALF_M = np.array([1.2, 0.8, 0.6])


def in_rows(points):
    points = np.asarray(points, dtype=np.float32)
    return np.ascontiguousarray(points[np.lexsort((points[:, 0], np.floor(points[:, 1])))])


def corner(seed, n):
    """Points on two upright faces that meet: what a sensor sees of a car."""
    r = np.random.default_rng(seed)
    along, up, which = r.uniform(-1, 1, n), r.uniform(-0.5, 0.5, n), r.random(n) < 0.6
    x = np.where(which, along, 1.0)
    y = np.where(which, -0.6, 0.6 * along)
    return np.column_stack([x, y, up]).astype(np.float32)


def shape_of(points, most=500):
    model, nearest = np.zeros((most, 3), np.float32), np.full((32, 24, 18), -1, np.int32)
    apart2 = np.full(nearest.shape, np.inf, np.float32)
    n = register.grow(points, np.zeros(4), HALF_M, 0.08, SIDE_M, 0, model, nearest, apart2)
    return model, nearest, n


@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.integers(1, 30))
def test_crop_matches_its_oracle(seed, n, most):
    r = np.random.default_rng(seed)
    points = in_rows(r.uniform(-4, 4, (n, 3)))
    pose = np.array([*r.uniform(-3, 3, 3), r.uniform(-4, 4)])
    half = r.uniform(0.3, 3, 3)
    out, expected = np.zeros((most, 3), np.float32), np.zeros((most, 3), np.float32)
    found = register.crop(points, pose, half, out)
    assert found == oracle.crop(points, pose, half, expected)
    assert out[:found] == pytest.approx(expected[:found], abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 25))
def test_grow_matches_its_oracle(seed, n):
    r = np.random.default_rng(seed)
    move = np.array([*r.uniform(-0.3, 0.3, 3), r.uniform(-0.5, 0.5)])
    points = r.uniform(-1.3, 1.3, (n, 3)).astype(np.float32)
    results = []
    for side in (register, oracle):
        model, nearest = np.zeros((20, 3), np.float32), np.full((32, 24, 18), -1, np.int32)
        apart2 = np.full(nearest.shape, np.inf, np.float32)
        found = side.grow(points, move, HALF_M, 0.08, SIDE_M, 0, model, nearest, apart2)
        results.append((found, model, nearest))
    assert results[0][0] == results[1][0]
    assert results[0][1] == pytest.approx(results[1][1], abs=1e-5)
    # Ties of distance may fall either way in single and double precision: compare distances.
    n_model = results[0][0]
    assert ((results[0][2] < 0) == (results[1][2] < 0)).all()
    assert (results[0][2] == results[1][2]).mean() > 0.999
    assert results[0][2].max(initial=-1) < max(n_model, 1)


@given(st.integers(0, 2**32 - 1))
def test_likeness_and_curvature_match_their_oracles(seed):
    r = np.random.default_rng(seed)
    model, nearest, _ = shape_of(corner(seed, 60))
    points = corner(seed + 1, 30)
    poses = np.column_stack([r.uniform(-0.4, 0.4, (3, 3)), r.uniform(-0.3, 0.3, 3)])
    args = (model, nearest, SIDE_M, HALF_M)
    out, expected = np.empty(3), np.empty(3)
    register.likeness(points, poses, *args, 0.15, 0.5, out)
    oracle.likeness(points, poses, *args, 0.15, 0.5, expected)
    assert out == pytest.approx(expected, abs=1e-4)
    steps = np.array([0.15, 0.15, 0.05])
    curved, slow = np.empty((3, 3)), np.empty((3, 3))
    register.curvature(points, poses[0], *args, 0.25, steps, curved)
    oracle.curvature(points, poses[0], *args, 0.25, steps, slow)
    assert curved == pytest.approx(slow, abs=0.5, rel=1e-3)


@given(st.integers(0, 2**32 - 1))
def test_align_matches_its_oracle(seed):
    r = np.random.default_rng(seed)
    model, nearest, _ = shape_of(corner(seed, 200))
    points = corner(seed + 1, 40)
    start = np.array([[*r.uniform(-0.1, 0.1, 2), r.uniform(-0.05, 0.05), r.uniform(-0.05, 0.05)]])
    radii = np.array([0.3, 0.15])
    args = (model, nearest, SIDE_M, HALF_M, radii, 0.0, 0.15, 0.5)
    fast, slow, out, expected = start.copy(), start.copy(), np.empty(1), np.empty(1)
    register.align(points, fast, *args, out)
    oracle.align(points, slow, *args, expected)
    # A point on a border between cells may meet another neighbour after rounding.
    assert fast == pytest.approx(slow, abs=5e-3)
    assert out == pytest.approx(expected, abs=0.5)


def test_align_finds_where_the_points_went():
    model, nearest, _ = shape_of(corner(1, 400))
    truth = np.array([0.21, -0.13, 0.0, 0.06])
    c, s = np.cos(truth[3]), np.sin(truth[3])
    local = corner(2, 200).astype(np.float64)
    points = np.column_stack(
        [
            truth[0] + c * local[:, 0] - s * local[:, 1],
            truth[1] + s * local[:, 0] + c * local[:, 1],
            local[:, 2],
        ]
    ).astype(np.float32)
    poses, out = np.zeros((1, 4)), np.empty(1)
    radii = np.array([0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.1, 0.1])
    register.align(points, poses, model, nearest, SIDE_M, HALF_M, radii, 0.0, 0.15, 0.5, out)
    assert poses[0] == pytest.approx(truth, abs=0.03)
    assert out[0] > 150


def test_starts_that_meet_end_as_one():
    model, nearest, _ = shape_of(corner(1, 400))
    points = corner(2, 100)
    starts = np.zeros((3, 4))
    starts[1:, 0] = 0.1, 5.0
    args = (model, nearest, SIDE_M, HALF_M, np.array([0.3, 0.2, 0.1]), 0.5, 0.15, 0.5)
    poses, out = starts.copy(), np.empty(3)
    slow, expected = starts.copy(), np.empty(3)
    register.align(points, poses, *args, out)
    oracle.align(points, slow, *args, expected)
    assert (poses[0] == poses[1]).all()
    assert out[0] == out[1]
    assert out[2] == -1e9
    assert poses == pytest.approx(slow, abs=5e-3)
    assert out == pytest.approx(expected, abs=0.5)


def test_a_wall_holds_a_pose_only_across_it():
    r = np.random.default_rng(3)
    wall = np.column_stack(
        [r.uniform(-1.1, 1.1, 400), np.full(400, 0.5), r.uniform(-0.5, 0.5, 400)]
    )
    model, nearest, _ = shape_of(wall.astype(np.float32))
    middle = wall[np.abs(wall[:, 0]) < 0.6][:100].astype(np.float32)
    out = np.empty((3, 3))
    steps = np.array([0.15, 0.15, 0.05])
    register.curvature(middle, np.zeros(4), model, nearest, SIDE_M, HALF_M, 0.25, steps, out)
    assert out[1, 1] > 5 * abs(out[0, 0])
