"""What passes before a thing is left out of its mask; light that plays on it is not."""

import numpy as np
import pytest

from perception_label.geometry.masks import mask_iou
from perception_label.video.occluder import passing
from perception_label.video.propagate_masks import propagate_masks

H, W, N = 96, 150, 12


def pictures(post, seed=0):
    """A textured thing that moves right by a pixel an image; `post(t, image)` goes before it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (2, H // 4 + 1, W // 2, 3))
    ground, skin = (np.kron(c, np.ones((4, 4, 1)))[:H] for c in coarse)
    skin = 0.5 * skin + [120, 20, 20]
    images, masks = np.empty((N, H, W, 3), np.uint8), np.zeros((N, H, W), bool)
    for t in range(N):
        image = ground[:, :W].copy()
        image[24:76, 45 + t : 100 + t] = skin[24:76, 45:100]
        masks[t, 24:76, 45 + t : 100 + t] = True
        masks[t] &= ~post(t, image)
        images[t] = np.clip(image + rng.normal(0, 2, image.shape), 0, 255)
    return images, masks


def passing_post(t, image):
    """A post that comes from the left, before the thing from image 2 on."""
    columns = np.abs(np.arange(W) - 14 * t) < 9
    image[:, columns] = 40 + 20 * np.sin(np.arange(H) / 2)[:, None, None]
    return np.broadcast_to(columns, (H, W))


def light(t, image):
    """The sun comes out over part of the thing."""
    image[24:76, 60 + t : 85 + t] *= 1 + 0.04 * t
    return np.zeros((H, W), bool)


def overlaps(images, masks):
    found = propagate_masks(images, masks[:1], 0).masks[0]
    return np.array([mask_iou(a, b)[0, 0] for a, b in zip(found, masks, strict=True)])


def test_a_post_that_passes_is_left_out_and_the_thing_is_whole_again_behind_it():
    images, masks = pictures(passing_post)
    j = overlaps(images, masks)
    before = (masks[0] & passing_post(5, images[5].astype(float))).sum() / masks[0].sum()
    assert before > 0.2  # so much would be wrong if it stayed in the mask
    assert j[3:8].mean() > 0.93
    assert j[-1] > 0.97


def test_light_that_changes_hides_nothing():
    images, masks = pictures(light)
    assert overlaps(images, masks).min() > 0.96


@pytest.mark.parametrize(
    ("way", "was", "expected"), [(6.0, 0, True), (0.2, 0, False), (0.2, 1, True)]
)
def test_a_piece_hides_if_it_moves_apart_or_hid_before(way, was, expected):
    unlike = np.zeros((20, 20), bool)
    unlike[5:12, 6:15] = True
    apart = np.zeros((20, 20, 2), np.float32)
    apart[..., 0] = way
    hidden = passing(unlike, apart, np.full((20, 20), was, np.float32), 20.0)
    assert (hidden == unlike).all() == expected
    assert hidden.any() == expected


def test_a_piece_whose_flow_makes_no_sense_hides_nothing():
    unlike = np.ones((20, 20), bool)
    apart = np.random.default_rng(0).normal(0, 8, (20, 20, 2)).astype(np.float32)
    assert not passing(unlike, apart, np.zeros((20, 20), np.float32), 20.0).any()
