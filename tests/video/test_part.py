import numpy as np
import pytest

from perception_label.errors import SettingError
from perception_label.video.images import ImageSource, open_images
from perception_label.video.part import Part

WHOLE = open_images([np.full((2, 3), k, dtype=np.uint8) for k in range(6)])


def values(pictures):
    return [int(p[0, 0]) for p in pictures]


@pytest.mark.parametrize(("first", "last"), [(0, 5), (0, 2), (2, 4), (3, 5), (2, 2)])
def test_a_part_gives_what_a_list_of_its_images_would(first, last):
    part = Part(WHOLE, first, last)
    own = open_images([WHOLE.image(k) for k in range(first, last + 1)])
    assert isinstance(part, ImageSource)
    assert len(part) == len(own)
    assert part.timestamps_ns.tolist() == WHOLE.timestamps_ns[first : last + 1].tolist()
    for i in range(-len(own), len(own)):
        assert part.image(i).tolist() == own.image(i).tolist()
        assert part.grey(i).tolist() == own.grey(i).tolist()
    for start in range(len(own)):
        for step in (1, 2, -1):
            assert values(part.greys(start, None, step)) == values(own.greys(start, None, step))
        assert values(part.greys(start, len(own) - 1)) == values(own.greys(start, len(own) - 1))


def test_images_that_are_not_of_the_part_are_refused():
    with pytest.raises(SettingError, match="from 0 to 1"):
        Part(WHOLE, 2, 3).image(2)
    with pytest.raises(SettingError, match="from 0 to 5"):
        Part(WHOLE, 2, 6)


def test_each_image_given_is_counted():
    seen = []
    list(Part(WHOLE, 1, 4, lambda: seen.append(1)).greys())
    assert len(seen) == 4
