import numpy as np
import pytest

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.passing import judge, pass_iou


def labels(rows, n_points=None):
    """Rows of (sweep, track, class, x)."""
    m = len(rows)
    return Labels.from_columns(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        Cuboids(
            np.array([[row[3], 0.0, 0.0] for row in rows]).reshape(m, 3),
            np.full((m, 3), [4.0, 2.0, 2.0]),
            np.zeros(m),
        ),
        n_points=n_points,
    )


TRUTH = labels([(0, "a", "car", 0), (1, "a", "car", 0), (2, "a", "car", 0), (0, "b", "truck", 50)])


def test_truth_itself_passes():
    found = judge(TRUTH, TRUTH)
    assert (found.recall, found.precision, found.passing, found.mean_iou) == (1, 1, 1, 1)
    assert found.right_class == 1
    assert found.identity_switches == 0


def test_found_passing_wrong_and_missing_are_told_apart():
    # Off by 0.4 m: IoU 0.82. By 1 m: 0.6, found but not good enough. By 3 m: not found.
    made = labels([(0, "p", "car", 0.4), (1, "p", "car", 1.0), (2, "p", "car", 3.0)])
    found = judge(TRUTH, made)
    assert (found.n_truth, found.n_labels, found.n_found, found.n_passing) == (4, 3, 2, 1)
    assert found.passing == pytest.approx(1 / 3)
    assert found.passing_recall == pytest.approx(1 / 4)
    assert found.mean_iou == pytest.approx((3.6 / 4.4 + 3 / 5) / 2)


def test_a_car_that_is_called_a_truck_is_found_with_the_wrong_class():
    made = labels([(0, "p", "truck", 0.0)])
    found = judge(TRUTH, made)
    assert found.n_found == 1
    assert found.right_class == 0


def test_a_pedestrian_label_on_a_car_is_wrong():
    found = judge(TRUTH, labels([(0, "p", "pedestrian", 0.0)]))
    assert (found.n_labels, found.n_found) == (1, 0)


def test_boxes_with_few_points_are_judged_on_neither_side():
    truth = labels([(0, "a", "car", 0), (1, "a", "car", 0)], n_points=[50, 4])
    made = labels([(1, "p", "car", 0), (1, "q", "car", 90)], n_points=[4, 3])
    found = judge(truth, made)
    assert (found.n_truth, found.n_labels) == (1, 0)
    # A label that nobody counted, on truth with few points, is neither right nor wrong.
    assert judge(truth, labels([(1, "p", "car", 0.0)])).n_labels == 0


def test_an_object_that_goes_on_under_another_id_is_a_switch():
    made = labels([(0, "p", "car", 0), (1, "p", "car", 0), (2, "q", "car", 0)])
    assert judge(TRUTH, made).identity_switches == 1


def test_nothing_against_nothing():
    none = TRUTH[np.zeros(0, dtype=int)]
    found = judge(none, none)
    assert found.n_truth == found.n_labels == 0
    assert found.recall is None
    assert found.passing is None
    assert judge(TRUTH, none).recall == 0


def test_thresholds_follow_the_class():
    assert [pass_iou(c) for c in ("car", "bus", "pedestrian", "bicycle")] == [0.7, 0.7, 0.5, 0.5]
