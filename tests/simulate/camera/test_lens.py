import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import SettingError
from perception_label.simulate.camera.lens import Lens
from perception_label.simulate.settings import CameraSettings

PLAIN = Lens(500.0, (319.5, 199.5), (), False)
BENT = Lens(480.0, (319.5, 199.5), (-0.12, 0.03, 0.0004, -0.0003, 0.0), False)
FISHEYE = Lens(260.0, (319.5, 199.5), (0.02, -0.004, 0.001, -0.0002), True)
GRID = np.stack(np.meshgrid([0, 100, 319.5, 639], [0, 199.5, 399]), axis=-1).reshape(-1, 2)


def test_a_pinhole_divides_by_depth():
    at = PLAIN.pixels(np.array([[1.0, -2.0, 10.0], [0, 0, 3], [0, 0, -3]]))
    assert np.allclose(at[:2], [[369.5, 99.5], [319.5, 199.5]])
    assert np.isnan(at[2]).all()


def test_distortion_is_that_of_brown_and_conrady():
    x, y = 0.4, -0.3
    k1, k2, p1, p2, k3 = lens = (-0.2, 0.05, 0.001, -0.002, 0.01)
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    at = Lens(100.0, (0.0, 0.0), lens, False).pixels(np.array([[x * 7, y * 7, 7.0]]))
    assert np.allclose(at, [[100 * u, 100 * v]])


def test_a_fisheye_sees_sideways_and_behind():
    side = FISHEYE.pixels(np.array([[1.0, 0, 0], [1.0, 0, -0.2]]))
    angle = np.array([np.pi / 2, np.arctan2(1.0, -0.2)])
    k1, k2, k3, k4 = FISHEYE.distortion
    bent = angle * (1 + k1 * angle**2 + k2 * angle**4 + k3 * angle**6 + k4 * angle**8)
    assert np.allclose(side[:, 0], 319.5 + 260 * bent)
    assert np.allclose(side[:, 1], 199.5)


@pytest.mark.parametrize("lens", [PLAIN, BENT, FISHEYE])
def test_a_ray_falls_on_the_pixel_it_came_from(lens):
    rays = lens.rays(GRID)
    assert np.allclose(np.linalg.norm(rays, axis=1), 1)
    assert np.allclose(lens.pixels(7.5 * rays), GRID, atol=1e-6)


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_what_the_distortion_would_fold_back_is_nowhere(x, y):
    """Strong barrel distortion turns round at radius 1 / sqrt(3 * 0.3)."""
    at = Lens(100.0, (0.0, 0.0), (-0.3,), False).pixels(np.array([[x, y, 1.0]]))
    if np.hypot(x, y) > 1.06:
        assert np.isnan(at).all()
    elif np.hypot(x, y) < 0.9:
        assert np.isfinite(at).all()


def test_settings_that_are_no_camera_are_refused():
    with pytest.raises(SettingError, match="model: expected 'pinhole' or 'fisheye'"):
        CameraSettings(model="mirror")
    with pytest.raises(SettingError, match="at most 4 coefficients, got 5"):
        CameraSettings(model="fisheye")
    with pytest.raises(SettingError, match="rate_hz: expected more than 0"):
        CameraSettings(rate_hz=0)
