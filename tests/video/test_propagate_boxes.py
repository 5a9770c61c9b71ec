import numpy as np
import pytest

import perception_label as pl
from perception_label.errors import SettingError, ShapeError
from perception_label.geometry.asking import where_to_ask
from perception_label.geometry.boxes import box_iou

SIZE = (120, 160)


def texture(seed, height, width):
    """Smooth random grey values, (height, width) uint8."""
    r = np.random.default_rng(seed)
    out = r.integers(0, 256, (height // 4 + 3, width // 4 + 3)).astype(float)
    for axis in (0, 1):
        out = np.repeat(out, 4, axis=axis)
    for _ in range(2):
        out = (out + np.roll(out, 1, 0) + np.roll(out, 1, 1) + np.roll(out, (1, 1), (0, 1))) / 4
    return out[:height, :width].astype(np.uint8)


def video(boxes, *, hidden=()):
    """A textured thing in these boxes before a textured wall; in some images a post hides it."""
    wall, thing = texture(1, *SIZE), texture(2, 60, 60)
    images = []
    for k, box in enumerate(boxes):
        image = wall.copy()
        x0, y0, x1, y1 = np.rint(box).astype(int)
        inside = np.s_[max(y0, 0) : max(min(y1, SIZE[0]), 0), max(x0, 0) : max(min(x1, SIZE[1]), 0)]
        if image[inside].size:
            dy, dx = inside[0].start - y0, inside[1].start - x0
            h, w = image[inside].shape
            image[inside] = thing[dy : dy + h, dx : dx + w]
        if k in hidden:
            image[:, 60:110] = texture(3, SIZE[0], 50)
        images.append(image)
    return images


def moving(n=20, speed=(3.0, 1.0), bend=0.0, start=(20.0, 30.0)):
    k = np.arange(n)[:, None]
    low = np.array(start) + np.array(speed) * k + np.array([0.0, bend]) * k * (n - 1 - k)
    return np.concatenate([low, low + np.array([30.0, 40.0])], axis=1)


def test_a_box_is_followed_from_one_keyframe_both_ways():
    truth = moving()
    boxes, visible = pl.propagate_boxes(video(truth), truth[[8]], 8)
    assert boxes.shape == (1, 20, 4)
    assert visible.all()
    assert box_iou(boxes[0], truth).min() > 0.8
    assert boxes[0, 8].tolist() == truth[8].tolist()


def test_between_keyframes_a_bend_is_followed_that_a_line_misses():
    truth = moving(bend=0.3, speed=(4.0, 0.0))
    found = pl.propagate_tracks(video(truth), truth[[0, 19]], [0, 19], [5, 5])
    line = truth[0] + (truth[19] - truth[0]) * np.linspace(0, 1, 20)[:, None]
    assert box_iou(line, truth).min() < 0.3
    assert box_iou(found.boxes_px[0], truth).min() > 0.75
    assert found.tracks.tolist() == [5]
    assert found.expected_iou[0, [0, 19]].tolist() == [1, 1]
    assert 0 < found.next_keyframe[0] < 19


def test_keyframes_stay_as_they_are_whatever_the_images_show():
    keys = moving(3, speed=(20.0, 5.0))
    blank = [np.zeros(SIZE, np.uint8)] * 9
    found = pl.propagate_tracks(blank, keys, [0, 4, 8], [0, 0, 0])
    assert found.boxes_px[0, [0, 4, 8]].tolist() == keys.tolist()
    assert np.isfinite(found.boxes_px).all()
    assert found.boxes_px[0, 2] == pytest.approx((keys[0] + keys[1]) / 2, abs=2.0)


def test_what_is_hidden_is_not_visible_and_found_again():
    truth = moving(24, speed=(4.0, 0.0))
    hidden = range(9, 14)
    boxes, visible = pl.propagate_boxes(video(truth, hidden=hidden), truth[[0]], 0)
    assert not visible[0, 11]
    assert visible[0, [2, 5, 20, 22]].all()
    assert box_iou(boxes[0, 20:], truth[20:]).min() > 0.7


def test_what_leaves_the_image_is_not_visible_there():
    truth = moving(40, speed=(5.0, 0.0))
    _boxes, visible = pl.propagate_boxes(video(truth), truth[[0]], 0)
    gone = truth[:, 0] > SIZE[1]
    assert not visible[0, gone].any()
    assert visible[0, truth[:, 2] <= SIZE[1]].all()


def test_a_track_is_nothing_outside_its_span():
    truth = moving()
    found = pl.propagate_boxes(video(truth), truth[[8]], 8, span=(6, 10))
    assert np.flatnonzero(np.isfinite(found.boxes_px[0, :, 0])).tolist() == [6, 7, 8, 9, 10]
    assert found.expected_iou[0, :6].tolist() == [0] * 6
    assert 6 <= found.next_keyframe[0] <= 10


def test_objects_do_not_disturb_each_other_and_order_does_not_matter():
    truth = moving()
    images = video(truth)
    other = np.array([100.0, 60, 130, 110])
    keys = np.array([truth[0], other, truth[19], other])
    at, track = np.array([0, 3, 19, 12]), np.array([7, 9, 7, 9])
    both = pl.propagate_tracks(images, keys, at, track)
    turned = pl.propagate_tracks(images, keys[::-1], at[::-1], track[::-1])
    alone = pl.propagate_tracks(images, keys[[0, 2]], at[[0, 2]], track[[0, 2]])
    assert both.boxes_px.tobytes() == turned.boxes_px.tobytes()
    assert both.boxes_px[0].tobytes() == alone.boxes_px[0].tobytes()


def test_no_boxes_and_one_image():
    picture = texture(0, *SIZE)
    boxes, visible = pl.propagate_boxes([picture], np.empty((0, 4)), 0)
    assert boxes.shape == (0, 1, 4)
    assert visible.shape == (0, 1)
    boxes, visible = pl.propagate_boxes([picture], [[0, 0, 3, 2]], -1)
    assert boxes.tolist() == [[[0, 0, 3, 2]]]
    assert visible.all()


@pytest.mark.parametrize(
    ("boxes", "at", "error", "said"),
    [
        ([[200, 10, 220, 30]], 0, SettingError, "row 0: expected a part in the 160 x 120"),
        ([[10, 10, 20, 20]], 2, SettingError, "from 0 to 1, got 2"),
        ([10, 10, 20, 20], 0, ShapeError, r"expected \(B, 4\)"),
        ([[10, 10, 10, 20]], 0, ShapeError, "row 0: expected x0 < x1"),
    ],
)
def test_what_cannot_be_is_refused(boxes, at, error, said):
    with pytest.raises(error, match=said):
        pl.propagate_boxes([texture(0, *SIZE)] * 2, boxes, at)


def test_two_keyframes_of_an_object_in_one_image_are_refused():
    boxes = [[10, 10, 20, 20], [12, 10, 20, 20]]
    with pytest.raises(SettingError, match="track 4: expected one keyframe per image"):
        pl.propagate_tracks([texture(0, *SIZE)] * 2, boxes, [1, -1], [4, 4])
    with pytest.raises(ShapeError, match="at, track"):
        pl.propagate_tracks([texture(0, *SIZE)] * 2, boxes, [1], [4, 4])


def test_a_thing_that_keeps_its_looks_is_not_given_up():
    box = [40.0, 30.0, 70.0, 70.0]
    image = video(np.array([box]))[0]
    rng = np.random.default_rng(0)
    n = 400
    images = [
        np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8) for _ in range(n)
    ]
    found = pl.propagate_boxes(images, [box], 0)
    assert found.visible.all()
    assert box_iou(found.boxes_px[0], np.array([box])).min() > 0.9
    assert found.expected_iou.min() > 0.4


def test_the_next_keyframe_lies_amid_what_may_be_wrong_in_the_least_sure_gap():
    boxes = moving(40, speed=(1.0, 0.0), bend=0.05)
    images = video(boxes, hidden=range(22, 34))
    found = pl.propagate_tracks(images, boxes[[0, 12, 39]], [0, 12, 39], [0, 0, 0])
    asked = int(found.next_keyframe[0])
    assert 22 <= asked < 34  # where it is hidden
    assert asked == where_to_ask(found.expected_iou[0], np.array([0, 12, 39]))
