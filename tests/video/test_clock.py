import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception_label.errors import ShapeError
from perception_label.video.clock import clock_drift, pair_images

MS = 1_000_000
PERIOD = 100 * MS


def test_each_sweep_gets_the_nearest_image():
    pairs = pair_images([0, PERIOD, 2 * PERIOD], [5 * MS, 95 * MS, 130 * MS, 199 * MS])
    assert pairs.image.tolist() == [0, 1, 3]
    assert pairs.residual_ns.tolist() == [5 * MS, -5 * MS, -1 * MS]


def test_the_offset_of_a_sensor_is_added():
    sweeps = np.arange(10) * PERIOD
    pairs = pair_images(sweeps, sweeps - 40 * MS, offset_ns=40 * MS)
    assert pairs.image.tolist() == list(range(10))
    assert not pairs.residual_ns.any()
    assert pairs.summary()["p95_s"] == 0


def test_a_sweep_without_an_image_near_has_none():
    pairs = pair_images(np.arange(10) * PERIOD, np.arange(4, 8) * PERIOD)
    assert pairs.image.tolist() == [-1] * 4 + [0, 1, 2, 3] + [-1] * 2
    assert pairs.summary()["n_unpaired"] == 6


def test_no_images_and_no_sweeps_are_no_pairs():
    assert pair_images([0, 1], []).image.tolist() == [-1, -1]
    assert pair_images([], [5]).summary() == {"n_paired": 0.0, "n_unpaired": 0.0}


def test_of_images_of_one_time_the_first_is_taken():
    assert pair_images([PERIOD], [0, PERIOD, PERIOD, 2 * PERIOD]).image.tolist() == [1]


def test_image_times_that_go_back_are_refused():
    with pytest.raises(ShapeError, match=r"got image 2 0\.100 s before"):
        pair_images([0], [0, PERIOD, 0])


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.integers(-1000, 1000),
)
def test_pairs_are_those_of_brute_force(sweeps, images, offset):
    images = sorted(images)
    pairs = pair_images(sweeps, images, offset_ns=offset, max_gap_ns=10**7)
    for at, image, residual in zip(sweeps, pairs.image, pairs.residual_ns, strict=True):
        gaps = [abs(t + offset - at) for t in images]
        assert image == gaps.index(min(gaps))
        assert residual == images[image] + offset - at


@given(st.integers(-(10**9), 10**9))
def test_pairs_do_not_depend_on_where_time_begins(shift):
    sweeps, images = np.arange(20) * PERIOD, np.arange(60) * 33 * MS
    moved = pair_images(sweeps + shift, images + shift)
    np.testing.assert_array_equal(moved.image, pair_images(sweeps, images).image)


def test_a_rate_typed_by_hand_shows_as_drift():
    presentation = np.arange(300) * 33_366_667
    typed = np.arange(300) * 33_333_333
    told = clock_drift(typed, presentation)
    assert told["drift_ppm"] == pytest.approx(-999, abs=2)
    assert told["residual_s"] < 1e-6


def test_a_lost_image_shows_as_a_residual():
    presentation = np.arange(300) * 33_333_333
    recorded = presentation + np.where(np.arange(300) > 100, 33_333_333, 0)
    assert clock_drift(recorded, presentation)["residual_s"] > 0.015


def test_few_images_have_no_drift():
    assert clock_drift([0, 5], [0, 7])["drift_ppm"] == 0
