import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from perception_label.geometry.overlap import overlap_bev_pairs

CAR_M = (4.5, 1.85, 1.5)
SEEDS = st.integers(0, 2**32 - 1)


def near_sides(center_m, size_m, yaw_rad, step_m=0.1):
    """Points on the sides of a box that a sensor at the origin sees, up to its top."""
    length, width, height = size_m
    x, y, _ = center_m
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    along, across = -(c * x + s * y), -(c * y - s * x)
    u = np.linspace(-0.5, 0.5, round(length / step_m)) * length
    v = np.linspace(-0.5, 0.5, round(width / step_m)) * width
    parts = []
    if abs(along) > length / 2:
        parts.append(np.column_stack([np.full(len(v), np.sign(along) * length / 2), v]))
    if abs(across) > width / 2:
        parts.append(np.column_stack([u, np.full(len(u), np.sign(across) * width / 2)]))
    local = np.concatenate(parts)
    rise = np.linspace(0.2, 1, 5) * height
    local, z = np.tile(local, (5, 1)), np.repeat(rise, len(local))
    flat = local @ np.array([[c, s], [-s, c]]) + [x, y]
    return np.column_stack([flat, z + center_m[2] - height / 2])


def street(seed, n=6):
    """Cars around the sensor, far enough apart, of which it sees two sides each."""
    rng = np.random.default_rng(seed)
    boxes, parts = [], []
    for k in range(n):
        bearing = 2 * np.pi * (k + rng.uniform(0.2, 0.8)) / n
        x, y = rng.uniform(8, 40) * np.array([np.cos(bearing), np.sin(bearing)])
        # 30 to 60 degrees off the line of sight: both sides are well seen.
        yaw = bearing + np.radians(rng.uniform(30, 60)) * rng.choice([-1, 1])
        boxes.append([x, y, 0.2, *CAR_M, yaw])
        parts.append(near_sides((x, y, 0.2), CAR_M, yaw))
    labels = np.repeat(np.arange(n), [len(p) for p in parts]).astype(np.int32)
    return np.concatenate(parts), labels, pl.Cuboids.unpack(np.array(boxes))


def turned(a_rad, b_rad):
    """How far two axes differ, radians: which end is the front does not count."""
    return np.abs((a_rad - b_rad + np.pi / 2) % np.pi - np.pi / 2)


@given(SEEDS)
def test_two_seen_sides_of_a_car_give_the_car(seed):
    points, labels, truth = street(seed)
    fitted = pl.fit_cuboids(points, labels, ground_z_m=-0.55)
    assert turned(fitted.yaw_rad, truth.yaw_rad).max() < np.radians(3.01)
    np.testing.assert_allclose(fitted.center_m, truth.center_m, atol=0.3)
    # A few hundredths larger: real cars are rounded, these are not.
    np.testing.assert_allclose(fitted.size_m, truth.size_m, atol=0.4)
    assert overlap_bev_pairs(fitted, truth).min() > 0.8


@pytest.mark.parametrize(("x", "y"), [(12, 0), (-12, 0), (0, 12), (0, -12)])
def test_a_rear_straight_ahead_is_completed_along_the_line_of_sight(x, y):
    yaw = np.arctan2(y, x)
    points = near_sides((x, y, 0.75), CAR_M, yaw)
    fitted = pl.fit_cuboids(points, np.zeros(len(points), np.int64), ground_z_m=0)
    np.testing.assert_allclose(fitted.center_m, [[x, y, 0.75]], atol=0.05)
    np.testing.assert_allclose(fitted.size_m, [CAR_M * np.array([1, 1.06, 1])], atol=0.05)
    assert turned(fitted.yaw_rad, yaw).max() < np.radians(1.5)


def test_the_corner_nearest_the_sensor_stays():
    # Half of a car's side and its rear: the seen corner is at (10, 4).
    side = np.column_stack([np.linspace(10, 12.5, 30), np.full(30, 4.0), np.linspace(0, 1.5, 30)])
    rear = np.column_stack([np.full(15, 10.0), np.linspace(4, 5.2, 15), np.linspace(0, 1.5, 15)])
    points = np.concatenate([side, rear])
    fitted = pl.fit_cuboids(points, np.zeros(45, np.int32))
    np.testing.assert_allclose(fitted.size_m, [CAR_M], atol=0.01)
    np.testing.assert_allclose(fitted.center_m[0, :2], [10 + 4.5 / 2, 4 + 1.85 / 2], atol=0.05)


def test_without_completion_the_rectangle_is_what_was_seen():
    points, labels, _ = street(4)
    fitted = pl.fit_cuboids(points, labels, complete=False)
    grown = pl.fit_cuboids(points, labels)
    assert (fitted.size_m[:, :2] <= grown.size_m[:, :2] + 1e-9).all()
    slack = np.add(fitted.size_m, [0.05, 0.05, 1e-4])
    around = pl.Cuboids(fitted.center_m, slack, fitted.yaw_rad)
    inside = pl.points_inside(points, around, mask=True)
    assert inside[labels, np.arange(len(points))].mean() > 0.97
    np.testing.assert_allclose(fitted.size_m[:, 2], 0.8 * CAR_M[2], atol=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((0.4, 0.5, 1.7), (0.7, 0.7)),  # pedestrian
        ((9.0, 0.3, 1.5), (9.0, 0.0)),  # wall: the sensor sees its one side
        ((18.0, 6.0, 4.0), (18.0, 6.0)),  # building
        ((8.0, 2.5, 3.2), (8.4, 2.64)),  # lorry, longer than the usual one
    ],
)
def test_what_a_cluster_looks_like_gives_its_size(size, expected):
    points = near_sides((0, 20 if size[1] < 0.5 else 25, size[2] / 2), size, 0.0)
    if size[0] == 9.0:
        points = points[np.abs(points[:, 1] - points[:, 1].min()) < 0.01]
    else:
        far = np.add(near_sides((0, -25, size[2] / 2), size, 0.0), [0, 50, 0])  # the far side too
        points = np.concatenate([points, far])
    fitted = pl.fit_cuboids(points, np.zeros(len(points), np.int32), ground_z_m=0)
    np.testing.assert_allclose(fitted.size_m[0, :2], expected, atol=0.02)


def test_a_rider_seen_from_behind_is_no_car():
    points = near_sides((15, 0, 0.85), (1.7, 0.6, 1.7), 0.0)
    deep = np.add(near_sides((-15, 0, 0.85), (1.7, 0.6, 1.7), 0.0), [30, 0, 0])
    points = np.concatenate([points, deep])
    fitted = pl.fit_cuboids(points, np.zeros(len(points), np.int32), ground_z_m=0)
    np.testing.assert_allclose(fitted.size_m, [[1.8, 0.7, 1.7]], atol=0.02)


@given(SEEDS, st.integers(-35, 36))
def test_turning_points_and_sensor_turns_the_cuboids(seed, steps):
    # The search steps are whole degrees, coarse ones of five: turn by those.
    angle = np.radians(5 * steps)
    points, labels, _ = street(seed)
    here = pl.fit_cuboids(points, labels)
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose[:3, 3] = [30.0, -12.0, 2.0]
    moved = points @ pose[:3, :3].T + pose[:3, 3]
    there = pl.fit_cuboids(moved, labels, sensor_origin_m=pose[:3, 3])
    expected = here.moved(pose)
    # Two headings may be as good as one another, and rounding then picks: one car in 400 turns.
    same = turned(there.yaw_rad, expected.yaw_rad) < np.radians(4.01)
    same &= np.abs(there.center_m - expected.center_m).max(axis=1) < 0.2
    same &= np.abs(there.size_m - expected.size_m).max(axis=1) < 0.3
    same &= overlap_bev_pairs(there, expected) > 0.85
    assert same.sum() >= len(same) - 1


@given(SEEDS)
def test_order_of_points_changes_nothing(seed):
    points, labels, _ = street(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    here = pl.fit_cuboids(points, labels).packed()
    there = pl.fit_cuboids(points[order], labels[order]).packed()
    np.testing.assert_allclose(there, here, atol=1e-9)


@given(SEEDS, st.integers(0, 6))
def test_each_cluster_is_fitted_on_its_own(seed, swap):
    points, labels, _ = street(seed)
    number = np.roll(np.arange(6), swap)
    together = pl.fit_cuboids(points, number[labels]).packed()
    for k in range(6):
        alone = pl.fit_cuboids(points[labels == k], np.zeros((labels == k).sum(), int)).packed()
        np.testing.assert_array_equal(together[number[k]], alone[0])


def test_far_coordinates_fit_as_near_ones():
    points, labels, _ = street(9)
    origin = np.array([4.2e5, 5.1e6, 250.0])
    here = pl.fit_cuboids(points, labels)
    there = pl.fit_cuboids(points + origin, labels, sensor_origin_m=origin)
    np.testing.assert_allclose(there.center_m - origin, here.center_m, atol=1e-4)
    np.testing.assert_allclose(there.size_m, here.size_m, atol=1e-4)


def test_points_of_no_cluster_and_points_that_are_not_finite_are_ignored():
    points, labels, _ = street(2)
    bad = np.array([[np.nan, 0, 0], [0, np.inf, 0], [1, 2, -np.inf], [500, 500, 0]])
    more = np.concatenate([bad, points])
    numbers = np.concatenate([[0, 1, 2, -1], labels])
    np.testing.assert_array_equal(
        pl.fit_cuboids(more, numbers).packed(), pl.fit_cuboids(points, labels).packed()
    )


def test_nothing_gives_no_cuboids():
    assert len(pl.fit_cuboids(np.empty((0, 3)), np.empty(0, np.int32))) == 0
    assert len(pl.fit_cuboids(np.zeros((4, 3)), np.full(4, -1))) == 0
    assert len(pl.fit_cuboids(np.full((4, 3), np.nan), np.zeros(4, int))) == 1


def test_one_point_is_a_cuboid_of_no_size_there():
    fitted = pl.fit_cuboids(np.array([[3.0, 4.0, 1.0]]), np.zeros(1, np.int32))
    assert fitted.packed().tolist() == [[3, 4, 1, 0, 0, 0, 0]]
    standing = pl.fit_cuboids(np.array([[3.0, 4.0, 1.0]]), np.zeros(1, np.int32), ground_z_m=0)
    assert standing.packed().tolist() == [[3, 4, 0.5, 0, 0, 1, 0]]


def test_two_points_span_an_upright_cuboid_without_a_heading():
    fitted = pl.fit_cuboids(np.array([[3.0, 4.0, 1.0], [5.0, 5.0, 2.0]]), np.zeros(2, np.int32))
    assert fitted.packed().tolist() == [[4, 4.5, 1.5, 2, 1, 1, 0]]


def test_collinear_points_give_their_line():
    t = np.linspace(0, 2, 11)
    points = np.column_stack([10 + t * np.cos(0.6), t * np.sin(0.6), t / 2])
    fitted = pl.fit_cuboids(points, np.zeros(11, np.int32), complete=False)
    assert turned(fitted.yaw_rad, 0.6)[0] < np.radians(1.01)
    np.testing.assert_allclose(fitted.size_m, [[2, 0, 1]], atol=0.04)


def test_a_number_without_points_has_a_cuboid_of_no_size_at_the_sensor():
    points, labels, _ = street(1)
    fitted = pl.fit_cuboids(points, labels * 2, sensor_origin_m=(0.5, 0, 1), ground_z_m=-0.5)
    assert len(fitted) == 11
    assert fitted.packed()[1].tolist() == [0.5, 0, 1, 0, 0, 0, 0]
    np.testing.assert_array_equal(
        fitted.packed()[::2],
        pl.fit_cuboids(points, labels, sensor_origin_m=(0.5, 0, 1), ground_z_m=-0.5).packed(),
    )


def test_the_ground_may_differ_by_cluster_and_be_unknown():
    points, labels, _ = street(1, n=3)
    ground = np.array([-2.0, np.nan, 99.0])
    fitted = pl.fit_cuboids(points, labels, ground_z_m=ground)
    bottom = fitted.center_m[:, 2] - fitted.size_m[:, 2] / 2
    lowest, top = 0.2 - 0.75 + 0.3, 0.95
    # Ground above the cluster's top is not believed: a cuboid without height, not a negative one.
    np.testing.assert_allclose(bottom, [-2.0, lowest, top], atol=1e-5)


@pytest.mark.parametrize(
    ("points", "labels", "more", "message"),
    [
        (np.zeros((3, 2)), np.zeros(3, int), {}, r"points_m: expected \(N, 3\)"),
        (np.zeros((3, 3)), np.zeros(2, int), {}, r"labels: expected \(3,\), got \(2,\)"),
        (np.zeros((3, 3)), np.zeros(3), {}, "labels: expected integers, got dtype float64"),
        (
            np.zeros((3, 3)),
            np.zeros(3, int),
            {"sensor_origin_m": (0, 0)},
            r"sensor_origin_m: expected \(3,\), got \(2,\)",
        ),
        (
            np.zeros((3, 3)),
            np.zeros(3, int),
            {"ground_z_m": [0.0, 1.0]},
            r"ground_z_m: expected a number or \(1,\), got \(2,\)",
        ),
    ],
)
def test_wrong_shapes_are_refused(points, labels, more, message):
    with pytest.raises(pl.LabelError, match=message):
        pl.fit_cuboids(points, labels, **more)
