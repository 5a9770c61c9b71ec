import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.town import Town, stream

places = st.tuples(st.floats(-5e3, 5e3), st.floats(-5e3, 5e3))


@settings(max_examples=25)
@given(st.integers(0, 50), places)
def test_the_bent_plan_can_be_undone(seed, place):
    town = Town(SceneSettings(seed=seed))
    xy = town.world(np.array([place[0]]), np.array([place[1]]))
    assert np.abs(town.plan(xy) - [place]).max() < 1e-3


@settings(max_examples=15)
@given(st.integers(0, 50), st.integers(-3, 3), st.sampled_from([0, 1]))
def test_the_kerb_runs_along_the_street(seed, index, axis):
    town = Town(SceneSettings(seed=seed))
    street = town.street(axis, index)
    a, b = (town.street(1 - axis, k) for k in (0, 1))
    middle = np.linspace(a.at_m + a.half_width_m + 12, b.at_m - b.half_width_m - 12, 9)
    for lateral in (-1, 1):
        kerb = town.along(street, middle, lateral * np.full(9, street.half_width_m))[:, :2]
        assert np.abs(town.outside_road_m(kerb)).max() < 0.35
    centre = town.along(street, middle)[:, :2]
    assert (town.outside_road_m(centre) < -2.5).all()
    assert town.is_painted(centre + 0.0).shape == (9,)


def test_slope_is_the_derivative_of_height():
    town = Town(SceneSettings(seed=2))
    xy = np.random.default_rng(0).uniform(-300, 300, (40, 2))
    for axis in (0, 1):
        step = np.eye(2)[axis] * 1e-4
        rise = (town.height_m(xy + step) - town.height_m(xy - step)) / 2e-4
        assert town.slope(xy)[:, axis] == pytest.approx(rise, abs=1e-6)


def test_streams_are_the_same_when_asked_again_and_differ_by_key():
    assert stream(3, 1, -2).random(4).tolist() == stream(3, 1, -2).random(4).tolist()
    assert stream(3, 1, -2).random() != stream(3, 1, 2).random()
    assert stream(3, 1).random() != stream(4, 1).random()
