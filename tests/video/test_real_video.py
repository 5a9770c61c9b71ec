"""A video from outside: PETS 2009 as OpenCV ships it."""

from zlib import crc32

import numpy as np
import pytest

from perception_label.video.images import open_images


@pytest.mark.realdata
def test_vtest_jumps_walks_and_goes_back_alike(real_data):
    images = open_images(real_data("video/vtest.avi"), cache_bytes=0)
    assert (len(images), images.width_px, images.height_px) == (795, 768, 576)
    assert images.warnings == ()
    assert (np.diff(images.timestamps_ns) == 100_000_000).all()
    walked = [crc32(grey) for grey in images.greys(0, 200)]
    assert [crc32(grey) for grey in images.greys(199, None, -1)] == walked[::-1]
    for i in np.random.default_rng(0).integers(0, 200, 12).tolist():
        assert crc32(images.grey(i)) == walked[i]
