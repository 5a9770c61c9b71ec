import math
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import SettingError
from perception_label.simulate.effort.actions import Action, count, effort, load_seconds

SHIPPED = files("perception_label.simulate.effort").joinpath("seconds.toml").read_text()
KEYS = sorted(load_seconds().seconds)


def test_the_shipped_table_holds_the_published_seconds():
    table = load_seconds()
    assert table.seconds["create_box_manual"] == (23, 23, 114)
    assert table.seconds["verify_grid"] == (0.3, 0.5, 1)
    assert table.pause_factor == 1.15
    assert SHIPPED.count("source =") == len(table.seconds)


@given(st.lists(st.sampled_from(KEYS), max_size=30), st.integers(1, 9), st.floats(0.1, 100))
def test_effort_is_the_sum_of_the_rows(keys, n_tracks, sensor_s):
    table = load_seconds()
    rows = [Action("any", "t", -1, key) for key in keys]
    found = effort(rows, table, n_tracks=n_tracks, sensor_s=sensor_s)
    assert found.counts == count(rows)
    assert sum(found.counts.values()) == len(rows)
    for level, k in (("low", 0), ("nominal", 1), ("high", 2)):
        spent = 1.15 * sum(table.seconds[key][k] for key in keys)
        assert math.isclose(found.hours_per_sensor_hour[level], spent / sensor_s, abs_tol=1e-12)
        assert math.isclose(found.seconds_per_track[level], spent / n_tracks, abs_tol=1e-12)
        per_hour = found.seconds_per_track[level] * 17687 / 3600
        assert math.isclose(found.hours_per_w_hour[level], per_hour, abs_tol=1e-12)


def test_eight_hundred_hours_are_163_seconds_per_track():
    rows = [Action("key", "t", 0, "edit_keyframe")] * 71
    found = effort(rows, load_seconds(), n_tracks=4, sensor_s=1)
    assert found.seconds_per_track["nominal"] == pytest.approx(163.3)
    assert found.hours_per_w_hour["nominal"] == pytest.approx(802, abs=1)


def test_a_table_of_ones_own_replaces_the_shipped_one(tmp_path):
    path = tmp_path / "seconds.toml"
    path.write_text(SHIPPED.replace("nominal = 8.0\nhigh = 15.0", "nominal = 5.0\nhigh = 15.0"))
    assert load_seconds(path).seconds["edit_keyframe"] == (4, 5, 15)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("low = 4.0\nnominal = 8.0", "low = 9.0\nnominal = 8.0", "edit_keyframe"),
        ("[actions.edit_keyframe]", "[actions.edit_key]", "edit_key"),
        ("pause_factor = 1.15", "", "pause_factor"),
        ("low = 23.0", "low = 'fast'", "fast"),
        ("[actions.delete]", "[actions", "TOML"),
        ("high = 114.0", "high = inf", "inf"),
    ],
)
def test_a_damaged_table_is_one_clear_line(tmp_path, old, new, told):
    path = tmp_path / "own.toml"
    path.write_text(SHIPPED.replace(old, new, 1))
    with pytest.raises(SettingError, match=told) as caught:
        load_seconds(path)
    assert "own.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
