"""Items of the review queue, on hand-made boxes: what each maker finds, and what it lets pass."""

import numpy as np
import pytest

from perception_label import Cuboids
from perception_label.geometry.labels import Labels, join_labels
from perception_label.quality.queue import BANDS, ranked, stratum
from perception_label.quality.queue_ends import Evidence, carried_on, end_items
from perception_label.quality.queue_missing import missing_items, outside
from perception_label.quality.queue_motion import motion, motion_items, size_items
from perception_label.quality.queue_sources import (
    double_items,
    judged_by_place,
    source_items,
)
from perception_label.quality.queue_tracks import box_doubt, track_items
from perception_label.quality.visibility import range_image, views

STEP_NS = 100_000_000
CAR = (4.5, 1.9, 1.6)


def track(track_id, x, y=0.0, *, name="car", size=CAR, yaw=0.0, first=0, **columns):
    """A track with a box per sweep; x, y, yaw may be one number or one per sweep."""
    x = np.atleast_1d(np.asarray(x, dtype=float))
    n = len(x)
    center = np.column_stack([x, np.broadcast_to(y, n), np.full(n, size[2] / 2)])
    sizes = np.broadcast_to(np.asarray(size, dtype=float), (n, 3))
    return Labels.from_columns(
        (first + np.arange(n)) * STEP_NS,
        [track_id] * n,
        [name] * n,
        Cuboids(center, sizes, np.broadcast_to(yaw, n)),
        **{k: np.broadcast_to(v, n) for k, v in columns.items()},
    )


def drive(n=30, speed_mps=10.0):
    return np.arange(n) * speed_mps / 10


def test_unsure_tracks_come_before_sure_ones():
    labels = join_labels(
        [track("sure", np.zeros(9), scores=0.99), track("unsure", np.full(9, 50), scores=0.5)]
    )
    queue = ranked(track_items(labels, "model:x"))
    assert [i.track_id for i in queue] == ["unsure", "sure"]
    assert queue[0].expected_error == pytest.approx(4.5)
    assert queue[0].stratum == "model:x/car/0.50"
    assert queue.strata().keys() == {"model:x/car/0.50", "model:x/car/0.95"}
    assert queue.of_track("sure") == (queue[1],)


def test_boxes_that_nobody_can_judge_count_less():
    far, near = (track("a", np.zeros(10), scores=0.5, n_points=n) for n in (2, 50))
    few, many = (track_items(x, "m")[0].expected_error for x in (far, near))
    assert few == pytest.approx(many / 5)


def test_expected_iou_decides_where_it_is_known():
    labels = track("a", np.zeros(4), scores=0.2, expected_iou=[0.95, 0.75, 0.65, 0.3])
    doubt = box_doubt(labels, np.arange(4), "car", 1.0)
    assert doubt[0] < 0.01
    assert (np.diff(doubt) > 0).all()
    assert doubt[1] < 0.5 < doubt[2]
    # People and cyclists pass at a lower overlap.
    assert box_doubt(labels, np.arange(4), "pedestrian", 1.0)[2] < 0.1


def test_a_doubtful_stretch_is_told_apart_and_asks_for_a_keyframe():
    expected = np.full(30, 0.9)
    expected[10:15] = [0.6, 0.5, 0.4, 0.5, 0.6]
    labels = track("a", drive(), expected_iou=expected)
    items = track_items(labels, "solver")
    assert [i.kind for i in items] == ["track", "span"]
    span = items[1]
    assert (span.first_ns, span.at_ns, span.last_ns) == (10 * STEP_NS, 12 * STEP_NS, 14 * STEP_NS)
    asked = track_items(labels, "solver", has_keyframes=frozenset({"a"}))[1]
    assert (asked.kind, asked.at_ns) == ("keyframe", 12 * STEP_NS)


def test_a_wrong_class_makes_right_boxes_wrong():
    labels = track("a", np.zeros(10), scores=0.9)
    sure, unsure = (
        track_items(labels, "m", class_doubt={"a": d})[0].expected_error for d in (0.0, 0.5)
    )
    assert sure == pytest.approx(1.0)
    assert unsure == pytest.approx(1.0 + 4.5)


@pytest.mark.parametrize("score", [-1.0, 0.0, 0.5, 0.96, 1.0, 7.0, np.nan])
def test_every_score_has_a_stratum(score):
    assert float(stratum("s", "car", score).rsplit("/", 1)[1]) in BANDS


def test_speeds_and_turns_are_measured():
    seconds = np.arange(30) / 10
    radius, speed = 20.0, 10.0
    turn = speed / radius * seconds
    center = np.column_stack([radius * np.sin(turn), radius * (1 - np.cos(turn)), turn * 0])
    found = motion((seconds * 1e9).astype(np.int64), center, turn)
    inner = slice(6, -6)
    assert found.speed_mps[inner] == pytest.approx(10, rel=0.02)
    assert found.turn_radps[inner] == pytest.approx(0.5, rel=0.02)
    assert found.acceleration_mps2[inner] == pytest.approx(5.0, rel=0.05)
    assert found.sideways_mps[inner] == pytest.approx(0, abs=0.05)
    assert np.isnan(found.acceleration_mps2[:4]).all()


def jump():
    x = drive()
    x[15:] += 6
    return x


def circle(radius_m, speed_mps):
    turn = speed_mps / radius_m * np.arange(30) / 10
    return track("a", radius_m * np.sin(turn), radius_m * (1 - np.cos(turn)), yaw=turn)


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (track("a", jump()), "accelerates"),
        (track("a", drive(speed_mps=90.0)), "moves"),
        (track("a", drive(), yaw=1.2), "slides"),
        (circle(1.5, 3.75), "turns"),
        (track("a", drive(speed_mps=10.0), name="pedestrian", size=(0.7, 0.7, 1.7)), "moves"),
    ],
)
def test_motion_that_cannot_be_is_found(labels, word):
    (item,) = motion_items(labels, "m")
    assert item.kind == "motion"
    assert word in item.reason
    assert item.expected_error > 0


@pytest.mark.parametrize(
    "labels",
    [
        track("a", drive()),
        track("a", np.zeros(30)),
        track("a", 0.5 * 6.0 * (np.arange(30) / 10) ** 2),
        track("a", [3.0]),
        track("a", np.random.default_rng(0).normal(0, 0.1, 40)),
        track("a", drive(speed_mps=1.5), name="pedestrian", size=(0.7, 0.7, 1.7), yaw=2.0),
        join_labels([]),
    ],
    ids=["drives", "parked", "sets off", "one box", "noise", "steps aside", "nothing"],
)
def test_motion_that_can_be_is_not(labels):
    assert motion_items(labels, "m") == []


def test_sizes_that_jump_or_that_no_object_of_the_class_has():
    size = np.tile(CAR, (10, 1))
    size[7] = (6.0, 2.4, 1.6)
    even = track("a", np.zeros(10))
    jumps = Labels.from_columns(
        even.timestamps_ns,
        ["a"] * 10,
        ["car"] * 10,
        Cuboids(even.cuboids.center_m, size, np.zeros(10)),
    )
    (item,) = size_items(jumps, "m")
    assert (item.kind, item.first_ns, item.at_ns) == ("size_jump", 7 * STEP_NS, 7 * STEP_NS)
    (long,) = size_items(track("b", np.zeros(4), size=(9.5, 2.0, 1.6)), "m")
    assert "no car is so long" in long.reason
    assert size_items(even, "m") == []


def nothing_seen(n, **columns):
    """Evidence of a place in clear view, near, with nothing in it."""
    given = {
        "n_points": np.zeros(n, dtype=np.int64),
        "hidden": np.zeros(n),
        "through": np.ones(n),
        "range_m": np.full(n, 20.0),
        "others": np.full(n, -1),
    }
    return Evidence(**{**given, **{k: np.broadcast_to(v, n) for k, v in columns.items()}})


@pytest.fixture
def short():
    """A car that drives from sweep 10 to 19 of 40, with the boxes beyond its ends."""
    labels = track("a", 10 + drive(10), first=10, n_points=100)
    return labels, carried_on(labels, np.arange(40) * STEP_NS)


def test_tracks_are_carried_on_along_their_line(short):
    ends = short[1]
    before, after = ends.is_birth, ~ends.is_birth
    assert ends.steps[before].tolist() == [1, 2, 3, 5, 8]
    assert ends.sweeps[before].tolist() == [9, 8, 7, 5, 2]
    assert ends.cuboids.center_m[before, 0] == pytest.approx([9, 8, 7, 5, 2])
    assert ends.cuboids.center_m[after, 0] == pytest.approx([20, 21, 22, 24, 27])
    assert ends.cuboids.yaw_rad.tolist() == [0] * 10


def test_an_end_in_clear_view_is_found(short):
    labels, ends = short
    items = end_items(labels, "m", ends, nothing_seen(len(ends.steps)))
    assert [i.kind for i in items] == ["birth", "death"]
    assert items[0].at_ns == 10 * STEP_NS
    assert items[1].at_ns == 19 * STEP_NS


@pytest.mark.parametrize(
    "seen", [{"hidden": 0.9}, {"range_m": 80.0}, {"through": 0.0}], ids=["hidden", "far", "blind"]
)
def test_an_end_with_a_reason_is_not(short, seen):
    labels, ends = short
    assert end_items(labels, "m", ends, nothing_seen(len(ends.steps), **seen)) == []


def test_faint_tracks_and_whole_logs_have_no_ends():
    faint = track("a", 10 + drive(10), first=10, n_points=6)
    ends = carried_on(faint, np.arange(40) * STEP_NS)
    assert end_items(faint, "m", ends, nothing_seen(len(ends.steps))) == []
    whole = track("a", drive(10))
    assert len(carried_on(whole, np.arange(10) * STEP_NS).steps) == 0


def test_points_that_stay_count_the_sweeps_they_stay_for(short):
    labels, ends = short
    n_points = np.where(ends.is_birth & (ends.steps <= 3), 40, 0)
    (item,) = [
        i
        for i in end_items(
            labels, "m", ends, nothing_seen(len(ends.steps), n_points=n_points, through=0.0)
        )
        if i.kind == "birth"
    ]
    assert item.expected_error == pytest.approx(3)
    assert "for 3 sweeps" in item.reason


def test_another_track_in_the_place_asks_for_a_merge():
    labels = join_labels(
        [track("a", 10 + drive(10), first=10), track("b", 20 + drive(9), first=20)]
    )
    ends = carried_on(labels, np.arange(40) * STEP_NS)
    others = np.where((ends.tracks == 0) & ~ends.is_birth, 1, -1)
    found = end_items(labels, "m", ends, nothing_seen(len(ends.steps), others=others, through=0.0))
    assert [(i.kind, i.track_id, i.other_id) for i in found] == [("death", "a", "b")]


def wall(distance_m, half_m=30.0):
    y, z = np.meshgrid(np.arange(-half_m, half_m, 0.05), np.arange(-1.5, 3, 0.1))
    return np.column_stack([np.full(y.size, distance_m), y.ravel(), z.ravel()]).astype(np.float32)


def test_a_wall_hides_what_is_behind_and_not_what_is_before():
    boxes = Cuboids([[30, 0, 0], [10, 0, 0], [-15, 0, 0]], [CAR] * 3, np.zeros(3))
    seen = views(range_image(wall(20.0)), boxes)
    assert seen.hidden.tolist() == [1, 0, 0]
    assert seen.through == pytest.approx([0, 1, 0], abs=0.05)
    assert seen.looked[2] == 0
    assert seen.range_m.tolist() == [30, 10, 15]


def test_a_box_that_holds_the_points_is_neither_hidden_nor_empty():
    seen = views(range_image(wall(20.0)), Cuboids([[20.5, 0, 0]], [CAR], [0.0]))
    assert seen.hidden.tolist() == [0]
    assert seen.through.tolist() == [0]


def test_boxes_behind_the_sensor_are_seen_over_the_seam():
    turned = wall(20.0) * np.array([-1, 1, 1], dtype=np.float32)
    seen = views(range_image(turned), Cuboids([[-30, 0, 0]], [CAR], [0.0]))
    assert seen.hidden[0] == pytest.approx(1, abs=0.05)


def test_no_points_hide_nothing():
    seen = views(range_image(np.empty((0, 3), np.float32)), Cuboids([[9, 0, 0]], [CAR], [0.0]))
    assert (seen.hidden[0], seen.through[0], seen.looked[0]) == (0, 0, 0)


def test_two_tracks_in_one_place_are_one_item_on_the_less_likely():
    labels = join_labels(
        [track("a", np.zeros(9), scores=0.9), track("b", np.full(9, 0.5), scores=0.6)]
    )
    (item,) = double_items(labels, "m")
    assert (item.track_id, item.other_id, item.expected_error) == ("b", "a", 9)
    apart = join_labels([track("a", np.zeros(9)), track("b", np.zeros(9), 3.0)])
    assert double_items(apart, "m") == []


def test_another_source_has_more_or_says_otherwise():
    mine = join_labels([track("a", np.zeros(9)), track("b", np.zeros(9), 9.0)])
    theirs = join_labels(
        [
            track("x", np.full(9, 0.2)),
            track("y", np.full(9, 0.2), 9.0, name="truck"),
            track("z", np.zeros(9), 30.0, scores=0.7),
        ]
    )
    found = {i.track_id: i for i in source_items(mine, theirs, "imported:d")}
    assert found.keys() == {"y", "z"}
    assert (found["y"].other_id, found["z"].other_id) == ("b", "")
    assert found["z"].expected_error == pytest.approx(6.3)


def test_tracks_are_judged_by_what_lies_there():
    theirs = join_labels([track(n, np.zeros(9), y) for n, y in (("x", 0), ("y", 9), ("z", 30))])
    right, wrong = track("a", np.zeros(9)), track("b", np.full(9, 0.3), 9.0)
    assert judged_by_place(theirs, right, wrong) == {"x": True, "y": False}
    assert judged_by_place(theirs, join_labels([]), join_labels([])) == {}


def test_a_candidate_in_a_box_is_not_missing():
    labels = track("a", np.zeros(20))
    candidates = join_labels(
        [
            track("in", np.full(20, 0.5), scores=0.3),
            track("out", np.zeros(20), 8.0, scores=0.3),
            track("half", np.zeros(20), np.where(np.arange(20) < 14, 8.0, 0.0), scores=0.3),
        ]
    )
    left = outside(candidates, labels)
    items = missing_items(left, "m")
    assert {i.track_id for i in items} == {"out", "half"}
    assert items[0].expected_error == pytest.approx(0.3)
    assert outside(candidates, join_labels([])).tracks.tolist() == candidates.tracks.tolist()
    assert missing_items(candidates, "m", usual_boxes=40.0)[0].expected_error == pytest.approx(12)
