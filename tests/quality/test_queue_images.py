import numpy as np

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.geometry.labels import Labels
from perception_label.quality.queue_images import Overlaps, doubt_items, overlap_items

TIMES = np.arange(10, dtype=np.int64) * 100


def cuboids(tracks=("a", "b", "c")):
    m = len(tracks)
    packed = np.tile([1.0, 2.0, 0.5, 4.0, 2.0, 1.5, 0.1], (10 * m, 1))
    return Labels.from_columns(
        np.repeat(TIMES, m), list(tracks) * 10, ["car"] * m * 10, Cuboids.unpack(packed)
    )


def overlaps(rows):
    """`rows` of track, image, IoU, pixels off."""
    table = np.array(rows, dtype=float).reshape(-1, 4)
    images = table[:, 1].astype(np.int64)
    return Overlaps(
        "front", table[:, 0].astype(np.int32), images, images * 100 + 7, table[:, 2],
        np.repeat(table[:, 3:], 4, axis=1),
    )  # fmt: skip


def on_images(expected):
    """A track of 10 labels, keyframes where the expectation is 1."""
    expected = np.asarray(expected, dtype=float)
    return ImageLabels(
        images=np.arange(10), timestamps_ns=TIMES + 7, track_ids=texts(["a"] * 10),
        class_names=texts(["car"] * 10), boxes_px=np.tile([0.0, 0, 9, 9], (10, 1)),
        is_key=expected == 1, expected_iou=expected,
    )  # fmt: skip


def test_a_track_twice_apart_is_asked_about_at_its_worst_image():
    seen = overlaps([[0, 1, 0.4, 20], [0, 4, 0.1, 50], [0, 8, 0.9, 2], [1, 1, 0.9, 3]])
    (item,), note = overlap_items(cuboids(), "solver", seen)
    assert (item.kind, item.track_id, item.at_ns, item.camera) == ("image", "a", 400, "front")
    assert (item.first_ns, item.last_ns) == (107, 407)
    assert item.center_m == (1.0, 2.0, 0.5)
    assert note == ""


def test_once_apart_of_many_or_a_few_pixels_of_a_small_box_ask_nothing():
    many = [[0, k, 0.9, 2] for k in range(5)]
    assert overlap_items(cuboids(), "solver", overlaps([*many, [0, 6, 0.1, 50]])) == ([], "")
    small = [[0, k, 0.3, 4] for k in range(5)]
    assert overlap_items(cuboids(), "solver", overlaps(small)) == ([], "")


def test_when_most_tracks_are_apart_the_note_says_how_far():
    seen = overlaps([[t, k, 0.2, 30 + t] for t in range(3) for k in (1, 5)])
    items, note = overlap_items(cuboids(), "solver", seen)
    assert items == []
    assert "front" in note
    assert "3 of 3 tracks, the median by +31 px right and +31 px down" in note


def test_no_comparisons_ask_nothing():
    assert overlap_items(cuboids(), "solver", overlaps([])) == ([], "")


def test_labels_that_expect_too_little_of_themselves_are_counted():
    labels = on_images([1, 0.9, 0.9, 0.9, 0.3, 0.3, 0.3, 0.9, 0.9, 1])
    (item,) = doubt_items("front", labels, 10, TIMES)
    assert 2.9 < item.expected_error < 3.3
    assert (item.at_ns, item.item_id, item.size_m) == (500, "image:a:front:box", (0, 0, 0))
    (placed,) = doubt_items("front", labels, 10, TIMES, boxes=cuboids(), places={"a": 0})
    assert placed.size_m == (4.0, 2.0, 1.5)
    assert doubt_items("front", on_images([1] + [0.95] * 9), 10, TIMES) == []
    assert doubt_items("front", on_images([1] + [np.nan] * 9), 10, TIMES) == []


def test_without_sweeps_an_item_is_at_its_own_image():
    labels = on_images([1] + [0.3] * 9)
    (item,) = doubt_items("front", labels, 10, np.empty(0, dtype=np.int64))
    assert item.at_ns in TIMES + 7
    (item,) = doubt_items("front", labels, 10, np.array([5000]))
    assert item.at_ns == 5000
