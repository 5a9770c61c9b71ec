import numpy as np
import pytest

from perception_label.errors import SettingError
from perception_label.simulate.lidar import beam_elevations_rad, beams, kept, returned_power
from perception_label.simulate.settings import LidarSettings


@pytest.mark.parametrize("n_beams", [32, 64, 128])
def test_beams_rise_from_the_road_to_the_roofs(n_beams):
    elevation = beam_elevations_rad(n_beams)
    assert len(elevation) == n_beams
    assert (np.diff(elevation) > 0).all()
    assert elevation[0] < -0.4
    assert elevation[-1] > 0.15


def test_an_unknown_number_of_beams_lists_the_known():
    with pytest.raises(SettingError, match="32, 64, 128"):
        beam_elevations_rad(16)


def test_a_turn_covers_all_azimuths_once_and_ends_after_the_sweep():
    turn = beams(LidarSettings(azimuth_step_rad=0.01), 10.0)
    azimuth = np.arctan2(turn.directions[:, 0, 1], turn.directions[:, 0, 0])
    assert (np.diff(azimuth) < 0).all()
    assert np.linalg.norm(turn.directions, axis=-1) == pytest.approx(1)
    assert np.ptp(turn.offset_s) == pytest.approx(0.1, rel=0.01)


def test_far_dark_and_slanted_surfaces_return_less():
    lidar = LidarSettings(reach_m=100.0, drop_share=0.0)
    one = np.ones(1)
    near = returned_power(20 * one, one, 0.1 * one, lidar)
    assert returned_power(40 * one, one, 0.1 * one, lidar) == pytest.approx(near / 4)
    assert returned_power(20 * one, 0.2 * one, 0.1 * one, lidar) < near
    assert returned_power(100 * one, one, 0.1 * one, lidar) == pytest.approx(1)
    random = np.random.default_rng(0)
    assert kept(np.ones(20_000), lidar, random).mean() == pytest.approx(0.5, abs=0.02)
    assert kept(np.full(20_000, 5.0), lidar, random).mean() > 0.99
