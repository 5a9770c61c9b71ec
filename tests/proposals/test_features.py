import numpy as np
import pytest

from perception_label.proposals.clusters import list_clusters
from perception_label.proposals.features import (
    AZIMUTH_BINS,
    CELL_M,
    GATE_NAMES,
    HALF_M,
    NAMES,
    describe,
    describe_clusters,
    survey,
)
from perception_label.proposals.hypotheses import AS_SEEN, VEHICLE, Hypotheses, suggest
from proposals.scenes import listed, sides

GROUND = 1


def cell(x, y):
    return int(np.floor((x + HALF_M) / CELL_M)), int(np.floor((y + HALF_M) / CELL_M))


def hypothesis(*footprint):
    one = np.zeros(1, np.int64)
    return Hypotheses(
        one, one + AS_SEEN, one + VEHICLE, np.array([footprint]), np.array([footprint[2:4]])
    )


def car_ahead():
    """A car's rear and left side 10 m ahead on open ground, a wall 30 m ahead."""
    car = sides(12.25, -2.0, 4.5, 1.8, 0.0, step=0.02)
    x, y = np.meshgrid(np.arange(4, 28, 0.1), np.arange(-9, 9, 0.1))
    under = (np.abs(x - 12.25) < 2.35) & (np.abs(y + 2) < 1)
    flat = np.column_stack([x[~under], y[~under], np.zeros((~under).sum())])
    wall = np.column_stack([np.full(900, 30.0), np.linspace(-15, 15, 900), np.ones(900)])
    points = np.concatenate([car, flat, wall])
    is_ground = np.repeat([False, True, False], [len(car), len(flat), len(wall)])
    return points, is_ground


def features_of(footprint):
    points, is_ground = car_ahead()
    around = survey(points, points[:, 2], is_ground)
    # Fewer points than describe thins to.
    car = sides(12.25, -2.0, 4.5, 1.8, 0.0, step=0.2)
    out = describe(listed([car]), hypothesis(*footprint), around)
    return dict(zip(NAMES, out[0].tolist(), strict=True))


def test_there_are_as_many_names_as_columns():
    clusters = listed([sides(10, 3, 4.5, 1.8, 0.4), sides(-9, 3, 0.5, 0.4, 0.4)])
    found = suggest(clusters, clusters.closeness_yaw(), np.empty(0))
    around = survey(np.empty((0, 3)), np.empty(0), np.empty(0, bool))
    features = describe(clusters, found, around)
    assert features.shape == (len(found), len(NAMES))
    assert np.isfinite(features).all()
    assert describe_clusters(clusters).shape == (2, len(GATE_NAMES))
    assert len(set(NAMES)) == len(NAMES)
    assert len(set(GATE_NAMES)) == len(GATE_NAMES)


def test_survey_marks_what_was_hit_where_and_how_high():
    points = np.array(
        [[10.1, 0.1, 0], [10.1, 0.1, 1.0], [10.1, 0.1, 2.0], [-5.1, 3.1, 0.1], [0.1, 7.1, 5.0]]
    )
    around = survey(points, points[:, 2], np.array([True, False, False, True, False]))
    assert around.hit[cell(10.1, 0.1)] == 80  # 2 m in steps of 2.5 cm
    assert around.hit[cell(-5.1, 3.1)] == GROUND
    assert (around.hit > 0).sum() == 2  # 5 m up is above everything of interest
    ahead = int((np.arctan2(0.1, 10.1) + np.pi) / (2 * np.pi) * AZIMUTH_BINS)
    assert np.flatnonzero(around.first_m < 1e8).tolist() == [ahead]
    assert around.first_m[ahead] == pytest.approx(np.hypot(10.1, 0.1))


def test_a_point_that_is_not_finite_leaves_no_mark():
    points = np.array([[np.nan, 1, 1], [1, np.inf, 1], [1, 1, np.nan]])
    around = survey(points, points[:, 2], np.zeros(3, bool))
    assert (around.hit == 0).all()
    assert (around.first_m > 1e8).all()


def test_the_right_cuboid_explains_the_sweep():
    right = features_of((12.25, -2.0, 4.5, 1.8, 0.0))
    assert right["outside"] == 0
    assert right["near_edge_10cm"] == 1
    assert right["side_filled"] == right["front_filled"] == 1
    assert right["ground_inside"] == 0
    assert right["ground_around"] > 0.7
    assert right["rays_hit"] == 1
    assert right["rays_through"] == right["rays_hidden"] == right["rays_lost"] == 0
    assert right["ray_gap_max_m"] < 0.1
    gaps = [right[f"{side}_gap_m"] for side in ("front", "side", "back", "far_side")]
    np.testing.assert_allclose(gaps, 0, atol=1e-4)
    assert right["range_m"] == pytest.approx(np.hypot(12.25, 2.0), rel=1e-5)
    assert right["template"] == AS_SEEN


def test_a_cuboid_on_the_wrong_side_of_the_points_does_not():
    wrong = features_of((7.75, -2.0, 4.5, 1.8, 0.0))
    assert wrong["ground_inside"] > 0.5
    assert wrong["outside"] > 0.5
    assert wrong["rays_through"] > 0.2


def test_what_stands_before_a_cuboid_hides_it():
    behind = features_of((20.0, -3.2, 4.5, 1.8, 0.0))
    assert behind["rays_hidden"] == 1
    assert behind["rays_hit"] == 0


def test_describe_clusters_by_hand():
    xy = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [8.0, 6.0], [8.0, 6.5]])
    found = list_clusters(
        xy, np.array([0.2, 0.4, 0.9, 1, 2]), [np.array([0, 0, 0, 1, 1], np.int32)]
    )
    table = [dict(zip(GATE_NAMES, row, strict=True)) for row in describe_clusters(found)]
    assert table[0]["range_m"] == pytest.approx(5)
    assert table[1]["range_m"] == pytest.approx(np.hypot(8, 6.25))
    assert (table[1]["span_narrow_m"], table[1]["span_wide_m"]) == (0, 0.5)
    assert table[0]["lowest_m"] == pytest.approx(0.2)
    assert table[0]["mean_height_m"] == pytest.approx(0.5)
    assert table[0]["h030"] == table[0]["h060"] == table[0]["h090"] == pytest.approx(1 / 3)


def test_no_clusters_have_no_features():
    assert describe_clusters(listed([np.empty((0, 3))])).shape == (0, len(GATE_NAMES))
