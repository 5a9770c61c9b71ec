import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perception_label.review.container import pack


def unpack(data):
    assert data[:4] == b"PLS1"
    (length,) = struct.unpack("<I", data[4:8])
    assert (8 + length) % 8 == 0
    header = json.loads(data[8 : 8 + length])
    rows = np.frombuffer(data[8 + length :], dtype="<u2").reshape(-1, 4)
    assert len(rows) == header["n"]
    return header, rows[:, :3] * np.array(header["scale"]) + header["origin"], rows[:, 3]


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 50), st.just(3)),
        elements=st.floats(-200, 200, width=32),
    )
)
def test_points_come_back_within_half_a_step(points):
    header, found, _ = unpack(pack(points, None))
    step = np.array(header["scale"])
    assert found.shape == points.shape
    for point in points:
        gap = np.abs(found - point)
        assert (gap <= step * 0.5 + 1e-5).all(axis=1).any()


def test_half_a_step_is_under_2_mm_on_a_wide_sweep():
    points = np.random.default_rng(0).uniform(-115, 115, (1000, 3)).astype(np.float32)
    header, _, _ = unpack(pack(points, None))
    assert max(header["scale"]) / 2 < 2e-3


def test_every_prefix_is_a_fair_sample():
    points = np.zeros((10_000, 3), dtype=np.float32)
    points[:, 0] = np.arange(10_000)
    _, found, _ = unpack(pack(points, None))
    assert found[:1000, 0].mean() == pytest.approx(5000, rel=0.1)


def test_the_same_sweep_is_the_same_bytes():
    points = np.random.default_rng(1).normal(size=(100, 3)).astype(np.float32)
    assert pack(points, points[:, 0]) == pack(points.copy(), points[:, 0].copy())


def test_points_that_are_not_finite_are_left_out():
    points = np.array([[0, 0, 0], [np.nan, 1, 1], [2, 2, np.inf]], dtype=np.float32)
    header, found, _ = unpack(pack(points, np.ones(3, np.float32)))
    assert header["n"] == 1
    np.testing.assert_allclose(found, [[0, 0, 0]], atol=1e-6)


def test_a_sweep_of_no_points():
    header, found, _ = unpack(pack(np.empty((0, 3), np.float32), np.empty(0, np.float32)))
    assert header["n"] == 0
    assert len(found) == 0


def test_intensity_is_stretched():
    points = np.random.default_rng(2).normal(size=(1000, 3)).astype(np.float32)
    _, _, intensity = unpack(pack(points, np.linspace(0, 40, 1000, dtype=np.float32)))
    assert intensity.max() == 65535
    assert intensity.min() == 0
