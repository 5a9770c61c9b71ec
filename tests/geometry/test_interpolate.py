import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from oracles import curves as oracle
from perception_label import Cuboids, interpolate, overlap_3d
from perception_label._core import curves
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cuboids import wrap
from perception_label.geometry.interpolate import METHODS

SEEDS = st.integers(0, 2**32 - 1)
EPOCH = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def drive(rng, k, *, along=True):
    """Return keys of something that mostly moves along its heading, unwrapped yaw, and times."""
    times = EPOCH + np.cumsum(rng.integers(SECOND // 2, 3 * SECOND, k))
    yaw = rng.uniform(-3, 3) + np.cumsum(rng.normal(0, 0.3, k))
    steps = rng.choice([0.0, 0.4, 6.0, 12.0, -3.0], k) * rng.uniform(0.8, 1.2, k)
    ahead = yaw + rng.normal(0, 0.1 if along else 2.0, k)
    xy = np.cumsum(steps[:, None] * np.column_stack([np.cos(ahead), np.sin(ahead)]), axis=0)
    size = rng.uniform(1, 5, (k, 3))
    return np.column_stack([xy + np.array([1e5, -1e5]), rng.normal(0, 1, k), size, yaw]), times


def asked(rng, times, s):
    at = rng.integers(times[0] - SECOND, times[-1] + SECOND, s)
    return np.concatenate([at, rng.choice(times, 2)])


@given(SEEDS, st.integers(1, 7))
def test_linear_matches_numpy(seed, k):
    rng = np.random.default_rng(seed)
    keys, times = drive(rng, k)
    at = asked(rng, times, 20)
    got, expected = np.empty((22, 7)), np.empty((22, 7))
    curves.linear(times, keys, at, got)
    oracle.linear(times, keys, at, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@given(SEEDS, st.integers(1, 7), st.booleans())
def test_makima_matches_scipy(seed, k, flat):
    rng = np.random.default_rng(seed)
    keys, times = drive(rng, k)
    keys[:, 3:6] = 2.0 if flat else keys[:, 3:6]
    at = asked(rng, times, 20)
    got, expected = np.empty((22, 7)), np.empty((22, 7))
    curves.makima(times, keys, at, got)
    oracle.makima(times, keys, at, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@hypothesis_settings(max_examples=25)
@given(SEEDS, st.integers(1, 5), st.booleans())
def test_motion_matches_quadrature(seed, k, along):
    rng = np.random.default_rng(seed)
    keys, times = drive(rng, k, along=along)
    at = asked(rng, times, 6)
    got, expected = np.empty((8, 7)), np.empty((8, 7))
    curves.motion(times, keys, at, got)
    oracle.motion(times, keys, at, expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@given(SEEDS, st.integers(1, 6))
def test_every_method_passes_through_the_keys_in_any_order(method, seed, k):
    rng = np.random.default_rng(seed)
    keys, times = drive(rng, k)
    keys[:, 6] = wrap(keys[:, 6])
    order = rng.permutation(k)
    got = interpolate(Cuboids.unpack(keys[order]), times[order], times, method=method)
    assert (got.packed()[:, :6] == keys[:, :6]).all()
    np.testing.assert_allclose(wrap(got.yaw_rad - keys[:, 6]), 0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(SEEDS, st.integers(1, 6), st.floats(-3, 3))
def test_rigid_motion_of_the_keys_moves_the_track_along(method, seed, k, angle):
    rng = np.random.default_rng(seed)
    keys, times = drive(rng, k)
    at = asked(rng, times, 9)
    # Akima's weights look at one axis at a time, so a rotation changes them.
    angle = 0.0 if method == "makima" else angle
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[:3, 3] = [7, -5, 2]
    one = Cuboids.unpack(keys - np.array([1e5, -1e5, 0, 0, 0, 0, 0]))
    a = interpolate(one.moved(pose), times, at, method=method)
    b = interpolate(one, times, at, method=method).moved(pose)
    np.testing.assert_allclose(a.center_m, b.center_m, rtol=0, atol=1e-6)
    np.testing.assert_allclose(wrap(a.yaw_rad - b.yaw_rad), 0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_yaw_takes_the_shorter_way_across_the_border(method):
    keys = Cuboids([[0, 0, 0], [0.1, 0, 0]], [[4, 2, 1.5]] * 2, [3.1, -3.1])
    got = interpolate(keys, np.array([0, 10]), np.array([5]), method=method)
    assert abs(got.yaw_rad[0]) == pytest.approx(np.pi, abs=1e-9)


def circle(angles, radius=20.0, length=4.0):
    """Return a car whose rear axle drives a circle; headings along the circle."""
    yaw = np.asarray(angles) + np.pi / 2
    axle = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    center = axle + 0.28 * length * np.column_stack([np.cos(yaw), np.sin(yaw)])
    size = np.tile([length, 1.8, 1.5], (len(yaw), 1))
    return Cuboids(np.column_stack([center, np.zeros(len(yaw))]), size, yaw)


def test_motion_keeps_a_car_on_its_circle():
    angles = np.linspace(0, np.pi, 3)  # a quarter turn from key to key
    fine = np.linspace(0, np.pi, 41)
    keys, times = circle(angles), np.array([0, 20, 40]) * 100_000_000
    at = np.arange(41) * 100_000_000
    inside = {
        m: np.diag(overlap_3d(interpolate(keys, times, at, method=m), circle(fine))).min()
        for m in METHODS
    }
    assert inside["motion"] > 0.97
    assert inside["linear"] < 0.2


def test_motion_reverses_and_stops_without_rolling_back():
    x = [0, 8, 8, 4]
    keys = Cuboids(np.column_stack([x, [0] * 4, [0] * 4]), [[4, 2, 1.5]] * 4, [0] * 4)
    at = np.arange(0, 61, 1) * 100_000_000
    got = interpolate(keys, np.array([0, 20, 40, 60]) * 100_000_000, at, method="motion")
    assert (np.diff(got.center_m[:21, 0]) >= 0).all()
    assert (got.center_m[20:41, 0] == 8).all()
    assert (np.diff(got.center_m[40:, 0]) <= 0).all()
    assert (got.yaw_rad == 0).all()


def test_outside_the_keys_motion_goes_on_and_the_others_hold():
    keys = Cuboids([[0, 0, 0], [10, 0, 1]], [[4, 2, 1.5]] * 2, [0, 0])
    times, at = np.array([0, SECOND]), np.array([-SECOND, 2 * SECOND])
    gone = interpolate(keys, times, at, method="motion").center_m
    np.testing.assert_allclose(gone, [[-10, 0, -1], [20, 0, 2]], rtol=0, atol=1e-9)
    for method in ("linear", "makima"):
        held = interpolate(keys, times, at, method=method)
        assert held.center_m.tolist() == keys.center_m.tolist()


def test_something_that_moves_sideways_goes_straight():
    keys = Cuboids([[0, 0, 0], [0, 6, 0]], [[0.8, 0.8, 1.7]] * 2, [0, 0.2])
    at = np.arange(11) * 100_000_000
    a = interpolate(keys, at[[0, -1]], at, method="motion")
    b = interpolate(keys, at[[0, -1]], at, method="linear")
    assert (a.packed() == b.packed()).all()


@pytest.mark.parametrize("method", METHODS)
def test_one_key_is_held_and_sizes_go_straight(method):
    one = Cuboids([[1, 2, 3]], [[4, 2, 1.5]], [0.5])
    got = interpolate(one, np.array([EPOCH]), EPOCH + np.array([-SECOND, 0, SECOND]), method=method)
    assert (got.packed() == one.packed()).all()
    two = Cuboids([[0, 0, 0], [9, 0, 0]], [[4, 2, 1], [6, 2, 2]], [0, 0])
    mid = interpolate(two, np.array([0, 10]), np.array([5]), method=method)
    assert mid.size_m.tolist() == [[5, 2, 1.5]]
    assert len(interpolate(two, np.array([0, 10]), np.empty(0, np.int64), method=method)) == 0


def test_keys_that_make_no_track_are_refused():
    two = Cuboids([[0, 0, 0], [9, 0, 0]], [[4, 2, 1]] * 2, [0, 0])
    at = np.array([0])
    with pytest.raises(SettingError, match="method: expected one of"):
        interpolate(two, np.array([0, 1]), at, method="cubic")
    with pytest.raises(ShapeError, match="expected each once, got 7 twice"):
        interpolate(two, np.array([7, 7]), at)
    with pytest.raises(ShapeError, match="at least one"):
        interpolate(two[:0], np.empty(0, np.int64), at)
    with pytest.raises(ShapeError, match=r"key_timestamps_ns: expected \(2,\)"):
        interpolate(two, np.array([0]), at)
    with pytest.raises(ShapeError, match="finite"):
        interpolate(
            Cuboids([[0, np.nan, 0]], [[4, 2, 1]], [0]),
            np.array([0]),
            at,
        )
    with pytest.raises(ShapeError, match="integers"):
        interpolate(two, np.array([0.0, 1.0]), at)
