import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import SettingError
from perception_label.simulate.plan import touching
from perception_label.simulate.settings import SceneSettings
from perception_label.simulate.truth import Truth

numbers = st.floats(-6, 6)
rectangle = st.tuples(numbers, numbers, st.floats(-4, 4), st.floats(0.5, 6), st.floats(0.5, 3))


def polygon(row):
    x, y, yaw, length, width = row
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [length / 2, width / 2]
    c, s = np.cos(yaw), np.sin(yaw)
    return shapely.Polygon(corners @ np.array([[c, s], [-s, c]]) + [x, y])


@given(rectangle, rectangle)
def test_touching_rectangles_are_those_that_intersect(a, b):
    gap = polygon(a).distance(polygon(b))
    found = touching(np.array([a]), np.array([b]), gap_m=0.0)[0]
    if gap > 1e-9:
        assert not found
    elif polygon(a).intersection(polygon(b)).area > 1e-6:
        assert found


def test_nothing_overlaps_at_any_time(recording):
    plan = recording.source.plan
    truth = Truth(plan)
    for i in range(0, plan.settings.n_sweeps, 3):
        cuboids, _ = truth.boxes(i)
        rows = np.column_stack([cuboids.center_m[:, :2], cuboids.yaw_rad, cuboids.size_m[:, :2]])
        a, b = np.triu_indices(len(rows), 1)
        near = np.hypot(*(rows[a, :2] - rows[b, :2]).T) < 15
        # Checked every quarter of a second with 5 cm to spare: none may really overlap.
        assert not touching(rows[a[near]], rows[b[near]], gap_m=-0.1).any()


def test_vehicles_drive_where_they_head(recording):
    plan = recording.source.plan
    times = np.linspace(0.1, 0.9, 9)
    checked = 0
    for actor in plan.actors:
        if actor.on_foot or not actor.drive.start_s <= 0 <= actor.drive.end_s - 1:
            continue
        place = actor.place(times)
        step = np.diff(place[:, :2], axis=0)
        far = np.hypot(*step.T)
        if far.min() < 0.1:
            continue
        aside = -step[:, 0] * np.sin(place[:-1, 2]) + step[:, 1] * np.cos(place[:-1, 2])
        assert (np.abs(aside) < 0.15 * far).all()
        checked += 1
    assert checked > 2


def test_the_ego_vehicle_stands_on_the_road(recording):
    plan = recording.source.plan
    pose = plan.world_from_ego(plan.sweep_times_s())
    assert pose[:, 2, 3] == pytest.approx(plan.town.height_m(pose[:, :2, 3]))
    assert (plan.town.outside_road_m(pose[:, :2, 3]) < 0).all()
    turned = pose[:, :3, :3] @ pose[:, :3, :3].swapaxes(1, 2)
    assert np.allclose(turned, np.eye(3))


@pytest.mark.parametrize("name", ["duration_s", "rate_hz", "label_radius_m"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(SettingError, match=name):
        SceneSettings(**{name: 0.0})
