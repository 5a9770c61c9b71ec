import numpy as np

from perception_label.simulate.camera.boxes import around, around_each
from perception_label.simulate.camera.texture import Noise, hashed

NOISE = Noise(5, 0)


def at(u, v, footprint):
    n = len(u)
    return NOISE.at(*(np.asarray(x, np.float32) for x in (u, v, np.full(n, footprint))))


def test_noise_repeats_without_a_seam():
    u, v = np.random.default_rng(0).uniform(0, 512, (2, 500))
    for footprint in (0.5, 4, 60):
        assert np.allclose(at(u, v, footprint), at(u + 512, v - 1024, footprint), atol=2e-3)
    line = at(np.linspace(511, 513, 200), np.full(200, 40.0), 0.5)
    assert np.abs(np.diff(line)).max() < 0.1  # continuous across the border


def test_far_noise_is_the_mean_of_near_noise():
    u, v = (g.ravel() + 0.5 for g in np.meshgrid(np.arange(64.0), np.arange(64.0)))
    near = at(u, v, 0.5).reshape(8, 8, 8, 8).mean(axis=(1, 3))
    centers = np.arange(8) * 8 + 4.0
    x, y = np.meshgrid(centers, centers)
    # A footprint of 7 texels rounds to the level of 8.
    far = at(x.ravel(), y.ravel(), 7.0).reshape(8, 8)
    assert np.abs(near - far).max() < 1e-5
    assert at(u, v, 0.5).std() > 2 * at(u, v, 100).std()


def test_hashes_are_even_and_differ_in_each_argument():
    a = np.arange(1000, dtype=np.int32)
    zero = np.zeros(1000, np.int32)
    for numbers in (hashed(a, zero), hashed(zero, a), hashed(zero, zero, a)):
        assert numbers.min() >= 0
        assert numbers.max() < 1
        assert abs(numbers.mean() - 0.5) < 0.05
        assert len(np.unique(numbers)) > 990


def test_boxes_around_masks():
    image = np.zeros((6, 8), np.int32)
    image[2, 3] = 4
    image[1:5, 6:8] = 9
    found, boxes, counts = around_each(image)
    assert found.tolist() == [4, 9]
    assert boxes.tolist() == [[3, 2, 4, 3], [6, 1, 8, 5]]
    assert counts.tolist() == [1, 8]
    assert around(image == 9).tolist() == [6, 1, 8, 5]
    assert np.isnan(around(image == 5)).all()


def test_boxes_of_an_image_of_nothing():
    found, boxes, counts = around_each(np.zeros((3, 3), np.int32))
    assert len(found) == len(counts) == 0
    assert boxes.shape == (0, 4)
