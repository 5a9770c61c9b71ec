import numpy as np
import pytest

from perception_label.errors import SettingError, ShapeError, SourceError
from perception_label.video.images import open_images


def test_arrays_come_back_as_they_were_given():
    given = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    images = open_images(given)
    assert (len(images), images.height_px, images.width_px) == (2, 4, 6)
    np.testing.assert_array_equal(images.image(1), given[1])
    assert images.timestamps_ns.tolist() == [0, 100_000_000]


def test_no_images_are_an_error():
    with pytest.raises(SourceError, match="at least one, got none"):
        open_images([])


def test_an_array_of_another_size_is_named():
    with pytest.raises(SourceError, match="image 1: expected 6 x 4 px as the first, got 4 x 6"):
        open_images([np.zeros((4, 6), np.uint8), np.zeros((6, 4), np.uint8)])


def test_of_16_bits_the_upper_byte_is_taken():
    images = open_images([np.array([[0, 255, 256, 65535]], np.uint16)])
    assert images.grey(0).tolist() == [[0, 0, 1, 255]]


def test_floats_are_no_images():
    with pytest.raises(ShapeError, match="uint8 or uint16"):
        open_images([np.zeros((4, 6))])


def test_a_number_beyond_the_images_is_an_error():
    with pytest.raises(SettingError, match="from 0 to 0, got 1"):
        open_images([np.zeros((4, 6), np.uint8)]).image(1)


def test_step_minus_one_gives_all_images_backwards():
    images = open_images([np.full((2, 2), k, np.uint8) for k in range(4)])
    assert [int(g[0, 0]) for g in images.greys(step=-1)] == [3, 2, 1, 0]
    assert [int(g[0, 0]) for g in images.greys(2, 0, -1)] == [2, 1]
