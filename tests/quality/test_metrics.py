import numpy as np
import pytest

from perception_label.config import Scoring
from perception_label.errors import ShapeError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.quality.metrics import HEADLINE, locate, score_labels

TIMES = np.arange(5, dtype=np.int64) * 100_000_000


def log(x_m, names=None, times=None, tracks=None, **columns):
    """Boxes at x in each sweep (or at the given times), 4 m long, on the x axis."""
    x = np.asarray(x_m, float)
    times = np.repeat(TIMES, len(x)) if times is None else np.asarray(times)
    n = len(times)
    x = np.resize(x, n)
    tracks = np.resize(np.arange(len(x_m)), n) if tracks is None else tracks
    cuboids = Cuboids(
        np.column_stack([x, np.zeros(n), np.zeros(n)]),
        np.tile([4.0, 2.0, 1.5], (n, 1)),
        np.zeros(n),
    )
    names = np.resize(names or ["car"], n)
    return Labels.from_columns(times, tracks, names, cuboids, **columns)


POSES = np.tile(np.eye(4), (5, 1, 1))


def test_truth_against_itself_is_perfect():
    truth = log([5, 15, 30], ["car", "pedestrian", "bicycle"])
    result = score_labels(truth, truth, TIMES, POSES)
    assert set(result) == {"vehicle", "pedestrian", "cyclist"}
    for group in result.values():
        assert all(s.recall == s.precision == s.ap == 1 for s in group.boxes.values())
        assert (group.tracks.hota, group.tracks.mota) == pytest.approx((1, 1))


def test_classes_of_one_group_match_and_others_do_not():
    truth = log([5, 15], ["truck", "pedestrian"])
    labels = log([5, 15], ["car", "cyclist"])
    result = score_labels(truth, labels, TIMES, POSES)
    assert result["vehicle"].boxes[HEADLINE["vehicle"]].recall == 1
    assert result["vehicle"].class_recall == {"truck": (5, 5)}
    assert result["pedestrian"].boxes[HEADLINE["pedestrian"]].recall == 0
    assert result["cyclist"].boxes[HEADLINE["cyclist"]].precision == 0


def test_truth_with_few_points_costs_nothing_and_shields_its_label():
    truth = log([5, 15], n_points=np.resize([100, 3], 10))
    both, one = log([5, 15]), log([5])
    for labels in (both, one):
        score = score_labels(truth, labels, TIMES, POSES)["vehicle"]
        assert (score.boxes[HEADLINE["vehicle"]].n_truth, score.tracks.mota) == (5, 1)
        assert score.boxes[HEADLINE["vehicle"]].precision == 1
    everything = Scoring(min_points=0)
    score = score_labels(truth, one, TIMES, POSES, settings=everything)["vehicle"]
    assert score.boxes[HEADLINE["vehicle"]].recall == 0.5


def test_boxes_out_of_range_are_not_judged():
    truth, labels = log([5, 70]), log([5, 80])
    score = score_labels(truth, labels, TIMES, POSES)["vehicle"].boxes[HEADLINE["vehicle"]]
    assert (score.recall, score.precision) == (1, 1)


def test_labels_out_of_the_truths_view_are_not_false():
    truth, labels = log([5]), log([5, -20])
    view = (-0.7, 0.7)
    score = score_labels(truth, labels, TIMES, POSES, view_rad=view)["vehicle"]
    assert score.boxes[HEADLINE["vehicle"]].precision == 1
    assert score_labels(truth, labels, TIMES, POSES)["vehicle"].tracks.mota == 0


@pytest.mark.parametrize("view", [(np.pi - 0.2, np.pi + 0.2), (-np.pi - 0.2, -np.pi + 0.2)])
def test_a_view_may_cross_the_seam_behind(view):
    truth = log([-5, 5])
    judged = locate(truth, TIMES, POSES, max_range_m=60, view_rad=view)
    assert judged.inside.tolist() == [True, False] * 5


def test_bands_share_out_what_the_whole_counts():
    truth, labels = log([5, 25, 45]), log([5, 26, 46, 30])
    score = score_labels(truth, labels, TIMES, POSES)["vehicle"]
    whole = score.boxes[HEADLINE["vehicle"]]
    for count in ("n_truth", "n_labels", "n_matched"):
        assert sum(getattr(b, count) for b in score.bands.values()) == getattr(whole, count)
    assert list(score.bands) == [(0, 20), (20, 40), (40, 60)]


def test_moving_world_and_ego_together_changes_nothing():
    rng = np.random.default_rng(0)
    truth, labels = log(rng.uniform(3, 70, 12)), log(rng.uniform(3, 70, 12))
    angle = 0.7
    move = np.eye(4)
    move[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    move[:3, 3] = [5e5, 4e6, 100]

    def moved(side):
        return Labels.from_columns(
            side.timestamps_ns, side.tracks, ["car"] * len(side), side.cuboids.moved(move)
        )

    a = score_labels(truth, labels, TIMES, POSES)["vehicle"]
    b = score_labels(moved(truth), moved(labels), TIMES, move @ POSES)["vehicle"]
    for criterion, score in a.boxes.items():
        assert score.n_matched == b.boxes[criterion].n_matched
    assert a.tracks.mota == b.tracks.mota


def test_a_box_at_an_unknown_instant_is_refused():
    with pytest.raises(ShapeError, match="2 at others"):
        score_labels(log([5]), log([5], times=[7, 8]), TIMES, POSES)


def test_empty_labels_find_nothing():
    none = log([5])[np.zeros(5, bool)]
    score = score_labels(log([5]), none, TIMES, POSES)["vehicle"]
    assert score.boxes[HEADLINE["vehicle"]].recall == 0
    assert score.tracks.hota == 0
    assert score_labels(none, none, TIMES, POSES) == {}
