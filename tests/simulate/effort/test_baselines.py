import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.quality.passing import judge
from perception_label.simulate.effort import baselines
from perception_label.simulate.effort.hand import Hand, Noise
from perception_label.simulate.effort.objects import Judged
from simulate.effort.scenes import scene, turned

EXACT = Noise(0.0, 0.0)
WAYS = (baselines.by_hand, baselines.sensor_linear, baselines.world_linear)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("noise", [EXACT, Noise()])
def test_every_baseline_ends_with_every_box_passing(way, noise):
    judged = scene()
    done = way(judged, Hand(noise))
    found = judge(judged.truth, done.labels)
    assert found.n_truth == found.n_labels == found.n_passing == judged.n_boxes == 115
    assert found.identity_switches == 0


@pytest.mark.parametrize("way", WAYS)
def test_each_keyframe_and_each_correction_is_one_action(way):
    judged = scene()
    done = way(judged, Hand(EXACT))
    # A perfect hand touches no box twice.
    assert len({(a.track_id, a.timestamp_ns) for a in done.actions}) == len(done.actions)
    assert done.n_keyframes == len(done.actions)
    assert {a.track_id for a in done.actions} == {"car-1", "car-2", "walker"}


def test_a_parked_car_takes_one_keyframe_in_the_world_and_many_in_the_sensor_frame():
    judged = scene()
    per_way = [
        sum(a.track_id == "car-1" for a in way(judged, Hand(EXACT)).actions)
        for way in (baselines.world_linear, baselines.sensor_linear)
    ]
    assert per_way[0] == 1
    assert per_way[1] >= 9


def test_a_poor_hand_touches_boxes_again_until_they_pass():
    judged = scene()
    done = baselines.by_hand(judged, Hand(Noise(0.12, 0.05), seed=3))
    assert len(done.actions) > done.n_keyframes == judged.n_boxes
    assert judge(judged.truth, done.labels).passing == 1


def test_a_hopeless_hand_gives_up():
    judged = scene(3)
    done = baselines.by_hand(judged, Hand(Noise(5.0, 1.0)))
    assert len(done.actions) <= baselines.TOUCHES * judged.n_boxes
    assert judge(judged.truth, done.labels).n_passing < judged.n_boxes


@given(st.floats(-3, 3), st.floats(-50, 50))
def test_where_the_world_frame_lies_changes_no_count(angle_rad, shift_m):
    judged = scene(20)
    there = turned(judged, angle_rad, (shift_m, -shift_m, 0.0))
    for way in WAYS:
        here, moved = (len(way(each, Hand(EXACT)).actions) for each in (judged, there))
        # Rounding may choose between two boxes that are equally bad.
        assert abs(here - moved) <= 2


def test_the_same_seed_gives_the_same_work():
    judged = scene()
    first, again = (baselines.sensor_linear(judged, Hand(Noise(), seed=5)) for _ in range(2))
    assert first.actions == again.actions
    assert np.array_equal(first.labels.cuboids.packed(), again.labels.cuboids.packed())


@pytest.mark.parametrize("way", WAYS)
def test_nothing_to_label_costs_nothing(way):
    one = scene(1)
    none = one.truth[np.zeros(0, dtype=int)]
    judged = Judged(none, (), one.timestamps_ns, one.world_from_sensor, 0.1, 5)
    done = way(judged, Hand(Noise()))
    assert done.actions == []
    assert len(done.labels) == 0


def test_one_sweep_takes_one_box_per_object():
    judged = scene(1)
    for way in WAYS:
        assert way(judged, Hand(EXACT)).n_keyframes == len(judged.things) == 3
