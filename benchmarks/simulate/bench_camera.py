"""One image of 640 x 400 in a simulated town, its truth and its flow. No rival; a sweep beside it.

python -m pytest benchmarks/simulate/bench_camera.py
"""

import itertools
from dataclasses import replace

import pytest

from perception_label.simulate.camera import SimulatedCamera
from perception_label.simulate.log import SimulatedSweeps
from perception_label.simulate.plan import make_plan
from perception_label.simulate.settings import CameraSettings, SceneSettings

LOG = SceneSettings(seed=1, duration_s=10.0)
GROUP = "simulate: one image, 640 x 400"


@pytest.fixture(scope="module")
def source():
    made = SimulatedSweeps(make_plan(LOG))
    made(30)  # the scene around is built once
    return made


def camera_of(source, **changes):
    settings = replace(CameraSettings(), **changes)
    made = SimulatedCamera(source.plan, settings, caster=source.caster)
    made.image(29)
    return made


@pytest.mark.benchmark(group=GROUP)
@pytest.mark.parametrize("smooth", [True, False], ids=["smooth edges", "one ray a pixel"])
def test_image(benchmark, source, smooth):
    camera, turn = camera_of(source, smooth_edges=smooth), itertools.cycle(range(30, 40))
    assert benchmark(lambda: camera.image(next(turn))).shape == (400, 640, 3)


@pytest.mark.benchmark(group=GROUP)
def test_image_with_truth(benchmark, source):
    camera, turn = camera_of(source), itertools.cycle(range(30, 40))
    assert len(benchmark(lambda: camera.labelled(next(turn))).boxes)


@pytest.mark.benchmark(group=GROUP)
def test_flow(benchmark, source):
    camera, turn = camera_of(source), itertools.cycle(range(30, 40))
    assert benchmark(lambda: camera.flow(next(turn))).is_seen.any()


@pytest.mark.benchmark(group=GROUP)
def test_a_sweep_of_64_beams(benchmark, source):
    turn = itertools.cycle(range(30, 40))
    assert len(benchmark(lambda: source(next(turn))))
