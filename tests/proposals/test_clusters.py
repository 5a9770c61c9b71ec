import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perception_label as pl
from perception_label.proposals.clusters import HISTOGRAM, choose, list_clusters

SEEDS = st.integers(0, 2**32 - 1)


def cloud(seed, n=150):
    rng = np.random.default_rng(seed)
    points = np.round(rng.uniform(-4, 4, (n, 3)), 2).astype(np.float32)
    return points, rng.uniform(0, 3, n).astype(np.float32)


def members(found):
    return [found.order[a:b].tolist() for a, b in zip(found.start, found.start[1:], strict=False)]


@given(SEEDS)
def test_the_clusters_of_nested_labelings_are_listed_once_each(seed):
    points, height = cloud(seed)
    labelings = [pl.cluster(points, radius_m=r, method="euclidean") for r in (0.4, 0.8, 1.6)]
    found = list_clusters(points, height, labelings)
    expected = {
        tuple(np.flatnonzero(labels == k)) for labels in labelings for k in range(labels.max() + 1)
    }
    assert len(found) == len(expected)
    assert {tuple(rows) for rows in members(found)} == expected


def test_a_labeling_given_twice_counts_once():
    points, height = cloud(1)
    labels = pl.cluster(points, radius_m=0.9)
    once = list_clusters(points, height, [labels])
    twice = list_clusters(points, height, [labels, labels])
    assert members(once) == members(twice)
    assert len(once) == labels.max() + 1


def test_more_clusters_than_sixteen_bits_count():
    n = (1 << 15) + 5
    points = np.column_stack([np.arange(n), np.zeros(n)])
    found = list_clusters(points, np.ones(n), [np.arange(n, dtype=np.int32)])
    assert len(found) == n
    assert found.order.tolist() == list(range(n))


def test_noise_is_in_no_cluster():
    found = list_clusters(np.zeros((3, 2)), np.zeros(3), [np.array([-1, 0, -1], np.int32)])
    assert members(found) == [[1]]


@pytest.mark.parametrize("labelings", [[], [np.empty(0, np.int32)]])
def test_no_points_give_no_clusters(labelings):
    found = list_clusters(np.empty((0, 3)), np.empty(0), labelings)
    assert len(found) == 0
    assert found.shape.shape == (0, 18)
    assert found.closeness_yaw().shape == (0,)
    assert found.extents(np.empty(0, np.int64), np.empty(0)).shape == (0, 4)


def test_a_labeling_of_other_points_is_refused():
    with pytest.raises(pl.LabelError, match=r"labelings: expected \(3,\), got \[\(2,\)\]"):
        list_clusters(np.zeros((3, 3)), np.zeros(3), [np.zeros(2, np.int32)])


@given(SEEDS)
def test_choose_keeps_the_marked_clusters_as_they_are(seed):
    points, height = cloud(seed)
    found = list_clusters(points, height, [pl.cluster(points, radius_m=0.7, method="euclidean")])
    mask = np.random.default_rng(seed).random(len(found)) < 0.5
    kept = choose(found, mask)
    assert members(kept) == [rows for rows, on in zip(members(found), mask, strict=True) if on]
    np.testing.assert_array_equal(kept.shape, found.shape[mask])


def test_the_shape_of_a_small_cluster():
    xy = np.array([[0.0, 1.0], [2.0, 1.5], [1.0, 1.0], [9.0, 9.0]])
    found = list_clusters(xy, np.array([0.2, 0.4, 0.9, 1.0]), [np.array([0, 0, 0, -1], np.int32)])
    expected = [3, 2, 0.5, 0.2, 0.9, 0.5, np.std([0.2, 0.4, 0.9]), np.log(4)]
    np.testing.assert_allclose(found.shape[0, :HISTOGRAM], expected, rtol=1e-5)
    # Up to 0.3 m, 0.6 m, 0.9 m: a third of the points each.
    np.testing.assert_allclose(found.shape[0, HISTOGRAM:], [1 / 3] * 3 + [0] * 7, rtol=1e-5)
