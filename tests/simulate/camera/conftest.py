import pytest

from perception_label.simulate.camera import SimulatedCamera
from perception_label.simulate.settings import CameraSettings

SMALL = CameraSettings(width_px=160, height_px=100, focal_px=120.0, offset_s=0.033)


@pytest.fixture(scope="session")
def plan(recording):
    return recording.source.plan


@pytest.fixture(scope="session")
def camera(recording, plan):
    return SimulatedCamera(plan, SMALL, caster=recording.source.caster)


@pytest.fixture(scope="session")
def labelled(camera):
    return camera.labelled(4)
