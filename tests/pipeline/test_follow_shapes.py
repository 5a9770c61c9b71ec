"""Each kind of geometry through images whose content moves to the right by a pixel an image."""

import numpy as np
import pytest

import image_label_sets as sets
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.masks import from_coco, mask_iou
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.pipeline.propagate_images import propagate


def keys(made, images, tracks=None):
    boxes = [
        [*np.flatnonzero(mask_of(s).any(axis=0))[[0]], *np.flatnonzero(mask_of(s).any(axis=1))[[0]],
         *(np.flatnonzero(mask_of(s).any(axis=0))[[-1]] + 1),
         *(np.flatnonzero(mask_of(s).any(axis=1))[[-1]] + 1)]
        if s.kind == "mask" else s.box_px
        for s in made
    ]  # fmt: skip
    return ImageLabels(
        images=np.array(images),
        timestamps_ns=np.array(images) * 40_000_000,
        track_ids=texts(tracks or ["a"] * len(made)),
        class_names=texts(["car"] * len(made)),
        boxes_px=np.array(boxes, dtype=float),
        kinds=np.array([KINDS.index(s.kind) for s in made], dtype=np.int8),
        shapes=objects([None if s.kind == "box" else s for s in made]),
    )


def mask_of(shape):
    return from_coco([{"size": shape.size_px, "counts": shape.counts}])[0]


def points(k):
    return [[12.0 + k, 12], [28 + k, 14], [26 + k, 30]]


MAKERS = {
    "polygon": lambda k: Shape.polygon([points(k)]),
    "keypoints": lambda k: Shape.keypoints(points(k), [2, 1, 2]),
    "polyline": lambda k: Shape.polyline(points(k)),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("at", [[0], [4], [0, 8]])
def test_points_move_with_the_image(kind, at):
    found, asked = propagate(sets.images(), keys([MAKERS[kind](k) for k in at], at))
    by_image = {int(i): s for i, s in zip(found.images, found.shapes, strict=True)}
    assert set(range(9)) <= set(by_image)
    for k in range(9):
        assert by_image[k].kind == kind
        assert np.abs(by_image[k].points_px - points(k)).max() < 1.0
    assert sorted(found.images[found.is_key].tolist()) == at
    assert ("a", kind) in asked
    for k in at:
        assert by_image[k] == MAKERS[kind](k)
    boxes = {int(i): b for i, b in zip(found.images, found.boxes_px, strict=True)}
    assert np.abs(boxes[6] - by_image[6].box_px).max() < 1.0


def test_a_shape_that_grows_between_keyframes_grows_evenly():
    # On the same box, the middle corner goes from one place to another.
    a = Shape.polygon([[[12, 12], [32, 12], [22, 20], [12, 32]]])
    b = Shape.polygon([[[20, 12], [40, 12], [38, 24], [20, 32]]])
    found, _ = propagate(sets.images(), keys([a, b], [0, 8]))
    middle = found.shapes[found.images.tolist().index(4)].points_px
    assert middle[2] == pytest.approx([30, 22], abs=1.0)


def test_a_shape_of_another_number_of_points_is_kept_until_the_next():
    a, b = MAKERS["polyline"](0), Shape.polyline([*points(8), [30, 31]])
    found, _ = propagate(sets.images(), keys([a, b], [0, 8]))
    counts = [len(s.points_px) for s in found.shapes[found.images < 10]]
    assert counts == [3] * 8 + [4] * 2


def test_masks_and_boxes_of_one_track_go_their_own_ways():
    made = [sets.mask_of(12, 30, 12, 30), Shape.box([12, 12, 30, 30])]
    found, asked = propagate(sets.images(), keys(made, [0, 0]))
    assert set(asked) == {("a", "mask"), ("a", "box")}
    masks = {int(i): s for i, s in zip(found.images, found.shapes, strict=True) if s is not None}
    assert masks[0] == made[0]
    for k in range(7):
        wanted = mask_of(sets.mask_of(12, 30, 12 + k, 30 + k))
        assert mask_iou(mask_of(masks[k]), wanted)[0, 0] > 0.8
    box = found.boxes_px[(found.kinds == 0) & (found.images == 5)][0]
    assert box == pytest.approx([17, 12, 35, 30], abs=1)
    around = found.boxes_px[(found.kinds == 2) & (found.images == 5)][0]
    assert around == pytest.approx([17, 12, 35, 30], abs=3)


def test_a_span_does_not_lose_keyframes_beside_it():
    found, _ = propagate(sets.images(), keys([Shape.box([12, 12, 30, 30])], [0]), span=(3, 5))
    assert found.images.tolist() == [3, 4, 5]
    assert found.boxes_px[1] == pytest.approx([16, 12, 34, 30], abs=1)
    assert not found.is_key.any()


def test_progress_rises_to_the_end():
    told = []
    made = [Shape.box([12, 12, 30, 30]), MAKERS["polygon"](3)]
    propagate(sets.images(), keys(made, [0, 3]), progress=lambda *n: told.append(n))
    done = [n for n, _ in told]
    assert done == sorted(done)
    assert told[-1] == (sets.N, sets.N)
