import numpy as np

from perception_label.geometry.asking import where_to_ask


def test_between_keyframes_half_the_expected_error_lies_on_either_side():
    expected = np.array([1, 0.9, 0.8, 0.2, 0.8, 0.9, 1, 0.95, 1.0])
    assert where_to_ask(expected, np.array([0, 6, 8])) == 3
    assert where_to_ask(np.array([1, 0.9, 0.9, 0.9, 0.5, 1]), np.array([0, 5])) == 4


def test_beyond_the_keyframes_it_asks_where_it_is_least_sure():
    expected = np.array([0.4, 0.7, 1.0, 0.9, 0.8, 0.0])
    assert where_to_ask(expected, np.array([2])) == 0


def test_where_nothing_is_known_it_stays_at_the_first_keyframe():
    assert where_to_ask(np.array([0.0, np.nan, 0.0]), np.array([1])) == 1
    assert where_to_ask(np.array([1.0]), np.array([0])) == 0
