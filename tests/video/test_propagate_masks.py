import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from moving_things import moving_disc
from perception_label.errors import SettingError, ShapeError, SourceError
from perception_label.geometry.masks import encode, mask_iou
from perception_label.video.propagate_masks import propagate_masks

IMAGES, MASKS = moving_disc()


def overlap(found, truth):
    return np.array([mask_iou(a, b)[0, 0] for a, b in zip(found, truth, strict=True)])


def test_a_moving_thing_is_followed_from_its_first_mask():
    masks, visible = propagate_masks(IMAGES, MASKS[:1], 0)
    assert masks.shape == (1, *MASKS.shape)
    assert masks.dtype == visible.dtype == np.bool_
    assert visible.all()
    assert overlap(masks[0], MASKS).min() > 0.88


@settings(max_examples=4)
@given(st.integers(0, 1000), st.integers(0, 5), st.floats(0.97, 1.03))
def test_it_is_followed_both_ways_from_any_image(seed, at, grow):
    images, truth = moving_disc(6, seed=seed, grow=grow)
    found = propagate_masks(images, truth[[at]], at)
    assert overlap(found.masks[0], truth).min() > 0.85
    assert found.expected_j[0, at] == 1
    assert (found.expected_j <= 1).all()
    assert_array_equal(found.mask(0, at), truth[at])


def test_time_backwards_is_the_same_backwards():
    there = propagate_masks(IMAGES, MASKS[:1], 0).masks
    back = propagate_masks(IMAGES[::-1], MASKS[:1], len(IMAGES) - 1).masks
    assert_array_equal(there[:, ::-1], back)


def test_twice_is_the_same_and_other_things_change_nothing():
    other = np.zeros_like(MASKS[0])
    other[70:90, 90:120] = True
    alone = propagate_masks(IMAGES, MASKS[:1], 0)
    both = propagate_masks(IMAGES, np.stack([other, MASKS[0]]), 0, exclusive=False)
    assert_array_equal(alone.masks[0], both.masks[1])
    again = propagate_masks(IMAGES, MASKS[:1], 0)
    assert again.runs.to_coco() == alone.runs.to_coco()
    assert_array_equal(again.expected_j, alone.expected_j)


def test_two_keyframes_of_one_thing_are_joined_and_kept():
    at = [0, 7]
    found = propagate_masks(IMAGES, MASKS[at], at, tracks=[4, 4])
    assert found.tracks.tolist() == [4]
    assert_array_equal(found.masks[0][at], MASKS[at])
    one = propagate_masks(IMAGES, MASKS[:1], 0)
    assert overlap(found.masks[0], MASKS).mean() > overlap(one.masks[0], MASKS).mean()
    assert 0 < found.next_keyframe[0] < 7


def test_an_empty_keyframe_ends_a_thing():
    at = [0, 3]
    keys = np.stack([MASKS[0], np.zeros_like(MASKS[0])])
    found = propagate_masks(IMAGES, keys, at, tracks=[0, 0])
    assert not found.visible[0, 3:].any()
    assert not found.masks[0, 3:].any()


def test_a_thing_that_leaves_the_image_is_no_longer_visible():
    images, truth = moving_disc(12, speed=(9.0, 0), pan=-2.0)
    assert not truth[-1].any()
    found = propagate_masks(images, truth[:1], 0)
    gone = ~truth.any(axis=(1, 2))
    assert not found.visible[0, gone].any()
    assert overlap(found.masks[0], truth)[truth.any(axis=(1, 2))].mean() > 0.85


def test_masks_that_meet_share_no_pixel_unless_they_may():
    other = np.zeros_like(MASKS[0])
    other[20:60, 72:110] = True
    keys = np.stack([MASKS[0], other & ~MASKS[0]])
    masks = propagate_masks(IMAGES, keys, 0).masks
    assert not (masks[0] & masks[1]).any()
    over = np.stack([MASKS[0], MASKS[0] | other])
    masks = propagate_masks(IMAGES, over, 0).masks
    assert_array_equal(masks[:, 0], over)
    assert (masks[0] & masks[1])[1].any()


def test_runs_grey_images_folders_and_single_masks_are_taken(tmp_path):
    grey = IMAGES[:3].mean(axis=3).astype(np.uint8)
    assert overlap(propagate_masks(list(grey), encode(MASKS[0]), 0).masks[0], MASKS[:3]).min() > 0.9
    for i, image in enumerate(IMAGES[:3]):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    found = propagate_masks(tmp_path, MASKS[0], -3)
    assert_array_equal(found.masks, propagate_masks(IMAGES[:3], MASKS[0], 0).masks)


def test_no_masks_and_one_image_are_fine():
    none = propagate_masks(IMAGES, np.zeros((0, *MASKS.shape[1:]), bool), 0)
    assert none.masks.shape == (0, *MASKS.shape)
    assert none.visible.shape == (0, len(MASKS))
    assert none.next_keyframe.shape == (0,)
    one = propagate_masks(IMAGES[:1], MASKS[:1], 0)
    assert_array_equal(one.masks[0], MASKS[:1])
    assert one.next_keyframe.tolist() == [-1]


@pytest.mark.parametrize("pixels", [1, 5])
def test_a_mask_of_a_few_pixels_is_kept_where_it_was_drawn(pixels):
    mask = np.zeros_like(MASKS[0])
    mask[40, 50 : 50 + pixels] = True
    found = propagate_masks(IMAGES, mask, 2)
    assert_array_equal(found.mask(0, 2), mask)
    assert_array_equal(found.visible[0], found.masks[0].any(axis=(1, 2)))


def test_a_mask_of_the_whole_image_and_images_without_pattern_do_not_fail():
    whole = np.ones_like(MASKS[0])
    assert propagate_masks(IMAGES[:3], whole, 0).visible[0, 0]
    plain = np.full_like(IMAGES[:3], 90)
    assert overlap(propagate_masks(plain, MASKS[0], 0).masks[0], MASKS[[0, 0, 0]]).min() > 0.9
    black = [IMAGES[0], *np.zeros_like(IMAGES[:2])]
    assert propagate_masks(black, MASKS[0], 0).masks.shape == (1, 3, *MASKS.shape[1:])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: propagate_masks([], MASKS[:1], 0), SourceError),
        (lambda: propagate_masks(IMAGES, MASKS[:1, :-1], 0), ShapeError),
        (lambda: propagate_masks(IMAGES, MASKS[:1].astype(float), 0), ShapeError),
        (lambda: propagate_masks(IMAGES, np.zeros_like(MASKS[:1]), 0), SettingError),
        (lambda: propagate_masks(IMAGES, MASKS[:1], 8), SettingError),
        (lambda: propagate_masks(IMAGES, MASKS[:1], -9), SettingError),
        (lambda: propagate_masks(IMAGES, MASKS[:1], 0.5), ShapeError),
        (lambda: propagate_masks(IMAGES, MASKS[:2], [0, 1, 2]), ShapeError),
        (lambda: propagate_masks(IMAGES, MASKS[:2], 0, tracks=[1]), ShapeError),
        (lambda: propagate_masks(IMAGES, MASKS[:2], 0, tracks=["a", "b"]), ShapeError),
        (lambda: propagate_masks(IMAGES, MASKS[:2], 0, tracks=[1, 1]), SettingError),
        (lambda: propagate_masks(IMAGES, MASKS[:1], 0, stop_at=2), SettingError),
        (lambda: propagate_masks(IMAGES, MASKS[:1], 0, quality="best"), SettingError),
    ],
)
def test_mistakes_are_errors_in_one_line(call, error):
    with pytest.raises(error, match=r"expected .*got") as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.realdata
def test_a_real_car_from_its_first_mask_and_from_first_and_last(real_data):
    folder = real_data("davis_car-shadow")
    truth = np.stack(
        [np.asarray(Image.open(p)) > 0 for p in sorted((folder / "Annotations").glob("*.png"))]
    )
    images = folder / "JPEGImages"
    first = propagate_masks(images, truth[0], 0, quality="fast")
    assert overlap(first.masks[0], truth)[1:].mean() >= 0.90
    both = propagate_masks(images, truth[[0, -1]], [0, -1], tracks=[0, 0], quality="fast")
    assert overlap(both.masks[0], truth)[1:-1].mean() >= 0.94
