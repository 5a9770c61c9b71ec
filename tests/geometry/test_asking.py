import numpy as np

from perception_label.geometry.asking import where_to_ask


def test_between_keyframes_half_of_what_may_be_wrong_lies_on_either_side():
    expected = np.array([1, 0.9, 0.8, 0.2, 0.8, 0.9, 1, 0.95, 1.0])
    assert where_to_ask(expected, np.array([0, 6, 8])) == 3
    assert where_to_ask(np.array([1, 0.5, 0.5, 0.5, 0.5, 0.5, 1]), np.array([0, 6])) == 3


def test_a_long_doubtful_stretch_comes_before_a_short_one():
    expected = np.array([1, 0.6, 1, 0.65, 0.65, 0.65, 0.65, 1])
    assert where_to_ask(expected, np.array([0, 2, 7])) in (4, 5)


def test_beyond_the_keyframes_it_asks_at_the_end_of_what_is_known():
    expected = np.array([0.0, 0.6, 0.5, 0.7, 1.0, 0.9, 0.8, 0.0])
    assert where_to_ask(expected, np.array([4])) == 1
    assert where_to_ask(expected[::-1], np.array([3])) == 6


def test_where_nothing_is_known_it_stays_at_the_first_keyframe():
    assert where_to_ask(np.array([0.0, np.nan, 0.0]), np.array([1])) == 1
    assert where_to_ask(np.array([1.0]), np.array([0])) == 0
