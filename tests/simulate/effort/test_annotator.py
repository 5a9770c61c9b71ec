from dataclasses import replace

import numpy as np
import pytest

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.passing import judge
from perception_label.simulate.effort.actions import count, effort, load_seconds
from perception_label.simulate.effort.annotator import Annotator, spent_s
from perception_label.simulate.effort.eye import Eye
from perception_label.simulate.effort.hand import Hand, Noise
from simulate.effort.desks import MemoryDesk
from simulate.effort.scenes import STEP_NS, scene

EXACT = Noise(0.0, 0.0)


def changed(labels, rows, move=(0.0, 0.0, 0.0), **columns):
    """Labels with some boxes moved and some columns replaced."""
    center = labels.cuboids.center_m.copy()
    center[rows] += move
    cuboids = Cuboids(center, labels.cuboids.size_m, labels.cuboids.yaw_rad)
    return replace(labels, cuboids=cuboids, **columns)


def named(labels, tracks, classes=None):
    return Labels.from_columns(
        labels.timestamps_ns,
        tracks,
        np.array(labels.class_names)[labels.classes] if classes is None else classes,
        labels.cuboids,
        n_points=labels.n_points,
    )


def track_names(labels):
    return np.array(labels.track_names)[labels.tracks].astype("<U16")


def at_work(desk, judged, noise=EXACT):
    annotator = Annotator(desk, Eye(judged, desk.count), Hand(noise))
    annotator.work()
    return annotator


def test_perfect_labels_cost_one_look_each():
    judged = scene()
    done = at_work(MemoryDesk(judged.truth), judged)
    # One tile shows all boxes of what stands still; the others have a film strip.
    assert count(done.actions) == {"verify_grid": 1, "verify_single": 2}
    assert set(done.done) == {"car-1", "car-2", "walker"}
    assert done.n_keyframes == 0


def test_what_the_queue_never_shows_stays_wrong():
    judged = scene()
    rows = judged.truth.tracks == 0
    wrong = changed(judged.truth, rows, (3.0, 0.0, 0.0))
    desk = MemoryDesk(wrong, hide=["car-1"])
    at_work(desk, judged)
    assert judge(judged.truth, desk.labels()).n_passing == judged.n_boxes - 40
    shown = MemoryDesk(wrong)
    at_work(shown, judged)
    assert judge(judged.truth, shown.labels()).n_passing == judged.n_boxes


def test_a_box_that_fails_gets_a_keyframe_and_is_looked_at_again():
    judged = scene()
    wrong = changed(judged.truth, judged.truth.tracks == 0, (3.0, 0.0, 0.0))
    done = at_work(MemoryDesk(wrong), judged)
    mine = [a.key for a in done.actions if a.track_id == "car-1"]
    assert mine == [
        "verify_grid",
        "nav_open_track",
        "edit_keyframe",
        "verify_grid",
    ]
    assert done.n_keyframes == 1


def test_a_proposal_on_nothing_is_deleted():
    judged = scene()
    ghost = changed(judged.truth, slice(None), (0.0, 80.0, 0.0))[judged.truth.tracks == 0]
    both = named(
        Labels.from_columns(
            np.concatenate([judged.truth.timestamps_ns, ghost.timestamps_ns]),
            np.concatenate([track_names(judged.truth), ["ghost"] * len(ghost)]),
            ["car"] * (len(judged.truth) + len(ghost)),
            Cuboids.unpack(np.concatenate([judged.truth.cuboids.packed(), ghost.cuboids.packed()])),
            n_points=np.concatenate([judged.truth.n_points, ghost.n_points]),
        ),
        np.concatenate([track_names(judged.truth), ["ghost"] * len(ghost)]),
    )
    desk = MemoryDesk(both)
    done = at_work(desk, judged)
    assert "ghost" not in desk.tracks
    assert count(done.actions)["delete"] == 1


def test_a_wrong_class_is_named():
    judged = scene()
    classes = np.where(track_names(judged.truth) == "car-1", "truck", "car").astype("<U16")
    classes[track_names(judged.truth) == "walker"] = "pedestrian"
    desk = MemoryDesk(named(judged.truth, track_names(judged.truth), classes))
    done = at_work(desk, judged)
    assert count(done.actions)["class_single"] == 1
    assert judge(judged.truth, desk.labels()).right_class == 1


def test_two_pieces_of_one_object_are_joined():
    judged = scene()
    names = track_names(judged.truth)
    late = judged.truth.timestamps_ns >= 25 * STEP_NS
    names[(names == "car-2") & late] = "piece"
    desk = MemoryDesk(named(judged.truth, names), expected_error=0.9)
    done = at_work(desk, judged)
    assert count(done.actions)["merge_split_track"] == 1
    found = judge(judged.truth, desk.labels())
    assert found.identity_switches == 0
    assert found.recall == 1


def test_a_track_that_goes_over_to_another_object_is_cut():
    judged = scene()
    names = track_names(judged.truth)
    late = judged.truth.timestamps_ns >= 20 * STEP_NS
    keep = ~((names == "car-1") & late)
    names[(names == "car-2") & late] = "car-1"
    labels = named(judged.truth, names)[keep]
    desk = MemoryDesk(labels, expected_error=0.9)
    at_work(desk, judged)
    found = judge(judged.truth, desk.labels())
    assert found.recall == 1
    assert found.passing == 1


def test_ends_are_moved_to_where_the_object_shows():
    judged = scene()
    keep = (judged.truth.tracks != 1) | (judged.truth.timestamps_ns >= 10 * STEP_NS)
    desk = MemoryDesk(judged.truth[keep], expected_error=0.9)
    done = at_work(desk, judged)
    assert count(done.actions)["merge_split_track"] == 1
    assert judge(judged.truth, desk.labels()).recall == 1


def test_a_missing_object_is_taken_from_its_tile_and_a_false_one_is_not():
    judged = scene()
    walker = track_names(judged.truth) == "walker"
    ghost = changed(judged.truth, slice(None), (0.0, 80.0, 0.0))[judged.truth.tracks == 0]
    candidates = Labels.from_columns(
        np.concatenate([judged.truth.timestamps_ns[walker], ghost.timestamps_ns]),
        np.repeat(["c1", "c2"], [walker.sum(), len(ghost)]),
        np.repeat(["pedestrian", "car"], [walker.sum(), len(ghost)]),
        Cuboids.unpack(
            np.concatenate([judged.truth.cuboids.packed()[walker], ghost.cuboids.packed()])
        ),
        n_points=np.concatenate([judged.truth.n_points[walker], ghost.n_points]),
    )
    desk = MemoryDesk(judged.truth[~walker], candidates=candidates)
    at_work(desk, judged)
    assert desk.rejected == ["c2"]
    assert judge(judged.truth, desk.labels()).recall == 1


@pytest.mark.parametrize("noise", [EXACT, Noise()])
def test_costs_reproduce_from_the_rows(noise):
    judged = scene()
    wrong = changed(judged.truth, slice(None), (1.5, 0.5, 0.0))
    done = at_work(MemoryDesk(wrong), judged, noise)
    table = load_seconds()
    spent = effort(done.actions, table, n_tracks=3, sensor_s=4.0)
    again = effort(list(reversed(done.actions)), table, n_tracks=3, sensor_s=4.0)
    assert spent.counts == again.counts
    running = spent_s(done.actions, table)
    assert running[-1] == pytest.approx(3 * spent.seconds_per_track["nominal"])
    assert (np.diff(running) > 0).all()
    rows = [n for n, _ in done.curve]
    assert rows == sorted(rows)
    assert done.curve[-1][0] == len(done.actions)


def test_a_noisy_hand_still_leaves_every_box_passing():
    judged = scene()
    desk = MemoryDesk(changed(judged.truth, slice(None), (0.25, 0.35, 0.0)))
    at_work(desk, judged, Noise())
    assert judge(judged.truth, desk.labels()).n_passing == judged.n_boxes
