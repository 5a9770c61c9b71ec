import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import SettingError
from perception_label.geometry.cuboids import Cuboids
from perception_label.quality.metrics_detection import (
    Criterion,
    average_precision,
    match_boxes,
    score_boxes,
)
from perception_label.quality.pairs import pair_up


def boxes(x, yaw=0.0, y=0.0):
    x = np.atleast_1d(np.asarray(x, dtype=float))
    return Cuboids(
        np.column_stack([x, np.full(len(x), y), np.zeros(len(x))]),
        np.tile([4.0, 2.0, 1.5], (len(x), 1)),
        np.full(len(x), yaw),
    )


def compare(truth, labels, scores=None, criterion=None, counts=None, inside=None):
    pairs = pair_up(truth, np.zeros(len(truth), int), labels, np.zeros(len(labels), int))
    scores = np.ones(len(labels)) if scores is None else np.asarray(scores, float)
    counts = np.ones(len(truth), bool) if counts is None else np.asarray(counts)
    inside = np.ones(len(labels), bool) if inside is None else np.asarray(inside)
    matches = match_boxes(pairs, criterion or Criterion("iou_3d", 0.5), scores, counts, inside)
    return score_boxes(matches, pairs, truth, labels, scores)


def test_average_precision_of_the_published_example():
    # Padilla, Netto, da Silva (IWSSIP 2020): 15 truth boxes, 24 labels, AP 24.56 %.
    ranked = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    scores = np.linspace(0.95, 0.1, 24)
    right, wrong = scores[ranked == 1], scores[ranked == 0]
    assert average_precision(right, wrong, 15) == pytest.approx(0.2456, abs=1e-4)


def slow_average_precision(right, wrong, n_truth):
    """Every threshold on its own, then the best precision at this recall or more."""
    points = []
    for threshold in sorted({*right, *wrong}, reverse=True):
        hits = sum(s >= threshold for s in right)
        points.append((hits / n_truth, hits / (hits + sum(s >= threshold for s in wrong))))
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area


@given(
    st.lists(st.integers(0, 9), max_size=15),
    st.lists(st.integers(0, 9), max_size=15),
    st.integers(1, 5),
)
def test_average_precision_matches_the_slow_definition(right, wrong, missed):
    a, b = np.array(right, float), np.array(wrong, float)
    n_truth = len(right) + missed
    expected = slow_average_precision(right, wrong, n_truth)
    assert average_precision(a, b, n_truth) == pytest.approx(expected)


def test_a_box_found_twice_is_one_hit_and_one_false_label():
    score = compare(boxes([0.0]), boxes([0.2, 0.1]), scores=[0.9, 0.5])
    assert (score.recall, score.precision) == (1, 0.5)
    # The higher score is taken first, though the other lies closer.
    assert score.center_error_m == pytest.approx(0.2)


def test_a_label_on_truth_that_is_set_aside_is_neither_right_nor_wrong():
    score = compare(boxes([0.0, 20.0]), boxes([0.0, 20.0, 40.0]), counts=[True, False])
    assert (score.n_truth, score.n_labels, score.n_matched) == (1, 2, 1)


def test_a_label_outside_the_region_counts_only_if_it_matches():
    score = compare(boxes([0.0]), boxes([0.1, 30.0]), inside=[False, False])
    assert (score.recall, score.precision) == (1, 1)


def test_heading_error_is_given_with_and_without_front_and_back():
    score = compare(boxes([0.0], yaw=3.1), boxes([0.0], yaw=-0.1))
    assert score.heading_error_rad == pytest.approx(2 * np.pi - 3.2)
    assert score.heading_error_pi_rad == pytest.approx(3.2 - np.pi)


def test_centre_distance_matches_boxes_that_do_not_overlap():
    thin = Cuboids([[0, 0, 0]], [[0.2, 0.2, 1.7]], [0])
    near = Cuboids([[0.4, 0, 0]], [[0.2, 0.2, 1.7]], [0])
    assert compare(thin, near, criterion=Criterion("distance", 0.5)).recall == 1
    assert compare(thin, near, criterion=Criterion("iou_bev", 0.5)).recall == 0


def slow_matching(truth, labels, scores, threshold, iou):
    """Labels by score, each takes the best free truth."""
    free, n = set(range(len(truth))), 0
    for j in sorted(range(len(labels)), key=lambda j: -scores[j]):
        best = max(free, key=lambda i: iou[i, j], default=None)
        if best is not None and iou[best, j] >= threshold:
            free.remove(best)
            n += 1
    return n


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 0.5, 0.7]))
def test_matching_finds_what_the_plain_loop_finds(seed, threshold):
    from perception_label.geometry.overlap import overlap_3d

    rng = np.random.default_rng(seed)
    truth, labels = (
        Cuboids(
            rng.uniform(0, 6, (n, 3)) * [1, 1, 0.1],
            np.tile([4.0, 2.0, 1.5], (n, 1)),
            rng.uniform(-4, 4, n),
        )
        for n in rng.integers(0, 12, 2)
    )
    scores = rng.permutation(len(labels)) / 20
    score = compare(truth, labels, scores, Criterion("iou_3d", threshold))
    iou = overlap_3d(truth, labels)
    assert score.n_matched == slow_matching(truth, labels, scores, threshold, iou)


def test_no_boxes_give_no_ratios():
    score = compare(boxes([]), boxes([]))
    assert (score.recall, score.precision, score.ap, score.mean_iou) == (None,) * 4
    assert compare(boxes([0.0]), boxes([])).ap == 0
    assert compare(boxes([]), boxes([0.0])).precision == 0


def test_an_unknown_measure_names_the_known():
    with pytest.raises(SettingError, match="iou_3d"):
        Criterion("giou", 0.5)
