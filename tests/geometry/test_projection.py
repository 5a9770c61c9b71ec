import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import lens as oracle
from perception_label._core import lens as core
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.cameras import Camera, bent
from perception_label.geometry.poses import pose
from perception_label.geometry.projection import project_points, unproject_pixels

LENSES = {
    "plain": ("pinhole", ()),
    "brown": ("pinhole", (-0.16, 0.01, -0.0003, -8e-5)),
    "turns back": ("pinhole", (-0.5894, 0.66, 0.0011, -0.001, -1.0088)),
    "rational": ("pinhole", (0.1, 0.02, 0.001, 0.002, 0.003, 0.04, 0.01, 0.002)),
    "equidistant": ("fisheye", ()),
    "fisheye": ("fisheye", (-0.02, 0.003, -0.001, 0.0002)),
    "fisheye that turns back": ("fisheye", (-0.1, -0.02, 0.0, 0.0)),
}


def camera(name="plain", f=500.0):
    model, distortion = LENSES[name]
    matrix = ((f, 0.0, 320.5), (0.0, f + 1, 239.0), (0.0, 0.0, 1.0))
    return Camera(640, 480, matrix, np.eye(4), distortion, model)


def scene(seed, n=15):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3)) * [4, 3, 5] + [0, 0, 4]
    turn = rng.normal(size=4)
    return points, pose(rng.normal(size=3), turn / np.linalg.norm(turn))


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(LENSES)), st.booleans())
def test_kernels_match_their_oracles(seed, name, beyond):
    points, move = scene(seed)
    lens = camera(name).lens()
    ours = [np.empty((15, 2)), np.empty(15), np.empty(15, np.uint8)]
    theirs = [a.copy() for a in ours]
    core.project(points, move, lens, 0.1, beyond, *ours)
    oracle.project(points, move, lens, 0.1, beyond, *theirs)
    assert ours[2].tolist() == theirs[2].tolist()
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-12)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-7)
    pixels = np.random.default_rng(seed).uniform(-400, 1000, (4, 2))
    ours, theirs = [[np.empty((4, 3)), np.empty(4, np.uint8)] for _ in range(2)]
    core.unproject(pixels, lens, *ours)
    oracle.unproject(pixels, lens, *theirs)
    assert ours[1].tolist() == theirs[1].tolist()
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-8)


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(LENSES)))
def test_unprojecting_what_was_projected_gives_the_direction_back(seed, name):
    points, move = scene(seed)
    seen = project_points(camera(name), points, move)
    rays, is_valid = unproject_pixels(camera(name), seen.pixels[seen.is_valid])
    true = (points @ move[:3, :3].T + move[:3, 3])[seen.is_valid]
    # At the very limit rounding may put the way back outside.
    assert is_valid.sum() >= 0.9 * len(is_valid)
    np.testing.assert_allclose(
        rays[is_valid], (true / np.linalg.norm(true, axis=1)[:, None])[is_valid], atol=1e-9
    )


@pytest.mark.parametrize("name", sorted(LENSES))
def test_opencv_says_the_same(name):
    cv2 = pytest.importorskip("cv2")
    points, _ = scene(5, 500)
    lens = camera(name)
    seen = project_points(lens, points)
    chosen = seen.is_valid & (points[:, 2] > 0.1)
    matrix, none = np.array(lens.intrinsics), np.zeros(3)
    if lens.model == "fisheye":
        k = np.array(lens.distortion or (0, 0, 0, 0), dtype=float)
        theirs = cv2.fisheye.projectPoints(points[chosen][:, None], none, none, matrix, k)[0]
    else:
        k = np.array(lens.distortion or (0, 0, 0, 0), dtype=float)
        theirs = cv2.projectPoints(points[chosen], none, none, matrix, k)[0]
    np.testing.assert_allclose(seen.pixels[chosen], theirs[:, 0], atol=1e-6)
    assert chosen.sum() > 50


def test_points_far_outside_are_not_folded_into_the_picture():
    lens = camera("turns back")
    limit = lens.lens()[13]
    across = np.linspace(0, 3, 400)
    points = np.column_stack([across, np.zeros(400), np.ones(400)])
    seen = project_points(lens, points)
    assert (seen.is_valid == (across <= limit)).all()
    carried = project_points(lens, points, beyond=True)
    assert (np.diff(carried.pixels[:, 0]) > 0).all()
    assert (carried.is_valid == seen.is_valid).all()
    # OpenCV's formula alone would put this one back on the picture.
    u = 0.9**2
    folded = 0.9 * (1 - 0.5894 * u + 0.66 * u**2 - 1.0088 * u**3)
    assert 0 < 500 * folded < 320
    assert not seen.in_image[across > limit].any()


def test_a_lens_grows_up_to_its_limit():
    for name in LENSES:
        lens = camera(name).lens()
        radii = np.linspace(0, min(lens[13], 10.0), 300)
        assert (np.diff([bent(lens, r) for r in radii]) > 0).all(), name


def test_the_edge_of_the_picture_is_the_far_edge_of_its_last_pixel():
    lens = Camera(10, 10, ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1)), np.eye(4))
    seen = project_points(lens, [[-0.5, 0, 1], [9.5, 9.5, 1], [9.6, 0, 1], [-0.6, 0, 1]])
    assert seen.in_image.tolist() == [True, True, False, False]


def test_what_a_camera_cannot_see_has_no_pixel():
    points = [[0, 0, -5], [0, 0, 0.05], [np.nan, 0, 1], [np.inf, 0, 1], [0, 0, 1]]
    seen = project_points(camera(), points)
    assert seen.is_valid.tolist() == [False, False, False, False, True]
    assert np.isnan(seen.pixels[:4]).all()
    behind = project_points(camera("equidistant"), [[1.0, 0, -1.0]])
    assert behind.is_valid.all()
    assert behind.pixels[0, 0] == pytest.approx(320.5 + 500 * 3 * np.pi / 4)


def test_single_and_double_precision_agree():
    points, move = scene(1)
    points = points.astype(np.float32)
    one, two = project_points(camera(), points, move), project_points(camera(), points * 1.0, move)
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_nothing_in_gives_nothing_out():
    assert len(project_points(camera(), np.empty((0, 3)))) == 0
    assert unproject_pixels(camera(), np.empty((0, 2)))[0].shape == (0, 3)


def test_wrong_input_is_refused():
    with pytest.raises(ShapeError, match=r"expected \(N, 3\)"):
        project_points(camera(), np.zeros((3, 2)))
    with pytest.raises(ShapeError, match=r"expected \(4, 4\)"):
        project_points(camera(), np.zeros((3, 3)), np.eye(3))
    with pytest.raises(ShapeError, match=r"expected \(P, 2\)"):
        unproject_pixels(camera(), np.zeros((3, 3)))
    matrix = camera().intrinsics
    with pytest.raises(SettingError, match="expected a model"):
        project_points(Camera(6, 4, matrix, np.eye(4), (), "omni"), np.zeros((1, 3)))
    with pytest.raises(ShapeError, match="coefficients"):
        Camera(6, 4, matrix, np.eye(4), (0.1, 0.2, 0.3)).lens()
    with pytest.raises(ShapeError, match="finite"):
        Camera(6, 4, matrix, np.eye(4), (0.1, 0.2, 0.3, np.nan)).lens()
    with pytest.raises(ShapeError, match="above 0"):
        Camera(6, 4, ((0.0, 0, 1), (0, 1, 1), (0, 0, 1)), np.eye(4)).lens()
