import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_bev
from perception_label.proposals.hypotheses import (
    AS_SEEN,
    CYCLIST,
    FIRST_LOOK,
    PEDESTRIAN,
    TEMPLATES,
    VEHICLE,
    dominant_headings,
    first_look,
    join,
    object_sized,
    suggest,
)
from proposals.scenes import listed, sides

SEEDS = st.integers(0, 2**32 - 1)


def street(seed, n=8):
    """Boxes of all sizes around the sensor, seen from two sides."""
    rng = np.random.default_rng(seed)
    sizes = [(4.5, 1.8, 1.5), (0.6, 0.5, 1.7), (1.7, 0.5, 1.7), (8.0, 2.5, 3.0), (2.0, 0.4, 1.0)]
    parts, boxes = [], []
    for k in range(n):
        bearing = 2 * np.pi * (k + rng.uniform(0.2, 0.8)) / n
        x, y = rng.uniform(8, 40) * np.array([np.cos(bearing), np.sin(bearing)])
        length, width, height = sizes[rng.integers(len(sizes))]
        yaw = bearing + np.radians(rng.uniform(20, 70))
        parts.append(sides(x, y, length, width, yaw, height))
        boxes.append([x, y, height / 2, length, width, height, yaw])
    return listed(parts), Cuboids.unpack(np.array(boxes))


def suggested(clusters, headings=()):
    return suggest(clusters, clusters.closeness_yaw(), np.array(headings))


@given(SEEDS, st.lists(st.floats(0, 1.5), max_size=2))
def test_every_hypothesis_holds_its_clusters_rectangle_up_to_the_slack(seed, headings):
    clusters, _ = street(seed)
    found = suggested(clusters, headings)
    x, y, length, width, yaw = found.footprint.T
    rect = clusters.extents(found.owner, yaw)
    middle = np.stack([np.cos(yaw) * x + np.sin(yaw) * y, np.cos(yaw) * y - np.sin(yaw) * x], 1)
    half = np.stack([length, width], 1) / 2
    np.testing.assert_allclose(rect[:, [1, 3]] - rect[:, [0, 2]], found.seen_m, atol=1e-6)
    assert (rect[:, [0, 2]] >= middle - half - 1e-6).all()
    assert (rect[:, [1, 3]] <= middle + half + 1e-6).all()


@given(SEEDS)
def test_every_hypothesis_has_its_templates_size_and_group(seed):
    found = suggested(street(seed)[0])
    for index, template in enumerate(TEMPLATES):
        rows = found.template == index
        assert (found.group[rows] == template.group).all()
        usual = np.array([template.length_m, template.width_m])
        most = usual * (1 + template.slack) + template.slack_m
        size = found.footprint[rows, 2:4]
        assert ((size >= usual - 1e-9) & (size <= most + 1e-9)).all()
    seen = found.template == AS_SEEN
    assert (found.group[seen] == VEHICLE).all()
    np.testing.assert_allclose(
        found.footprint[seen, 2:4], np.maximum(found.seen_m[seen], 0.3), atol=1e-9
    )


@given(SEEDS)
def test_a_car_seen_from_two_sides_is_among_its_hypotheses(seed):
    rng = np.random.default_rng(seed)
    bearing = rng.uniform(-np.pi, np.pi)
    x, y = 15 * np.array([np.cos(bearing), np.sin(bearing)])
    yaw = bearing + np.radians(rng.uniform(25, 65)) * rng.choice([-1, 1])
    found = suggested(listed([sides(x, y, 4.6, 1.9, yaw)]))
    packed = np.column_stack(
        [found.footprint[:, :2], np.zeros(len(found)), found.footprint[:, 2:4]]
    )
    boxes = Cuboids.unpack(np.column_stack([packed, np.ones(len(found)), found.footprint[:, 4]]))
    truth = Cuboids([[x, y, 0]], [[4.6, 1.9, 1]], [yaw])
    assert overlap_bev(boxes, truth).max() > 0.85


def test_a_rear_is_grown_away_from_the_sensor_and_also_towards_it():
    # Two metres wide, straight ahead: the length may lie behind, around or before.
    rear = np.column_stack(
        [np.full(21, 10.0), np.linspace(-0.9, 0.9, 21), np.linspace(0.3, 1.4, 21)]
    )
    found = suggested(listed([rear]))
    rows = (found.template == 1) & (np.abs(np.sin(found.footprint[:, 4])) < 1e-6)
    np.testing.assert_allclose(np.sort(found.footprint[rows, 0]), [10 - 2.3, 10, 10 + 2.3])
    assert (np.abs(found.footprint[rows, 1]) < 0.06).all()


def test_groups_that_fit_a_person():
    found = suggested(listed([sides(10, 3, 0.5, 0.4, 0.2, 1.7)]))
    assert {PEDESTRIAN, CYCLIST, VEHICLE} >= set(found.group.tolist())
    assert PEDESTRIAN in found.group
    tall = suggested(listed([sides(10, 3, 0.5, 0.4, 0.2, 2.9)]))
    assert PEDESTRIAN not in tall.group


def test_no_clusters_give_no_hypotheses():
    none = listed([np.empty((0, 3))])
    assert len(none) == 0
    found = suggested(none)
    assert len(found) == 0
    assert found.footprint.shape == (0, 5)


def test_the_scenes_headings_are_tried_unless_they_are_the_clusters_own():
    clusters = listed([sides(12, 5, 4.5, 1.8, np.radians(20))])
    own = clusters.closeness_yaw()
    alone = suggest(clusters, own, np.empty(0))
    near = suggest(clusters, own, own + np.radians(1))
    other = suggest(clusters, own, own + np.radians(30))
    assert len(alone) == len(near) < len(other)
    turned = np.degrees(other.footprint[:, 4] - own[0]) % 90
    assert set(np.round(turned, 6)) <= {0.0, 30.0, 90.0}


def test_the_main_headings_are_those_of_most_of_the_street():
    yaw = np.radians([30] * 6 + [70] * 4 + [50])
    clusters = listed([sides(10 + 3 * k, 20, 4.5, 1.8, a) for k, a in enumerate(yaw)])
    found = np.degrees(dominant_headings(clusters, yaw))
    np.testing.assert_allclose(found, [30.5, 70.5], atol=1.01)
    assert len(dominant_headings(clusters, yaw, most=1)) == 1


def test_small_clusters_tell_no_heading():
    few = listed([sides(10, 5, 0.5, 0.3, 0.4)[:19]])
    assert dominant_headings(few, few.closeness_yaw()).tolist() == []
    none = listed([np.empty((0, 3))])
    assert dominant_headings(none, np.empty(0)).tolist() == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 5, 4.5, 1.8, 0.3, 1.5), True),
        ((10, 5, 20.0, 0.3, 0.3, 2.5), False),  # wall
        ((10, 5, 4.5, 1.8, 0.3, 0.35), False),  # flat
    ],
)
def test_what_can_be_a_road_user(box, expected):
    assert object_sized(listed([sides(*box)])).tolist() == [expected]


def test_what_hangs_high_or_is_three_points_is_no_road_user():
    sign = sides(10, 5, 1.0, 0.3, 0.3, 1.0) + np.array([0, 0, 2.0])
    assert object_sized(listed([sign, sides(10, 5, 4, 1, 0)[::60][:3]])).tolist() == [False, False]


def test_the_first_look_takes_one_template_of_each_kind():
    found = suggested(street(5)[0])
    first = found[first_look(found)]
    assert set(first.template.tolist()) <= set(FIRST_LOOK)
    assert set(first.owner.tolist()) == set(found.owner.tolist())
    again = join([first, found[~first_look(found)]])
    assert len(again) == len(found)
    assert sorted(map(tuple, again.footprint)) == sorted(map(tuple, found.footprint))
