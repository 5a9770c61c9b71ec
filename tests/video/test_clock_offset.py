import numpy as np
import pytest

from perception_label.video.clock_offset import clock_offset, sideways_motion

MS = 1_000_000
PERIOD = 100 * MS


def turns(t):
    return np.sin(0.9 * t) + 0.7 * np.sin(2.3 * t + 1) + 0.3 * np.sin(5.1 * t)


@pytest.mark.parametrize("offset_s", [-0.25, 0.0, 0.1, 0.333])
def test_an_offset_is_found_from_a_motion_both_felt(offset_s):
    own = np.arange(200) * PERIOD
    other = np.arange(600) * 33 * MS
    rng = np.random.default_rng(0)
    seen = -3 * turns(other / 1e9 + offset_s) + rng.normal(0, 0.2, 600)
    found = clock_offset(own, turns(own / 1e9), other, seen)
    assert found.is_sure
    assert found.offset_ns / 1e9 == pytest.approx(offset_s, abs=0.01)
    assert found.correlation < -0.9


def test_without_motion_no_offset_is_claimed():
    own = np.arange(200) * PERIOD
    assert not clock_offset(own, np.zeros(200), own, turns(own / 1e9)).is_sure
    noise = np.random.default_rng(0).normal(size=(2, 200))
    assert not clock_offset(own, noise[0], own, noise[1]).is_sure
    assert not clock_offset(own[:5], np.arange(5.0), own, noise[1]).is_sure


def test_a_motion_that_repeats_is_no_evidence():
    own = np.arange(400) * PERIOD
    wave = np.sin(2 * np.pi * own / 1e9 * 2)
    assert not clock_offset(own, wave, own, wave).is_sure


def test_sideways_motion_of_a_panning_picture():
    rng = np.random.default_rng(0)
    wide = np.repeat(rng.integers(0, 255, (40, 150)), 8, axis=1)
    wide = np.array([np.convolve(row, np.ones(9) / 9, "same") for row in wide])
    steps = np.array([0, 3, 7, -4, 0, 12])
    starts = 300 + np.cumsum(steps)
    moved = sideways_motion(wide[:, s : s + 640].astype(np.uint8) for s in starts)
    np.testing.assert_allclose(moved, -steps, atol=0.5)
    assert sideways_motion([]).tolist() == []
