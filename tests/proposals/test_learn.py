"""Learning from verdicts: better where they tell something, nothing changes where they do not."""

import numpy as np
import pytest

from perception_label import Cuboids
from perception_label.errors import ShapeError
from perception_label.geometry.labels import Labels, join_labels
from perception_label.proposals.learn import (
    FEATURES,
    RIGHT,
    UNKNOWN,
    WRONG,
    TrackTable,
    join_tables,
    learn,
    track_table,
)

HEIGHT = FEATURES.index("height_m")


def table(seed, n, told):
    """Tracks whose scores say nothing; with `told`, their height says what is right."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, len(FEATURES)))
    chance = 1 / (1 + np.exp(-4 * features[:, HEIGHT])) if told else np.full(n, 0.5)
    right = rng.random(n) < chance
    features[:, 0] = 0
    names = np.full(n, "car")
    ids = np.array([f"p{k:05d}" for k in range(n)])
    return TrackTable(features, np.full(n, 0.5), ids, names), right


def judged(right, n_judged):
    verdicts = np.full(len(right), UNKNOWN)
    verdicts[:n_judged] = np.where(right[:n_judged], RIGHT, WRONG)
    return verdicts


@pytest.mark.parametrize("seed", range(3))
def test_what_the_verdicts_tell_is_used_on_the_rest(seed):
    given, right = table(seed, 300, told=True)
    found = learn(given, judged(right, 120), given.class_names)
    assert found.is_used
    assert found.loss < found.shipped_loss
    rest = slice(120, None)
    assert ((found.probability[rest] > 0.5) == right[rest]).mean() > 0.75
    assert (found.probability >= 0.01).all()
    assert (found.probability <= 0.99).all()


def test_verdicts_that_tell_nothing_change_nothing():
    used = 0
    for seed in range(12):
        given, right = table(seed, 200, told=False)
        found = learn(given, judged(right, 100), given.class_names)
        used += found.is_used
        if not found.is_used:
            assert found.probability is given.shipped
    assert used <= 1


@pytest.mark.parametrize("n_judged", [0, 1, 19])
def test_few_verdicts_change_nothing(n_judged):
    given, right = table(0, 100, told=True)
    found = learn(given, judged(right, n_judged), given.class_names)
    assert not found.is_used
    assert not found.classes_used
    assert np.isnan(found.loss)


def test_verdicts_of_one_kind_change_nothing():
    given, _ = table(0, 100, told=True)
    found = learn(given, judged(np.ones(100, bool), 60), given.class_names)
    assert not found.is_used
    assert (found.n_right, found.n_wrong) == (60, 0)


def test_the_same_verdicts_teach_the_same():
    given, right = table(1, 200, told=True)
    one, two = (learn(given, judged(right, 80), given.class_names) for _ in range(2))
    assert one.probability.tobytes() == two.probability.tobytes()


def test_what_other_logs_teach_must_hold_here_too():
    there, right_there = table(4, 300, told=True)
    here, right_here = table(5, 200, told=True)
    both = join_tables([here, there])
    is_own = np.arange(500) < 200
    names = np.full(500, "car")

    def taught(n_own, right):
        verdicts = np.concatenate([judged(right, n_own), judged(right_there, 300)])
        return learn(both, verdicts, names, is_own=is_own)

    assert not taught(0, right_here).is_used
    assert taught(100, right_here).is_used
    assert not taught(100, ~right_here).is_used


def test_classes_that_a_person_corrects_are_learned():
    given, _ = table(2, 300, told=True)
    named = np.where(given.features[:, HEIGHT] > 0.3, "truck", "car")
    found = learn(given, judged(np.ones(300, bool), 150), named)
    assert found.classes_used
    assert (found.class_names[150:] == named[150:]).mean() > 0.95
    assert (found.class_doubt[150:] < 0.5).all()


def test_names_that_were_right_stay_and_rare_ones_too():
    given, _ = table(2, 100, told=True)
    names = np.where(np.arange(100) == 3, "bus", given.class_names)
    found = learn(given, judged(np.ones(100, bool), 60), names)
    assert not found.classes_used
    assert (found.class_names == given.class_names).all()
    assert (found.class_doubt == 0).all()


def test_columns_of_other_lengths_are_an_error():
    given, right = table(0, 30, told=True)
    with pytest.raises(ShapeError, match="verdicts"):
        learn(given, judged(right, 20)[:-1], given.class_names)


def boxes():
    """A parked car seen from 20 m, and a walker."""
    at = np.repeat(np.arange(5), 2) * 100_000_000
    center = np.array([[20.0, 0, 1], [0, 5, 1]] * 5)
    center[1::2, 0] = np.arange(5) * 0.15
    size = [[4.5, 1.9, 1.6], [0.6, 0.6, 1.7]] * 5
    return Labels.from_columns(
        at,
        ["a", "b"] * 5,
        ["car", "pedestrian"] * 5,
        Cuboids(center, size, np.zeros(10)),
        scores=[0.9, 0.2] * 5,
        n_points=[100, 3] * 5,
    )


def test_features_are_those_of_the_track():
    labels = boxes()
    found = track_table(labels, np.tile([[0.0, 0, 1.8]], (10, 1)))
    by_name = dict(zip(FEATURES, found.features.T, strict=True))
    assert found.track_ids.tolist() == ["a", "b"]
    assert found.class_names.tolist() == ["car", "pedestrian"]
    assert found.shipped == pytest.approx([0.9, 0.2])
    assert by_name["travel_m"] == pytest.approx([0, 0.6])
    assert by_name["speed_mps"] == pytest.approx([0, 1.5])
    assert by_name["nearest_m"] == pytest.approx([20, 5])
    assert by_name["seen_share"].tolist() == [1, 0]
    assert by_name["log_boxes"] == pytest.approx(np.log1p([5, 5]))


def test_the_order_of_boxes_and_the_place_in_the_world_change_no_feature():
    labels, sensor = boxes(), np.tile([[1.0, 2, 1.8]], (10, 1))
    order = np.random.default_rng(0).permutation(10)
    one = track_table(labels, sensor).features
    assert np.allclose(one, track_table(labels[order], sensor[order]).features)
    shift = np.array([100.0, -50, 3])
    moved = Labels.from_columns(
        labels.timestamps_ns,
        np.array(labels.track_names)[labels.tracks],
        np.array(labels.class_names)[labels.classes],
        Cuboids(labels.cuboids.center_m + shift, labels.cuboids.size_m, np.zeros(10)),
        scores=labels.scores,
        n_points=labels.n_points,
    )
    assert np.allclose(one, track_table(moved, sensor + shift).features)


def test_no_tracks_are_no_rows():
    empty = track_table(join_labels([]), np.empty((0, 3)))
    assert empty.features.shape == (0, len(FEATURES))
    none = join_tables([])
    assert len(none) == 0
    found = learn(none, np.empty(0, int), none.class_names)
    assert len(found.probability) == 0
