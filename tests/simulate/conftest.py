import pytest

from perception_label.simulate.log import simulate_log
from perception_label.simulate.settings import LidarSettings, SceneSettings

COARSE = LidarSettings(n_beams=32, azimuth_step_rad=0.012)


@pytest.fixture(scope="session")
def small():
    return SceneSettings(
        seed=3, duration_s=1.0, vehicles=14, cyclists=3, pedestrians=25, lidar=COARSE
    )


@pytest.fixture(scope="session")
def recording(small):
    return simulate_log(small)


@pytest.fixture(scope="session")
def made(recording, small):
    return [recording.source.labelled(i) for i in range(small.n_sweeps)]
