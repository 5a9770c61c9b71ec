import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from oracles import sight as oracle
from perception_label._core import sight as core
from perception_label.errors import ShapeError
from perception_label.geometry.cameras import Camera
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.poses import inverse
from perception_label.geometry.projection import project_points
from perception_label.geometry.sight import occluded_shares, outlines

MATRIX = ((400.0, 0.0, 319.5), (0.0, 400.0, 239.5), (0.0, 0.0, 1.0))
PLAIN = Camera(640, 480, MATRIX, np.eye(4))
BENT = Camera(640, 480, MATRIX, np.eye(4), (-0.2, 0.03, 0.001, -0.001, 0.0))
FISHEYE = Camera(
    640, 480, ((200.0, 0, 319.5), (0, 200.0, 239.5), (0, 0, 1.0)), np.eye(4), (), "fisheye"
)
# Looks along world x, 1.5 m above ground.
AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1.5], [0, 0, 0, 1]])


def cars(*centers, size=(4.0, 2.0, 1.5), yaw=0.0):
    n = len(centers)
    return Cuboids(np.reshape(centers, (-1, 3)), np.tile(size, (n, 1)), np.full(n, yaw))


@given(st.integers(0, 2**32 - 1))
def test_kernels_match_their_oracles(seed):
    rng = np.random.default_rng(seed)
    m, r, p, n = 4, 6, 30, 3
    yaw = rng.uniform(-4, 4, m)
    boxes = np.column_stack(
        [rng.uniform(-6, 6, (m, 3)), np.cos(yaw), np.sin(yaw), rng.uniform(0.5, 4, (m, 3))]
    )
    rays = rng.normal(size=(m * r, 3)) + np.repeat(boxes[:, :3], r, axis=0) / 4
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    first_ray = np.arange(m + 1, dtype=np.int64) * r
    rivals = np.concatenate([np.delete(np.arange(m), j) for j in range(m)]).astype(np.int32)
    first_rival = np.arange(m + 1, dtype=np.int64) * (m - 1)
    ours, theirs = [[np.empty(m * r), np.empty(m * r, np.int32)] for _ in range(2)]
    core.cast(rays, first_ray, boxes, first_rival, rivals, 0.1, *ours)
    oracle.cast(rays, first_ray, boxes, first_rival, rivals, 0.1, *theirs)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-9)
    assert ours[1].tolist() == theirs[1].tolist()
    points = rng.uniform(-12, 12, (p, 3))
    pixels = rng.uniform(0, 100, (p, 2))
    pixels = pixels[np.argsort(pixels[:, 0])]
    flat = np.column_stack([rng.uniform(0, 40, (m, 2)), rng.uniform(50, 100, (m, 2))])
    spans = np.searchsorted(pixels[:, 0], flat[:, ::2])
    counts = [np.zeros((m, n, n, 2), np.int32) for _ in range(2)]
    core.sort_points(points, pixels, boxes, flat, spans, 0.3, 0.02, counts[0])
    oracle.sort_points(points, pixels, boxes, flat, spans, 0.3, 0.02, counts[1])
    assert counts[0].tolist() == counts[1].tolist()


def test_a_car_ahead_has_the_box_that_its_near_face_has():
    seen = outlines(PLAIN, AHEAD, cars((12, 0, 0.75)))
    # The rear face is 10 m ahead: 2 m wide, from the ground to the camera's height.
    np.testing.assert_allclose(seen.boxes_px[0], [320 - 40, 240, 320 + 40, 240 + 60], atol=0.01)
    assert seen.shown[0] == pytest.approx(1)
    assert seen.range_m[0] == pytest.approx(np.hypot(12, 0.75))
    assert shapely.area(seen.polygons[0]) <= 80 * 60 + 1e-6


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([PLAIN, BENT, FISHEYE]),
)
def test_outlines_hold_every_point_of_their_cuboids(seed, camera):
    rng = np.random.default_rng(seed)
    boxes = Cuboids(
        np.column_stack([rng.uniform(4, 40, 5), rng.uniform(-15, 15, 5), rng.uniform(-1, 3, 5)]),
        rng.uniform(0.5, 6, (5, 3)),
        rng.uniform(-4, 4, 5),
    )
    seen = outlines(camera, AHEAD, boxes)
    inside = boxes.center_m[:, None] + (
        (boxes.corners_m() - boxes.center_m[:, None])[:, rng.integers(0, 8, 30)]
        * rng.uniform(0, 1, (5, 30, 1))
    )
    for j in range(5):
        shown = project_points(camera, inside[j], inverse(AHEAD))
        pixels = shown.pixels[shown.in_image] + 0.5
        if not seen.is_seen[j]:
            assert len(pixels) == 0 or np.linalg.norm(boxes.center_m[j]) < 6
            continue
        x0, y0, x1, y1 = seen.boxes_px[j]
        slack = 0.6  # edges bend between the points that follow them
        assert (pixels >= [x0 - slack, y0 - slack]).all()
        assert (pixels <= [x1 + slack, y1 + slack]).all()
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480


def test_a_car_half_beyond_the_edge_is_half_shown():
    # The picture's left edge looks along y = 0.8 x.
    x = 40.0
    seen = outlines(PLAIN, AHEAD, cars((x, 0.8 * x, 1.5), size=(0.01, 4.0, 1.0)))
    assert seen.shown[0] == pytest.approx(0.5, abs=0.01)
    assert seen.boxes_px[0, 0] == 0
    assert seen.whole_px[0, 0] == pytest.approx(-20, abs=0.1)


def test_what_is_behind_holds_the_camera_or_is_not_finite_does_not_appear():
    boxes = cars((-10, 0, 0.75), (0.5, 0, 1.0), (np.nan, 0, 0), (10, 60, 0), (12, 0, 0.75))
    for camera in (PLAIN, BENT):
        seen = outlines(camera, AHEAD, boxes)
        assert seen.is_seen.tolist() == [False, False, False, False, True]
        assert np.isnan(seen.boxes_px[:4]).all()


def test_a_truck_alongside_is_cut_off_at_the_cameras_plane():
    seen = outlines(PLAIN, AHEAD, cars((3.0, -2.5, 1.0), size=(16.0, 2.5, 3.0)))
    assert np.isfinite(seen.boxes_px).all()
    assert seen.boxes_px[0, 2] == 640
    assert 0 < seen.shown[0] < 1


def test_a_fisheye_sees_sideways_and_not_behind():
    seen = outlines(FISHEYE, AHEAD, cars((0.0, 8, 0.75), (-9, 0, 0.75), (-1, -6, 0.75)))
    assert seen.is_seen.tolist() == [True, False, True]
    assert seen.boxes_px[0, 2] < 320 < seen.boxes_px[2, 0]


def test_nearer_cuboids_hide_others():
    boxes = cars((12, 0, 0.75), (22, 0, 0.75), (22, -2, 0.75), (22, 12, 0.75))
    hidden = occluded_shares(PLAIN, AHEAD, boxes, outlines(PLAIN, AHEAD, boxes))
    assert hidden[0] == 0
    assert hidden[1] > 0.95
    assert 0.1 < hidden[2] < 0.9
    assert hidden[3] == 0


def test_points_before_a_cuboid_hide_it_and_those_on_it_do_not():
    box = cars((22, 0, 0.75))
    seen = outlines(PLAIN, AHEAD, box)
    rng = np.random.default_rng(0)
    spread = np.column_stack([np.zeros(3000), rng.uniform(-1, 1, 3000), rng.uniform(0, 1.5, 3000)])
    on = spread + np.array([20.0, 0, 0])
    assert occluded_shares(PLAIN, AHEAD, box, seen, on)[0] == 0
    wall = spread * 0.6 + np.array([12.0, 0, 0.6])
    assert occluded_shares(PLAIN, AHEAD, box, seen, np.concatenate([on, wall]))[0] > 0.9
    half = wall[wall[:, 1] > 0]
    share = occluded_shares(PLAIN, AHEAD, box, seen, np.concatenate([on, half]))[0]
    assert share == pytest.approx(0.5, abs=0.1)
    # The same points in another coordinate frame say the same.
    move = np.array([[0.0, -1, 0, 5], [1, 0, 0, -3], [0, 0, 1, 1], [0, 0, 0, 1]])
    there = np.concatenate([on, half]) @ inverse(move)[:3, :3].T + inverse(move)[:3, 3]
    assert occluded_shares(PLAIN, AHEAD, box, seen, there, move)[0] == pytest.approx(share)


def test_nothing_in_gives_nothing_out():
    none = cars()
    seen = outlines(PLAIN, AHEAD, none)
    assert seen.boxes_px.shape == (0, 4)
    assert occluded_shares(PLAIN, AHEAD, none, seen, np.empty((0, 3))).shape == (0,)


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match="world_from_camera"):
        outlines(PLAIN, np.eye(3), cars())
    with pytest.raises(ShapeError, match="outlines"):
        occluded_shares(PLAIN, AHEAD, cars((9, 0, 0)), outlines(PLAIN, AHEAD, cars()))
